/**
 * How often a verdict is wrong, against a truth that is not ours.
 *
 *   node dist/bench/verify-truth.js [--problems 6] [--forms 40] [--json]
 *
 * Code: right and wrong programs of the simulator's families, as a model's whole answer, against tests whose outputs the
 * family's own solver gives. What each test should say is found by the plain interpreter, outside the sandbox (these
 * programs are the simulator's, not a model's). Math: the right answer and the usual mistakes of each family, in many
 * notations, against the reference. Prints wrong verdicts by kind, wrong "passed" in 1,000, and verdicts a second. Exits 1
 * when more than 1 in 1,000 of the passed should not have.
 */
import { spawn } from 'node:child_process'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { canonicalAnswer, writeAnswer } from '../simulator/answers.ts'
import { CODE_FAMILIES, MATH_FAMILIES } from '../simulator/families/all.ts'
import { TEST_KINDS } from '../simulator/families/family.ts'
import { Random } from '../simulator/random.ts'
import { VerifierPool } from '../verifiers/pool.ts'

const { values } = parseArgs({
  options: {
    problems: { type: 'string', default: '6' },
    forms: { type: 'string', default: '40' },
    json: { type: 'boolean', default: false },
  },
})
const PYTHON = '/usr/bin/python3'
const TESTS_PER_PROBLEM = 10
const MOST_WRONG_PASSED = 1 / 1000

/** What was said against what is true, counted. */
class Tally {
  passed = 0
  wrongPassed = 0
  notPassed = 0
  wrongFailed = 0
  unverifiable = 0
  readonly examples: string[] = []

  note(verdict: 'passed' | 'failed' | 'unverifiable', isRight: boolean, what: () => string): void {
    if (verdict === 'passed') this.passed += 1
    else this.notPassed += 1
    if (verdict === 'unverifiable') this.unverifiable += 1
    if (verdict === 'passed' && !isRight) this.wrongPassed += 1
    else if (verdict === 'failed' && isRight) this.wrongFailed += 1
    else return
    if (this.examples.length < 20) this.examples.push(`${verdict}, but ${isRight ? 'right' : 'wrong'}: ${what()}`)
  }
}

/** What the plain interpreter prints; undefined where it crashes or takes longer than a second. */
function plainOutput(program: string, input: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(PYTHON, ['-I', '-c', program], { stdio: ['pipe', 'pipe', 'ignore'], timeout: 5000 })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? text : undefined))
    child.stdin.end(input)
  })
}

const isSame = (left: string, right: string): boolean =>
  left.trim().split(/\s+/).join(' ') === right.trim().split(/\s+/).join(' ')

const pool = new VerifierPool()
const { rung, detail } = await pool.isolation()
if (rung === 'none') throw new Error(`nothing isolates programs here: ${detail}`)

const code = new Tally()
const programs = CODE_FAMILIES.flatMap((family) =>
  Array.from({ length: Number(values.problems) }, (_, index) => {
    const random = new Random('truth', family.name, index)
    const problem = family.draw(random, random.integer(1, 6))
    const tests = Array.from({ length: TESTS_PER_PROBLEM }, () => {
      const input = problem.input(random.pick(TEST_KINDS), random)
      return { input, output: problem.solve(input) }
    })
    return [...problem.right, ...problem.wrong].map(({ name, source }) => ({
      of: `${family.name}, ${name}`,
      source,
      tests,
    }))
  }).flat(),
)
const codeStarted = performance.now()
const results = await Promise.all(
  programs.map(({ source, tests }) =>
    pool.runProgram({ completion: `Here it is.\n\n\`\`\`python\n${source}\`\`\`\n`, tests, allTests: true }),
  ),
)
const codeSeconds = (performance.now() - codeStarted) / 1000
const truths = await (async () => {
  const found: boolean[][] = programs.map(() => [])
  let next = 0
  // As many at once as the pool had lanes.
  await Promise.all(
    Array.from({ length: 2 }, async () => {
      while (next < programs.length) {
        const at = next++
        const { source, tests } = programs[at]!
        for (const { input, output } of tests) {
          const printed = await plainOutput(source, input)
          found[at]?.push(printed !== undefined && isSame(printed, output))
        }
      }
    }),
  )
  return found
})()
for (const [at, { tests, verdict }] of results.entries()) {
  const { of } = programs[at]!
  for (const [index, test] of tests.entries())
    code.note(test.verdict, truths[at]?.[index] === true, () => `${of}, test ${index + 1}`)
  const isRight = truths[at]?.every((right) => right) === true
  if ((verdict === 'passed') !== isRight) code.examples.push(`program ${verdict}: ${of}`)
}

const math = new Tally()
const answers = MATH_FAMILIES.flatMap((family) =>
  Array.from({ length: Number(values.problems) }, (_, index) => {
    const random = new Random('truth', family.name, index)
    const { answer, mistakes } = family.draw(random, random.integer(1, 8))
    const reference = canonicalAnswer(answer)
    const given = [
      { answer, isRight: true },
      ...mistakes.map((mistake) => ({ answer: mistake.answer, isRight: false })),
    ]
    return Array.from({ length: Number(values.forms) }, () => {
      const { answer: chosen, isRight } = random.pick(given)
      return { reference, completion: `So it is $\\boxed{${writeAnswer(chosen, random)}}$.`, isRight, of: family.name }
    })
  }).flat(),
)
const mathStarted = performance.now()
const verdicts = await Promise.all(
  answers.map(({ reference, completion }) => pool.compareMath({ reference, completion, extract: 'boxed' })),
)
const mathSeconds = (performance.now() - mathStarted) / 1000
for (const [index, { verdict, reason }] of verdicts.entries()) {
  const { of, reference, completion, isRight } = answers[index]!
  math.note(verdict, isRight, () => `${of}: ${completion} against ${reference} (${reason})`)
}
await pool.close()

const row = (name: string, tally: Tally, seconds: number): Record<string, unknown> => ({
  name,
  verdicts: tally.passed + tally.notPassed,
  passed: tally.passed,
  wrongPassed: tally.wrongPassed,
  wrongPassedIn1000: (1000 * tally.wrongPassed) / Math.max(1, tally.passed),
  wrongFailed: tally.wrongFailed,
  unverifiable: tally.unverifiable,
  verdictsPerSecond: Math.round((tally.passed + tally.notPassed) / seconds),
})
const rows = [row('code, by test', code, codeSeconds), row('math', math, mathSeconds)]
if (values.json)
  console.log(JSON.stringify({ rows, loadAverage: loadavg()[0], examples: [...code.examples, ...math.examples] }))
else {
  for (const {
    name,
    verdicts: all,
    passed,
    wrongPassed,
    wrongPassedIn1000,
    wrongFailed,
    unverifiable,
    verdictsPerSecond,
  } of rows)
    console.log(
      `${String(name).padEnd(14)} ${String(all)} verdicts (${String(verdictsPerSecond)}/s): ${String(passed)} passed, ${String(wrongPassed)} of them wrongly (${Number(wrongPassedIn1000).toFixed(2)} in 1,000); ${String(wrongFailed)} failed wrongly, ${String(unverifiable)} unverifiable`,
    )
  for (const example of [...code.examples, ...math.examples]) console.log(`  ${example}`)
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`)
}
for (const tally of [code, math]) if (tally.wrongPassed > MOST_WRONG_PASSED * tally.passed) process.exitCode = 1
