/**
 * sample-concepts: tables concept-lists and concept-embeddings -> concepts. A source: draws new concept combinations,
 * only as fast as the stream drains. No model call. The n-th draw is the same for the same tables.
 */
import { ConceptIndex, ConceptVectors, parseShares, randomFrom } from '../curation/sampling.ts'
import { domains } from '../domains/index.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { hashOf, seedOf } from '../engine/ids.ts'
import { defineProcessor, table } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { LedgerEntry } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

/** The default of `problems`: sampling never stops by itself. */
const endless = 1e12

/** The value of a key, made where there is none yet. */
function ensure<Value>(values: Map<string, Value>, key: string, make: () => Value): Value {
  const value = values.get(key) ?? make()
  values.set(key, value)
  return value
}

export default defineProcessor({
  name: 'sample-concepts',
  summary: 'Draws new concept combinations, only as fast as the stream drains.',
  version: 1,
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
    temperature: setting.number('Temperature of the softmax over the next concept.', {
      min: 0.01,
      max: 10,
      default: 0.2,
      recipe: true,
    }),
    drawsPerCombination: setting.integer(
      'Times that one ordered combination may be drawn, each with a seed of its own.',
      { min: 1, max: 10_000, default: 64 },
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
  next({ config, tables, state, position, emit, slotsOf, enterStream }) {
    const entries = [...tables.ledger.index.values()]
    const drawn = position.offset
    if (drawn - lostBeforeProblem(entries) >= config.problems)
      return madeProblems(entries) >= config.problems ? 'complete' : 'waiting'
    const level = config.maxWorkInProgress || workInProgressLevel(slotsOf('solver'), entries)
    if (workInProgress(entries, drawn) >= level) return 'waiting'

    // The stream may still bring concepts; once it is empty, a run with a goal ends short of it rather than never.
    const nothingNew = config.problems < endless && workInProgress(entries, drawn) === 0 ? 'complete' : 'waiting'
    const shares = sharesOf(config.domainShares)
    const ready = domains.filter(
      ({ name }) =>
        (shares.get(name) ?? 0) > 0 &&
        (tables.conceptLists.index.get(name)?.concepts.length ?? 0) >= config.combinationSize,
    )
    if (ready.length === 0) return nothingNew

    const random = randomFrom(seedOf('sample-concepts', drawn))
    const domain = pickDomain(ready, shares, random())
    const index = tables.conceptLists.index.get(domain.name) ?? new ConceptIndex()
    const vectors = tables.conceptEmbeddings.index.get(domain.name) ?? new ConceptVectors()
    // A combination that has had all its draws is drawn again at a rising temperature: the choice widens, and never stalls.
    for (let widening = 0; widening < 24; widening++) {
      const concepts = index.draw(config.combinationSize, config.temperature * 1.5 ** widening, vectors, random)
      const key = hashOf(domain.name, concepts)
      const draws = state.get(key)?.draws ?? 0
      if (draws >= config.drawsPerCombination) continue
      state.set(key, { draws: draws + 1 })
      enterStream()
      return [
        emit.combination({
          parentIds: [],
          ordinal: drawn,
          domain: domain.name,
          concepts,
          level: domain.levels[Math.floor(random() * domain.levels.length)] ?? '',
          draw: draws,
          seed: seedOf('combination', drawn),
          sampler: vectors.size > 0 ? 'cooccurrence-and-similarity' : 'cooccurrence',
          tableVersions: {
            'concept-lists': tables.conceptLists.version,
            'concept-embeddings': tables.conceptEmbeddings.version,
          },
        }),
      ]
    }
    return nothingNew
  },
})

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

function pickDomain<Named extends { name: string }>(
  ready: readonly Named[],
  shares: ReadonlyMap<string, number>,
  at: number,
): Named {
  const total = ready.reduce((sum, { name }) => sum + (shares.get(name) ?? 0), 0)
  let passed = 0
  for (const domain of ready) {
    passed += (shares.get(domain.name) ?? 0) / total
    if (at < passed) return domain
  }
  return ready[ready.length - 1] as Named
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

function madeProblems(entries: readonly LedgerEntry[]): number {
  return entries.reduce(
    (sum, { processor, counts }) =>
      sum + (processor === 'generate-problem' ? (counts.emitted[topics.problems.name] ?? 0) : 0),
    0,
  )
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
