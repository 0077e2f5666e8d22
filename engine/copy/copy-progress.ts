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
}

/** The progress as it is committed. */
export function encodeProgress(phase: CopyProgress['phase'], from: string): Buffer {
  return Buffer.from(JSON.stringify({ version: progressVersion, phase, from } satisfies CopyProgress))
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

/** @throws ConfigurationError where the corpus is a copy that is not complete: positions in it lead nowhere yet */
export async function refuseUnfinishedCopy(log: Log): Promise<void> {
  const [progress] = await log.progress(copyGroup.name).catch((error: unknown) => {
    // On Kafka a user may be kept from looking; whoever copied has looked.
    if (error instanceof LogError && error.code === 'denied') return []
    throw error
  })
  if (!progress) return
  const { phase, from } = parseProgress(progress.value)
  if (phase === 'complete') return
  throw new ConfigurationError([
    `this corpus is a copy of ${from} that is not complete: run the same \`wellspring copy\` again, which goes on where it stopped`,
  ])
}
