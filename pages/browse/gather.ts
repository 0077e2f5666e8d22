/** Reads the records of one problem, where the index says that they lie. */
import type { RecordTypes } from '../../schemas/generated.ts'
import { deadLetters, topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import type { Corpus } from '../../topics/reading.ts'
import type { DeadLetter } from '../ending.ts'
import { recordOf } from '../read.ts'
import type { ConceptOrigin, Story } from '../story.ts'
import type { CorpusIndex, Place } from './corpus-index.ts'

/** Most records of one topic that a page shows. */
const mostRecords = 200

/** All that is known of a problem; undefined where the corpus has none of that id. */
export async function storyOf(corpus: Corpus, index: CorpusIndex, id: string): Promise<Story | undefined> {
  const number = index.find(id)
  const problem = number === undefined ? undefined : await recordAt(corpus, topics.problems, index.placeOf(number))
  // Ids are found by their hash.
  if (number === undefined || problem?.id !== id) return undefined
  const of = async <Kind extends RecordKind>(topic: Topic<Kind>): Promise<RecordTypes[Kind][]> =>
    await recordsAt(corpus, topic, index.placesOf(topic, id, number))
  const rationaleId = problem.parentIds[0]
  const rationale =
    rationaleId === undefined ? undefined : await recordById(corpus, index, topics.rationales, rationaleId)
  const combinationId = rationale?.parentIds[0]
  const combination =
    combinationId === undefined ? undefined : await recordById(corpus, index, topics.concepts, combinationId)
  const named = combination
    ? index.namedConcepts(combination.domain, combination.concepts, combination.tableVersions[topics.conceptLists.name])
    : []
  const concepts = Promise.all(
    named.map(async ({ concept, namedIn, first }): Promise<ConceptOrigin> => {
      const { id: conceptListId = '', annotator = '', seedId = '', source = '' } = first ?? {}
      const seed = await recordById(corpus, index, topics.seeds, seedId)
      return { concept, namedIn, annotator, conceptListId, seedId, source, seed }
    }),
  )
  const retraction = index.retractionOf(number)
  // All at once: on Kafka each read is a way to a broker and back.
  const [
    accepted,
    voted,
    testCases,
    testRuns,
    outcomes,
    verdicts,
    pairs,
    traces,
    examples,
    discards,
    deadLettersThere,
  ] = await Promise.all([
    of(topics.acceptedProblems),
    of(topics.votedProblems),
    of(topics.testCases),
    of(topics.testRuns),
    of(topics.outcomes),
    of(topics.verdicts),
    of(topics.preferencePairs),
    of(topics.traces),
    of(topics.sftExamples),
    recordsAt(corpus, topics.discards, index.discardsOf(number)),
    lettersAt(corpus, index.deadLettersOf(number)),
  ])
  return {
    ...{ problem, rationale, combination, concepts: await concepts, accepted: accepted.at(-1) },
    // What screen-answer dropped has votes, and never became test cases.
    testCases: testCases.length > 0 ? testCases : voted,
    ...{ testRuns, outcomes, verdicts, pairs, traces, examples, discards, deadLetters: deadLettersThere },
    retraction: retraction && (await recordAt(corpus, topics.retractions, retraction)),
  }
}

/** A record by its id; undefined where it is not known, or kept no longer. */
export async function recordById<Kind extends 'seed' | 'rationale' | 'concept-combination' | 'concept-list'>(
  corpus: Corpus,
  index: CorpusIndex,
  topic: Topic<Kind>,
  id: string,
): Promise<RecordTypes[Kind] | undefined> {
  const place = index.placeById(topic, id)
  const record = place && (await recordAt(corpus, topic, place))
  return record?.id === id ? record : undefined
}

async function recordsAt<Kind extends RecordKind>(
  corpus: Corpus,
  topic: Topic<Kind>,
  places: readonly Place[],
): Promise<RecordTypes[Kind][]> {
  const records = await Promise.all(places.slice(0, mostRecords).map((place) => recordAt(corpus, topic, place)))
  return records.filter((record) => record !== undefined)
}

async function recordAt<Kind extends RecordKind>(
  corpus: Corpus,
  topic: Topic<Kind>,
  { partition, offset }: Place,
): Promise<RecordTypes[Kind] | undefined> {
  const { records } = await corpus.log.read(
    { topic: topic.name, partition, offset },
    { maxBytes: 1, maxWaitSeconds: 0 },
  )
  const [stored] = records
  const record = stored?.offset === offset ? await recordOf(corpus, topic, stored) : undefined
  return record === 'repeat' ? undefined : record
}

async function lettersAt({ log }: Corpus, places: readonly Place[]): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  for (const { partition, offset } of places.slice(0, mostRecords)) {
    const { records } = await log.read(
      { topic: deadLetters.name, partition, offset },
      { maxBytes: 1, maxWaitSeconds: 0 },
    )
    const { headers } = records[0] ?? {}
    if (!headers || records[0]?.offset !== offset) continue
    letters.push({
      processor: headers['__connect.errors.stage'] ?? '',
      code: headers['__connect.errors.exception.class.name'] ?? '',
      message: headers['__connect.errors.exception.message'] ?? '',
    })
  }
  return letters
}
