/** What a replay comes to: how outcomes changed and what each topic holds now, and how that is told. */
import { deadLetters, topics, type Topic } from '../../topics/catalogue.ts'
import { readTopic, type Corpus } from '../corpus.ts'
import { formatCount, formatDuration, printable, say, sayJson, tableLines } from '../terminal.ts'

/** What became of a problem with one solver. */
export interface Ending {
  result: string
  passed: number
  attempted: number
}

/** What became of every problem with every solver, by both. */
export async function outcomesOf(corpus: Corpus): Promise<Map<string, Ending>> {
  const endings = new Map<string, Ending>()
  for await (const { record } of readTopic(corpus, topics.outcomes)) {
    const { problemId, solver, result, passed, attempted } = record
    endings.set(JSON.stringify([problemId, solver]), { result, passed, attempted })
  }
  return endings
}

async function countOf(corpus: Corpus, topic: Topic): Promise<number> {
  let count = 0
  for await (const _ of readTopic(corpus, topic)) count++
  return count
}

export interface Report {
  seconds: number
  /** By topic: records before and now. */
  topics: { topic: string; before: number; now: number }[]
  /** How outcomes changed, by `before -> now`. */
  changes: Map<string, number>
  counts: Record<string, number>
}

/** How a problem ended with a solver, as its outcome has changed. */
type OnChange = (change: { problemId: string; solver: string; before: Ending | null; now: Ending | null }) => void

/**
 * Compares a corpus with what a replay made of it.
 * @param before outcomes of the corpus when the replay began
 * @param stored topics that were not derived anew
 * @param onChange is told of each outcome that changed
 */
export async function compareCorpora(
  corpus: Corpus,
  layered: Corpus,
  before: ReadonlyMap<string, Ending>,
  stored: readonly string[],
  onChange: OnChange,
): Promise<Omit<Report, 'seconds'>> {
  const endings = await outcomesOf(layered)
  const changes = new Map<string, number>()
  for (const key of new Set([...before.keys(), ...endings.keys()])) {
    const [was, is] = [before.get(key), endings.get(key)]
    if (was?.result === is?.result) continue
    const change = `${was?.result ?? 'open'} -> ${is?.result ?? 'open'}`
    changes.set(change, (changes.get(change) ?? 0) + 1)
    const [problemId, solver] = JSON.parse(key) as [string, string]
    onChange({ problemId, solver, before: was ?? null, now: is ?? null })
  }
  const derived = (Object.values(topics) as Topic[]).filter(
    ({ name, retention }) => !stored.includes(name) && retention === 'kept' && name !== topics.budgetClaims.name,
  )
  const counted = []
  for (const topic of derived)
    counted.push({
      topic: topic.name,
      before: await countOf(corpus, topic),
      now: await countOf(layered, topic),
    })
  const ended = (result: string): number => [...endings.values()].filter((one) => one.result === result).length
  return {
    topics: counted,
    changes,
    counts: {
      kept: ended('kept'),
      tooEasy: ended('too_easy'),
      unsolved: ended('unsolved'),
      pairs: counted.find(({ topic }) => topic === topics.preferencePairs.name)?.now ?? 0,
      stillOpen: [...before.keys()].filter((key) => !endings.has(key)).length,
    },
  }
}

/** A row of a sweep: the setting, and what it would leave. */
export function sweepRow(setting: string, { counts }: Report): string[] {
  const { kept = 0, tooEasy = 0, unsolved = 0, pairs = 0, stillOpen = 0 } = counts
  return [setting, ...[kept, tooEasy, unsolved, pairs, stillOpen].map(formatCount)]
}

/** Tells what a replay came to, and what to do next. */
export function tellReport(
  { seconds, topics: counted, changes, counts }: Report,
  directory: string,
  json: boolean,
): void {
  if (json) return sayJson({ directory, seconds, ...counts, topics: counted, changes: Object.fromEntries(changes) })
  say(`replayed in ${formatDuration(seconds)} without a model call`)
  const rows = counted
    .filter(({ topic, before, now }) => topic !== deadLetters.name && before + now > 0)
    .map(({ topic, before, now }) => [topic, formatCount(before), formatCount(now)])
  for (const line of tableLines(['topic', 'before', 'now'], rows)) say(printable(line))
  for (const [change, count] of [...changes].sort(([, a], [, b]) => b - a))
    say(`${formatCount(count)} outcomes: ${change}`)
  if (changes.size === 0) say('no outcome changed')
  if ((counts['stillOpen'] ?? 0) > 0)
    say(`${formatCount(counts['stillOpen'] ?? 0)} problems need attempts that were never made`)
  say(`next: npx wellspring export pairs --data ${directory} --out pairs.jsonl`)
}
