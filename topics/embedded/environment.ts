/**
 * The LMDB environment of a folder: opening it with every check, and LMDB's failures as LogErrors. Alone imports lmdb.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { open, type Database, type RootDatabase } from 'lmdb'
import { LogError } from '../log.ts'
import { makeFolder } from '../make-folder.ts'
import { FORMAT_VERSION, systemKeys, type KeyRange } from './layout.ts'

/** The data file of LMDB, in the folder. */
const DATA_FILE = 'data.mdb'

/** The folder of work handed over to the owner. */
export const INBOX_FOLDER = 'inbox'

/** The file whose time the owner of a folder keeps fresh. */
export const BEAT_FILE = 'owner.beat'

const OWN_NAMES = new Set([DATA_FILE, 'lock.mdb', INBOX_FOLDER, BEAT_FILE, 'lost+found'])
const DATABASE_NAME = 'log'

/** An entry of the database. */
interface Entry {
  key: Buffer
  value: Buffer
}

/** The one sub-database, read and written in binary. Reads inside `write` see what it wrote. */
export interface Environment {
  readonly directory: string
  /** A failed write left LMDB beyond use. */
  readonly broken: boolean
  get(key: Buffer): Buffer | undefined
  /** Entries of a range in key order. Holds a read snapshot until it is finished: use it up without awaiting. */
  entries(range: KeyRange, options?: { reverse?: boolean; limit?: number }): Iterable<Entry>
  keys(range: KeyRange, options?: { reverse?: boolean; limit?: number }): Iterable<Buffer>
  /**
   * Runs `work` in one write transaction and resolves when it is synced to disk. What `work` throws is thrown again, and nothing is
   * written. Must be called for one transaction at a time.
   */
  write<T>(work: (transaction: WriteTransaction) => T): Promise<T>
  /** As `write`, on this thread and synced before it returns; for the few writes at opening. */
  writeNow<T>(work: (transaction: WriteTransaction) => T): T
  /** Frees the slots of readers that died. */
  checkReaders(): number
  close(): Promise<void>
}

/** Changes inside a write transaction. */
export interface WriteTransaction {
  put(key: Buffer, value: Uint8Array): void
  remove(key: Buffer): void
}

/** Whether the folder holds a log (not whether it can be read). */
function holdsLog(folder: string): boolean {
  try {
    return statSync(join(folder, DATA_FILE)).size > 0
  } catch {
    return false
  }
}

/**
 * Opens the environment of a folder for writing; both are made where they are missing.
 * @throws LogError 'not_a_log', 'newer_version', 'damaged', 'full'
 */
export function openForWriting(directory: string): Environment {
  const folder = resolve(directory)
  checkFolder(folder)
  prepareFolder(folder)
  const environment = openEnvironment(folder, false)
  if (!environment)
    throw new LogError('damaged', `${join(folder, DATA_FILE)} holds no log although one was just made in it`)
  return environment
}

/**
 * Opens the environment of a folder and writes nothing to it. Undefined: there is no log, or its owner has only begun to make it.
 * @throws LogError 'not_a_log', 'newer_version', 'damaged'
 */
export function openForReading(directory: string): Environment | undefined {
  const folder = resolve(directory)
  checkFolder(folder)
  return holdsLog(folder) ? openEnvironment(folder, true) : undefined
}

function openEnvironment(folder: string, readOnly: boolean): Environment | undefined {
  checkHead(folder)
  let root: RootDatabase<Buffer, Buffer>
  try {
    root = open<Buffer, Buffer>({
      path: folder,
      // A folder called `runs.d` is a folder all the same.
      noSubdir: false,
      readOnly,
      maxDbs: 2,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
    })
  } catch (error) {
    throw asLogError(error, folder)
  }
  try {
    keepQuiet(root)
    checkExtent(root, folder)
    const database = openDatabase(root, folder, readOnly)
    if (database) return wrap(folder, root, database)
    root.close().catch(() => undefined)
    return undefined
  } catch (error) {
    root.close().catch(() => undefined)
    throw asLogError(error, folder)
  }
}

function prepareFolder(folder: string): void {
  try {
    makeFolder(join(folder, INBOX_FOLDER))
  } catch (error) {
    throw asLogError(error, folder)
  }
}

/** Refuses a folder that is used for something else. */
function checkFolder(folder: string): void {
  if (!existsSync(folder)) return
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR')
      throw new LogError('not_a_log', `${folder} is a file, not a folder: name another folder`)
    throw asLogError(error, folder)
  }
  if (names.includes(DATA_FILE)) return
  const foreign = names.filter((name) => !OWN_NAMES.has(name) && !name.startsWith('.'))
  if (foreign.length > 0) {
    const more = foreign.length > 3 ? `, ... (${foreign.length} names)` : ''
    throw new LogError(
      'not_a_log',
      `${folder} holds other things (${foreign.slice(0, 3).join(', ')}${more}) and no log: name an empty or a new folder`,
    )
  }
}

const LMDB_MAGIC = 0xbeefc0de
/** Where the magic number lies in this LMDB's files, and where in those of the LMDB that most other programs use. */
const MAGIC_AT = 24
const OTHER_MAGIC_AT = 16
const PAGE_SIZE_AT = 48

/** Opening what is no LMDB file would end the process. */
function checkHead(folder: string): void {
  if (!holdsLog(folder)) return
  const path = join(folder, DATA_FILE)
  const head = Buffer.alloc(PAGE_SIZE_AT + 4)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  if (head.readUInt32LE(MAGIC_AT) === LMDB_MAGIC) {
    const actual = statSync(path).size
    const expected = 2 * head.readUInt32LE(PAGE_SIZE_AT)
    if (actual < expected) throw cutOff(path, actual, expected)
    return
  }
  if (head.readUInt32LE(OTHER_MAGIC_AT) === LMDB_MAGIC) {
    throw new LogError('not_a_log', `${path} is a database of another program: name an empty or a new folder`)
  }
  throw new LogError('damaged', `${path} is damaged (no database begins like that): restore the folder from a backup`)
}

/** What lmdb's types leave out. */
interface Internals {
  env: {
    info(): { lastPageNumber: number }
    stat(): { pageSize: number }
    startWriting(address: number, callback: (status: number) => unknown): unknown
  }
}

/** lmdb prints a failed commit with its stack besides rejecting the promise; the caller of `write` says it better. */
function keepQuiet(root: RootDatabase<Buffer, Buffer>): void {
  const { env } = root as unknown as Internals
  const startWriting = env.startWriting.bind(env)
  const quiet: typeof startWriting = (address, callback) =>
    startWriting(address, (status) => {
      // Statuses 0 to 2 are steps of a write that goes well.
      if (status >= 0 && status <= 2) return callback(status)
      const print = console.error
      console.error = () => undefined
      try {
        return callback(status)
      } finally {
        console.error = print
      }
    })
  Object.defineProperty(env, 'startWriting', { value: quiet, configurable: true })
}

/** A data file shorter than its last page would end the process when that page is read. */
function checkExtent(root: RootDatabase<Buffer, Buffer>, folder: string): void {
  const { env } = root as unknown as Internals
  const expected = (env.info().lastPageNumber + 1) * env.stat().pageSize
  const actual = statSync(join(folder, DATA_FILE)).size
  if (actual < expected) {
    throw cutOff(join(folder, DATA_FILE), actual, expected)
  }
}

function cutOff(path: string, actual: number, expected: number): LogError {
  return new LogError(
    'damaged',
    `${path} is cut off: ${actual} bytes, expected at least ${expected}; restore the folder from a backup`,
  )
}

function openDatabase(
  root: RootDatabase<Buffer, Buffer>,
  folder: string,
  readOnly: boolean,
): Database<Buffer, Buffer> | undefined {
  const names = [...root.getKeys({ start: Buffer.of(0) })].map((key) => key.toString('latin1').replace(/\0+$/, ''))
  if (names.length > 0 && !names.includes(DATABASE_NAME)) {
    throw new LogError(
      'not_a_log',
      `${join(folder, DATA_FILE)} is a database of another program: name an empty or a new folder`,
    )
  }
  if (readOnly && names.length === 0) return undefined
  const database = root.openDB<Buffer, Buffer>(DATABASE_NAME, { encoding: 'binary', keyEncoding: 'binary' })
  const format = database.get(systemKeys.format)
  if (format === undefined) {
    if (names.length > 0 && database.getKeysCount({ start: Buffer.of(0), limit: 1 }) > 0) {
      throw new LogError('not_a_log', `${join(folder, DATA_FILE)} has no format version: name an empty or a new folder`)
    }
    if (readOnly) return undefined
    root.transactionSync(() => {
      database.putSync(systemKeys.format, Buffer.from(String(FORMAT_VERSION)))
    })
    return database
  }
  const version = Number(format.toString())
  if (!Number.isInteger(version) || version < 1)
    throw new LogError(
      'damaged',
      `${folder}: format version ${JSON.stringify(format.toString())}, expected ${FORMAT_VERSION}`,
    )
  if (version > FORMAT_VERSION) {
    throw new LogError(
      'newer_version',
      `${folder} was written in format ${version}, this release reads up to ${FORMAT_VERSION}: use the release that wrote it, or a later one`,
    )
  }
  return database
}

function wrap(directory: string, root: RootDatabase<Buffer, Buffer>, database: Database<Buffer, Buffer>): Environment {
  const transaction: WriteTransaction = {
    put: (key, value) => void database.putSync(key, value as Buffer),
    remove: (key) => void database.removeSync(key),
  }
  // Set when LMDB itself is beyond use: its next transaction could wait for ever.
  let broken: LogError | undefined
  const guarded = <T>(read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw asLogError(error, directory)
    }
  }
  return {
    directory,
    get broken() {
      return broken !== undefined
    },
    get: (key) => guarded(() => database.get(key)),
    entries: (range, options) => database.getRange(rangeOptions(range, options)),
    keys: (range, options) => database.getKeys(rangeOptions(range, options)),
    async write(work) {
      if (broken) throw broken
      let thrown: { error: unknown } | undefined
      try {
        // A child transaction is undone when `work` throws; a plain one would keep what it had written.
        return await database.childTransaction(() => {
          try {
            return work(transaction)
          } catch (error) {
            thrown = { error }
            throw error
          }
        })
      } catch (error) {
        if (thrown?.error === error) throw error
        const cause = await rootCause(error)
        const failure = asLogError(cause, directory)
        if (usable(database)) throw failure
        // The last step failed, the switch to the new pages: LMDB refuses all further work, and only opening it again shows the outcome.
        broken = new LogError(
          'doubt',
          `${directory} failed in the last step of a write (${cause instanceof Error ? cause.message : String(cause)}): start this process again, and see to the disk`,
          { cause: failure },
        )
        throw broken
      }
    },
    writeNow: (work) => guarded(() => root.transactionSync(() => work(transaction))),
    checkReaders: () => root.readerCheck(),
    async close() {
      await root.close()
    },
  }
}

function rangeOptions(range: KeyRange, options: { reverse?: boolean; limit?: number } = {}) {
  const { start, end } = range
  return options.reverse ? { ...options, start: end, end: start, inclusiveEnd: true } : { ...options, start, end }
}

/** lmdb rejects with a plain error whose `commitError` is a promise that is rejected with the real one. */
async function rootCause(error: unknown): Promise<unknown> {
  const pending = (error as { commitError?: Promise<unknown> }).commitError
  if (!pending) return error
  try {
    await pending
    return error
  } catch (cause) {
    return cause
  }
}

/** Whether LMDB still works after a failed commit. */
function usable(database: Database<Buffer, Buffer>): boolean {
  try {
    database.get(systemKeys.format)
    return true
  } catch {
    return false
  }
}

const MDB_MAP_FULL = -30792
const MDB_PAGE_NOTFOUND = -30797
const MDB_CORRUPTED = -30796
const MDB_VERSION_MISMATCH = -30794
const MDB_INVALID = -30793
const DAMAGED = new Set<number | string>([MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID])
/** ENOSPC, EFBIG (a file size limit) and EDQUOT, by number as LMDB reports them on Linux, and by name as Node does. */
const FULL = new Set<number | string>([MDB_MAP_FULL, 28, 27, 122, 'ENOSPC', 'EFBIG', 'EDQUOT'])
/** LMDB reports a write that was cut short as EIO, and disks fill up in the middle of one. */
const CUT_SHORT = new Set<number | string>([5, 'EIO'])

function codeOf(error: unknown): number | string | undefined {
  return (error as { code?: number | string } | undefined)?.code
}

/** An LMDB or file system failure in the port's words; a LogError stays what it is, any other error too. */
export function asLogError(error: unknown, directory: string): LogError {
  if (error instanceof LogError) return error
  const text = error instanceof Error ? error.message : String(error)
  const code = codeOf(error)
  if (code !== undefined && FULL.has(code)) {
    return new LogError(
      'full',
      `no space left to write to ${directory} (${text}): free some space; nothing of this was written`,
      { cause: error },
    )
  }
  if (code !== undefined && CUT_SHORT.has(code)) {
    return new LogError(
      'full',
      `a write to ${directory} was cut short (${text}): the disk is full, or failing; nothing of this was written`,
      { cause: error },
    )
  }
  if (code !== undefined && DAMAGED.has(code)) {
    return new LogError(
      'damaged',
      `${join(directory, DATA_FILE)} is damaged (${text}): restore the folder from a backup`,
      { cause: error },
    )
  }
  return new LogError('unreachable', `${directory} can't be used (${text})`, { cause: error })
}
