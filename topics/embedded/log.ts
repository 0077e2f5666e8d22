/**
 * The embedded log: log, progress, state and schemas in one LMDB environment, in this process. One process owns a folder and
 * writes; others read beside it and hand their writes over.
 */
import type { Log } from '../log.ts'
import { ClientLog } from './client.ts'
import type { FaultPoint } from './faults.ts'
import { openAsOwner } from './owner.ts'

const DEFAULT_FREE_BYTES_FLOOR = 256 * 1024 * 1024

/** How to open an embedded log. */
export interface EmbeddedLogOptions {
  /** The folder; made where it is missing. */
  directory: string
  /** The corpus within the folder. @default '' */
  namespace?: string
  /**
   * `owner` takes the folder: one process at a time. Within that process the folder may be opened again (other namespaces, a second
   * member of a group): all share one writer. `client` reads beside the owner and hands writes over to it; where no owner lives it
   * takes the folder for each write. A client can't join a group.
   */
  mode: 'owner' | 'client'
  /** Called at named points, for tests. Of the first log that this process opens on the folder. */
  faultPoint?: (name: FaultPoint) => void
  /** Writes fail with 'full' rather than leave less than this free on the disk, in bytes. @default 256 MiB */
  freeBytesFloor?: number
}

/**
 * Opens the log of a folder.
 * @throws LogError 'owned' (another live process owns it), 'newer_version', 'not_a_log', 'damaged', 'full'
 */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const {
    directory,
    namespace = '',
    mode,
    freeBytesFloor = DEFAULT_FREE_BYTES_FLOOR,
    faultPoint = () => undefined,
  } = options
  if (namespace.includes('\0')) throw new RangeError('a namespace has no zero byte')
  const storeOptions = { directory, freeBytesFloor, faultPoint }
  if (mode === 'owner') return await openAsOwner(namespace, storeOptions)
  return new ClientLog(namespace, storeOptions)
}
