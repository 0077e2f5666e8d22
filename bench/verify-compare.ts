/**
 * The two ways to compare outputs side by side: `tokens` (ours) and `lcb` (LiveCodeBench's).
 *
 *   node dist/bench/verify-compare.js [--problems 10] [--json]
 *
 * Draws problems of every programming family of the simulator, runs their right and wrong programs in the sandbox, and
 * compares what they print with the expected output: as it is, and written as models and test writers tend to write it.
 * Prints, for each way of writing, how often each comparison says "equal", and how often they differ. Exits 1 when a right
 * program's output is called different though it is written to say the same (by `tokens`; by both as printed), when a wrong
 * number is called equal, or when the two differ on a wrong program's output as printed.
 */
import { parseArgs } from 'node:util'
import { CODE_FAMILIES } from '../simulator/families/all.ts'
import { TEST_KINDS } from '../simulator/families/family.ts'
import { Random } from '../simulator/random.ts'
import { VerifierPool } from '../verifiers/pool.ts'
import { compareOutput } from '../verifiers/program.ts'

const { values } = parseArgs({
  options: { problems: { type: 'string', default: '10' }, json: { type: 'boolean', default: false } },
})
const TESTS_PER_PROBLEM = 8
const IMPOSSIBLE = 'an output that no program of the simulator prints'

const eachLine =
  (write: (line: string) => string) =>
  (text: string): string =>
    text.trimEnd().split('\n').map(write).join('\n')
const eachNumber = (write: (digits: string) => string) => (text: string) =>
  text.replaceAll(/(?<![\w.])-?\d+(?![\w.])/g, write)

/** How a right output may be written, and whether it says the same (undefined: whether it does is a matter of taste). */
const writings: readonly { name: string; same?: boolean; write: (text: string) => string }[] = [
  { name: 'as printed', same: true, write: (text) => text },
  { name: 'no line break at the end', same: true, write: (text) => text.trimEnd() },
  { name: 'three line breaks at the end', same: true, write: (text) => `${text.trimEnd()}\n\n\n` },
  { name: 'blanks at the end of lines', same: true, write: eachLine((line) => `${line}  `) },
  { name: 'blanks at the start of lines', same: true, write: eachLine((line) => ` ${line}`) },
  { name: 'carriage returns', same: true, write: eachLine((line) => `${line}\r`) },
  { name: 'two blanks between words', same: true, write: (text) => text.replaceAll(' ', '  ') },
  { name: 'tabs between words', same: true, write: (text) => text.replaceAll(' ', '\t') },
  { name: 'numbers as floats (5.0)', same: true, write: eachNumber((digits) => `${digits}.0`) },
  {
    name: 'numbers with a plus sign',
    same: true,
    write: eachNumber((digits) => (digits.startsWith('-') ? digits : `+${digits}`)),
  },
  { name: 'numbers in scientific form', same: true, write: eachNumber((digits) => `${digits}e0`) },
  { name: 'numbers padded with zeros', write: eachNumber((digits) => digits.replace(/^-?/, '$&00')) },
  { name: 'blank lines between lines', write: (text) => text.trimEnd().replaceAll('\n', '\n\n') },
  { name: 'all on one line', write: (text) => text.trimEnd().replaceAll('\n', ' ') },
  { name: 'capitals', write: (text) => text.toUpperCase() },
  { name: 'commas between words', write: (text) => text.replaceAll(' ', ', ') },
  { name: 'one more than each number', same: false, write: eachNumber((digits) => String(BigInt(digits) + 1n)) },
  { name: 'last line missing', same: false, write: (text) => text.trimEnd().split('\n').slice(0, -1).join('\n') },
]

interface Printed {
  readonly isRight: boolean
  readonly printed: string
  readonly expected: string
}

const pool = new VerifierPool()
const { rung, detail } = await pool.isolation()
if (rung === 'none') throw new Error(`nothing isolates programs here: ${detail}`)
const outputs: Printed[] = []
let unfinished = 0
for (const family of CODE_FAMILIES) {
  await Promise.all(
    Array.from({ length: Number(values.problems) }, async (_, index) => {
      const random = new Random('compare', family.name, index)
      const problem = family.draw(random, random.integer(1, 8))
      const inputs = Array.from({ length: TESTS_PER_PROBLEM }, () => problem.input(random.pick(TEST_KINDS), random))
      for (const [isRight, programs] of [
        [true, problem.right],
        [false, problem.wrong],
      ] as const)
        for (const { source } of programs) {
          // What a program printed is told only where it was not as expected.
          const tests = inputs.map((input) => ({ input, output: IMPOSSIBLE }))
          const result = await pool.runProgram({ program: source, tests, allTests: true })
          for (const [at, test] of result.tests.entries()) {
            const expected = problem.solve(inputs[at] ?? '')
            if (test.reason !== 'wrong_answer' || test.stdout === undefined || expected.length > 2000) unfinished += 1
            else outputs.push({ isRight, printed: test.stdout, expected })
          }
        }
    }),
  )
}
await pool.close()

let isBad = false
const rows = writings.flatMap(({ name, same, write }) =>
  [true, false].map((isRight) => {
    let pairs = 0
    let tokens = 0
    let lcb = 0
    let differ = 0
    for (const { printed, expected, isRight: right } of outputs) {
      if (right !== isRight) continue
      const written = write(expected)
      // What this way of writing leaves as it was says nothing about it.
      if (written === expected && name !== 'as printed') continue
      pairs += 1
      const byTokens = compareOutput(written, printed, 'tokens').equal
      const byLcb = compareOutput(written, printed, 'lcb').equal
      if (byTokens) tokens += 1
      if (byLcb) lcb += 1
      if (byTokens !== byLcb) differ += 1
    }
    if (isRight && name === 'as printed' && (tokens < pairs || lcb < pairs)) isBad = true
    if (isRight && same === true && tokens < pairs) isBad = true
    if (isRight && same === false && tokens + lcb > 0) isBad = true
    if (!isRight && name === 'as printed' && differ > 0) isBad = true
    return { name, programs: isRight ? 'right' : 'wrong', pairs, tokens, lcb, differ }
  }),
)
const asPrinted = rows.filter(({ name }) => name === 'as printed')
const sum = (list: typeof rows, field: 'pairs' | 'differ'): number => list.reduce((total, row) => total + row[field], 0)
const summary = {
  outputs: outputs.length,
  unfinished,
  differAsPrinted: sum(asPrinted, 'differ') / sum(asPrinted, 'pairs'),
  differOverall: sum(rows, 'differ') / sum(rows, 'pairs'),
}
if (values.json) console.log(JSON.stringify({ summary, rows }))
else {
  console.log(`${'expected output written'.padEnd(32)} programs   pairs  tokens equal   lcb equal      differ`)
  for (const { name, programs, pairs, tokens, lcb, differ } of rows) {
    const share = (count: number): string => (pairs === 0 ? '-' : `${((100 * count) / pairs).toFixed(1)} %`)
    console.log(
      `${name.padEnd(32)} ${programs.padEnd(8)} ${String(pairs).padStart(7)} ${share(tokens).padStart(13)} ${share(lcb).padStart(11)} ${share(differ).padStart(11)}`,
    )
  }
  console.log(
    `${summary.outputs} outputs (${unfinished} more crashed, ran out of time or are too long); the two differ on ${(100 * summary.differAsPrinted).toFixed(2)} % as printed, on ${(100 * summary.differOverall).toFixed(1)} % over all ways of writing`,
  )
}
if (isBad) process.exitCode = 1
