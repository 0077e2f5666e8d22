/**
 * plan-rationales: tables concept-lists and models -> rationale-requests, em-steps. A source: in each step of rationale learning goes once
 * through all observed pairs of concepts and problem. No model call. A step begins with an announcement in the table `models`; its requests
 * have ids of that announcement, so a new one makes new records and a replay the same.
 */
import { Announcements } from '../curation/em.ts'
import { parseLevels } from '../curation/levels.ts'
import { domains } from '../domains/index.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { defineProcessor, table, type SourceStep } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { ConceptList, LedgerEntry } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

/** What is kept of a concept list: many are of one problem, whose text is kept once. */
type ObservedPair = Pick<ConceptList, 'id' | 'domain' | 'annotator' | 'source' | 'statement' | 'concepts'>

class ObservedPairs {
  readonly #statements = new Map<string, string>()
  readonly all: ObservedPair[] = []

  add({ id, parentIds, domain, annotator, source, statement, concepts }: ConceptList): void {
    const seed = parentIds[0] ?? id
    const known = this.#statements.get(seed) ?? statement
    this.#statements.set(seed, known)
    this.all.push({ id, domain, annotator, source, statement: known, concepts })
  }
}

/** State of the cold start, of the step that an announcement began last, and of all requests ever made. */
const [coldStartKey, stepKey, allKey] = ['cold-start', 'step', 'all']

export default defineProcessor({
  name: 'plan-rationales',
  summary: 'Asks for rationales of all observed problems, once in each step of rationale learning.',
  version: 1,
  inputs: {},
  tables: {
    conceptLists: table(topics.conceptLists, {
      create: () => new ObservedPairs(),
      add: (pairs, list) => pairs.add(list),
    }),
    models: table(topics.models, {
      create: () => new Announcements(),
      add: (announcements, one) => announcements.add(one),
    }),
    ledger: table(topics.ledger, {
      create: () => new Map<string, LedgerEntry>(),
      add: (ledger, entry) => void ledger.set(`${entry.processor}/${entry.task}`, entry),
    }),
  },
  outputs: { request: topics.rationaleRequests, step: topics.emSteps },
  roles: [],
  needs: ['rationale-writer'],
  settings: {
    coldStart: setting.boolean('Ask the annotators for one rationale of each of their concept lists.', {
      default: true,
    }),
    candidates: setting.integer('Rationales drawn of each observed pair in an E-step.', {
      min: 1,
      max: 128,
      default: 8,
      recipe: true,
    }),
    temperature: setting.number('Sampling temperature of an E-step; an M-step decodes at 0.', {
      min: 0,
      max: 5,
      default: 1,
      recipe: true,
    }),
    levels: setting.text(
      'Difficulty level that prompts name for human problems, such as math=AIME,code=Codeforces. A domain that is left out has its first level.',
      { default: 'math=AIME,code=Codeforces', recipe: true },
    ),
    maxWorkInProgress: setting.integer(
      'Most requests that have no rationales yet. 0: by slots of the rationale writer and the annotators.',
      { min: 0, max: 1e9, default: 0 },
    ),
  },
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: { kind: 'planned-step' },
  process: {},
  next({ config, tables, state, emit, modelsOf, slotsOf }): SourceStep {
    const levels = levelsOf(config.levels)
    const pairs = tables.conceptLists.index.all
    const announced = tables.models.index
    const made = state.get(allKey)?.requests ?? 0
    const most = config.maxWorkInProgress || 32 + 3 * Math.max(slotsOf('rationale-writer'), slotsOf('annotator'))
    if (made - finishedRequests([...tables.ledger.index.values()]) >= most) return 'waiting'

    /** The next pair of a step; undefined once it has been through all. */
    const plan = (key: string, step: Step): SourceStep | undefined => {
      const before = state.get(key)
      const isSame = before?.announcement === step.announcement
      const at = isSame ? before.lists : 0
      const pair = pairs[at]
      if (pair === undefined) return undefined
      // An annotator that is gone has written its last rationale.
      const isAsked = step.role !== 'annotator' || modelsOf('annotator').some(({ model }) => model === pair.annotator)
      const requests = (isSame ? before.requests : 0) + (isAsked ? 1 : 0)
      state.set(key, { announcement: step.announcement, lists: at + 1, requests })
      if (isAsked) state.set(allKey, { announcement: 0, lists: 0, requests: made + 1 })
      const { id, domain, annotator, source, statement, concepts } = pair
      const { writer = annotator, ...how } = step
      const level = levels.get(domain) ?? domains.find(({ name }) => name === domain)?.levels[0] ?? ''
      const names = [how.step, how.iteration, how.announcement, how.writerVersion, how.scorerVersion]
      const observed = { conceptListId: id, domain, source, statement, concepts, level }
      return [
        ...(isAsked ? [emit.request({ ...observed, ...how, writer, parentIds: [id], ordinal: names.join('/') })] : []),
        ...(at + 1 === pairs.length
          ? [
              emit.step({
                ...{ step: how.step, iteration: how.iteration, announcement: how.announcement },
                ...{ lists: at + 1, requests, parentIds: [], ordinal: `${names.join('/')}/${at + 1}` },
              }),
            ]
          : []),
      ]
    }

    if (config.coldStart) {
      const planned = plan(coldStartKey, coldStart)
      if (planned) return planned
    }
    const { last } = announced
    if (last === undefined || last.step === 'cold-start') return 'complete'
    const writer = announced.of('rationale-writer')
    const isExploring = last.step === 'e'
    const step: Step = {
      ...{ step: last.step, iteration: last.iteration, announcement: last.ordinal, role: 'rationale-writer' },
      ...{ writer: writer?.model ?? '', writerVersion: writer?.version ?? '' },
      scorerVersion: isExploring ? (announced.of('problem-writer')?.version ?? '') : '',
      candidates: isExploring ? config.candidates : 1,
      temperature: isExploring ? config.temperature : 0,
    }
    return plan(stepKey, step) ?? 'complete'
  },
})

/** What all requests of a step have in common. */
interface Step {
  step: string
  iteration: number
  announcement: number
  role: 'annotator' | 'rationale-writer'
  /** Absent in the cold start: whoever listed the concepts. */
  writer?: string
  writerVersion: string
  scorerVersion: string
  candidates: number
  temperature: number | null
}

const coldStart: Step = {
  ...{ step: 'cold-start', iteration: 0, announcement: 0, role: 'annotator' },
  ...{ writerVersion: '', scorerVersion: '', candidates: 1, temperature: null },
}

/** Requests that were answered, discarded or buried. */
function finishedRequests(entries: readonly LedgerEntry[]): number {
  return entries
    .filter(({ processor }) => processor === 'infer-rationale')
    .reduce((sum, { counts }) => sum + counts.finished, 0)
}

/** @throws ConfigurationError for levels that cannot be read, or of a domain that does not exist */
function levelsOf(text: string): ReadonlyMap<string, string> {
  const levels = parseLevels(text)
  if (!(levels instanceof Map)) throw new ConfigurationError([`plan-rationales.levels: ${levels.fault}`])
  const names = domains.map(({ name }) => name)
  const unknown = [...levels.keys()].find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new ConfigurationError([`plan-rationales.levels: expected ${names.join(' or ')}, got "${unknown}"`])
  return levels
}
