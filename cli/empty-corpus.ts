/** What a run says at its start where nobody has taken anything in: without it, it would stand there and say nothing. */
import type { ConfiguredProcessor } from '../engine/runtime.ts'
import { topics, type Topic } from '../topics/catalogue.ts'
import type { Log } from '../topics/log.ts'

/** All that comes into a corpus from outside comes to these. */
const entrances: readonly Topic[] = [topics.seeds, topics.problems, topics.concepts]

/**
 * The line; undefined where there is something to work on, and where others than these processors take it up: who runs a part of the
 * stream may have no rights to look at the rest. `flags` lead the next command to the same corpus; `waits`: the run does not end for want of work.
 * @throws LogError
 */
export async function emptyCorpusLine(
  log: Log,
  running: readonly ConfiguredProcessor[],
  { flags, waits }: { flags: string; waits: boolean },
): Promise<string | undefined> {
  const consumed = new Set(
    running.flatMap(({ declaration }) => Object.values(declaration.inputs).map(({ name }) => name)),
  )
  if (!entrances.every(({ name }) => consumed.has(name))) return undefined
  for (const { name, partitions } of entrances)
    for (let partition = 0; partition < partitions; partition++)
      if ((await log.offsets(name, partition)).end > 0) return undefined
  return `there is nothing to work on yet: take human problems in with \`npx wellspring ingest FILE --as seeds${flags}\`${waits ? ' (this run goes on with them)' : ''}; \`npx wellspring demo\` shows how a corpus grows`
}
