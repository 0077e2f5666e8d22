/** The sorts of rows that can be exported. To add one, add its entry to `sorts`: formats take it by its shape. */
import { trainingText } from '../curation/pairs.ts'
import { completionText } from '../curation/synthesis.ts'
import { domainNamed } from '../domains/index.ts'
import { synthesisPrompt } from '../domains/prompts.ts'
import { trainingRowOf } from '../domains/triples.ts'
import { textId } from '../engine/ids.ts'
import { announcedRoles, type AnnouncedRole } from '../engine/ports.ts'
import type {
  CountedVerdict,
  Outcome,
  OutcomeResult,
  ProgramTest,
  RecordTypes,
  Triple,
  Verdict,
} from '../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../topics/catalogue.ts'
import type { Lookup } from './lookup.ts'
import type { FactName, Facts, Row, ShapeName } from './shapes.ts'

/** What outcomes of a problem are exported, for sorts that are made of outcomes. */
export const outcomeResults: readonly OutcomeResult[] = ['kept', 'too_easy', 'unsolved', 'abandoned']

/** What decides the rows of a record beside the record. */
interface RowRules {
  /** Outcomes whose rows are wanted. */
  results: ReadonlySet<OutcomeResult>
  /** The model that is to learn from the rows. */
  role: AnnouncedRole
}

/** How rows of one sort are made. */
export interface Sort<Shape extends ShapeName = ShapeName, Kind extends RecordKind = RecordKind> {
  readonly summary: string
  readonly shape: Shape
  /** Its rows come from this topic, those of a record together and in the order of the records. */
  readonly topic: Topic<Kind>
  /** The facts that its rows have, in the order of their columns. */
  readonly facts: readonly FactName[]
  /** For sorts made of outcomes: which of them, unless it is asked for others. */
  readonly results?: readonly OutcomeResult[]
  /** For sorts that two models learn from, each in its own way: who they are, the default first. */
  readonly roles?: readonly AnnouncedRole[]
  rows(record: RecordTypes[Kind], lookup: Lookup, rules: RowRules): Row<Shape>[] | Promise<Row<Shape>[]>
}

function sort<Shape extends ShapeName, Kind extends RecordKind>(one: Sort<Shape, Kind>): Sort<Shape> {
  return one
}

const ofProblem = ['id', 'problem_id', 'domain', 'origin', 'source'] as const
const ofAttempts = [...ofProblem, 'solver', 'level', 'pass_rate'] as const

export const sorts = {
  pairs: sort({
    summary: 'preference pairs: a prompt, an attempt that passed and one that failed',
    shape: 'preference',
    topic: topics.preferencePairs,
    facts: [...ofAttempts, 'simulated'],
    rows: (pair) => {
      const { prompt, chosen, rejected, solver, level, passRate } = pair
      const facts = { ...problemFacts(pair), solver, level, pass_rate: passRate, simulated: pair.simulated }
      return [{ texts: { prompt, chosen, rejected }, facts, recipe: pair.recipe, models: [solver] }]
    },
  }),

  sft: sort({
    summary: "supervised fine-tuning: a prompt and a teacher's answer to it, with its reasoning",
    shape: 'completion',
    topic: topics.sftExamples,
    facts: [...ofProblem, 'teacher', 'tokens', 'simulated'],
    rows: (example) => {
      const { prompt, completion, teacher, tokens, simulated, recipe } = example
      const facts = { ...problemFacts(example), teacher, tokens, simulated }
      return [{ texts: { prompt, completion }, facts, recipe, models: [teacher] }]
    },
  }),

  kto: sort({
    summary: 'single attempts that are valid, each with a label: did it pass?',
    shape: 'labelled',
    topic: topics.outcomes,
    facts: [...ofAttempts, 'simulated'],
    results: ['kept'],
    rows: async (outcome, lookup, { results }) => {
      if (!results.has(outcome.result)) return []
      const counted = outcome.verdicts.filter(({ valid }) => valid)
      const verdicts = await verdictsAt(counted, lookup)
      const prompt = promptOf(outcome)
      return verdicts.map((verdict, index) => ({
        // As the outcome counts it: tests may have been set aside or added.
        texts: { prompt, completion: trainingText(verdict), label: counted[index]?.verdict === 'passed' },
        facts: { ...outcomeFacts(outcome), id: verdict.id, simulated: outcome.simulated || verdict.simulated },
        recipe: outcome.recipe,
        models: modelsOf(verdict),
      }))
    },
  }),

  rl: sort({
    summary: "reinforcement learning: prompts with what attempts are checked by, and a solver's pass rate",
    shape: 'checked',
    topic: topics.outcomes,
    facts: [...ofAttempts, 'trusted', 'simulated'],
    results: outcomeResults,
    rows: async (outcome, lookup, { results }) => {
      if (!results.has(outcome.result)) return []
      const [testCasesId = '', testRunsId] = outcome.parentIds
      const { checks, recipe, simulated } = await lookup.byId(topics.testCases, testCasesId)
      const added = testRunsId === undefined ? [] : (await lookup.byId(topics.testRuns, testRunsId)).tests
      return [
        {
          texts: {
            prompt: promptOf(outcome),
            answer: checks.answer,
            tests: testsThatCount(outcome, checks.tests, added),
          },
          facts: {
            ...outcomeFacts(outcome),
            trusted: checks.trusted,
            simulated: outcome.simulated || simulated,
          },
          recipe,
          models: [outcome.solver],
        },
      ]
    },
  }),

  rollouts: sort({
    summary: 'all attempts of a solver at a prompt, grouped, each with its reward (1 passed, 0 failed) and validity',
    shape: 'group',
    topic: topics.outcomes,
    facts: [...ofAttempts, 'simulated'],
    results: outcomeResults,
    rows: async (outcome, lookup, { results }) => {
      if (!results.has(outcome.result) || outcome.verdicts.length === 0) return []
      const verdicts = await verdictsAt(outcome.verdicts, lookup)
      return [
        {
          texts: {
            prompt: promptOf(outcome),
            completions: verdicts.map(trainingText),
            rewards: outcome.verdicts.map(({ verdict }) => (verdict === 'passed' ? 1 : 0)),
            valid: outcome.verdicts.map(({ valid }) => valid),
          },
          facts: {
            ...outcomeFacts(outcome),
            simulated: outcome.simulated || verdicts.some((verdict) => verdict.simulated),
          },
          recipe: outcome.recipe,
          models: [...new Set(verdicts.flatMap(modelsOf))],
        },
      ]
    },
  }),

  problems: sort({
    summary: 'problems with what attempts are checked by, whether anyone attempted them or not',
    shape: 'checked',
    topic: topics.testCases,
    facts: [...ofProblem, 'concepts', 'level', 'trusted', 'simulated'],
    rows: (testCases) => {
      const { domain, statement, concepts, level, checks, simulated, recipe, calls } = testCases
      return [
        {
          texts: {
            prompt: domainNamed(domain).solverPrompt(statement).text,
            answer: checks.answer,
            tests: checks.tests.map(bareTest),
          },
          facts: { ...problemFacts(testCases), concepts, level, trusted: checks.trusted, simulated },
          recipe,
          models: [...new Set(calls.map(({ model }) => model))],
        },
      ]
    },
  }),

  generator: sort({
    summary: 'training text of the problem-generation model: concepts and level to rationale and problem',
    shape: 'text',
    topic: topics.testCases,
    facts: [...ofProblem, 'concepts', 'level', 'simulated'],
    // A problem that has checks was accepted; accepted-problems itself keeps nothing for long.
    rows: async ({ origin, problemId }, lookup) => {
      if (origin !== 'synthetic') return []
      const problem = await lookup.byId(topics.problems, problemId)
      const { concepts, level, rationale, statement, simulated, recipe, calls } = problem
      if (rationale === null) return []
      return [
        {
          texts: {
            prompt: synthesisPrompt(concepts, level).text,
            completion: completionText(rationale, statement),
            ...{ rationale, problem: statement },
          },
          facts: { ...problemFacts({ ...problem, problemId }), concepts, level, simulated },
          recipe,
          models: [...new Set(calls.map(({ model }) => model))],
        },
      ]
    },
  }),

  triples: sort({
    summary:
      'rationale learning: a human problem, its concepts and a rationale, as training text of one of the two models',
    shape: 'text',
    topic: topics.triples,
    facts: [
      ...ofProblem,
      ...(['concepts', 'level', 'concept_list_id', 'step', 'iteration'] as const),
      ...(['writer', 'writer_version', 'scorer_version', 'simulated'] as const),
    ],
    roles: announcedRoles,
    rows: async (triple, lookup, { role }) => {
      if (await isSuperseded(triple, lookup)) return []
      const { id, domain, source, statement, concepts, level, rationale, conceptListId, step, iteration } = triple
      const { writer, writerVersion, scorer, scorerVersion, simulated, recipe } = triple
      // That of the same text taken in as a problem: splits and retractions go by it.
      const about = { id, problemId: textId('problem', domain, statement), domain, origin: 'human' as const, source }
      return [
        {
          texts: { ...trainingRowOf(triple, role), rationale, problem: statement },
          facts: {
            ...{ ...problemFacts(about), concepts, level, concept_list_id: conceptListId, step, iteration },
            ...{ writer, writer_version: writerVersion, scorer_version: scorerVersion, simulated },
          },
          recipe,
          models: [writer, ...(scorer === '' ? [] : [scorer])],
        },
      ]
    },
  }),
} as const satisfies Record<string, Sort>

export type SortName = keyof typeof sorts

export const sortNames = Object.keys(sorts) as SortName[]

function problemFacts(record: {
  id: string
  problemId: string
  domain: string
  origin: Facts['origin']
  source: string
}): Pick<Facts, 'id' | 'problem_id' | 'domain' | 'origin' | 'source'> {
  const { id, problemId, domain, origin, source } = record
  return { id, problem_id: problemId, domain, origin, source }
}

function outcomeFacts(outcome: Outcome): Omit<Facts, 'simulated'> {
  const { solver, level, passed, attempted } = outcome
  return { ...problemFacts(outcome), solver, level, pass_rate: attempted === 0 ? 0 : passed / attempted }
}

/** Whether the step began anew after the triple was asked for: another announcement's triples stand in its place. */
async function isSuperseded({ step, iteration, announcement }: Triple, lookup: Lookup): Promise<boolean> {
  const inForce = await Promise.all(announcedRoles.map((role) => lookup.newest(topics.models, role)))
  const planned = await lookup.newest(topics.emSteps, `${step}/${iteration}`)
  const began = inForce
    .filter((one) => one?.step === step && one.iteration === iteration)
    .map((one) => one?.ordinal ?? 0)
  // A cold start is of no announcement.
  return announcement > 0 && announcement < Math.max(planned?.announcement ?? 0, ...began)
}

/** One after the other: the next often came with the read before. */
async function verdictsAt(positions: readonly CountedVerdict[], lookup: Lookup): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const at of positions) verdicts.push(await lookup.at(topics.verdicts, at))
  return verdicts
}

/** The prompt that the solver was sent. */
function promptOf({ domain, statement }: Outcome): string {
  return domainNamed(domain).solverPrompt(statement).text
}

function modelsOf({ solver, calls }: Verdict): string[] {
  return calls.length === 0 ? [solver] : calls.map(({ model }) => model)
}

/** The tests that an outcome went by: without those that were set aside, with those that were added. */
function testsThatCount(
  { setAside, addedTests }: Outcome,
  written: readonly ProgramTest[],
  added: readonly ProgramTest[],
): ReturnType<typeof bareTest>[] {
  const refuted = new Set(setAside.map(({ test }) => test))
  const standing = new Set(addedTests.flatMap((one) => (one.setAside === '' ? [one.test] : [])))
  return [...written.filter((_, test) => !refuted.has(test)), ...added.filter((_, test) => standing.has(test))].map(
    bareTest,
  )
}

function bareTest({ input, output }: { input: string; output: string }): { input: string; output: string } {
  return { input, output }
}
