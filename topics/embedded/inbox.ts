/**
 * Work handed over to the owner of a folder: one file a piece in the folder's inbox, written under a temporary name, synced and
 * renamed. The owner does it in its own transactions and answers in a file beside it. Work that was delivered is done by the next
 * owner if this one dies.
 */
import { randomUUID } from 'node:crypto'
import { open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError, type LogErrorCode, type OutgoingRecord, type Position, type TopicSpecification } from '../log.ts'
import { makeFolder } from '../make-folder.ts'
import { asLogError, INBOX_FOLDER } from './environment.ts'
import type { FaultPoint } from './faults.ts'

const POLL_MILLISECONDS = 50
const REQUESTS_AT_ONCE = 16
/** Temporary files and answers that nobody fetched are removed when they are older. */
const LEFTOVER_MILLISECONDS = 3_600_000
const REQUEST = '.request'
const ANSWER = '.answer'
const TEMPORARY = '.temporary'
const REFUSED = '.refused'

/** What a process asks of the owner. */
export type Request =
  | { operation: 'append'; records: readonly OutgoingRecord[]; appendId: string }
  | { operation: 'ensureTopics'; topics: readonly TopicSpecification[] }
  | { operation: 'schemaId'; schema: string }
  | { operation: 'deleteBefore'; position: Position }
  | { operation: 'maintain' }

/** What the operation gave back, as JSON. */
export type Answer = boolean | number | null

type StoredAnswer = { value: Answer } | { code: LogErrorCode; message: string }

/** Writes the request where the owner finds it. @returns its name, for `answerTo` */
export async function deliver(
  directory: string,
  namespace: string,
  request: Request,
  fault: (name: FaultPoint) => void,
): Promise<string> {
  const inbox = join(directory, INBOX_FOLDER)
  // Names sort by time, so the owner works in order of delivery.
  const name = `${Date.now().toString().padStart(15, '0')}-${process.pid}-${randomUUID()}`
  const temporary = join(inbox, name + TEMPORARY)
  try {
    makeFolder(inbox)
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(encodeRequest(namespace, request))
      await file.sync()
    } finally {
      await file.close()
    }
    fault('inbox:written')
    await rename(temporary, join(inbox, name + REQUEST))
    await syncFolder(inbox)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw asLogError(error, inbox)
  }
  fault('inbox:delivered')
  return name
}

/** The owner's answer to delivered work, once; undefined while there is none. @throws the LogError that the owner answered with */
export async function answerTo(directory: string, name: string): Promise<Answer | undefined> {
  const path = join(directory, INBOX_FOLDER, name + ANSWER)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  await unlink(path)
  const answer = JSON.parse(text) as StoredAnswer
  if ('code' in answer) throw new LogError(answer.code, answer.message)
  return answer.value
}

/** Takes undone work back. @returns false when the owner has it or has done it */
export async function withdraw(directory: string, name: string): Promise<boolean> {
  try {
    await unlink(join(directory, INBOX_FOLDER, name + REQUEST))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Does a piece of work for a namespace; `deliveryName` tells a second attempt at the same delivery. */
export type Perform = (namespace: string, request: Request, deliveryName: string) => Promise<Answer>

/** The owner's end: looks into the inbox every 50 ms. */
export class Inbox {
  private readonly folder: string
  private readonly perform: Perform
  private readonly fault: (name: FaultPoint) => void
  private timer: NodeJS.Timeout | undefined
  private working = Promise.resolve()
  private stopped = false

  constructor(directory: string, perform: Perform, fault: (name: FaultPoint) => void) {
    this.folder = join(directory, INBOX_FOLDER)
    this.perform = perform
    this.fault = fault
  }

  /** Does what already lies there, then goes on in the background. */
  async start(): Promise<void> {
    await this.removeLeftovers()
    await this.workThrough()
    this.schedule()
  }

  /** Finishes what it is doing and stops. */
  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.working
  }

  private schedule(): void {
    if (this.stopped) return
    this.timer = setTimeout(() => {
      this.working = this.workThrough().finally(() => {
        this.schedule()
      })
    }, POLL_MILLISECONDS)
    this.timer.unref()
  }

  private async workThrough(): Promise<void> {
    for (;;) {
      const names = (await this.names()).filter((name) => name.endsWith(REQUEST)).sort()
      if (names.length === 0) return
      const results = await Promise.all(
        names.slice(0, REQUESTS_AT_ONCE).map((name) => this.handle(name.slice(0, -REQUEST.length))),
      )
      // The folder can't be worked on now (a full disk, a lost folder): the next round tries again.
      if (results.includes(false) || this.stopped) return
    }
  }

  private async names(): Promise<string[]> {
    try {
      return await readdir(this.folder)
    } catch {
      return []
    }
  }

  private async handle(name: string): Promise<boolean> {
    const request = join(this.folder, name + REQUEST)
    try {
      const bytes = await readFile(request)
      const answer = await this.work(bytes, name)
      this.fault('inbox:applied')
      const temporary = join(this.folder, name + ANSWER + TEMPORARY)
      await writeFile(temporary, JSON.stringify(answer))
      await rename(temporary, join(this.folder, name + ANSWER))
      this.fault('inbox:answered')
      if ('code' in answer && answer.code === 'damaged') await rename(request, join(this.folder, name + REFUSED))
      else await unlink(request)
      return true
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT'
    }
  }

  private async work(bytes: Buffer, name: string): Promise<StoredAnswer> {
    try {
      const { namespace, request } = decodeRequest(bytes)
      return { value: await this.perform(namespace, request, name) }
    } catch (error) {
      if (error instanceof LogError) {
        // Not an answer: whoever owns the folder next will do it.
        if (error.code === 'fenced' || error.code === 'closed' || error.code === 'doubt') throw error
        return { code: error.code, message: error.message }
      }
      return {
        code: 'damaged',
        message: `handed-over work can't be done (${String(error)}): correct it and hand it over again`,
      }
    }
  }

  private async removeLeftovers(): Promise<void> {
    for (const name of await this.names()) {
      if (!name.endsWith(TEMPORARY) && !name.endsWith(ANSWER)) continue
      const path = join(this.folder, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
      if (Date.now() - mtimeMs > LEFTOVER_MILLISECONDS) await unlink(path).catch(() => undefined)
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows can't sync a folder, and needs no such call for a rename to last.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

interface RequestHead {
  namespace: string
  request: Request
  /** Lengths of the values of an append, which follow the head. */
  valueBytes?: number[]
}

function encodeRequest(namespace: string, request: Request): Buffer {
  let head: RequestHead = { namespace, request }
  let values: Uint8Array[] = []
  if (request.operation === 'append') {
    values = request.records.map(({ value }) => value)
    const records = request.records.map((record) => ({ ...record, value: new Uint8Array() }))
    head = { namespace, request: { ...request, records }, valueBytes: values.map(({ length }) => length) }
  }
  const text = Buffer.from(JSON.stringify(head))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  return Buffer.concat([length, text, ...values])
}

function decodeRequest(bytes: Buffer): { namespace: string; request: Request } {
  const start = 4 + bytes.readUInt32LE(0)
  const { namespace, request, valueBytes = [] } = JSON.parse(bytes.toString('utf8', 4, start)) as RequestHead
  if (request.operation !== 'append') return { namespace, request }
  const expected = valueBytes.reduce((sum, length) => sum + length, start)
  if (expected !== bytes.length) throw new RangeError(`${bytes.length} bytes, expected ${expected}`)
  let at = start
  const records = request.records.map((record, index) => {
    const from = at
    at += valueBytes[index] ?? 0
    return { ...record, value: bytes.subarray(from, at) }
  })
  return { namespace, request: { ...request, records } }
}
