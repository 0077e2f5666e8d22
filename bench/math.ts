/**
 * Comparisons a second on real answers, on the clock and of processor time (which neighbours on the machine disturb less), and
 * agreement with public graders.
 *
 *   node dist/bench/math.js [--answers FILE.jsonl] [--peers | --python PATH] [--pairs 2000] [--list 20] [--json]
 *
 * The file has one JSON object a line with the field `answer`. --peers makes a virtual environment in the cache folder
 * (once) and installs the graders there from the package index; --python names an interpreter that has them, or some. Each grader
 * judges the same generated pairs; every disagreement is classed by the table below, and one that the table does not know
 * makes the exit code 1.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

import { installEnvironment } from '../scripts/virtual-environment.ts'
import { compareMath } from '../verifiers/math.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:math',
  about: 'Comparisons of answers a second, and agreement with public graders.',
}
const options = readOptions(program, {
  answers: { type: 'string', default: '../shared/data/seeds/math500.jsonl', doc: 'JSONL file with the field "answer"' },
  peers: {
    type: 'boolean',
    default: false,
    doc: 'install public graders from the package index and compare with them',
  },
  python: { type: 'string', doc: 'an interpreter that has the graders' },
  pairs: { type: 'string', default: '2000', doc: 'that are judged' },
  list: { type: 'string', default: '20', doc: 'disagreements that are listed' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
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
  const warm = performance.now() + 500
  while (performance.now() < warm) for (const [reference, answer] of pairs) compareMath({ reference, answer })
  let compared = 0
  const start = process.hrtime.bigint()
  const processor = process.cpuUsage()
  let elapsed = 0
  while (elapsed < 1) {
    for (const [reference, answer] of pairs) verdicts[compareMath({ reference, answer }).verdict]++
    compared += pairs.length
    elapsed = Number(process.hrtime.bigint() - start) / 1e9
  }
  const { user, system } = process.cpuUsage(processor)
  const share = (n: number): string => `${((100 * n) / compared).toFixed(1)} %`
  console.log(
    `${name.padEnd(34)} ${Math.round(compared / elapsed)
      .toString()
      .padStart(8)} comparisons/s, ${Math.round((compared / (user + system)) * 1e6)} a second of processor time` +
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

const generated = generatedPairs(Number(options.pairs))
measure(
  'generated pairs',
  generated.map(({ a, b }) => [a, b]),
)

const answersOfFile = existsSync(options.answers)
  ? readFileSync(options.answers, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { answer: string }).answer)
  : []

// What a rewriting of a real answer changes; each answer gets one of those that change it.
const rewritings: readonly ((answer: string) => string)[] = [
  (answer) => answer.replaceAll('\\frac', '\\dfrac'),
  (answer) => answer.replaceAll(/(?<!\\left)\(/g, '\\left(').replaceAll(/(?<!\\right)\)/g, '\\right)'),
  (answer) => answer.replaceAll(/\\left|\\right/g, ''),
  (answer) => answer.replace(/^(\d{1,3})(\d{3})$/, '$1,$2'),
  (answer) => answer.replaceAll(',\\!', ''),
  (answer) => (/^-?\d+$/.test(answer) ? `${answer}.0` : answer),
  (answer) => answer.replace(/^(-?)\\frac\{(\d+)\}\{(\d+)\}$/, '$1$2/$3'),
  (answer) => answer.replaceAll(/(?<=[\d}a-z)]) *([+-]) *(?=[\d\\a-z(])/g, ' $1 '),
]

/** Pairs out of real answers: each rewritten, and each with its last number one higher. */
function pairsOfFile(): Pair[] {
  return answersOfFile.flatMap((a, index) => {
    const forms = rewritings.map((rewrite) => rewrite(a)).filter((form) => form !== a)
    const changed = a.replace(/\d+(?=\D*$)/, (digits) => String(BigInt(digits) + 1n))
    return [
      ...(forms.length === 0
        ? []
        : [{ family: 'real, rewritten', a, b: forms[index % forms.length] ?? a, equal: true }]),
      ...(changed === a ? [] : [{ family: 'real, changed', a, b: changed, equal: false }]),
    ]
  })
}

/** A public grader: how it is asked, in Python. `judge(reference, answer)` returns True, False, or None for "cannot say". */
interface Grader {
  readonly name: string
  readonly install: { readonly wheels: readonly string[]; readonly withoutDependencies?: boolean }
  readonly source: string
}

const graders: readonly Grader[] = [
  {
    name: 'math-verify',
    install: { wheels: ['math-verify'] },
    source: `
from math_verify import parse, verify
def judge(a, b):
    gold, answer = parse("$" + a + "$", parsing_timeout=None), parse("$" + b + "$", parsing_timeout=None)
    return bool(verify(gold, answer, timeout_seconds=None)) if gold and answer else None
`,
  },
  {
    // PRM800K's grader, as this package carries it.
    name: 'mathruler',
    // Not all of these are to be had as wheels; what they need besides comes with the other grader.
    install: { wheels: ['mathruler', 'pylatexenc', 'tqdm'], withoutDependencies: true },
    source: `
from mathruler.grader import grade_answer
def judge(a, b):
    return bool(grade_answer(b, a))
`,
  },
]

/** Reads [reference, answer] a line; writes [verdict, seconds so far]. Five seconds a pair. */
const asking = `
import json, logging, signal, sys, time
logging.disable(logging.CRITICAL)
def stop(*_): raise TimeoutError
signal.signal(signal.SIGALRM, stop)
judge("1", "1")
started = time.perf_counter()
for line in sys.stdin:
    a, b = json.loads(line)
    signal.alarm(5)
    try:
        said = judge(a, b)
    except BaseException:
        said = None
    signal.alarm(0)
    print(json.dumps([said, time.perf_counter() - started]), flush=True)
`

/** The interpreter of a virtual environment that holds the graders; made where it is not there yet. */
function interpreterWithPeers(): Promise<string> {
  const installs = graders.map(({ install }) => install)
  const environment = { folder: 'math-graders', name: 'public graders', installs, mebibytes: 120 }
  return installEnvironment(environment, (line) => console.error(line))
}

type Said = 'equal' | 'different' | 'undecided'
type Class = 'ours wrong' | 'theirs wrong' | 'convention'

interface Judgement {
  readonly family: string
  /** Graders that it holds for; absent: all. */
  readonly grader?: string
  /** What ours says; absent: anything. */
  readonly ours?: Said
  readonly class: Class
  readonly why: string
}

/** The judgement of every kind of disagreement seen so far, by hand. The first that fits a pair holds. */
const judgements: readonly Judgement[] = [
  { family: 'bases', class: 'theirs wrong', why: 'the same digits to another base are another number' },
  {
    family: 'inequalities',
    class: 'convention',
    why: 'an interval and the inequality that describes it: we take one for the other, they want the form of the reference',
  },
  {
    family: 'rounded decimals',
    class: 'convention',
    why: 'a fraction and its value rounded to three digits or more: we accept what is rounded rightly, they want six digits or the fraction',
  },
  { family: 'integers', class: 'theirs wrong', why: 'thin spaces are thousands marks' },
  { family: 'trigonometry', class: 'theirs wrong', why: 'an exact value and its function, an identity' },
  { family: 'scientific', class: 'theirs wrong', why: 'a power of ten, written out' },
  {
    family: 'real, changed',
    ours: 'undecided',
    class: 'convention',
    why: 'a division by zero: we call it undecided, they different',
  },
  { family: 'real, changed', class: 'theirs wrong', why: 'the same digits to another base are another number' },
  { family: 'real, rewritten', class: 'theirs wrong', why: 'blanks are thousands marks' },
  { family: 'big integers', grader: 'mathruler', class: 'theirs wrong', why: 'a power, written out' },
  { family: 'binomials', grader: 'mathruler', class: 'theirs wrong', why: 'a binomial, written out' },
  { family: 'factorials', grader: 'mathruler', class: 'theirs wrong', why: 'a factorial, written out' },
  { family: 'logarithms', grader: 'mathruler', class: 'theirs wrong', why: 'an exact logarithm' },
  {
    family: 'decimals',
    grader: 'mathruler',
    class: 'convention',
    why: "it wants integers and fractions in the reference's own form and lowest terms",
  },
  {
    family: 'fractions',
    grader: 'mathruler',
    class: 'convention',
    why: "it wants integers and fractions in the reference's own form and lowest terms",
  },
  {
    family: 'equations',
    grader: 'mathruler',
    class: 'convention',
    why: "the same line, in another form: we accept it, it wants the reference's form",
  },
  { family: 'rational', grader: 'mathruler', class: 'theirs wrong', why: 'a fraction, divided out' },
  { family: 'sets', grader: 'mathruler', class: 'theirs wrong', why: 'a set has no order' },
  { family: 'unions', grader: 'mathruler', class: 'theirs wrong', why: 'a union has no order' },
  { family: 'plus or minus', grader: 'mathruler', class: 'theirs wrong', why: 'both values of a plus-or-minus' },
]

function askGrader(
  python: string,
  grader: Grader,
  pairs: readonly Pair[],
): { said: Said[]; perSecond: number } | undefined {
  const input = pairs.map(({ a, b }) => JSON.stringify([a, b])).join('\n')
  const run = spawnSync(python, ['-c', grader.source + asking], { input, encoding: 'utf8', maxBuffer: 64 << 20 })
  const lines = run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as [boolean | null, number])
  if (lines.length !== pairs.length) {
    console.error(
      `${grader.name} answered ${lines.length} of ${pairs.length} pairs: ${run.stderr.trim().split('\n').at(-1) ?? ''}`,
    )
    return undefined
  }
  const seconds = lines.at(-1)?.[1] ?? 0
  return {
    said: lines.map(([said]) => (said === null ? 'undecided' : said ? 'equal' : 'different')),
    perSecond: pairs.length / seconds,
  }
}

function ourWord(a: string, b: string): Said {
  const { verdict } = compareMath({ reference: a, answer: b })
  return verdict === 'passed' ? 'equal' : verdict === 'failed' ? 'different' : 'undecided'
}

function agreement(python: string, grader: Grader, pairs: readonly Pair[]): void {
  const answered = askGrader(python, grader, pairs)
  if (!answered) {
    process.exitCode = 1
    return
  }
  const started = performance.now()
  const ours = pairs.map(({ a, b }) => ourWord(a, b))
  const oursPerSecond = (pairs.length / (performance.now() - started)) * 1000
  const table = new Map<string, number>()
  const classes = new Map<string, { count: number; why: string; examples: string[] }>()
  const notAsMeant = { ours: 0, oursUndecided: 0, theirs: 0, theirsUndecided: 0 }
  let disagreements = 0
  for (const [index, { family, a, b, equal }] of pairs.entries()) {
    const our = ours[index] ?? 'undecided'
    const their = answered.said[index] ?? 'undecided'
    const meant: Said = equal ? 'equal' : 'different'
    if (our === 'undecided') notAsMeant.oursUndecided += 1
    else if (our !== meant) notAsMeant.ours += 1
    if (their === 'undecided') notAsMeant.theirsUndecided += 1
    else if (their !== meant) notAsMeant.theirs += 1
    const cell = `ours ${our}, theirs ${their}`
    table.set(cell, (table.get(cell) ?? 0) + 1)
    if (our === their) continue
    disagreements += 1
    const found = judgements.find(
      (each) => each.family === family && (each.grader ?? grader.name) === grader.name && (each.ours ?? our) === our,
    )
    // Nobody can call a verdict wrong for us that is what the pair was made to be.
    const judged = found && !(found.class === 'theirs wrong' && our !== meant) ? found : undefined
    const key = judged ? `${judged.class}: ${family} (meant ${meant})` : `UNJUDGED: ${family} (meant ${meant})`
    const row = classes.get(key) ?? { count: 0, why: judged?.why ?? 'add it to the table of judgements', examples: [] }
    classes.set(key, row)
    row.count += 1
    row.examples.push(`${a}  |  ${b}  ours ${our}, theirs ${their}`)
    if (!judged) process.exitCode = 1
  }
  const summary = {
    grader: grader.name,
    pairs: pairs.length,
    agreement: 1 - disagreements / pairs.length,
    perSecond: answered.perSecond,
    oursPerSecond,
    ...notAsMeant,
  }
  if (options.json) {
    console.log(JSON.stringify({ ...summary, table: Object.fromEntries(table), classes: Object.fromEntries(classes) }))
    return
  }
  console.log(
    `\n${grader.name}: ${Math.round(answered.perSecond)} comparisons/s (ours on the same pairs ${Math.round(oursPerSecond)}); ` +
      `agrees with ours on ${(100 * summary.agreement).toFixed(1)} % of ${pairs.length} pairs`,
  )
  console.log(
    `  against what was meant: ours ${notAsMeant.ours} wrong, ${notAsMeant.oursUndecided} undecided; theirs ${notAsMeant.theirs} wrong, ${notAsMeant.theirsUndecided} undecided`,
  )
  for (const [cell, count] of [...table].sort((x, y) => y[1] - x[1]))
    console.log(`  ${count.toString().padStart(6)}  ${cell}`)
  console.log(`  ${disagreements} disagreements:`)
  for (const [key, { count, why, examples }] of [...classes].sort()) {
    console.log(`  ${count.toString().padStart(6)}  ${key}: ${why}`)
    for (const example of examples.slice(0, Number(options.list))) console.log(`            ${example}`)
  }
}

const python = options.python ?? (options.peers ? await interpreterWithPeers() : undefined)
const imports = (grader: Grader): boolean =>
  python !== undefined && spawnSync(python, ['-c', grader.source], { stdio: 'ignore' }).status === 0
const present = graders.filter(imports)
if (python !== undefined && present.length === 0) {
  console.error(
    `${python} can import none of ${graders.map(({ name }) => name).join(', ')}: install one, or use --peers`,
  )
  process.exitCode = 1
}
if (python !== undefined) for (const grader of present) agreement(python, grader, [...generated, ...pairsOfFile()])
