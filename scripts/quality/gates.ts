/** How often each gate of a simulated corpus was right. */
import { domainNamed } from '../../domains/index.ts'
import { FAMILIES } from '../../simulator/families/all.ts'
import type { Flaw } from '../../simulator/truth.ts'
import { atLeast, below, count, share, type Figure } from './figures.ts'
import type { JudgedAttempt, SimulatedCorpus } from './simulated.ts'

/** What a statement says by itself, so that a rule over its text can find it. */
const visibleFlaws: ReadonlySet<Flaw | undefined> = new Set(['unanswerable', 'cut-off'])
/** Rules that compare a problem with others. */
const repeatRules: ReadonlySet<string> = new Set(['duplicate', 'near-duplicate'])

/** Every figure of a corpus. @param hasGoals whether its rules are those that the goals are meant for */
export function gateFigures(corpus: SimulatedCorpus, hasGoals: boolean): Figure[] {
  const figures = [
    count('problems', corpus.problems.length),
    count(`families, of ${FAMILIES.length}`, corpus.families.size),
    ...screenFigures(corpus),
    ...judgeFigures(corpus),
    ...voteFigures(corpus),
    ...suiteFigures(corpus),
    ...verdictFigures(corpus),
    ...weighingFigures(corpus),
    ...weakSuiteFigures(corpus),
    ...difficultyFigures(corpus),
    ...pairFigures(corpus),
  ]
  return hasGoals ? figures : figures.map((figure) => ({ ...figure, goal: null, ok: null }))
}

/** The problem that a discard as a repeat names. */
const namedProblem = /\bas (problem-[0-9a-f]+)$/

function screenFigures({ problems, discards, votedProblems, testCases }: SimulatedCorpus): Figure[] {
  const reasons = reasonsOf(discards, 'screen-problem')
  const firstOf = new Map(
    discards.flatMap(({ processor, recordId, evidence }) => {
      const first = namedProblem.exec(evidence)?.[1]
      const problem = processor === 'screen-answer' ? votedProblems.get(recordId) : recordId
      return first === undefined || problem === undefined ? [] : [[problem, first] as const]
    }),
  )
  const flaws = new Map(problems.map(({ problem, flaw }) => [problem.id, flaw]))
  const seen = new Set<string>()
  const byAnswer = new Set([...reasonsOf(discards, 'screen-answer').keys()].map((id) => votedProblems.get(id)))
  const checked = new Set(testCases.map(({ problemId }) => problemId))
  const checkedKeys = new Set<string>()
  const counts = { byText: 0, flawed: 0, visible: 0, found: 0, repeats: 0, caught: 0, asRepeat: 0, rightly: 0 }
  const second = { repeats: 0, caught: 0, asRepeat: 0, rightly: 0, likeFlawed: 0 }
  for (const { problem, valid, flaw, key } of problems) {
    const reason = reasons.get(problem.id)
    const isRepeat = key !== undefined && seen.has(key)
    if (reason !== undefined && !repeatRules.has(reason)) {
      if (valid !== undefined) counts.byText++
      if (valid === false) counts.flawed++
    }
    if (visibleFlaws.has(flaw)) {
      counts.visible++
      if (reason !== undefined && !repeatRules.has(reason)) counts.found++
      continue
    }
    // What another rule dropped was not compared.
    if (key === undefined || (reason !== undefined && !repeatRules.has(reason))) continue
    if (isRepeat) counts.repeats++
    if (reason === undefined) seen.add(key)
    else {
      counts.asRepeat++
      if (isRepeat) {
        counts.rightly++
        counts.caught++
      }
    }
    const isDropped = reason !== undefined || byAnswer.has(problem.id)
    if (isDropped) second.asRepeat++
    if (isDropped && isRepeat) second.rightly++
    // The first one cannot be read without its condition, so that nothing repeats it by the truth.
    if (isDropped && !isRepeat && flaws.get(firstOf.get(problem.id) ?? '') === 'missing-condition') second.likeFlawed++
    // Of what judges or votes dropped nobody asks whether it is a repeat, nor what repeats it.
    if (!isDropped && !checked.has(problem.id)) continue
    if (checkedKeys.has(key)) second.repeats++
    if (checkedKeys.has(key) && isDropped) second.caught++
    if (!isDropped) checkedKeys.add(key)
  }
  return [
    share('screen: dropped by its text, and flawed (precision)', counts.flawed, counts.byText),
    share('screen: flaws that show in the text, found (recall)', counts.found, counts.visible),
    share('near-duplicates by the text: dropped, and a repeat (precision)', counts.rightly, counts.asRepeat),
    share('near-duplicates by the text: repeats found (recall)', counts.caught, counts.repeats),
    share(
      'near-duplicates, with the answer: dropped, and a repeat (precision)',
      second.rightly,
      second.asRepeat,
      atLeast(0.99),
    ),
    share('near-duplicates, with the answer: repeats found (recall)', second.caught, second.repeats, atLeast(0.95)),
    share(
      'near-duplicates, with the answer: of what is dropped and no repeat, like an earlier problem that lacks a condition',
      second.likeFlawed,
      second.asRepeat - second.rightly,
    ),
  ]
}

/** Why a processor dropped which problem. */
function reasonsOf(discards: SimulatedCorpus['discards'], processor: string): Map<string, string> {
  return new Map(discards.flatMap((one) => (one.processor === processor ? [[one.recordId, one.reason] as const] : [])))
}

function judgeFigures({ problems, discards, accepted, judgements }: SimulatedCorpus): Figure[] {
  const reasons = reasonsOf(discards, 'judge-problem')
  const readable = judgements.filter(({ said }) => said !== 'malformed')
  const agree = readable.filter(({ truth, said }) => (truth === 'bad') === (said === 'bad'))
  const seen = problems.filter(
    ({ problem, valid }) => valid !== undefined && (accepted.has(problem.id) || reasons.has(problem.id)),
  )
  const dropped = seen.filter(({ problem }) => reasons.has(problem.id))
  const flawed = seen.filter(({ valid }) => valid === false)
  const both = dropped.filter(({ valid }) => valid === false).length
  const left = seen.filter(({ problem }) => accepted.has(problem.id))
  return [
    share('judges: single judgements that agree with the truth', agree.length, readable.length),
    share('judges: dropped, and flawed (precision)', both, dropped.length),
    share('judges: flawed problems that they dropped (recall)', both, flawed.length),
    share('judges: accepted problems that are valid', left.filter(({ valid }) => valid).length, left.length),
  ]
}

function voteFigures({ problems, discards, testCases, answerIsRight }: SimulatedCorpus): Figure[] {
  const margins = new Map<number, { right: number; of: number }>()
  const valid = new Set(problems.flatMap((one) => (one.valid ? [one.problem.id] : [])))
  const counts = { voted: 0, right: 0, rightOfValid: 0 }
  for (const { statement, checks, votes, problemId } of testCases) {
    if (checks.trusted || checks.answer === null) continue
    const right = answerIsRight(statement, checks.answer)
    if (right === undefined) continue
    counts.voted++
    if (right) counts.right++
    if (right && valid.has(problemId)) counts.rightOfValid++
    const [first, second] = votes?.classes ?? []
    const margin = (first?.votes ?? 0) - (second?.votes ?? 0)
    const counted = margins.get(margin) ?? { right: 0, of: 0 }
    margins.set(margin, { right: counted.right + (right ? 1 : 0), of: counted.of + 1 })
  }
  const lost = [...reasonsOf(discards, 'vote-answer').keys()].filter((id) => valid.has(id)).length
  const votedValid = testCases.filter(({ checks, problemId }) => checks.answer !== null && valid.has(problemId)).length
  return [
    share('votes: reference answers that are right (precision)', counts.right, counts.voted),
    share('votes: valid problems that get their right answer (recall)', counts.rightOfValid, votedValid + lost),
    ...[...margins]
      .sort(([a], [b]) => a - b)
      .map(([margin, { right, of }]) => share(`votes: right at a margin of ${margin}`, right, of)),
  ]
}

function suiteFigures({ suites, attempts }: SimulatedCorpus): Figure[] {
  const all = [...suites.values()].flatMap(({ tests, kinds }) =>
    tests.map((right, index) => ({ right, kind: kinds[index] ?? '' })),
  )
  const kinds = [...new Set(all.map(({ kind }) => kind))].sort()
  const killed = new Map(kinds.map((kind) => [kind, { killed: 0, of: 0 }]))
  const whole = { killed: 0, of: 0 }
  for (const { verdict, right } of attempts.values()) {
    const suite = suites.get(verdict.problemId)
    if (!suite || right || !verdict.valid) continue
    // What a test that is right does to a wrong program: what a wrong one does is luck.
    for (const [index, test] of verdict.tests.entries()) {
      const counted = killed.get(suite.kinds[index] ?? '')
      if (!suite.tests[index] || !counted || test.verdict === 'unverifiable') continue
      counted.of++
      if (test.verdict === 'failed') counted.killed++
    }
    if (!suite.tests.every((one) => one)) continue
    whole.of++
    if (verdict.verdict === 'failed') whole.killed++
  }
  const allRight = [...suites.values()].filter(({ tests }) => tests.every((one) => one)).length
  return [
    ...kinds.map((kind) => {
      const ofKind = all.filter((test) => test.kind === kind)
      return share(`tests: right, ${kind}`, ofKind.filter(({ right }) => right).length, ofKind.length)
    }),
    share('tests: right, all', all.filter(({ right }) => right).length, all.length),
    share('tests: suites with every test right', allRight, suites.size),
    ...[...killed].map(([kind, { killed: some, of }]) =>
      share(`tests: wrong programs that one fails, ${kind}`, some, of),
    ),
    share('tests: wrong programs that a suite of right tests fails', whole.killed, whole.of),
  ]
}

function verdictFigures({ attempts, suites, testCases, answerIsRight }: SimulatedCorpus): Figure[] {
  const answers = new Map(
    testCases.flatMap(({ problemId, statement, checks }) =>
      checks.answer === null ? [] : [[problemId, checks.trusted || answerIsRight(statement, checks.answer)] as const],
    ),
  )
  const counts = { passed: 0, right: 0, both: 0, unexplained: 0 }
  for (const { verdict, right } of attempts.values()) {
    if (!verdict.valid || verdict.verdict === 'unverifiable') continue
    const passed = verdict.verdict === 'passed'
    if (passed) counts.passed++
    if (right) counts.right++
    if (passed && right) counts.both++
    if (!passed || right || answers.get(verdict.problemId) === false) continue
    // A wrong program passes what is too weak, or agrees with a test that is wrong too.
    if (domainNamed(verdict.domain).checkedBy === 'tests' && suites.has(verdict.problemId)) continue
    if (answers.get(verdict.problemId) === true) counts.unexplained++
  }
  return [
    share('verdicts: passed attempts that are right (precision)', counts.both, counts.passed),
    share('verdicts: right attempts that pass (recall)', counts.both, counts.right),
    count('verdicts: wrong answers that pass though the reference is right', counts.unexplained, {
      text: '0',
      isReached: (value) => value === 0,
    }),
  ]
}

/** Whether an attempt passes every test but those left out. */
function passesAllBut({ verdict: { tests } }: JudgedAttempt, testCount: number, without: readonly number[]): boolean {
  return (
    tests.length === testCount && tests.every((test, index) => test.verdict === 'passed' || without.includes(index))
  )
}

function weighingFigures({ outcomes, attempts, suites }: SimulatedCorpus): Figure[] {
  const counts = { killed: 0, recovered: 0, setAside: 0, wrong: 0 }
  for (const { problemId, verdicts, setAside } of outcomes) {
    const { tests } = suites.get(problemId) ?? {}
    if (!tests) continue
    const wrong = tests.flatMap((right, test) => (right ? [] : [test]))
    counts.setAside += setAside.length
    counts.wrong += setAside.filter(({ test }) => tests[test] === false).length
    const counted = verdicts.flatMap(({ verdictId }) => attempts.get(verdictId) ?? [])
    const isKilled =
      wrong.length === 1 &&
      !counted.some(({ verdict }) => verdict.verdict === 'passed') &&
      counted.some((one) => one.right && passesAllBut(one, tests.length, wrong))
    if (!isKilled) continue
    counts.killed++
    if (setAside.length === 1 && setAside[0]?.test === wrong[0]) counts.recovered++
  }
  return [
    share(
      'weighing: of outcomes that one wrong test would lose, recovered',
      counts.recovered,
      counts.killed,
      atLeast(0.9),
    ),
    share('weighing: tests set aside that are wrong (precision)', counts.wrong, counts.setAside),
  ]
}

/** Suites that a wrong program passes, against those whose programs are seen to disagree on other inputs, and what tests that were added make of them. */
function weakSuiteFigures({ outcomes, attempts }: SimulatedCorpus): Figure[] {
  const counts = { probed: 0, weak: 0, seen: 0, both: 0, weakInTheEnd: 0, refuted: 0, refutedWrong: 0 }
  for (const { behaviours, verdicts, addedTests } of outcomes) {
    if (behaviours.length === 0) continue
    counts.probed++
    const wrong = verdicts.filter(({ verdictId }) => attempts.get(verdictId)?.right === false)
    const isWeak = wrong.some(({ verdictId }) => attempts.get(verdictId)?.verdict.verdict === 'passed')
    // Seen among the programs of all solvers, which may be more than its own.
    const isSeen = behaviours.length > 1 || addedTests.length > 0
    if (isWeak) counts.weak++
    if (isSeen) counts.seen++
    if (isWeak && isSeen) counts.both++
    if (wrong.some(({ verdict }) => verdict === 'passed')) counts.weakInTheEnd++
    for (const { verdictId } of verdicts.filter(({ recomputed, verdict }) => recomputed && verdict === 'failed')) {
      const right = attempts.get(verdictId)?.right
      if (right === undefined) continue
      counts.refuted++
      if (!right) counts.refutedWrong++
    }
  }
  return [
    share('weak suites: outcomes that a wrong program passed', counts.weak, counts.probed),
    share('weak suites: seen by what programs print for other inputs (recall)', counts.both, counts.weak),
    share('weak suites: seen, and weak (precision)', counts.both, counts.seen),
    share('weak suites: outcomes that a wrong program passed in the end', counts.weakInTheEnd, counts.probed),
    share('weak suites: attempts that an added test fails, and wrong (precision)', counts.refutedWrong, counts.refuted),
  ]
}

/** The filter against what it would have said of attempts judged by the truth, by the paper's rule. */
function difficultyFigures({ outcomes, attempts }: SimulatedCorpus): Figure[] {
  const counts = { kept: 0, due: 0, both: 0, asked: 0, spared: 0 }
  for (const { result, verdicts, attempted, spared } of outcomes) {
    counts.asked += attempted
    counts.spared += spared
    const counted = verdicts.flatMap(({ verdictId }) => attempts.get(verdictId) ?? [])
    if (result === 'abandoned' || counted.length < verdicts.length) continue
    const right = counted.filter((one) => one.right).length
    const isTooEasy = 2 * right >= attempted + spared
    // Closed early: nobody knows what the attempts that were not made would have been.
    if (spared > 0 && !isTooEasy) continue
    const isDue = right > 0 && !isTooEasy
    if (result === 'kept') counts.kept++
    if (isDue) counts.due++
    if (isDue && result === 'kept') counts.both++
  }
  return [
    share('difficulty filter: kept, and of the right difficulty (precision)', counts.both, counts.kept),
    share('difficulty filter: of the right difficulty, and kept (recall)', counts.both, counts.due),
    share('attempts that were never asked for', counts.spared, counts.asked + counts.spared),
  ]
}

function pairFigures({ pairs, attempts, suites }: SimulatedCorpus): Figure[] {
  const counts = { pairs: 0, chosenWrong: 0, told: 0, rejectedRight: 0 }
  for (const { problemId, chosenVerdictId, rejectedVerdictId } of pairs) {
    const chosen = attempts.get(chosenVerdictId)
    const rejected = attempts.get(rejectedVerdictId)
    if (!chosen || !rejected) continue
    counts.pairs++
    if (!chosen.right) counts.chosenWrong++
    if (rejected.right) counts.rejectedRight++
    const { tests } = suites.get(problemId) ?? {}
    const failsRightTest = chosen.verdict.tests.some((test, index) => test.verdict === 'failed' && tests?.[index])
    if (!chosen.right && failsRightTest) counts.told++
  }
  return [
    share('pairs: chosen wrong', counts.chosenWrong, counts.pairs),
    share('pairs: chosen wrong where a right test says so', counts.told, counts.pairs, below(0.005)),
    share('pairs: rejected right', counts.rejectedRight, counts.pairs),
  ]
}
