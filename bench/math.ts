import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { compareMath } from '../verifiers/math.ts'

// Usage: node dist/bench/math.js [--answers FILE.jsonl] [--python PATH] [--pairs 2000] [--list 200]
// Prints comparisons a second on the answers of a file (field `answer`), and with --python, whose interpreter has the
// package math-verify, an agreement table on generated pairs with every disagreement listed.

const { values: options } = parseArgs({
  options: {
    answers: { type: 'string', default: '../shared/data/seeds/math500.jsonl' },
    python: { type: 'string' },
    pairs: { type: 'string', default: '2000' },
    list: { type: 'string', default: '200' },
  },
})

interface Pair {
  family: string
  a: string
  b: string
  /** What the generator meant them to be. */
  equal: boolean
}

// A small seeded generator (mulberry32): the same pairs on every run.
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below)
  }
}

const random = generator(20_26)
const integer = (low: number, high: number): number => low + random(high - low + 1)
const pick = <T>(items: readonly [T, ...T[]]): T => items[random(items.length)] ?? items[0]
const signed = (n: number): string => (n < 0 ? `- ${-n}` : `+ ${n}`)
const divisor = (a: number, b: number): number => (b === 0 ? Math.abs(a) : divisor(b, a % b))
const thousands = (n: number, mark: string): string => n.toString().replaceAll(/\B(?=(?:\d{3})+$)/g, mark)

// Two writings of one value, and a writing of a value close to it.
type Writings = [same: string, other: string, near: string]

const families: Record<string, () => Writings> = {
  integers: () => {
    const n = integer(1000, 9_999_999)
    return [n.toString(), thousands(n, pick([',', '{,}', ',\\!', '\\,'])), thousands(n + 1, ',')]
  },
  'big integers': () => {
    const base = integer(2, 19)
    const exponent = integer(20, 60)
    const value = BigInt(base) ** BigInt(exponent)
    return [`${base}^{${exponent}}`, value.toString(), (value + 1n).toString()]
  },
  fractions: () => {
    const d = integer(2, 60)
    const n = integer(1, 200)
    const k = integer(2, 5)
    return [
      `\\frac{${n}}{${d}}`,
      pick([`${n}/${d}`, `\\dfrac{${n * k}}{${d * k}}`, `\\frac{-${n}}{-${d}}`]),
      `\\frac{${n + 1}}{${d}}`,
    ]
  },
  'mixed numbers': () => {
    const d = integer(2, 12)
    const n = integer(1, d - 1)
    const whole = integer(1, 20)
    return [`\\frac{${whole * d + n}}{${d}}`, `${whole}\\frac{${n}}{${d}}`, `${whole}\\frac{${n}}{${d + 1}}`]
  },
  decimals: () => {
    const n = integer(1, 999)
    const k = pick([2, 4, 5, 8])
    return [`\\frac{${n}}{${k}}`, (n / k).toString(), (n / k + 0.01).toFixed(3)]
  },
  'rounded decimals': () => {
    const d = pick([3, 7, 9, 11, 13])
    const n = integer(1, 40) * d + integer(1, d - 1)
    const places = integer(3, 5)
    return [`\\frac{${n}}{${d}}`, (n / d).toFixed(places), (n / d + 2 * 10 ** -places).toFixed(places)]
  },
  surds: () => {
    const k = integer(2, 12)
    const s = pick([2, 3, 5, 6, 7, 10, 11])
    return [
      `${k}\\sqrt{${s}}`,
      pick([`\\sqrt{${k * k * s}}`, `\\frac{${k * s}}{\\sqrt{${s}}}`]),
      `${k}\\sqrt{${s + 1}}`,
    ]
  },
  'sums of surds': () => {
    const a = integer(1, 20)
    const b = integer(1, 9)
    const s = pick([2, 3, 5, 7])
    return [`${a} + ${b}\\sqrt{${s}}`, `\\sqrt{${s}}\\cdot ${b} + ${a}`, `${a} - ${b}\\sqrt{${s}}`]
  },
  complex: () => {
    const a = integer(-9, 9)
    const b = integer(2, 9)
    return [`${a} + ${b}i`, `${b}i ${signed(a)}`, `${a} - ${b}i`]
  },
  polynomials: () => {
    const a = integer(1, 9)
    const b = integer(-9, 9)
    return [
      `(x + ${a})(x ${signed(b)})`,
      `x^2 ${signed(a + b)}x ${signed(a * b)}`,
      `x^2 ${signed(a + b)}x ${signed(a * b + 1)}`,
    ]
  },
  rational: () => {
    const a = integer(1, 9)
    const b = integer(1, 9)
    return [`\\frac{${a}x + ${b}}{x}`, `${a} + \\frac{${b}}{x}`, `${a} - \\frac{${b}}{x}`]
  },
  equations: () => {
    const m = integer(2, 9)
    const c = integer(1, 9)
    return [`y = ${m}x + ${c}`, `${m}x - y + ${c} = 0`, `y = ${m}x - ${c}`]
  },
  assignments: () => {
    const n = integer(-30, 30)
    return [n.toString(), `x = ${n}`, `x = ${n + 1}`]
  },
  sets: () => {
    const a = integer(-9, 0)
    const b = integer(1, 9)
    const c = integer(10, 20)
    return [`${a}, ${b}, ${c}`, pick([`\\{${c}, ${a}, ${b}\\}`, `${b}, ${c}, ${a}`]), `${a}, ${b}, ${c + 1}`]
  },
  tuples: () => {
    const a = integer(-9, 0)
    const b = integer(1, 9)
    const c = integer(2, 7)
    return [`(${a}, \\frac{${b}}{${c}})`, `\\left(${a}, ${b}/${c}\\right)`, `(\\frac{${b}}{${c}}, ${a})`]
  },
  intervals: () => {
    const a = integer(-9, 0)
    const b = integer(1, 9)
    return [`[${a}, ${b})`, `\\left[${a}, ${b}\\right)`, `(${a}, ${b})`]
  },
  inequalities: () => {
    const a = integer(-9, 0)
    const b = integer(1, 9)
    return [`[${a}, ${b}]`, `${a} \\le x \\le ${b}`, `${a} < x \\le ${b}`]
  },
  unions: () => {
    const a = integer(-9, 0)
    const b = integer(1, 9)
    return [
      `(-\\infty, ${a}) \\cup (${b}, \\infty)`,
      `(${b}, \\infty) \\cup (-\\infty, ${a})`,
      `(-\\infty, ${a}] \\cup (${b}, \\infty)`,
    ]
  },
  'plus or minus': () => {
    const a = integer(1, 9)
    const s = pick([2, 3, 5, 7])
    return [`${a} \\pm \\sqrt{${s}}`, `${a} - \\sqrt{${s}}, ${a} + \\sqrt{${s}}`, `${a} + \\sqrt{${s}}`]
  },
  matrices: () => {
    const [a, b, c, d] = [integer(0, 9), integer(10, 19), integer(20, 29), integer(30, 39)]
    const write = (e: string, x: number, y: number): string => `\\begin{${e}} ${a} & ${x} \\\\ ${y} & ${d} \\end{${e}}`
    return [write('pmatrix', b, c), write('bmatrix', b, c), write('pmatrix', c, b)]
  },
  percent: () => {
    const n = integer(2, 98)
    return [`${n}\\%`, n.toString(), (n + 1).toString()]
  },
  units: () => {
    const n = integer(2, 98)
    const unit = pick(['cm', 'meters', 'inches', 'degrees', 'hours'])
    return [`${n} \\text{ ${unit}}`, n.toString(), `${n + 1} \\text{ ${unit}}`]
  },
  currency: () => {
    const n = integer(100, 99_999)
    return [`\\$${(n / 100).toFixed(2)}`, (n / 100).toFixed(2), `\\$${((n + 1) / 100).toFixed(2)}`]
  },
  choices: () => {
    const letters = ['A', 'B', 'C', 'D', 'E'] as const
    const n = random(5)
    return [`\\text{(${letters[n]})}`, letters[n] ?? 'A', letters[(n + 1) % 5] ?? 'B']
  },
  words: () => {
    const words = ['Evelyn', 'even', 'ellipse', 'east', 'Navin', 'Tuesday'] as const
    const n = random(6)
    return [`\\text{${words[n]}}`, (words[n] ?? '').toLowerCase(), words[(n + 1) % 6] ?? '']
  },
  logarithms: () => {
    const base = integer(2, 7)
    const k = integer(2, 6)
    return [`\\log_{${base}} ${base ** k}`, k.toString(), (k + 1).toString()]
  },
  trigonometry: () =>
    pick([
      ['\\sin 60^\\circ', '\\frac{\\sqrt{3}}{2}', '\\frac{1}{2}'],
      ['\\cos \\frac{\\pi}{12}', '\\frac{\\sqrt6 + \\sqrt2}{4}', '\\frac{\\sqrt6 - \\sqrt2}{4}'],
      ['\\cot x', '\\frac{\\cos x}{\\sin x}', '\\tan x'],
      ['\\sin 2x', '2 \\sin x \\cos x', '2 \\sin x'],
      ['\\arctan 1', '\\frac{\\pi}{4}', '\\frac{\\pi}{3}'],
    ]),
  factorials: () => {
    const n = integer(4, 12)
    let product = 1
    for (let k = 2; k <= n; k++) product *= k
    return [`${n}!`, product.toString(), (product + 1).toString()]
  },
  binomials: () => {
    const n = integer(4, 30)
    return [`\\binom{${n}}{2}`, ((n * (n - 1)) / 2).toString(), ((n * (n + 1)) / 2).toString()]
  },
  scientific: () => {
    const m = integer(101, 999)
    const k = integer(3, 9)
    return [`${m / 100} \\times 10^{${k}}`, (m * 10 ** (k - 2)).toString(), `${m / 100} \\times 10^{${k + 1}}`]
  },
  ratios: () => {
    const a = integer(1, 9)
    const b = integer(11, 29)
    const k = divisor(a, b)
    return [`${a / k}:${b / k}`, `${a / k} : ${b / k}`, `${b / k}:${a / k}`]
  },
  bases: () => {
    const n = integer(11, 44).toString(5)
    return [`${n}_5`, `${n}_{5}`, `${n}_{6}`]
  },
}

function generatedPairs(count: number): Pair[] {
  const names = Object.keys(families)
  const pairs: Pair[] = []
  for (let k = 0; pairs.length < count; k++) {
    const family = names[k % names.length] ?? ''
    const made = families[family]?.()
    if (made === undefined) continue
    const [a, b, near] = made
    pairs.push({ family, a, b, equal: true })
    if (pairs.length < count) pairs.push({ family, a, b: near, equal: false })
  }
  return pairs
}

function measure(name: string, pairs: readonly (readonly [string, string])[]): void {
  const verdicts = { passed: 0, failed: 0, unverifiable: 0 }
  for (const [reference, answer] of pairs) compareMath({ reference, answer })
  let compared = 0
  const start = process.hrtime.bigint()
  let elapsed = 0
  while (elapsed < 1) {
    for (const [reference, answer] of pairs) verdicts[compareMath({ reference, answer }).verdict]++
    compared += pairs.length
    elapsed = Number(process.hrtime.bigint() - start) / 1e9
  }
  const share = (n: number): string => `${((100 * n) / compared).toFixed(1)} %`
  console.log(
    `${name.padEnd(34)} ${Math.round(compared / elapsed)
      .toString()
      .padStart(8)} comparisons/s` +
      `   passed ${share(verdicts.passed)}, failed ${share(verdicts.failed)}, unverifiable ${share(verdicts.unverifiable)}`,
  )
}

const reformatted = (answer: string): string =>
  `$\\boxed{ ${answer.replaceAll('\\frac', '\\dfrac').replaceAll('(', '\\left(').replaceAll(')', '\\right)')} }$`

if (existsSync(options.answers)) {
  const answers = readFileSync(options.answers, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { answer: string }).answer)
  measure(
    'an answer with itself',
    answers.map((a) => [a, a]),
  )
  measure(
    'an answer with its neighbour',
    answers.map((a, index) => [a, answers[(index + 1) % answers.length] ?? a]),
  )
  measure(
    'an answer with a reformatted form',
    answers.map((a) => [a, reformatted(a)]),
  )
} else console.log(`${options.answers} is absent: measuring generated pairs only`)

const pairs = generatedPairs(Number(options.pairs))
measure(
  'generated pairs',
  pairs.map(({ a, b }) => [a, b]),
)

// Reads JSON lines of [a, b] and answers with true, false, or null for an error or time-out, one a line.
const program = `
import json, sys, logging
logging.disable(logging.CRITICAL)
from math_verify import parse, verify
def read(text):
    return parse("$" + text + "$", parsing_timeout=5)
for line in sys.stdin:
    a, b = json.loads(line)
    try:
        gold, answer = read(a), read(b)
        result = None if not gold or not answer else bool(verify(gold, answer, timeout_seconds=5))
    except BaseException:
        result = None
    print(json.dumps(result), flush=True)
`

function agreement(python: string): void {
  const input = pairs.map(({ a, b }) => JSON.stringify([a, b])).join('\n')
  const start = process.hrtime.bigint()
  const run = spawnSync(python, ['-c', program], { input, encoding: 'utf8', maxBuffer: 64 << 20 })
  const elapsed = Number(process.hrtime.bigint() - start) / 1e9
  const theirs = run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as boolean | null)
  if (theirs.length !== pairs.length) {
    console.error(
      `math-verify answered ${theirs.length} of ${pairs.length} pairs: check that ${python} can import math_verify`,
    )
    process.exitCode = 1
    return
  }
  console.log(`math-verify: ${Math.round(pairs.length / elapsed)} comparisons/s, start included`)
  const table = new Map<string, number>()
  const disagreements: string[] = []
  const wrong = { ours: 0, theirs: 0 }
  for (const [index, { family, a, b, equal }] of pairs.entries()) {
    const { verdict, reason } = compareMath({ reference: a, answer: b })
    const our = verdict === 'passed' ? 'equal' : verdict === 'failed' ? 'different' : 'undecided'
    const their = theirs[index] === null ? 'undecided' : theirs[index] === true ? 'equal' : 'different'
    const meant = equal ? 'equal' : 'different'
    if (our !== meant) wrong.ours++
    if (their !== meant) wrong.theirs++
    const cell = `ours ${our.padEnd(9)} theirs ${their}`
    table.set(cell, (table.get(cell) ?? 0) + 1)
    if (our !== their || our !== meant)
      disagreements.push(`${family}: ${a}  |  ${b}  meant ${meant}; ours ${our} (${reason}), theirs ${their}`)
  }
  for (const [cell, count] of [...table].sort((x, y) => y[1] - x[1]))
    console.log(`${count.toString().padStart(6)}  ${cell}`)
  console.log(`not as meant: ours ${wrong.ours}, theirs ${wrong.theirs}, of ${pairs.length}`)
  console.log(`${disagreements.length} disagreements:`)
  for (const line of disagreements.slice(0, Number(options.list))) console.log(`  ${line}`)
}

if (options.python !== undefined) agreement(options.python)
