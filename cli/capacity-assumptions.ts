/** Numbers that the capacity model takes where nobody has measured better ones: of models (assumed), of machines (measured, docs/capacity.md). */
import type { Domain } from '../domains/domain.ts'
import { deadLetters, topics } from '../topics/catalogue.ts'
import type { CallTokens, Chance, DomainFigures } from './capacity.ts'

/** A number with its unit and what it rests on. */
interface Figure {
  value: number
  unit: string
  basis: 'measured' | 'assumed'
  source: string
}

const measured = (value: number, unit: string, source: string): Figure => ({ value, unit, basis: 'measured', source })
const assumed = (value: number, unit: string, source: string): Figure => ({ value, unit, basis: 'assumed', source })

/** Of endpoints, processes and disks. */
export const machine = {
  callTokensPerSecond: assumed(30, 'tokens/s', 'of one call at a full batch'),
  utilisation: measured(0.97, 'share', 'busy slots until a backlog ends, docs/benchmarks.md'),
  callCoreSeconds: measured(0.004, 's', "time of the stream's thread for a model call and all records about it, docs/capacity.md"), // prettier-ignore
  mostCoreLoad: assumed(0.6, 'share', 'of a core that is planned for'),
  processMemory: measured(512 * 2 ** 20, 'B', 'of a process with all processors at full rate, docs/reliability.md'),
  callMemory: measured(68 * 2 ** 10, 'B', 'of a call in flight, docs/benchmarks.md'),
  screenMemory: measured(400, 'B', 'of each problem in the screening index, docs/benchmarks.md'),
  screenedPerSecond: measured(10_000, '1/s', 'one task screens, docs/benchmarks.md'),
  drawnPerSecond: measured(500, '1/s', 'one task draws combinations, docs/benchmarks.md'),
  brokerBytes: assumed(4e12, 'B', 'disk of a broker'),
  brokerBytesPerSecond: assumed(30e6, 'B/s', 'that a broker is planned for, replicas included'),
} as const satisfies Record<string, Figure>

/** Bytes of a token of prose, and what is left of them where the log or the broker packs records. */
const bytesOfToken = 4
const packed = 0.45

const chance = (mean: number, concentration: number, never = 0): Chance => ({ never, mean, concentration })
const tokens = (prompt: number, completion: number): CallTokens => ({ prompt, completion })

/** Models of about 30 billion parameters that reason, and problems that are hard for them. */
export function assumedDomain({ name, checkedBy }: Domain, share: number, solvers: number): DomainFigures {
  const isMath = checkedBy === 'answer'
  // The paper tells a mean pass rate of 18.5 % of its problems, by Qwen2.5-72B; the spread is a guess.
  const passes = chance(0.25, 1.5, 0.25)
  const solver = {
    weighed: passes,
    plain: isMath ? passes : { ...passes, never: 0.4 },
    invalidFailures: 0.1,
    passed: tokens(250, isMath ? 7000 : 8000),
    failed: tokens(250, isMath ? 11_000 : 13_000),
  }
  const solverFigures = Object.fromEntries(
    Array.from({ length: solvers }, (_, index) => [`solver-${index + 1}`, solver]),
  )
  const called = {
    'problem-writer': tokens(200, 900),
    judge: tokens(900, 700),
    'test-writer': tokens(500, 3000),
    voter: tokens(200, 8000),
    teacher: tokens(200, 8000),
  }
  return {
    ...{ name, share, checkedBy, written: 0.97, screened: 0.9, accepted: 0.65, checked: isMath ? 0.98 : 0.9 },
    ...{ agreement: chance(0.72, 2), secondAnswer: 0.5, voteless: 0.05 },
    ...{ solvers: solverFigures, pairsMade: 0.97, rowsOfTraces: 0.85, tokens: called },
    verdictCoreSeconds: isMath ? comparisonSeconds : 0.35,
    bytes: assumedBytes({ solvers: solverFigures, tokens: called }),
  }
}

/** Seconds of a core for one comparison of answers: more than what was measured, 0.7 ms, as answers may be long. */
export const comparisonSeconds = 0.003

/** Stored bytes of a record of each topic, by the texts that it holds. */
export function assumedBytes({
  solvers,
  tokens: called,
}: Pick<DomainFigures, 'solvers' | 'tokens'>): DomainFigures['bytes'] {
  const text = (count: number): number => count * bytesOfToken * packed
  const all = Object.values(solvers)
  const attempt =
    all.reduce((sum, { failed, passed }) => sum + 0.7 * failed.completion + 0.3 * passed.completion, 0) /
    Math.max(1, all.length)
  const trace = called.teacher.completion
  const statement = 350
  const head = 600
  return {
    ...Object.fromEntries([...Object.values(topics), deadLetters].map(({ name }) => [name, head])),
    [topics.rationales.name]: head + text(900),
    [topics.problems.name]: head + text(900),
    [topics.screenedProblems.name]: head + text(900),
    [topics.acceptedProblems.name]: head + text(1400),
    [topics.votedProblems.name]: 2 * head + text(statement),
    [topics.testCases.name]: 2 * head + text(statement),
    [topics.rolloutRequests.name]: head + text(2 * statement),
    [topics.rollouts.name]: head + text(attempt + 2 * statement),
    [topics.verdicts.name]: head + text(attempt),
    [topics.outcomes.name]: 2 * head + text(statement),
    [topics.preferencePairs.name]: head + text(2 * attempt + statement),
    [topics.traceRequests.name]: head + text(statement),
    [topics.traces.name]: head + text(trace + 2 * statement),
    [topics.sftExamples.name]: head + text(trace + statement),
  }
}
