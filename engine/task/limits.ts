/** Bounds of a task's window and of its commits. */
import { maximumRecordBytes } from '../../topics/log.ts'

/** Bounds of a task's window and of its commits. */
export interface TaskLimits {
  /** Records admitted and not finished. */
  maxInFlight: number
  /** Bytes of those records. */
  maxInFlightBytes: number
  /** A commit comes this long after the oldest finished result, at the latest. */
  commitSeconds: number
  /** ... or as soon as results of this size wait. */
  commitBytes: number
  /** Results that wait for their commit; beyond it nothing is admitted. */
  maxUncommittedBytes: number
  /** For so long after its calls were aborted a task tries to commit what is finished while the log is away. */
  lastCommitSeconds: number
  /** Largest record that the log takes. */
  maxRecordBytes: number
}

export const defaultLimits: TaskLimits = {
  maxInFlight: 256,
  maxInFlightBytes: 64 << 20,
  commitSeconds: 1,
  commitBytes: 1 << 20,
  maxUncommittedBytes: 8 << 20,
  lastCommitSeconds: 20,
  maxRecordBytes: maximumRecordBytes,
}
