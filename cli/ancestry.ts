/** Where a record came from: itself, what it was made from, back to the seeds, with the rules of each step. */
import { differencesFromPaper, readRecipes, type Difference } from '../engine/recipes.ts'
import type { ConceptOrigin } from '../pages/story.ts'
import { processors } from '../processors/index.ts'
import type {
  ConceptCombination,
  Judgement,
  ModelCall,
  Problem,
  Recipe,
  RecordTypes,
  Seed,
} from '../schemas/generated.ts'
import { topics, type Topic } from '../topics/catalogue.ts'
import { partitionOf } from '../topics/partitioner.ts'
import { readTopic, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { oneLine } from './terminal.ts'

interface AnyRecord {
  id: string
  parentIds: string[]
  recipe: string
  simulated: boolean
  domain: string
  createdAtMs: number
  problemId?: string
  calls?: ModelCall[]
}

/** A record with its ancestors. `topic` is where it lies; one that retention took is named by its id alone. */
export interface Ancestor {
  id: string
  topic: string | undefined
  record: AnyRecord | undefined
  parents: Ancestor[]
  /** What it was made by; absent where nobody kept it: what people took in, and what earlier releases made. */
  rules?: Recipe & { notAsPaper: Difference[] }
  /** For a synthetic problem: what its judges said, while the accepted problem is kept (transient). */
  judged?: { judgements: Judgement[]; calls: ModelCall[] }
  /** For a concept combination: where each concept was named, back to the seeds. */
  concepts?: (Omit<ConceptOrigin, 'seed'> & { sourceId: string; statement: string })[]
}

/** Topics that hold records of an id's kind: `preference-pair-1f2e...` -> preference-pairs. */
function topicsOfId(id: string): Topic[] {
  const kind = id.slice(0, id.lastIndexOf('-'))
  return (Object.values(topics) as Topic[]).filter((topic) => topic.kind === kind)
}

/** Looks records up by id; what belongs to one problem is looked for in that problem's partition alone. */
class Finder {
  readonly #corpus: Corpus
  readonly #found = new Map<string, { topic: string; record: AnyRecord }>()

  constructor(corpus: Corpus) {
    this.#corpus = corpus
  }

  async find(ids: readonly string[], problemId?: string): Promise<void> {
    const missing = new Set(ids.filter((id) => !this.#found.has(id)))
    const candidates = new Set([...missing].flatMap(topicsOfId))
    for (const topic of candidates) {
      if (missing.size === 0) return
      const byProblem = problemId !== undefined && topic.key === 'problemId'
      const byId = topic.key === 'id' && missing.size === 1
      const keyed = byProblem ? problemId : byId ? [...missing][0] : undefined
      const partition = keyed === undefined ? undefined : partitionOf(keyed, topic.partitions)
      for await (const { record } of readTopic(this.#corpus, topic, partition)) {
        const { id } = record as AnyRecord
        if (!missing.delete(id)) continue
        this.#found.set(id, { topic: topic.name, record: record as AnyRecord })
        if (missing.size === 0) break
      }
    }
  }

  get(id: string): { topic: string; record: AnyRecord } | undefined {
    return this.#found.get(id)
  }
}

/** The ancestry of a record. @throws CommandError when no record has the id */
export async function ancestryOf(corpus: Corpus, id: string): Promise<Ancestor> {
  if (topicsOfId(id).length === 0)
    throw new CommandError(
      exitCodes.badInput,
      `"${oneLine(id, 80)}" is no id; ids look like preference-pair-1a2b... (see \`wellspring tail preference-pairs --last 1\`)`,
    )
  const finder = new Finder(corpus)
  await finder.find([id])
  if (!finder.get(id)) throw new CommandError(exitCodes.badInput, `no record of this corpus is called ${id}`)
  const recipes = await readRecipes(corpus)
  const visited = new Map<string, Ancestor>()
  const visit = async (one: string, problemId: string | undefined): Promise<Ancestor> => {
    const known = visited.get(one)
    if (known) return known
    const found = finder.get(one)
    const record = found?.record
    // Damaged or foreign records may be among their own ancestors: there the way back ends.
    visited.set(one, { id: one, topic: found?.topic, record, parents: [] })
    const parentIds = record?.parentIds ?? []
    const inProblem = record?.problemId ?? problemId
    await finder.find(parentIds, inProblem)
    const parents: Ancestor[] = []
    for (const parent of parentIds) parents.push(await visit(parent, inProblem))
    const recipe = record && recipes.get(record.recipe)
    const ancestor: Ancestor = {
      ...{ id: one, topic: found?.topic, record, parents },
      ...(recipe && { rules: { ...recipe, notAsPaper: notAsPaper(recipe) } }),
    }
    if (found?.topic === topics.concepts.name)
      ancestor.concepts = await namedIn(corpus, record as unknown as ConceptCombination)
    if (found?.topic === topics.problems.name && (found.record as unknown as Problem).origin === 'synthetic') {
      const judged = await judgedAs(corpus, one)
      if (judged) ancestor.judged = judged
    }
    visited.set(one, ancestor)
    return ancestor
  }
  return await visit(id, undefined)
}

function notAsPaper(recipe: Recipe): Difference[] {
  const made = processors.find(({ name }) => name === recipe.processor)
  return made ? differencesFromPaper(recipe, made.settings) : []
}

/** What judges said of a problem; undefined where none did, or where the accepted problem is no longer kept. */
async function judgedAs(corpus: Corpus, problemId: string): Promise<Ancestor['judged']> {
  const topic = topics.acceptedProblems
  for await (const { record } of readTopic(corpus, topic, partitionOf(problemId, topic.partitions))) {
    const { id, judgements, calls } = record
    if (id === problemId) return judgements.length > 0 ? { judgements, calls } : undefined
  }
  return undefined
}

/** For each concept of a combination, the annotated list that named it first and how many did, within the table as it was sampled from. */
async function namedIn(
  corpus: Corpus,
  { concepts, domain, tableVersions }: ConceptCombination,
): Promise<NonNullable<Ancestor['concepts']>> {
  const lists = new Map<string, { first: RecordTypes['concept-list']; count: number }>()
  const version = tableVersions[topics.conceptLists.name] ?? 0
  let read = 0
  for await (const { record } of readTopic(corpus, topics.conceptLists)) {
    if (read++ >= version) break
    if (record.domain !== domain) continue
    for (const concept of concepts) {
      if (!record.concepts.includes(concept)) continue
      const known = lists.get(concept)
      if (known) known.count++
      else lists.set(concept, { first: record, count: 1 })
    }
  }
  const seedIds = new Set([...lists.values()].flatMap(({ first }) => first.parentIds))
  const seeds = new Map<string, Seed>()
  for await (const { record } of readTopic(corpus, topics.seeds))
    if (seedIds.has(record.id)) seeds.set(record.id, record)
  return concepts.flatMap((concept) => {
    const known = lists.get(concept)
    if (!known) return []
    const seedId = known.first.parentIds[0] ?? ''
    const seed = seeds.get(seedId)
    return {
      concept,
      namedIn: known.count,
      annotator: known.first.annotator,
      conceptListId: known.first.id,
      seedId,
      source: known.first.source,
      sourceId: seed?.sourceId ?? '',
      statement: known.first.statement,
    }
  })
}

/** An ancestry as one JSON object: each record in full where it comes first, by its id alone where it comes again. */
export function ancestryJson(ancestry: Ancestor): unknown {
  const told = new Set<string>()
  const tell = (one: Ancestor): unknown => {
    const { id, topic, parents } = one
    if (told.has(id)) return { id, topic, above: true, parents: [] }
    told.add(id)
    return { ...one, parents: parents.map(tell) }
  }
  return tell(ancestry)
}
