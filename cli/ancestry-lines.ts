/** An ancestry as a person reads it. */
import { recipeText } from '../engine/recipes.ts'
import { counted } from '../pages/format.ts'
import type { Judgement, ModelCall, Outcome, RecordTypes } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import type { Ancestor } from './ancestry.ts'
import { oneLine } from './terminal.ts'

/** What records of an ancestry make of its verdicts, by the verdict's id. */
interface Uses {
  /** In the pair. */
  role?: 'chosen' | 'rejected'
  /** What an outcome counts it as, where the verdict itself says otherwise. */
  countedAs?: string
}

/** Each ancestor once, after those that it was made from. */
function* oldestFirst(one: Ancestor, seen = new Set<string>()): Generator<Ancestor> {
  if (seen.has(one.id)) return
  seen.add(one.id)
  for (const parent of one.parents) yield* oldestFirst(parent, seen)
  yield one
}

function usesOf(ancestry: Ancestor): Map<string, Uses> {
  const uses = new Map<string, Uses>()
  const add = (id: string, use: Uses): unknown => uses.set(id, { ...uses.get(id), ...use })
  for (const one of oldestFirst(ancestry)) {
    if (one.record && one.topic === topics.preferencePairs.name) {
      const { chosenVerdictId, rejectedVerdictId } = one.record as unknown as RecordTypes['preference-pair']
      add(chosenVerdictId, { role: 'chosen' })
      add(rejectedVerdictId, { role: 'rejected' })
    }
    if (one.record && one.topic === topics.outcomes.name)
      for (const { verdictId, verdict, recomputed } of (one.record as unknown as Outcome).verdicts)
        if (recomputed) add(verdictId, { countedAs: verdict })
  }
  return uses
}

/** Calls of each record that were made for it: records hand on the calls of what they were made from. By the record's id. */
function madeFor(ancestry: Ancestor): Map<string, ModelCall[]> {
  const told = new Set<string>()
  const calls = new Map<string, ModelCall[]>()
  for (const one of oldestFirst(ancestry))
    calls.set(
      one.id,
      callsOf(one).filter((call) => {
        const text = JSON.stringify(call)
        return !told.has(text) && told.add(text)
      }),
    )
  return calls
}

function callsOf({ topic, record, judged }: Ancestor): ModelCall[] {
  const calls = [...(record?.calls ?? []), ...(judged?.calls ?? [])]
  if (topic !== topics.conceptLists.name) return calls
  // Every annotator's list has the calls of all of them.
  const { annotator } = record as unknown as RecordTypes['concept-list']
  const own = calls.filter(({ purpose }) => purpose === annotator)
  return own.length > 0 ? own : calls
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
function summaryOf({ topic, record, id, parents }: Ancestor, uses: ReadonlyMap<string, Uses>): string {
  if (!record || topic === undefined) return 'no longer kept (transient)'
  const text = (name: string): string => {
    const value = (record as unknown as Record<string, unknown>)[name]
    return typeof value === 'string' || typeof value === 'number' ? oneLine(String(value), 100) : ''
  }
  const attempt = (): string => `attempt ${Number(text('attempt')) + 1}`
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
      const asCounted = countedAs ? `; counts as ${countedAs} by the tests that the outcome went by` : ''
      const reason = verdict.reason === verdict.verdict ? '' : ` (${verdict.reason})`
      return `${attempt()}${role ? ` (${role})` : ''}: ${verdict.verdict}${reason}${answer}${tests}${asCounted}`
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
        ? `${counted(checks.tests.length, 'test')}, ${source}`
        : `answer ${oneLine(checks.answer, 60)}, ${source}`
    }
    case topics.testRuns.name: {
      const { tests, programs } = record as unknown as RecordTypes['test-runs']
      return `${counted(tests.length, 'test')} added, ${counted(programs.length, 'program')} run on them`
    }
    case topics.testRequests.name:
      return `${counted(Number(text('count')), 'further test')} asked for: ${text('statement')}`
    case topics.furtherTests.name: {
      const { tests, malformedTests } = record as unknown as RecordTypes['further-tests']
      const kinds = [...new Set(tests.map(({ kind }) => oneLine(kind, 40)))].join(', ')
      return `${counted(tests.length, 'further test')} written${kinds && ` (${kinds})`}${malformedTests > 0 ? `, ${malformedTests} not readable` : ''}`
    }
    case topics.rolloutRequests.name:
      return `${attempt()}, asked of ${text('solver')}: ${text('statement')}`
    case topics.rollouts.name:
      return `${attempt()} by ${text('solver')}: ${text('statement')}`
    case topics.conceptLists.name: {
      const { concepts } = record as unknown as RecordTypes['concept-list']
      return `${counted(concepts.length, 'concept')} that ${text('annotator')} lists: ${oneLine(concepts.join(', '), 300)}`
    }
    case topics.seeds.name:
    case topics.problems.name:
      return `${text('origin') === 'synthetic' ? '' : `from ${sourceOf(text('source'), text('sourceId'))}: `}${text('statement')}`
    case topics.sftExamples.name:
      // Its prompt may begin with what every prompt of the domain begins with.
      return `row of ${text('teacher')}: ${statementOf(parents) ?? text('prompt')}`
    case topics.concepts.name:
      return `concepts for level ${text('level')}, ${text('sampler').startsWith('cooccurrence') ? 'drawn by' : 'ingested as'} ${text('sampler')}`
    case topics.rationales.name:
      return `rationale: ${text('rationale')}`
    case topics.discards.name:
      return `discarded by ${text('processor')} as ${text('reason')}: ${oneLine((record as unknown as RecordTypes['discard']).evidence, 300)}`
    default:
      return text('statement') || text('prompt')
  }
}

/** `math-500 7`, or the source alone where its problems have no ids. */
function sourceOf(source: string, sourceId: string): string {
  return [source, sourceId].filter(Boolean).join(' ')
}

/** The beginning of the first statement on the way back. */
function statementOf(parents: readonly Ancestor[]): string | undefined {
  for (const { record, parents: further } of parents) {
    const { statement } = (record ?? {}) as { statement?: string }
    const found = typeof statement === 'string' ? oneLine(statement, 100) : statementOf(further)
    if (found !== undefined) return found
  }
  return undefined
}

/** What a judge said of a problem, with the criteria that kept it from more. */
function judgementLine({ judge, opinion, overall, ...criteria }: Judgement): string {
  const names = {
    format: 'format',
    factualAccuracy: 'factual accuracy',
    difficultyAlignment: 'difficulty alignment',
    conceptCoverage: 'concept coverage',
    solvability: 'solvability',
  }
  const less = Object.entries(names).flatMap(([key, name]) => {
    const rating = criteria[key as keyof typeof names]
    return rating === 'perfect' ? [] : [`${name} ${rating}`]
  })
  return `judge ${oneLine(judge, 80)}${opinion > 1 ? `, opinion ${opinion}` : ''}: ${[overall, ...less].join(', ')}`
}

/** What a call was for. Its number counts from 1, as that of a test or an attempt does; the model is told beside it. */
function purposeOf({ purpose, model }: ModelCall): string {
  if (purpose === model) return ''
  const [, asked, again] = /^(judge)(\+\d+)?-/.exec(purpose) ?? []
  if (asked !== undefined) return again === undefined ? ` ${asked}` : ` ${asked}, again`
  const [, what, number] = /^(vote|test|further-test|rationale|score)-(\d+)$/.exec(purpose) ?? []
  return what === undefined ? ` ${purpose}` : ` ${what.replace('-', ' ')} ${Number(number) + 1}`
}

function callLine(call: ModelCall): string {
  const { model, endpoint, promptVersion, temperature, seed, promptTokens, completionTokens, latencySeconds } = call
  const sampling = [temperature === null ? '' : `temperature ${temperature}`, seed === null ? '' : `seed ${seed}`]
    .filter(Boolean)
    .join(', ')
  return `call${purposeOf(call)}: ${model} at ${endpoint}, prompt ${promptVersion}${sampling && `, ${sampling}`}, ${promptTokens} + ${completionTokens} tokens, ${latencySeconds.toFixed(1)} s`
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

/** What of an ancestry is known of its records. */
interface Told {
  uses: ReadonlyMap<string, Uses>
  calls: ReadonlyMap<string, readonly ModelCall[]>
  /** Ids of records and recipes that stand above. */
  shown: Set<string>
}

function lines(ancestor: Ancestor, depth: number, told: Told): string[] {
  const { uses, calls, shown } = told
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
    ...(ancestor.judged?.judgements ?? []).map((judgement) => `${indent}  ${judgementLine(judgement)}`),
    ...(calls.get(id) ?? []).map((call) => `${indent}  ${callLine(call)}`),
    ...(ancestor.concepts ?? []).flatMap((one) => [
      `${indent}  "${one.concept}": named in ${counted(one.namedIn, 'list')}, first by ${one.annotator} in ${one.conceptListId}`,
      `${indent}    ${one.seedId} (${sourceOf(one.source, one.sourceId)}): ${oneLine(one.statement, 100)}`,
    ]),
    ...ancestor.parents.flatMap((parent) => lines(parent, depth + 1, told)),
  ]
}

/** An ancestry as a person reads it. Whatever texts hold, they make no lines of their own. */
export function ancestryLines(ancestry: Ancestor): string[] {
  const told = { uses: usesOf(ancestry), calls: madeFor(ancestry), shown: new Set<string>() }
  return lines(ancestry, 0, told).map((line) => line.replace(/\s/g, ' '))
}
