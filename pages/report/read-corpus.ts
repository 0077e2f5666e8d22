/** Reads a corpus for a report. What is read ends where each topic ended when the reading began. */
import type { ConceptCombination, Rationale, RecordTypes, Seed } from '../../schemas/generated.ts'
import { deadLetters, topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import { NewestRecords, type Corpus } from '../../topics/reading.ts'
import { endsOf, recordsTo } from '../read.ts'
import type { ConceptOrigin, Story } from '../story.ts'
import { Figures } from './figures.ts'
import { NamedConcepts, Samples, type SampledName, type SampledRecord } from './samples.ts'

/** What a report is made of. */
export interface CorpusReading {
  figures: Figures
  stories: readonly Story[]
  /** Topic -> the end of each partition that was read. */
  positions: ReadonlyMap<string, readonly number[]>
  /** Topic -> records that were read. */
  records: ReadonlyMap<string, number>
}

interface Options {
  /** Problems to be shown. */
  samples: number
  /** Told of every thousandth record: the share that was read, 0 to 1. */
  onProgress: (share: number) => void
}

const readTopics: readonly Topic[] = [
  ...[
    topics.problems,
    topics.acceptedProblems,
    topics.testCases,
    topics.testRuns,
    topics.verdicts,
    topics.outcomes,
    topics.preferencePairs,
  ],
  ...[topics.traces, topics.sftExamples, topics.discards, topics.retractions, topics.ledger, topics.expenses],
  ...[topics.rationales, topics.concepts, topics.conceptLists, topics.seeds],
]
const progressEvery = 1000

/** @throws LogError */
export async function readForReport(corpus: Corpus, { samples: count, onProgress }: Options): Promise<CorpusReading> {
  const figures = new Figures()
  const samples = new Samples(count)
  const positions = new Map<string, readonly number[]>()
  for (const topic of readTopics) positions.set(topic.name, await endsOf(corpus, topic))
  const total = [...positions.values()].flat().reduce((sum, end) => sum + end, 0)
  const records = new Map<string, number>()
  let seen = 0
  const each = async <Kind extends RecordKind>(
    topic: Topic<Kind>,
    take: (record: RecordTypes[Kind]) => void,
  ): Promise<void> => {
    let read = 0
    const onUnreadable = (): void => {
      figures.unreadable++
    }
    for await (const { record } of recordsTo(corpus, topic, positions.get(topic.name) ?? [], onUnreadable)) {
      take(record)
      read++
      if (++seen % progressEvery === 0) onProgress(seen / total)
    }
    records.set(topic.name, read)
  }
  // Tables first: compaction drops what a newer record has replaced.
  const entries = new NewestRecords(topics.ledger)
  await each(topics.ledger, (entry) => entries.add(entry))
  figures.addLedger(entries.all())
  const expenses = new NewestRecords(topics.expenses)
  await each(topics.expenses, (line) => expenses.add(line))
  figures.expenses.push(...expenses.all().filter(({ calls }) => calls > 0))
  await each(topics.problems, (problem) => {
    figures.addProblem(problem)
    samples.addProblem(problem)
  })
  await each(topics.acceptedProblems, (problem) => samples.addAccepted(problem))
  const madeOfProblems: { [Name in SampledName]: [Topic, (record: SampledRecord<Name>) => void] } = {
    testCases: [topics.testCases, (testCases) => figures.addTestCases(testCases)],
    testRuns: [topics.testRuns, () => {}],
    verdicts: [topics.verdicts, (verdict) => figures.addVerdict(verdict)],
    outcomes: [topics.outcomes, (outcome) => figures.addOutcome(outcome)],
    pairs: [topics.preferencePairs, (pair) => figures.addPair(pair)],
    traces: [topics.traces, (trace) => figures.addTrace(trace)],
    examples: [topics.sftExamples, (example) => figures.addExample(example)],
  }
  for (const [name, [topic, addFigure]] of Object.entries(madeOfProblems))
    await each(topic, (record) => {
      addFigure(record as never)
      samples.add(name as SampledName, record as never)
    })
  await each(topics.discards, (discard) => {
    figures.addDiscard(discard)
    samples.addDiscard(discard)
  })
  await each(topics.retractions, (retraction) => {
    figures.retractions++
    samples.addRetraction(retraction)
  })
  figures.deadLetters = (await endsOf(corpus, deadLetters)).reduce((sum, end) => sum + end, 0)

  const stories = samples.chosen()
  const rationales = await found(each, topics.rationales, new Set(stories.flatMap(({ problem }) => problem.parentIds)))
  const combinations = await found(
    each,
    topics.concepts,
    new Set([...rationales.values()].flatMap(({ parentIds }) => parentIds)),
  )
  const named = new NamedConcepts(
    new Set(
      [...combinations.values()].flatMap(({ domain, concepts }) => concepts.map((concept) => `${domain}/${concept}`)),
    ),
  )
  let lists = 0
  await each(topics.conceptLists, (list) => named.add(lists++, list))
  for (const story of stories) {
    story.rationale = rationales.get(story.problem.parentIds[0] ?? '')
    story.combination = combinations.get(story.rationale?.parentIds[0] ?? '')
    story.concepts = originsOf(story.combination, named)
  }
  const seeds = await found(
    each,
    topics.seeds,
    new Set(stories.flatMap(({ concepts }) => concepts.map(({ seedId }) => seedId))),
  )
  for (const story of stories)
    story.concepts = story.concepts.map((origin) => ({ ...origin, seed: seeds.get(origin.seedId) }))
  return { figures, stories, positions, records }
}

/** Records of these ids. */
async function found<One extends Rationale | ConceptCombination | Seed, Kind extends RecordKind>(
  each: (topic: Topic<Kind>, take: (record: RecordTypes[Kind] & One) => void) => Promise<void>,
  topic: Topic<Kind>,
  ids: ReadonlySet<string>,
): Promise<Map<string, RecordTypes[Kind] & One>> {
  const records = new Map<string, RecordTypes[Kind] & One>()
  await each(topic, (record) => {
    if (ids.has(record.id)) records.set(record.id, record)
  })
  return records
}

function originsOf(combination: ConceptCombination | undefined, named: NamedConcepts): ConceptOrigin[] {
  if (!combination) return []
  const { domain, concepts, tableVersions } = combination
  return concepts.map((concept) => {
    const lists = named.of(domain, concept, tableVersions[topics.conceptLists.name] ?? 0)
    const { id: conceptListId = '', annotator = '', parentIds: [seedId = ''] = [], source = '' } = lists[0] ?? {}
    return { concept, namedIn: lists.length, annotator, conceptListId, seedId, source, seed: undefined }
  })
}
