/** Every number that a plan rests on, with what it is: those of the model's inputs. What stands around the GPUs tells its own. */
import { testKinds } from '../curation/written-tests.ts'
import {
  callRoles,
  problemsDrawn,
  recordsOf,
  type CapacityInputs,
  type CapacityRules,
  type Chance,
  type DomainFigures,
} from './capacity.ts'
import { formatBytes, formatCount, tableLines } from './terminal.ts'

/** A number that the plan rests on. */
export interface Known {
  name: string
  /** The domain that it is of; absent where it is of all. */
  domain?: string
  value: number | boolean | string
  unit: string
  /** `given` by a flag, `default`: of a flag that was not given, a `setting` in force, or `fixed` by the method. */
  basis: 'given' | 'default' | 'setting' | 'measured' | 'assumed' | 'fixed'
  source: string
}

/** What a number is, and who says so. */
type Standing = Pick<Known, 'basis' | 'source'>

/** Numbers of one domain of the inputs, all that the model reads of it under their rules. */
export function domainNumbers(
  domain: DomainFigures,
  inputs: CapacityInputs,
  standing: { share: Standing; figures: Standing; bytes: Standing },
): Known[] {
  const { checkedBy } = domain
  const { rules, judges, teachers } = inputs
  const shares = inputs.domains.reduce((sum, { share }) => sum + share, 0)
  const number = (name: string, value: number, unit: string, of: Standing = standing.figures): Known => ({
    ...{ name, domain: domain.name, value, unit, ...of },
  })
  const chance = ({ never, mean, concentration }: Chance, names: { never: string; mean: string }): Known[] => [
    number(names.never, never, 'share'),
    number(names.mean, mean, 'share'),
    number(`${names.mean}: how alike they are (alpha + beta)`, concentration, ''),
  ]
  const weighed = checkedBy === 'tests' && rules.attempts.weighTests
  const isCalled: Record<(typeof callRoles)[number], boolean> = {
    'problem-writer': true,
    judge: judges > 0,
    'test-writer': checkedBy === 'tests',
    voter: checkedBy === 'answer',
    teacher: teachers > 0,
  }
  return [
    number('combinations drawn, of all', domain.share / shares, 'share', standing.share),
    number('combinations that become a problem', domain.written, 'share'),
    number('problems that pass screening', domain.screened, 'share'),
    number('screened problems that judges accept', domain.accepted, 'share'),
    ...(checkedBy === 'answer'
      ? [
          ...chance(domain.agreement, {
            never: 'problems without an answer that votes agree on',
            mean: 'votes for that answer at the others',
          }),
          number('votes for the second answer, of those for others', domain.secondAnswer, 'share'),
          number('votes that name no answer', domain.voteless, 'share'),
          number('decided votes that are taken', domain.checked, 'share'),
        ]
      : [number('accepted problems with enough tests', domain.checked, 'share')]),
    ...Object.entries(domain.solvers).flatMap(([name, solver]) => [
      ...chance(weighed ? solver.weighed : solver.plain, {
        never: `${name}: problems that it never solves`,
        mean: `${name}: mean pass rate at the others`,
      }),
      number(`${name}: failed attempts that make no rejected text`, solver.invalidFailures, 'share'),
      number(`${name}: written tokens of an attempt that passes`, solver.passed.completion, 'tokens'),
      number(`${name}: prompt tokens of an attempt that passes`, solver.passed.prompt, 'tokens'),
      number(`${name}: written tokens of one that fails`, solver.failed.completion, 'tokens'),
      number(`${name}: prompt tokens of one that fails`, solver.failed.prompt, 'tokens'),
    ]),
    ...callRoles
      .filter((role) => isCalled[role])
      .flatMap((role) => [
        number(`${role}: written tokens of a call`, domain.tokens[role].completion, 'tokens'),
        number(`${role}: prompt tokens of a call`, domain.tokens[role].prompt, 'tokens'),
      ]),
    number('verifying one attempt', domain.verdictCoreSeconds, 's of a core'),
    number('pairs made, of those that the attempts allow', domain.pairsMade, 'share'),
    ...(teachers > 0 ? [number('SFT rows made, of the traces', domain.rowsOfTraces, 'share')] : []),
    ...Object.entries(recordsOf(domain, inputs)).flatMap(([topic, count]) =>
      count > 0 ? [number(`stored bytes of a record of ${topic}`, domain.bytes[topic] ?? 0, 'B', standing.bytes)] : [],
    ),
  ]
}

/** The rules in force. `originOf` says what gave a setting, by its name: a flag, a variable or the file; undefined where it is the default. */
export function ruleNumbers(rules: CapacityRules, originOf: (setting: string) => string | undefined): Known[] {
  const set = (name: string, value: Known['value'], unit: string, setting: string): Known => ({
    ...{ name, value, unit, basis: 'setting', source: `${setting} (${originOf(setting) ?? 'default'})` },
  })
  const fixed = (name: string, value: number, source: string): Known => ({ name, value, unit: '', basis: 'fixed', source }) // prettier-ignore
  const { attempts, votes } = rules
  return [
    set('attempts at a problem', attempts.attempts, '', 'plan-rollouts.attempts'),
    set('attempts end where the outcome is decided', attempts.adaptive, '', 'plan-rollouts.adaptive'),
    set('attempts without a pass until it is given up, 0: all', attempts.giveUpAfterAttempts, '', 'plan-rollouts.giveUpAfterAttempts'), // prettier-ignore
    set('too easy: passed attempts', attempts.tooEasyAt, 'share', 'plan-rollouts.tooEasyAt'),
    set('too easy: so many, or more than that', attempts.tooEasyWhen, '', 'plan-rollouts.tooEasyWhen'),
    set('written tests may be set aside', attempts.weighTests, '', 'plan-rollouts.weighTests'),
    set('votes on an answer', votes.generations, '', 'vote-answer.generations'),
    set('what wins a vote', votes.rule, '', 'vote-answer.rule'),
    set('votes that the winner must be ahead', votes.margin, '', 'vote-answer.marginVotes'),
    set('votes end where they are decided', votes.stopWhenDecided, '', 'vote-answer.stopWhenDecided'),
    set('pairs of a problem at most', rules.maxPairsPerProblem, '', 'build-pairs.maxPairsPerProblem'),
    set('calls of the problem writer for a problem', rules.writerCalls, '', 'generate-rationale.mode'),
    set('transient records are kept', rules.retentionSeconds, 's', 'run.retentionSeconds'),
    fixed('calls of the test writer for a problem', testKinds.length, 'one for each kind of test'),
    fixed('problems that are drawn for each domain and solver', problemsDrawn, 'docs/capacity.md'),
  ]
}

/** 12345 -> 12,345; 0.12345 -> 0.123. */
export const rounded = (value: number): string =>
  value >= 100 ? formatCount(value) : value === 0 ? '0' : String(Number(value.toPrecision(3)))

function valueText({ value, unit }: Pick<Known, 'value' | 'unit'>): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return unit === 'B' ? formatBytes(value) : `${rounded(value)}${unit === '' ? '' : ` ${unit}`}`
}

/** Two tables: what is of no domain in particular, and a column for each domain. */
export function knownLines(known: readonly Known[]): string[] {
  const domains = [...new Set(known.flatMap(({ domain }) => domain ?? []))]
  // What differs in what it is has a line of its own.
  const rows = new Map<string, { row: Known; values: Map<string, string> }>()
  for (const row of known) {
    if (row.domain === undefined) continue
    const key = JSON.stringify([row.name, row.basis, row.source])
    const same = rows.get(key)
    if (same) same.values.set(row.domain, valueText(row))
    else rows.set(key, { row, values: new Map([[row.domain, valueText(row)]]) })
  }
  return [
    ...tableLines(
      ['number', 'value', 'is', 'source'],
      known
        .filter(({ domain }) => domain === undefined)
        .map((one) => [one.name, valueText(one), one.basis, one.source]),
    ),
    '',
    'in each domain',
    ...tableLines(
      ['number', ...domains, 'is', 'source'],
      [...rows.values()].map(({ row, values }) => [
        row.name,
        ...domains.map((domain) => values.get(domain) ?? '-'),
        row.basis,
        row.source,
      ]),
    ),
  ]
}
