/**
 * The folder of an export: files of rows, one folder a split, that appear whole, and what is needed to go on after a crash.
 *
 * Rows are appended to files under `.export/`. A checkpoint syncs these and then replaces `.export/state.json`, which says how
 * long each was: on the next start they are cut to that, and reading goes on from the offsets that the state names. A file that
 * is full is named in the state before it is moved to its place, and moved again if that was cut short.
 */
import {
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Columns } from './columns.ts'
import type { FileType } from './formats/format.ts'
import type { Retraction } from '../schemas/generated.ts'
import { makeFolder } from '../topics/make-folder.ts'
import { jsonLine } from './json-line.ts'
import { retractionLine } from './retracted.ts'
import { emptyTally, type Tally } from './tally.ts'

const workFolder = '.export'
const stateName = 'state.json'
const lockName = 'lock'
const stateVersion = 1

/** Retractions that came after rows had been written, one JSON object a line. */
const retractionsName = 'retractions.jsonl'

/** A file of rows in its place. */
export interface Shard {
  split: string
  /** Its path in the folder. */
  file: string
  rows: number
  bytes: number
}

interface OpenShard {
  number: number
  rows: number
  bytes: number
}

interface State {
  version: number
  /** What was asked for: a folder holds one export. */
  request: unknown
  /** The next offset of each partition of the sort's topic. */
  next: number[]
  /** The next offset of each partition of retractions; null before anything was read. */
  retractionsNext: number[] | null
  /** Bytes of the file that lists retractions; null where there is none. */
  retractionBytes: number | null
  /** Of a sample: up to where it was drawn, and the last row in its order as a hexadecimal number. */
  sample: { ends: number[]; last: string | null } | null
  tally: Tally
  open: Record<string, OpenShard>
  /** The number of each split's next file. */
  numbers: Record<string, number>
  /** Full, and perhaps not in their place yet. */
  closed: { split: string; number: number; rows: number }[]
  shards: Shard[]
  isComplete: boolean
}

/** The folder cannot take this export. `code` says why: another export is in it, something else is, a process writes to it, it is damaged. */
export class FolderError extends Error {
  readonly code: 'other_export' | 'not_empty' | 'busy' | 'damaged' | 'escapes'
  constructor(code: FolderError['code'], message: string) {
    super(message)
    this.code = code
  }
}

interface FolderOptions {
  /** Name of the files, before their number. */
  name: string
  fileType: FileType
  columns: Columns
  /** Rows of a file; undefined: all are in one. */
  shardRows: number | undefined
  request: unknown
  /** Where a new export begins. */
  start: { next: readonly number[]; retractions: readonly number[] | undefined }
}

/** A file that rows are appended to. */
interface Appending {
  handle: FileHandle
  /** What has not gone there yet. */
  buffer: string
}

/** Characters that are gathered before they go to a file. */
const bufferCharacters = 1 << 20

export class ExportFolder {
  readonly #directory: string
  readonly #options: FolderOptions
  readonly #state: State
  readonly #files = new Map<string, Appending>()

  private constructor(directory: string, options: FolderOptions, state: State) {
    this.#directory = directory
    this.#options = options
    this.#state = state
  }

  /**
   * Opens the folder, which is made where it is missing, and puts it as the last checkpoint left it.
   * @throws FolderError
   */
  static async open(directory: string, options: FolderOptions): Promise<ExportFolder> {
    try {
      makeFolder(join(directory, workFolder))
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException
      if (code === 'EEXIST')
        throw new FolderError('not_empty', `${path} is a file: name a new folder, or one of an earlier export`)
      throw error
    }
    const stateText = await readFile(join(directory, workFolder, stateName), 'utf8').catch(ignoreMissing)
    const names = (await readdir(directory)).filter((name) => name !== workFolder)
    if (stateText === undefined && names.length > 0)
      throw new FolderError(
        'not_empty',
        `${directory} is not empty and holds no export: name a new folder, or one of an earlier export`,
      )
    await refuseOutside(directory, join(directory, workFolder))
    await lock(join(directory, workFolder, lockName), directory)
    try {
      const state = stateText === undefined ? newState(options) : parseState(stateText, directory, options.request)
      const folder = new ExportFolder(directory, options, state)
      await folder.#recover()
      return folder
    } catch (error) {
      await unlock(join(directory, workFolder, lockName))
      throw error
    }
  }

  /** Where reading goes on. */
  get next(): number[] {
    return this.#state.next
  }

  get tally(): Tally {
    return this.#state.tally
  }

  get shards(): readonly Shard[] {
    return this.#state.shards
  }

  /** Whether an earlier run ended here and nothing was written since. */
  get isComplete(): boolean {
    return this.#state.isComplete
  }

  get sample(): { ends: number[]; last: bigint | undefined } | undefined {
    const { sample } = this.#state
    return sample
      ? { ends: sample.ends, last: sample.last === null ? undefined : BigInt(`0x${sample.last}`) }
      : undefined
  }

  set sample(sample: { ends: number[]; last: bigint | undefined } | undefined) {
    this.#state.sample = sample ? { ends: sample.ends, last: sample.last?.toString(16) ?? null } : null
  }

  /** The retractions from these offsets on are not in the list yet; undefined: none has to be listed. */
  get retractionsNext(): number[] | undefined {
    return this.#state.retractionsNext ?? undefined
  }

  /** Adds a row to its split. It may still be lost, until the next checkpoint. */
  async append(split: string, line: string): Promise<void> {
    this.#state.isComplete = false
    let shard = this.#state.open[split]
    if (!shard) {
      const number = this.#state.numbers[split] ?? 0
      this.#state.numbers[split] = number + 1
      shard = { number, rows: 0, bytes: 0 }
      this.#state.open[split] = shard
    }
    const path = this.#partial(split, shard.number)
    let file = this.#files.get(path)
    if (!file) {
      file = { handle: await open(path, 'a'), buffer: '' }
      this.#files.set(path, file)
    }
    file.buffer += `${line}\n`
    shard.rows++
    if (file.buffer.length >= bufferCharacters) await this.#flush(file, shard)
    if (shard.rows === this.#options.shardRows) await this.#close(split, shard)
  }

  /** Lists retractions that came after rows were written. */
  async listRetractions(retractions: readonly Retraction[], next: readonly number[], isListed: boolean): Promise<void> {
    if (isListed) {
      const path = join(this.#directory, retractionsName)
      const text = retractions.map((retraction) => `${jsonLine(retractionLine(retraction))}\n`).join('')
      const file = await open(path, 'a')
      try {
        await file.appendFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      this.#state.retractionBytes = (this.#state.retractionBytes ?? 0) + Buffer.byteLength(text)
    }
    this.#state.retractionsNext = [...next]
  }

  /** Whether as many rows are full that a checkpoint would put files in their place. */
  get hasFull(): boolean {
    return this.#state.closed.length > 0
  }

  /** All rows so far are safe, and full files are in their place. @returns those */
  async checkpoint(): Promise<Shard[]> {
    for (const [split, shard] of Object.entries(this.#state.open)) {
      const file = this.#files.get(this.#partial(split, shard.number))
      if (!file) continue
      await this.#flush(file, shard)
      await file.handle.sync()
    }
    await this.#save()
    return await this.#publish()
  }

  /** The end of a run: no file is left open. @returns files that were put in their place */
  async complete(): Promise<Shard[]> {
    for (const [split, shard] of Object.entries(this.#state.open)) await this.#close(split, shard)
    this.#state.isComplete = true
    const published = await this.checkpoint()
    if (published.length > 0) await this.#save()
    return published
  }

  /** Writes a small file beside the rows; it appears whole. */
  async writeBeside(name: string, content: string): Promise<void> {
    await replaceFile(join(this.#directory, name), join(this.#directory, workFolder, name), content)
  }

  /** Gives the folder free. What was not checkpointed is cut off at the next start. */
  async close(): Promise<void> {
    for (const { handle } of this.#files.values()) await handle.close()
    this.#files.clear()
    await unlock(join(this.#directory, workFolder, lockName))
  }

  async #recover(): Promise<void> {
    const state = this.#state
    const known = new Set([stateName, lockName])
    for (const { split, number } of state.closed) known.add(basename(this.#partial(split, number)))
    for (const [split, { number, bytes }] of Object.entries(state.open)) {
      const path = this.#partial(split, number)
      known.add(basename(path))
      await cut(path, bytes)
    }
    for (const name of await readdir(join(this.#directory, workFolder)))
      if (!known.has(name)) await rm(join(this.#directory, workFolder, name), { recursive: true, force: true })
    const list = join(this.#directory, retractionsName)
    if (state.retractionBytes === null) await rm(list, { force: true })
    else await cut(list, state.retractionBytes)
    await this.#publish()
  }

  async #flush(file: Appending, shard: OpenShard): Promise<void> {
    const bytes = Buffer.from(file.buffer)
    file.buffer = ''
    await file.handle.appendFile(bytes)
    shard.bytes += bytes.length
  }

  async #close(split: string, shard: OpenShard): Promise<void> {
    const path = this.#partial(split, shard.number)
    const file = this.#files.get(path)
    if (file) {
      await this.#flush(file, shard)
      await file.handle.sync()
      await file.handle.close()
      this.#files.delete(path)
    }
    this.#state.closed.push({ split, number: shard.number, rows: shard.rows })
    delete this.#state.open[split]
  }

  async #save(): Promise<void> {
    const path = join(this.#directory, workFolder, stateName)
    await replaceFile(path, `${path}.new`, `${JSON.stringify(this.#state)}\n`)
  }

  /** Moves full files to their place; a file that is there already was moved by a run that was cut short. */
  async #publish(): Promise<Shard[]> {
    const published: Shard[] = []
    for (const { split, number, rows } of this.#state.closed) {
      const partial = this.#partial(split, number)
      const file = `${split}/${this.#options.name}-${String(number).padStart(5, '0')}.${this.#options.fileType}`
      const path = join(this.#directory, file)
      makeFolder(dirname(path))
      await refuseOutside(this.#directory, dirname(path))
      if (await exists(path)) await rm(partial, { force: true })
      else if (!(await exists(partial))) throw damaged(partial, 'it is missing')
      else if (this.#options.fileType === 'jsonl') await rename(partial, path)
      else {
        const { toParquet } = await import('./parquet.ts')
        await toParquet(partial, `${partial}.parquet`, this.#options.columns)
        await sync(`${partial}.parquet`)
        await rename(`${partial}.parquet`, path)
      }
      await sync(dirname(path))
      const { size } = await stat(path)
      published.push({ split, file, rows, bytes: size })
    }
    if (published.length === 0) return published
    const closed = this.#state.closed.splice(0)
    this.#state.shards.push(...published)
    await this.#save()
    for (const { split, number } of closed) await rm(this.#partial(split, number), { force: true })
    return published
  }

  #partial(split: string, number: number): string {
    return join(this.#directory, workFolder, `${split}-${String(number).padStart(5, '0')}.jsonl`)
  }
}

function newState({ request, start }: FolderOptions): State {
  return {
    ...{ version: stateVersion, request, next: [...start.next] },
    ...{ retractionsNext: start.retractions ? [...start.retractions] : null, retractionBytes: null, sample: null },
    ...{ tally: emptyTally(), open: {}, numbers: {}, closed: [], shards: [], isComplete: false },
  }
}

function parseState(text: string, directory: string, request: unknown): State {
  let state: State
  try {
    state = JSON.parse(text) as State
  } catch {
    throw damaged(join(directory, workFolder, stateName), 'it is no JSON')
  }
  if (state.version !== stateVersion)
    throw new FolderError('other_export', `${directory} holds an export of another release: name a new folder`)
  // As it would be read back.
  if (!isDeepStrictEqual(state.request, JSON.parse(JSON.stringify(request))))
    throw new FolderError(
      'other_export',
      `${directory} holds an export that was asked for otherwise: ${JSON.stringify(state.request)}; give the same options again, or name a new folder`,
    )
  // What an earlier release did not count yet.
  return { ...state, tally: { ...emptyTally(), ...state.tally } }
}

function damaged(path: string, how: string): FolderError {
  return new FolderError('damaged', `${path}: ${how}; remove the folder and export again`)
}

/** A folder that leads elsewhere, such as a link, takes nothing. @throws FolderError */
async function refuseOutside(directory: string, path: string): Promise<void> {
  const [inside, root] = await Promise.all([realpath(path), realpath(directory)])
  if (!inside.startsWith(root.endsWith(sep) ? root : `${root}${sep}`))
    throw new FolderError('escapes', `${path} leads out of ${resolve(directory)}: remove it, or name a new folder`)
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreMissing)) !== undefined
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  return undefined
}

/** Cuts a file to the length that the state knows. */
async function cut(path: string, bytes: number): Promise<void> {
  const found = await stat(path).catch(ignoreMissing)
  if ((found?.size ?? 0) < bytes) throw damaged(path, `expected ${bytes} bytes, found ${found?.size ?? 'none'}`)
  if (found) await truncate(path, bytes)
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function replaceFile(path: string, beside: string, content: string): Promise<void> {
  const handle = await open(beside, 'w')
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(beside, path)
  await sync(dirname(path))
}

/** One process writes to a folder. A lock whose process is gone is taken over. */
async function lock(path: string, directory: string): Promise<void> {
  for (;;) {
    try {
      return await writeFile(path, String(process.pid), { flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = Number(await readFile(path, 'utf8').catch(ignoreMissing))
    if (holder > 0 && isAlive(holder))
      throw new FolderError(
        'busy',
        `${directory} is being written to by process ${holder}: wait for it, or remove ${path} if that is no export`,
      )
    await rm(path, { force: true })
  }
}

async function unlock(path: string): Promise<void> {
  await rm(path, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
