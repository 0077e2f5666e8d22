/**
 * sample-concepts: tables concept-lists, concept-embeddings and concept-yields -> concepts. A source: draws new concept
 * combinations, only as fast as the stream drains. No model call. The n-th draw is the same for the same tables.
 *
 * Where a choice gives combinations that have had all their draws it is widened: three draws as it is set, then the
 * temperature rises by half in each of twelve steps (from the sixth on the first concept is drawn evenly), then combinations
 * get shorter; where there are at most 5000 of a size, all are looked at. Nothing new after that: the source waits and says so.
 */
import { setImmediate } from 'node:timers/promises'
import { ConceptVectors } from '../curation/concept-vectors.ts'
import { ConceptYields, levelWeights } from '../curation/concept-yields.ts'
import { ConceptIndex, equalWeights, parseShares, pickWeighted, randomFrom } from '../curation/sampling.ts'
import type { Domain } from '../domains/domain.ts'
import { domains } from '../domains/index.ts'
import { emittedBy } from '../engine/counts.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { hashOf, seedOf } from '../engine/ids.ts'
import { defineProcessor, table } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { CombinationUnderWay, LedgerEntry } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

/** The default of `problems`: sampling never stops by itself. */
const endless = 1e12

/** Draws at each step of the widening. */
const drawsPerStep = 3
const temperatureSteps = 12
const temperatureFactor = 1.5
/** Ordered combinations of a size are gone through one by one where there are no more. */
const mostListed = 5000
/** From this step on the first concept is drawn evenly. */
const evenFirstStep = 6

/** Key of the combination whose draws go on; those of combinations are hashes. */
const underWayKey = 'under-way'

/** The value of a key, made where there is none yet. */
function ensure<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const value = values.get(key) ?? make()
  values.set(key, value)
  return value
}

export default defineProcessor({
  name: 'sample-concepts',
  summary: 'Draws new concept combinations, only as fast as the stream drains.',
  version: 2,
  inputs: {},
  // Each folds by domain.
  tables: {
    conceptLists: table(topics.conceptLists, {
      create: () => new Map<string, ConceptIndex>(),
      add: (indexes, { domain, concepts }) => ensure(indexes, domain, () => new ConceptIndex()).addList(concepts),
    }),
    conceptEmbeddings: table(topics.conceptEmbeddings, {
      create: () => new Map<string, ConceptVectors>(),
      add: (all, { domain, concept, vector }) => ensure(all, domain, () => new ConceptVectors()).set(concept, vector),
    }),
    conceptYields: table(topics.conceptYields, {
      create: () => new Map<string, ConceptYields>(),
      add: (all, one) => ensure(all, one.domain, () => new ConceptYields()).add(one),
    }),
    ledger: table(topics.ledger, {
      create: () => new Map<string, LedgerEntry>(),
      add: (ledger, entry) => void ledger.set(`${entry.processor}/${entry.task}`, entry),
    }),
  },
  outputs: { combination: topics.concepts },
  roles: [],
  settings: {
    problems: setting.integer('Synthetic problems to make in this corpus before sampling stops.', {
      min: 0,
      max: endless,
      default: endless,
    }),
    combinationSize: setting.integer('Concepts in a combination.', { min: 1, max: 20, default: 5, recipe: true }),
    shortestCombination: setting.integer(
      'Fewest concepts of a combination, once nothing new is found among those of the whole size.',
      { min: 1, max: 20, default: 2, recipe: true },
    ),
    temperature: setting.number('Temperature of the softmax over the next concept.', {
      min: 0.01,
      max: 10,
      default: 0.2,
      recipe: true,
    }),
    cooccurrence: setting.choice(
      'How co-occurrence enters the softmax beside similarity. normalised: over that of the most frequent pair, 0 to 1. counts: raw counts, as the public scripts have it; near-greedy at temperature 0.2.',
      ['normalised', 'counts'],
      { default: 'normalised', profiles: { scripts: 'counts' }, recipe: true },
    ),
    mergeSimilarity: setting.number(
      'Cosine from which a concept is taken for another name of one that was embedded before it. 1: equal normal forms alone are one concept. Which cosine tells synonyms depends on the embedding model: measure it first.',
      { min: 0.5, max: 1, default: 1, recipe: true },
    ),
    drawsPerCombination: setting.integer(
      'Times that one ordered combination may be drawn, each with a seed of its own. The released recipe: 64.',
      { min: 1, max: 10_000, default: 64 },
    ),
    consecutiveDraws: setting.integer(
      'Draws that are made of a combination one after the other when it is drawn, as far as it has draws left. The released recipe: 64.',
      { min: 1, max: 10_000, default: 1, profiles: { scripts: 64 }, recipe: true },
    ),
    firstSeed: setting.integer(
      'Seed of the first draw of each combination; the next ones count on. The released recipe: 8000.',
      { min: 0, max: 2_000_000_000, default: 8000, recipe: true },
    ),
    exploration: setting.number(
      'Share of combinations that are drawn without regard to what concepts have yielded. 1: yields have no part, as in the paper and the scripts.',
      { min: 0, max: 1, default: 0.2, profiles: { paper: 1, scripts: 1 }, recipe: true },
    ),
    mostYieldFactor: setting.number(
      'Most that the yield of a concept (pairs for a token, over the mean of its domain) multiplies its weight by; the least is 1 over it.',
      { min: 1, max: 100, default: 4, recipe: true },
    ),
    minPassRate: setting.number(
      'Lower end of the band of live pass rates: a level below it is drawn a quarter as often. 0: no level is.',
      { min: 0, max: 1, default: 0.02, profiles: { paper: 0, scripts: 0 }, recipe: true },
    ),
    maxPassRate: setting.number(
      'Upper end of the band of live pass rates: a level above it is drawn a quarter as often. 1: no level is.',
      { min: 0, max: 1, default: 0.75, profiles: { paper: 1, scripts: 1 }, recipe: true },
    ),
    domainShares: setting.text('Share of each domain, such as math=2,code=1. A domain without concepts is left out.', {
      default: 'math=1,code=1',
      recipe: true,
    }),
    maxWorkInProgress: setting.integer(
      'Most units of work between sampling and outcome. 0: by solver slots and measured survival.',
      { min: 0, max: 1e9, default: 0 },
    ),
  },
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'drawn-combination' },
  process: {},
  async next({ config, tables, state, position, emit, slotsOf, enterStream, remark }) {
    const entries = [...tables.ledger.index.values()]
    const drawn = position.offset
    if (drawn - lostBeforeProblem(entries) >= config.problems)
      return emittedBy(entries, 'generate-problem', topics.problems) >= config.problems ? 'complete' : 'waiting'
    const most = config.maxWorkInProgress || workInProgressLevel(slotsOf('solver'), entries)
    if (workInProgress(entries, drawn) >= most) return 'waiting'

    const draw = (combination: CombinationUnderWay, remaining: number) => {
      const key = keyOf(combination)
      const draws = state.get(key)?.draws ?? 0
      state.set(key, { draws: draws + 1, remaining: 0, combination: null })
      const left = Math.min(remaining, config.drawsPerCombination - draws - 1)
      if (left > 0) state.set(underWayKey, { draws: 0, remaining: left, combination })
      else state.remove(underWayKey)
      enterStream()
      const { domain, concepts, level, sampler, temperature, widening, guided, livePassRate } = combination
      return emit.combination({
        ...{ parentIds: [], ordinal: drawn, domain, concepts, level, draw: draws, seed: config.firstSeed + draws },
        ...{ sampler, temperature, widening, guided, livePassRate },
        tableVersions: {
          'concept-lists': tables.conceptLists.version,
          'concept-embeddings': tables.conceptEmbeddings.version,
          'concept-yields': tables.conceptYields.version,
        },
      })
    }
    const underWay = state.get(underWayKey)
    if (underWay?.combination) return [draw(underWay.combination, underWay.remaining - 1)]

    // The stream may still bring concepts; once it is empty, a run with a goal ends short of it rather than never.
    const nothingNew = config.problems < endless && workInProgress(entries, drawn) === 0 ? 'complete' : 'waiting'
    const shares = sharesOf(config.domainShares)
    const wanted = domains.filter(({ name }) => (shares.get(name) ?? 0) > 0)
    for (const { name } of wanted) {
      const [index, vectors] = [tables.conceptLists.index.get(name), tables.conceptEmbeddings.index.get(name)]
      if (!index || !vectors || config.mergeSimilarity === 1) continue
      const tell = (concept: string, original: string): void => index.merge(concept, original)
      for (const _ of vectors.merge(config.mergeSimilarity, tell)) await setImmediate()
    }
    const sizeOf = ({ name }: Domain): number => tables.conceptLists.index.get(name)?.size ?? 0
    const ready: readonly Domain[] = wanted.filter((domain) => sizeOf(domain) >= config.combinationSize)
    if (ready.length === 0) {
      const known = wanted.map((domain) => `${domain.name} ${sizeOf(domain)}`).join(', ')
      remark(`waits for ${config.combinationSize} concepts of one domain to be named; so far ${known}`)
      return nothingNew
    }

    const random = randomFrom(seedOf('sample-concepts', drawn))
    const band = { min: config.minPassRate, max: config.maxPassRate }
    const isBanded = band.min > 0 || band.max < 1
    const first = pickWeighted(ready, ({ name }) => shares.get(name) ?? 0, random())
    for (const { name: domain, levels } of [first, ...ready.filter((other) => other !== first)]) {
      const index = tables.conceptLists.index.get(domain) ?? new ConceptIndex()
      const vectors = tables.conceptEmbeddings.index.get(domain) ?? new ConceptVectors()
      const yields = tables.conceptYields.index.get(domain) ?? new ConceptYields()
      const weights = random() < config.exploration ? equalWeights : yields.weights(config.mostYieldFactor)
      const rateOf = (level: string): number | undefined => (isBanded ? yields.livePassRate(level) : undefined)
      const [level = ''] = pickWeighted(
        levelWeights(levels, rateOf, band).map((weight, at) => [levels[at] ?? '', weight] as const),
        ([, weight]) => weight,
        random(),
      )
      const found = findNew(
        (size, { temperature, evenFirst }) =>
          index.draw(size, { temperature, evenFirst, cooccurrence: config.cooccurrence, vectors, weights }, random),
        (size) => index.list(size, mostListed, random),
        (concepts) => (state.get(keyOf({ domain, concepts }))?.draws ?? 0) < config.drawsPerCombination,
        config,
      )
      if (!found) continue
      const said = [
        ...(found.widening > 0
          ? [
              `the choice is widened (step ${found.widening}, temperature ${found.temperature.toPrecision(3)}, ${found.concepts.length} concepts): narrower ones gave combinations that have had all their draws`,
            ]
          : []),
        ...outsideOf(levels, rateOf, band),
      ]
      if (said.length > 0) remark(`${domain}: ${said.join('; ')}`)
      const combination: CombinationUnderWay = {
        ...{ domain, level, ...found, guided: weights !== equalWeights, livePassRate: rateOf(level) ?? null },
        sampler: vectors.size > 0 ? 'cooccurrence-and-similarity' : 'cooccurrence',
      }
      return [draw(combination, config.consecutiveDraws - 1)]
    }
    remark(
      `nothing new: every combination that was tried has had its ${config.drawsPerCombination} draws, up to temperature ` +
        `${(config.temperature * temperatureFactor ** temperatureSteps).toPrecision(2)} and down to ${config.shortestCombination} concepts; ` +
        'take in more seeds, or raise drawsPerCombination',
    )
    return nothingNew
  },
})

function keyOf({ domain, concepts }: { domain: string; concepts: readonly string[] }): string {
  return hashOf(domain, concepts)
}

/** The first combination that is new, with how far the choice had to be widened; undefined where none of the tries is. */
function findNew(
  draw: (size: number, terms: { temperature: number; evenFirst: boolean }) => string[],
  list: (size: number) => Iterable<string[]>,
  isNew: (concepts: readonly string[]) => boolean,
  rule: { combinationSize: number; shortestCombination: number; temperature: number },
): { concepts: string[]; temperature: number; widening: number } | undefined {
  const { combinationSize } = rule
  const shortest = Math.min(combinationSize, rule.shortestCombination)
  for (let widening = 0; widening <= temperatureSteps + combinationSize - shortest; widening++) {
    const temperature = rule.temperature * temperatureFactor ** Math.min(widening, temperatureSteps)
    const size = combinationSize - Math.max(0, widening - temperatureSteps)
    for (let tries = 0; tries < drawsPerStep; tries++) {
      const concepts = draw(size, { temperature, evenFirst: widening >= evenFirstStep })
      if (isNew(concepts)) return { concepts, temperature, widening }
    }
    // Where there are few, the last ones left would hardly be met by chance.
    for (const concepts of widening < temperatureSteps ? [] : list(size))
      if (isNew(concepts)) return { concepts, temperature, widening }
  }
  return undefined
}

/** A sentence on the levels whose live pass rate lies outside of the band, if any does. */
function outsideOf(
  levels: readonly string[],
  rateOf: (level: string) => number | undefined,
  { min, max }: { min: number; max: number },
): string[] {
  const outside = levels.flatMap((level) => {
    const rate = rateOf(level)
    return rate !== undefined && (rate < min || rate > max) ? [`${level} ${rate.toFixed(2)}`] : []
  })
  return outside.length === 0 ? [] : [`live pass rates outside of ${min} to ${max}: ${outside.join(', ')}`]
}

/** @throws ConfigurationError for shares that cannot be read, or of a domain that does not exist */
function sharesOf(text: string): ReadonlyMap<string, number> {
  const shares = parseShares(text)
  if (!(shares instanceof Map)) throw new ConfigurationError([`sample-concepts.domainShares: ${shares.fault}`])
  const names = domains.map(({ name }) => name)
  const unknown = [...shares.keys()].find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new ConfigurationError([`sample-concepts.domainShares: expected ${names.join(' or ')}, got "${unknown}"`])
  return shares
}

/** Units of work in the stream, counting draws that the ledger does not show yet. */
function workInProgress(entries: readonly LedgerEntry[], drawn: number): number {
  const own = entries.find(({ processor }) => processor === 'sample-concepts')
  const known = entries.reduce((sum, { counts }) => sum + counts.entered - counts.left, 0)
  return known + drawn - (own?.counts.finished ?? 0)
}

/** Combinations that came to nothing before they were a problem. */
function lostBeforeProblem(entries: readonly LedgerEntry[]): number {
  return entries
    .filter(({ processor }) => processor === 'generate-rationale' || processor === 'generate-problem')
    .reduce((sum, { counts }) => sum + counts.discarded + counts.deadLettered, 0)
}

/**
 * Enough to keep the solver's slots full: three times the problems that eight rollouts each would fill them with, over the
 * share of combinations that survive to rollouts, and a floor for the stages before.
 */
function workInProgressLevel(solverSlots: number, entries: readonly LedgerEntry[]): number {
  const sum = (of: (entry: LedgerEntry) => number): number => entries.reduce((total, entry) => total + of(entry), 0)
  const entered = sum(({ counts }) => counts.entered)
  const checked = sum(({ counts }) => counts.emitted[topics.testCases.name] ?? 0)
  const left = sum(({ counts }) => counts.left)
  // Measured only on what has ended or been checked: what is still on its way would look like a loss.
  const survival =
    left < 64 ? 0.5 : Math.min(1, Math.max(0.1, checked / Math.max(1, Math.min(entered, left + checked))))
  return Math.ceil(32 + ((solverSlots / 8) * 3) / survival)
}
