/**
 * What adaptive rollouts save, and that they keep the same problems.
 *
 *   node dist/bench/adaptive.js [--problems 20000] [--seed 1]
 *
 * Draws problems by their pass rate, and eight attempts of each with their tokens (log-normal; a wrong attempt takes 1.4 times as long, as
 * wrong reasoning does), and asks for them as plan-rollouts would, verdicts in random order: all at once, and adaptively. Prints a
 * line of JSON for each figure; exits 1 when a goal is missed. Mixes: `easy` is 70 % of problems with a pass rate of 0.75 to 1 and 30 % below;
 * `paper` has the mean pass rate that the paper reports of its problems (18.5 %, a mid model), drawn from a beta distribution of our
 * choosing; `half` has every pass rate alike.
 */
import { attemptsDue, endingOf, type AttemptRule } from '../curation/adaptive-rollouts.ts'
import { tally } from '../curation/attempts.ts'
import { standingOf, answersDue, type VoteRule } from '../curation/votes.ts'
import { Random } from '../simulator/random.ts'
import { Figures } from './figures.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:adaptive',
  about: 'What adaptive rollouts save, and that they keep the same problems; ends with 1 where a goal is missed.',
}
const values = readOptions(program, {
  problems: { type: 'string', default: '20000', doc: 'that are drawn' },
  seed: { type: 'string', default: '1', doc: 'of all that is drawn' },
})
const problems = Number(values.problems)

/** A gamma variable of a shape below or above 1 (Marsaglia and Tsang's method, boosted for small shapes). */
function gamma(random: Random, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * random.next() ** (1 / shape)
  const d = shape - 1 / 3
  for (;;) {
    const x = random.normal()
    const v = (1 + x / Math.sqrt(9 * d)) ** 3
    if (v > 0 && Math.log(random.next()) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}
function beta(random: Random, a: number, b: number): number {
  const left = gamma(random, a)
  return left / (left + gamma(random, b))
}

const mixes: Record<string, (random: Random) => number> = {
  easy: (random) => (random.chance(0.7) ? 0.75 + 0.25 * random.next() : 0.75 * random.next()),
  paper: (random) => beta(random, 0.5, 2.2),
  half: (random) => random.next(),
}

interface Attempt {
  passed: boolean
  tokens: number
}

const paperRule: AttemptRule = {
  ...{ attempts: 8, tooEasyAt: 0.5, tooEasyWhen: 'at-least', maxRepeats: 3 },
  ...{ adaptive: false, giveUpAfterAttempts: 0 },
}

/** Asks for attempts until none is due. @returns how it ended, and what it took */
function run(made: readonly Attempt[], rule: AttemptRule, random: Random) {
  const verdicts: { verdict: 'passed' | 'failed'; valid: boolean; again: boolean }[] = []
  let open: Attempt[] = []
  let requested = 0
  let tokens = 0
  for (;;) {
    const due = attemptsDue({ requested, verdicts, weighed: false }, rule)
    open = random.shuffle([...open, ...made.slice(requested, due)])
    requested = Math.max(requested, due)
    const next = open.pop()
    if (!next) break
    tokens += next.tokens
    verdicts.push({ verdict: next.passed ? 'passed' : 'failed', valid: true, again: false })
  }
  const { result } = endingOf({ requested, verdicts, weighed: false }, rule)
  return { result, passed: tally(verdicts).passed, requested, tokens }
}

const figures = new Figures(true)

for (const [name, passRate] of Object.entries(mixes)) {
  const random = new Random('adaptive', values.seed, name)
  const sums = {
    tokensAtOnce: 0,
    tokens: 0,
    attemptsAtOnce: 0,
    attempts: 0,
    kept: 0,
    otherwise: 0,
    givenUpTokens: 0,
    lost: 0,
  }
  for (let number = 0; number < problems; number++) {
    const rate = passRate(random)
    const length = 8000 * Math.exp(0.5 * random.normal())
    const made = Array.from({ length: paperRule.attempts }, (): Attempt => {
      const passed = random.chance(rate)
      return { passed, tokens: length * Math.exp(0.5 * random.normal()) * (passed ? 1 : 1.4) }
    })
    const atOnce = run(made, paperRule, random)
    const adaptive = run(made, { ...paperRule, adaptive: true }, random)
    const impatient = run(made, { ...paperRule, adaptive: true, giveUpAfterAttempts: 6 }, random)
    sums.tokensAtOnce += atOnce.tokens
    sums.tokens += adaptive.tokens
    sums.attemptsAtOnce += atOnce.requested
    sums.attempts += adaptive.requested
    sums.givenUpTokens += impatient.tokens
    if (atOnce.result === 'kept') sums.kept++
    if (atOnce.result === 'kept' && impatient.result !== 'kept') sums.lost++
    if ((atOnce.result === 'kept') !== (adaptive.result === 'kept')) sums.otherwise++
  }
  const saved = 1 - sums.tokens / sums.tokensAtOnce
  const goal = name === 'easy' ? '>= 0.3' : undefined
  figures.tell(`${name}: rollout tokens saved`, saved, goal, goal === undefined || saved >= 0.3)
  figures.tell(`${name}: attempts saved`, 1 - sums.attempts / sums.attemptsAtOnce)
  figures.tell(`${name}: problems kept`, sums.kept)
  figures.tell(`${name}: problems kept by one way and not by the other`, sums.otherwise, '0', sums.otherwise === 0)
  figures.tell(`${name}: tokens saved with giveUpAfterAttempts 6`, 1 - sums.givenUpTokens / sums.tokensAtOnce)
  figures.tell(`${name}: kept problems lost with giveUpAfterAttempts 6`, sums.lost / Math.max(1, sums.kept))
}

const voteRule: VoteRule = { generations: 8, rule: 'majority', margin: 1 }
for (const rate of [0.5, 0.7, 0.9]) {
  const random = new Random('votes', values.seed, rate)
  let asked = 0
  let otherwise = 0
  for (let number = 0; number < problems; number++) {
    const answers = Array.from({ length: 8 }, () => (random.chance(rate) ? 'right' : `wrong ${random.integer(1, 4)}`))
    const count = (of: number): number[] => {
      const classes = new Map<string, number>()
      for (const answer of answers.slice(0, of)) classes.set(answer, (classes.get(answer) ?? 0) + 1)
      return [...classes.values()].sort((a, b) => b - a)
    }
    let made = 0
    while (standingOf(count(made), 8 - made, voteRule) === 'open') made += answersDue(count(made), 8 - made, voteRule)
    asked += made
    const early = standingOf(count(made), 8 - made, voteRule) === 'won'
    if (early !== (standingOf(count(8), 0, voteRule) === 'won')) otherwise++
  }
  figures.tell(`votes of a voter that is right ${rate}: calls saved`, 1 - asked / (8 * problems))
  figures.tell(`votes of a voter that is right ${rate}: decided otherwise`, otherwise, '0', otherwise === 0)
}
process.exitCode = figures.missed > 0 ? 1 : 0
