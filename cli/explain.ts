/** `wellspring explain`: where a record came from, from itself back to the seeds, and the rules of each step. */
import { Command } from 'commander'
import { differencesFromPaper, readRecipes, recipeText, type Difference } from '../engine/recipes.ts'
import { processors } from '../processors/index.ts'
import type { ConceptCombination, ModelCall, Outcome, Recipe, RecordTypes, Seed } from '../schemas/generated.ts'
import { topics, type Topic } from '../topics/catalogue.ts'
import { partitionOf } from '../topics/partitioner.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { oneLine, say, sayJson } from './terminal.ts'

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
interface Ancestor {
  id: string
  topic: string | undefined
  record: AnyRecord | undefined
  parents: Ancestor[]
  /** What it was made by; absent where nobody kept it: what people took in, and what earlier releases made. */
  rules?: Recipe & { notAsPaper: Difference[] }
  /** For a concept combination: where each concept was named, back to the seeds. */
  concepts?: {
    concept: string
    namedIn: number
    annotator: string
    conceptListId: string
    seedId: string
    source: string
    sourceId: string
    statement: string
  }[]
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
    visited.set(one, ancestor)
    return ancestor
  }
  return await visit(id, undefined)
}

function notAsPaper(recipe: Recipe): Difference[] {
  const made = processors.find(({ name }) => name === recipe.processor)
  return made ? differencesFromPaper(recipe, made.settings) : []
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

/** What records of an ancestry make of its verdicts, by the verdict's id. */
interface Uses {
  /** In the pair. */
  role?: 'chosen' | 'rejected'
  /** What an outcome counts it as, where the verdict itself says otherwise. */
  countedAs?: string
}

function usesOf(ancestry: Ancestor): Map<string, Uses> {
  const uses = new Map<string, Uses>()
  const add = (id: string, use: Uses): unknown => uses.set(id, { ...uses.get(id), ...use })
  const seen = new Set<Ancestor>()
  const visit = (one: Ancestor): void => {
    if (seen.has(one)) return
    seen.add(one)
    if (one.record && one.topic === topics.preferencePairs.name) {
      const { chosenVerdictId, rejectedVerdictId } = one.record as unknown as RecordTypes['preference-pair']
      add(chosenVerdictId, { role: 'chosen' })
      add(rejectedVerdictId, { role: 'rejected' })
    }
    if (one.record && one.topic === topics.outcomes.name)
      for (const { verdictId, verdict, recomputed } of (one.record as unknown as Outcome).verdicts)
        if (recomputed) add(verdictId, { countedAs: verdict })
    for (const parent of one.parents) visit(parent)
  }
  visit(ancestry)
  return uses
}

/** What an outcome made of the tests: those that were set aside, and those that were added. */
function testLines({ topic, record }: Ancestor): string[] {
  if (!record || topic !== topics.outcomes.name) return []
  const { setAside, addedTests } = record as unknown as Outcome
  return [
    ...setAside.map(
      ({ test, kind, rule, agreed, seconded, contradicted, of }) =>
        `test ${test + 1} (${oneLine(kind, 40)}) set aside, ${rule}: ${agreed.length + seconded} of ${of} attempts printed the same other output, ${contradicted} passed it`,
    ),
    ...addedTests.map(
      ({ test, kind, setAside: rule, passed, of }) =>
        `further test ${test + 1} (${oneLine(kind, 40)}) ${rule === '' ? 'counts' : `set aside, ${rule}`}: ${passed} of ${of} attempts passed it`,
    ),
  ]
}

/** What a reader wants to know of one record, in one line. */
function summaryOf({ topic, record, id }: Ancestor, uses: ReadonlyMap<string, Uses>): string {
  if (!record || topic === undefined) return 'no longer kept (transient)'
  const text = (name: string): string => {
    const value = (record as unknown as Record<string, unknown>)[name]
    return typeof value === 'string' || typeof value === 'number' ? oneLine(String(value), 100) : ''
  }
  switch (topic) {
    case topics.preferencePairs.name:
      return `pair for ${text('solver')}, pass rate ${text('passRate')}`
    case topics.outcomes.name: {
      const { result, passed, attempted, invalid } = record as unknown as Outcome
      return `outcome ${result}: ${passed} of ${attempted} attempts passed, ${invalid} invalid`
    }
    case topics.verdicts.name: {
      const verdict = record as unknown as RecordTypes['verdict']
      const tests =
        verdict.tests.length > 0
          ? `, ${verdict.tests.filter((test) => test.verdict === 'passed').length} of ${verdict.tests.length} tests run passed`
          : ''
      const { role, countedAs } = uses.get(id) ?? {}
      const answer = verdict.extracted === null ? '' : `, answer ${oneLine(verdict.extracted, 40)}`
      const counted = countedAs ? `; counts as ${countedAs} by the tests that the outcome went by` : ''
      return `attempt ${verdict.attempt}${role ? ` (${role})` : ''}: ${verdict.verdict} (${verdict.reason})${answer}${tests}${counted}`
    }
    case topics.votedProblems.name:
    case topics.testCases.name: {
      const { checks, votes } = record as unknown as RecordTypes['test-cases']
      const source = checks.trusted
        ? 'trusted'
        : votes
          ? `voted by ${votes.classes[0]?.votes} of ${votes.asked}`
          : 'written by a model'
      return checks.answer === null
        ? `${checks.tests.length} tests, ${source}`
        : `answer ${oneLine(checks.answer, 60)}, ${source}`
    }
    case topics.testRuns.name: {
      const { tests, programs } = record as unknown as RecordTypes['test-runs']
      return `${tests.length} tests added, ${programs.length} programs run on them`
    }
    case topics.concepts.name:
      return `concepts for level ${text('level')}, ${text('sampler').startsWith('cooccurrence') ? 'drawn by' : 'ingested as'} ${text('sampler')}`
    case topics.rationales.name:
      return `rationale: ${text('rationale')}`
    case topics.discards.name:
      return `discarded by ${text('processor')} as ${text('reason')}: ${text('evidence')}`
    default:
      return text('statement') || text('prompt')
  }
}

function callLine({
  purpose,
  model,
  endpoint,
  promptVersion,
  temperature,
  seed,
  promptTokens,
  completionTokens,
  latencySeconds,
}: ModelCall): string {
  const sampling = [temperature === null ? '' : `temperature ${temperature}`, seed === null ? '' : `seed ${seed}`]
    .filter(Boolean)
    .join(', ')
  return `call ${purpose}: ${model} at ${endpoint}, prompt ${promptVersion}${sampling && `, ${sampling}`}, ${promptTokens} + ${completionTokens} tokens, ${latencySeconds.toFixed(1)} s`
}

/** The rules of a step; those that were told above are named alone. */
function rulesLines({ rules }: Ancestor, shown: Set<string>): string[] {
  if (!rules) return []
  const { recipe, processor, version, profile } = rules
  const head = `rules ${recipe}: ${processor} ${version}`
  if (shown.has(recipe)) return [`${head} (above)`]
  shown.add(recipe)
  const differences = rules.notAsPaper.map(({ name, value, paper }) => `${name} ${value} (paper: ${paper})`)
  return [
    [`${head}, profile ${profile}`, recipeText(rules)].filter((part) => part !== '').join('; '),
    ...(differences.length > 0 ? [`  not as in the paper: ${differences.join(', ')}`] : []),
  ]
}

function lines(ancestor: Ancestor, depth: number, shown: Set<string>, uses: ReadonlyMap<string, Uses>): string[] {
  const indent = '  '.repeat(depth)
  const { id, record } = ancestor
  const head = `${indent}${id}${record?.simulated ? ' [simulated]' : ''}`
  if (shown.has(id)) return [`${head} (above)`]
  shown.add(id)
  return [
    head,
    `${indent}  ${summaryOf(ancestor, uses)}`,
    ...testLines(ancestor).map((line) => `${indent}  ${line}`),
    ...rulesLines(ancestor, shown).map((line) => `${indent}  ${line}`),
    ...(record?.calls ?? []).map((call) => `${indent}  ${callLine(call)}`),
    ...(ancestor.concepts ?? []).flatMap((one) => [
      `${indent}  "${one.concept}": named in ${one.namedIn} lists, first by ${one.annotator} in ${one.conceptListId}`,
      `${indent}    ${one.seedId} (${[one.source, one.sourceId].filter(Boolean).join(' ')}): ${oneLine(one.statement, 100)}`,
    ]),
    ...ancestor.parents.flatMap((parent) => lines(parent, depth + 1, shown, uses)),
  ]
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

/** An ancestry as a person reads it. Whatever texts hold, they make no lines of their own. */
export function ancestryLines(ancestry: Ancestor): string[] {
  return lines(ancestry, 0, new Set(), usesOf(ancestry)).map((line) => line.replace(/\s/g, ' '))
}

export function explainCommand(): Command {
  return placeOptions(new Command('explain').argument('<id>', 'id of any kept record'))
    .option(
      '--json',
      'the whole ancestry as one JSON object, full texts included; a record that comes again is named alone, with `above`',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring explain preference-pair-1a2b3c4d5e6f\n  wellspring explain $(wellspring tail preference-pairs --last 1 | head -1 | jq -r .id)',
    )
    .action(async (id: string, options: PlaceFlags & { json?: boolean }) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const ancestry = await ancestryOf(corpus, id)
        if (options.json) sayJson(ancestryJson(ancestry))
        else for (const line of ancestryLines(ancestry)) say(line)
      })
    })
}
