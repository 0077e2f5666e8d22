/** What a corpus says of being a copy: the progress of the copy's own task, on the target. */
import { LogError, type Group, type Log } from '../../topics/log.ts'
import { ConfigurationError } from '../errors.ts'

/** The group whose one task a copy is, on its target. */
export const copyGroup: Group = { name: 'copy', inputs: [], tasks: 1 }

const progressVersion = 1

/** What the progress of a copy says. */
export interface CopyProgress {
  version: number
  phase: 'copying' | 'complete'
  /** The source in the words of whoever began. */
  from: string
  /** The earliest clock of a process that took part: records whose time was ahead of it may have got the time of their copying. */
  beganAtMs: number
}

/** The progress as it is committed. */
export function encodeProgress(progress: Omit<CopyProgress, 'version'>): Buffer {
  return Buffer.from(JSON.stringify({ version: progressVersion, ...progress } satisfies CopyProgress))
}

/** @throws LogError 'newer_version' */
export function parseProgress(value: Uint8Array): CopyProgress {
  const progress = JSON.parse(Buffer.from(value).toString()) as CopyProgress
  if (progress.version !== progressVersion)
    throw new LogError(
      'newer_version',
      'the target is a copy that another release made: use that release, or an empty target',
    )
  return progress
}

/** @throws ConfigurationError where the corpus is a copy that is not complete: positions in it lead nowhere yet; LogError 'denied' */
export async function refuseUnfinishedCopy(log: Log): Promise<void> {
  const [progress] = await log.progress(copyGroup.name)
  if (!progress) return
  const { phase, from } = parseProgress(progress.value)
  if (phase === 'complete') return
  throw new ConfigurationError([
    `this corpus is a copy of ${from} that is not complete: run the same \`wellspring copy\` again, which goes on where it stopped`,
  ])
}
