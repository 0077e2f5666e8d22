import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { canonicalAnswer, compareMath, groupAnswers } from '../../../verifiers/math.ts'
import { fuzz, fuzzFactor } from '../fuzzing.ts'
import { families } from './families.ts'
import { processorMilliseconds } from '../../processor-time.ts'

// A fault of ours is told as a reason, so that it costs one answer: here it shall cost the test.
function verdict(reference: string, answer: string): string {
  const { verdict: said, reason } = compareMath({ reference, answer })
  if (reason.startsWith('verifier_failed')) throw new Error(`${reason}: ${reference} | ${answer}`)
  return said
}

/** The verdict, or the one expected where the answers are past a limit of size: that says nothing about a law. */
function verdictWithinLimits(reference: string, answer: string, expected: string): string {
  const { verdict: said, reason } = compareMath({ reference, answer })
  return said === 'unverifiable' && reason.startsWith('too_') ? expected : said
}

/** An expression written plainly, and the same one written another way. */
interface Written {
  plain: string
  other: string
}

const leaf: fc.Arbitrary<Written> = fc.oneof(
  fc.integer({ min: 1, max: 30 }).map((n) => ({ plain: `${n}`, other: `${n}` })),
  fc.constantFrom('x', 'y', 'a').map((name) => ({ plain: name, other: `{${name}}` })),
  fc.constantFrom(2, 3, 5, 7).map((n) => ({ plain: `\\sqrt{${n}}`, other: `\\frac{${n}}{\\sqrt{${n}}}` })),
  fc.constant({ plain: '\\pi', other: '\\frac{2\\pi}{2}' }),
)

// Sums are written in both orders, products both ways round and multiplied out, quotients as powers.
const expression: fc.Arbitrary<Written> = fc.letrec<{ e: Written }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc
      .tuple(tie('e'), tie('e'))
      .map(([a, b]) => ({ plain: `(${a.plain} + ${b.plain})`, other: `\\left(${b.other} + ${a.other}\\right)` })),
    fc
      .tuple(tie('e'), tie('e'))
      .map(([a, b]) => ({ plain: `(${a.plain} - ${b.plain})`, other: `(-${b.other} + ${a.other})` })),
    fc.tuple(tie('e'), leaf, leaf).map(([a, b, c]) => ({
      plain: `(${a.plain})(${b.plain} + ${c.plain})`,
      other: `(${c.other} \\cdot (${a.other}) + ${a.other} \\times ${b.other})`,
    })),
    fc
      .tuple(tie('e'), leaf)
      .map(([a, b]) => ({ plain: `\\frac{${a.plain}}{${b.plain}}`, other: `(${a.other}) \\cdot (${b.other})^{-1}` })),
    tie('e').map((a) => ({ plain: `(${a.plain})^2`, other: `(${a.other})\\cdot(${a.other})` })),
  ),
})).e

type Valued = Written & { plainAt: (point: readonly number[]) => number; otherAt: (point: readonly number[]) => number }

// Functions with several branches beside what they are on one of them, with their values: half of these pairs are equal on
// one side only. #0, #1 and #2 are variables.
const branching: fc.Arbitrary<Valued> = fc.letrec<{ e: Valued }>((tie) => {
  const leaves: [text: string, at: (point: readonly number[]) => number][] = [
    ['#0', ([x = 0]) => x],
    ['#1', ([, y = 0]) => y],
    ['\\frac{#0}{8}', ([x = 0]) => x / 8],
    ['\\frac{#2}{100}', ([, , z = 0]) => z / 100],
    ['5-#1', ([, y = 0]) => 5 - y],
    ['#0-#1', ([x = 0, y = 0]) => x - y],
    ['\\frac{#2}{#0}', ([x = 0, , z = 0]) => z / x],
    ['\\sin #0', ([x = 0]) => Math.sin(x)],
  ]
  const made = (
    plain: (inside: string) => string,
    plainAt: (inside: number) => number,
    other = plain,
    otherAt = plainAt,
  ): fc.Arbitrary<Valued> =>
    tie('e').map((e) => ({
      plain: plain(e.plain),
      other: other(e.other),
      plainAt: (point) => plainAt(e.plainAt(point)),
      otherAt: (point) => otherAt(e.otherAt(point)),
    }))
  const itself = (text: string): string => `(${text})`
  const same = (u: number): number => u
  const absolute = (text: string): string => `|${text}|`
  return {
    e: fc.oneof(
      { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
      fc.constantFrom(...leaves).map(([text, at]) => ({ plain: text, other: text, plainAt: at, otherAt: at })),
      made(
        (e) => `(${e}+\\arctan(${e}))`,
        (u) => u + Math.atan(u),
      ),
      made((e) => `\\cos(${e})`, Math.cos),
      made(
        (e) => `\\arcsin(\\sin(${e}))`,
        (u) => Math.asin(Math.sin(u)),
        itself,
        same,
      ),
      made(
        (e) => `\\arctan(\\tan(${e}))`,
        (u) => Math.atan(Math.tan(u)),
        itself,
        same,
      ),
      made(
        (e) => `\\arccos(\\cos(${e}))`,
        (u) => Math.acos(Math.cos(u)),
        absolute,
        Math.abs,
      ),
      made((e) => `\\sqrt{(${e})^2}`, Math.abs, itself, same),
      made((e) => `\\sqrt{(${e})^2}`, Math.abs, absolute, Math.abs),
      made(
        (e) => `\\ln((${e})^2)`,
        (u) => Math.log(u * u),
        (e) => `2\\ln|${e}|`,
        (u) => 2 * Math.log(Math.abs(u)),
      ),
      made(
        (e) => `\\arctan(${e})+\\arctan\\frac{1}{${e}}`,
        (u) => Math.atan(u) + Math.atan(1 / u),
        () => '\\frac{\\pi}{2}',
        () => Math.PI / 2,
      ),
      made(
        (e) => `\\arccos\\frac{1-(${e})^2}{1+(${e})^2}`,
        (u) => Math.acos((1 - u * u) / (1 + u * u)),
        (e) => `2\\arctan(${e})`,
        (u) => 2 * Math.atan(u),
      ),
    ),
  }
}).e

const named = (text: string, names: readonly string[]): string =>
  text.replaceAll(/#(\d)/g, (_, place: string) => `{${names[Number(place)]}}`)
const namedPlainly = ({ plain, other }: Written): { reference: string; answer: string } => ({
  reference: named(plain, ['x', 'y', 'z']),
  answer: named(other, ['x', 'y', 'z']),
})

const answers = [...new Set(families.flatMap(({ cases }) => cases.flatMap(([, a, b]) => [a, b])))]
const someAnswer = fc.constantFrom(...answers)

describe('laws of the comparison', () => {
  it('every answer of the family tables equals itself', () => {
    for (const answer of answers) expect([answer, verdict(answer, answer)]).toEqual([answer, 'passed'])
  })

  it('an expression equals another writing of itself', () => {
    fc.assert(
      fc.property(expression, ({ plain, other }) => {
        expect(verdictWithinLimits(plain, other, 'passed')).toBe('passed')
      }),
      fuzz(500, 1),
    )
  })

  it('an expression never equals itself plus something', () => {
    fc.assert(
      fc.property(
        expression,
        fc.constantFrom('1', 'x', '\\sqrt{2}', '\\frac{1}{1000000}'),
        ({ plain, other }, more) => {
          expect(verdictWithinLimits(plain, `${other} + ${more}`, 'failed')).toBe('failed')
        },
      ),
      fuzz(500, 2),
    )
  })

  it('whole numbers are equal only when they are the same', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.bigInt({ min: -3n, max: 3n }), (n, step) => {
        expect(verdict(`${n}`, `${n + step}`)).toBe(step === 0n ? 'passed' : 'failed')
      }),
      fuzz(500, 3),
    )
  })

  it('a decimal equals the fraction it writes out, and no other decimal does', () => {
    fc.assert(
      fc.property(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: 1, max: 5 }), (n, places) => {
        const decimal = (n / 10 ** places).toFixed(places)
        expect(verdict(`\\frac{${n}}{${10 ** places}}`, decimal)).toBe('passed')
        expect(verdict(((n + 1) / 10 ** places).toFixed(places), decimal)).toBe('failed')
      }),
      fuzz(500, 4),
    )
  })

  it('is symmetric', () => {
    fc.assert(
      fc.property(someAnswer, someAnswer, (a, b) => {
        expect(verdict(a, b)).toBe(verdict(b, a))
      }),
      fuzz(8_000, 5),
    )
  })

  it('equal keys mean equal answers, so exact forms are transitive', () => {
    const byKey = new Map<string, string[]>()
    for (const answer of answers) {
      const key = canonicalAnswer(answer)
      if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), answer])
    }
    let pairs = 0
    for (const group of byKey.values())
      for (const a of group)
        for (const b of group) {
          expect([a, b, verdict(a, b)]).toEqual([a, b, 'passed'])
          pairs++
        }
    expect(pairs).toBeGreaterThan(answers.length)
  })

  it('two writings of one expression share a key where there is one', () => {
    fc.assert(
      fc.property(expression, ({ plain, other }) => {
        const a = canonicalAnswer(plain)
        const b = canonicalAnswer(other)
        if (a !== undefined && b !== undefined) expect(a).toBe(b)
      }),
      fuzz(300, 6),
    )
  })

  it('an unordered list equals every order of itself', () => {
    const items = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 8 })
    fc.assert(
      fc.property(
        items.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(verdict(list.join(', '), `\\{${shuffled.join(', ')}\\}`)).toBe('passed')
          expect(verdict(list.join(', '), [...shuffled.slice(1), 77].join(', '))).toBe('failed')
        },
      ),
      fuzz(300, 7),
    )
  })

  it('does not depend on the letters of the variables', () => {
    // Letters that are no constant, function or unit.
    const letters = 'a b c k n p q r t u v w x y z A B K O R S T U V X Y Z \\alpha \\theta \\omega'.split(' ')
    fc.assert(
      fc.property(branching, fc.shuffledSubarray(letters, { minLength: 3, maxLength: 3 }), (pair, names) => {
        const renamed = compareMath({ reference: named(pair.plain, names), answer: named(pair.other, names) })
        expect(renamed).toEqual(compareMath(namedPlainly(pair)))
      }),
      fuzz(500, 9),
    )
  })

  it('never calls functions equal that differ on a branch', () => {
    let passed = 0
    // Points of both signs and of all sizes from 0.01 to 10,000.
    const points = fc.sample(
      fc.tuple(fc.integer({ min: -2, max: 4 }), ...[0, 1, 2].map(() => fc.integer({ min: -1_000, max: 1_000 }))),
      { numRuns: 400, seed: 10, unbiased: true },
    )
    fc.assert(
      fc.property(branching, (pair) => {
        const isOff = points.filter(([size = 0, ...place]) => {
          const point = place.map((x) => (x / 1_000) * 10 ** size)
          const [a, b] = [pair.plainAt(point), pair.otherAt(point)]
          return Math.abs(a - b) > 1e-4 * Math.max(1e-3, Math.abs(a), Math.abs(b))
        })
        const { verdict: said } = compareMath(namedPlainly(pair))
        if (said === 'passed') passed += 1
        if (isOff.length > 0) expect(said).not.toBe('passed')
      }),
      fuzz(500, 10),
    )
    expect(passed).toBeGreaterThan(150)
  })

  it('groups every answer exactly once', () => {
    fc.assert(
      fc.property(fc.array(someAnswer, { maxLength: 16 }), (list) => {
        const { groups, undecided } = groupAnswers(list)
        const seen = [...groups.flatMap((group) => group.members), ...undecided].sort((a, b) => a - b)
        expect(seen).toEqual(list.map((_, index) => index))
        for (const group of groups) expect(list).toContain(group.representative)
      }),
      fuzz(300, 8),
    )
  })
})

const soup = [
  '\\frac',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  '\\{',
  '\\}',
  '^',
  '_',
  '!',
  'x',
  'y',
  'n',
  'e',
  'i',
  '\\pi',
  '1',
  '2',
  '9',
  '12',
  '999999',
  '1000000007',
  '0.5',
  '.3',
  '1e9',
  '+',
  '-',
  '*',
  '/',
  '\\cdot ',
  '\\sqrt',
  '\\sqrt[3]',
  '\\binom',
  '\\sin ',
  '\\cos',
  '\\ln ',
  '\\log_',
  '\\pm ',
  '\\mp ',
  ',',
  ';',
  '=',
  '<',
  '\\le ',
  '\\in ',
  '\\cup ',
  '\\cap ',
  '\\setminus ',
  '\\infty',
  '\\text{',
  '\\text{cm}',
  '\\%',
  '\\$',
  '^\\circ',
  '|',
  '\\lfloor ',
  '\\rfloor ',
  '\\begin{pmatrix}',
  '\\end{pmatrix}',
  '&',
  '\\\\',
  '\\mathbb{R}',
  ':',
  '\\left(',
  '\\right)',
  ' and ',
  ' or ',
  'apples',
  '\\overline{',
  '1,000',
  '^{',
  '\\approx ',
  '\\arctan ',
  '\\max(',
  '\u0000',
  '\ud800',
  '\u00b2',
  '\u4e2d',
  ' ',
] as const

describe('hostile answers', () => {
  it('random tokens never throw, and 20,000 of them stay far below 50 ms each', () => {
    const references = ['5', '\\frac{1}{3}', '(1,2)', 'x^2+1', '3.14']
    for (let round = 0; round < fuzzFactor; round += 1) {
      const inputs = fc.sample(fc.array(fc.constantFrom(...soup), { minLength: 1, maxLength: 60 }), {
        numRuns: 20_000,
        seed: fuzz(1, 1000 + round).seed,
      })
      const total = processorMilliseconds(() => {
        for (const [index, tokens] of inputs.entries())
          verdict(references[index % references.length] ?? '5', tokens.join(''))
      })
      expect(total / inputs.length).toBeLessThan(5)
    }
  })

  it('random well-formed expressions with big powers and nesting stay bounded', () => {
    const big: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => ({
      e: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom('x', 'y', 'z', '2', '3', '10', '99', '\\pi', 'i', 'e', '0', '1.5'),
        fc.tuple(tie('e'), fc.constantFrom('+', '-', '\\cdot ', '/'), tie('e')).map(([a, op, b]) => `(${a}${op}${b})`),
        fc.tuple(tie('e'), tie('e')).map(([a, b]) => `\\frac{${a}}{${b}}`),
        fc
          .tuple(tie('e'), fc.constantFrom('2', '9', '50', '1000', 'x', '{-3}', '{1/2}', '{99^9}'))
          .map(([a, b]) => `(${a})^{${b}}`),
        tie('e').map((a) => `\\sqrt{${a}}`),
        tie('e').map((a) => `\\sin(${a})`),
        tie('e').map((a) => `\\ln(${a})`),
        tie('e').map((a) => `(${a})!`),
      ),
    })).e
    for (let round = 0; round < fuzzFactor; round += 1) {
      const inputs = fc.sample(fc.tuple(big, big), { numRuns: 2_000, seed: fuzz(1, 2000 + round).seed })
      let longest: [number, string, string] = [0, '', '']
      const total = processorMilliseconds(() => {
        for (const [a, b] of inputs) {
          const spent = processorMilliseconds(() => verdict(a, b))
          if (spent > longest[0]) longest = [spent, a, b]
        }
      })
      expect(total / inputs.length).toBeLessThan(10)
      // Generous: one call may fall into a garbage collection.
      expect(longest[0], `${longest[1]} | ${longest[2]}`).toBeLessThan(250)
    }
  })

  const repeat = (text: string, times: number): string => text.repeat(times)
  const list = (count: number, item: (n: number) => string, between: string): string =>
    Array.from({ length: count }, (_, n) => item(n)).join(between)
  const monsters: string[] = [
    `${repeat('(', 900)}1${repeat(')', 900)}`,
    repeat('{', 1900),
    `${repeat('\\frac{1}{', 180)}x${repeat('}', 180)}`,
    `${repeat('\\sqrt{1+', 40)}2${repeat('}', 40)}`,
    `${repeat('2^', 600)}2`,
    `${repeat('-', 1900)}5`,
    `5${repeat('!', 500)}`,
    '((((3!)!)!)!)!',
    '99999!',
    '10^{10^{10}}',
    '9^{9^{9^{9}}}',
    '2^{16000}',
    '3^{10000}+1',
    '1500!',
    '\\frac{1}{3^{10000}+1}+\\frac{1}{7^{5000}+1}',
    '(x+y+z+w+a+b)^{100}',
    '(x+1)^{500}',
    '(\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11})^{40}',
    '\\frac{1}{\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11}+\\sqrt{13}}',
    '\\frac{x^{99}-1}{x-1}',
    '\\frac{x^{40}-y^{40}}{x-y}',
    '\\frac{(x+1)^{30}}{(x+2)^{30}}',
    repeat('(x^2+1)/(x^3+7x+1)', 8),
    repeat('9', 1900),
    `\\sqrt{${repeat('9', 1800)}}`,
    `\\frac{${repeat('7', 900)}}{${repeat('3', 900)}}`,
    `\\log_{2}{${repeat('8', 1500)}}`,
    `0.${repeat('3', 1800)}`,
    '\\binom{1000000}{500000}',
    '\\binom{10^{100}}{1000}',
    '\\binom{2^{16000}}{1500}',
    `(${list(120, () => '1500!', ',')})`,
    '1e999999',
    '1e-999999',
    list(120, (n) => `\\sqrt{${n + 2}}`, '+'),
    list(110, (n) => `\\frac1{${n + 1009}}`, '+'),
    list(120, (n) => `\\sin(${n})`, ','),
    list(60, (n) => `(${n},${n + 1})`, '\\cup'),
    `(${list(60, (n) => `x_{${n}}`, '+')})^2`,
    repeat('\\pm1', 200),
    repeat('x=', 500),
    repeat('1:', 300),
    repeat('|', 1000),
    repeat('$', 1999),
    repeat('\\\\', 900),
    repeat('\\text{', 100),
    `\\begin{pmatrix}${repeat('1&', 200)}1\\end{pmatrix}`,
    repeat('a', 2000),
    repeat('a ', 600),
    repeat('1,', 900),
    repeat('\u{1f600}', 100),
    '\\sum_{k=1}^{10^9} k',
    repeat('x', 3_000_000),
  ]

  it('large and deep answers are bounded, each with each', () => {
    const longest: [number, string, string] = [0, '', '']
    for (const a of monsters)
      for (const b of [a, `${a}+1`, '5', 'x', ...monsters.slice(12, 22)]) {
        const spent = processorMilliseconds(() => verdict(a, b))
        if (spent > longest[0]) longest.splice(0, 3, spent, a.slice(0, 40), b.slice(0, 40))
      }
    // 50 ms is the limit; the rest is room for a garbage collection.
    expect(longest[0]).toBeLessThan(150)
  })

  it('the text that equal answers share is found or not within 50 ms, whatever the answer', () => {
    const longest: [number, string] = [0, '']
    for (const answer of monsters) {
      const spent = processorMilliseconds(() => canonicalAnswer(answer))
      if (spent > longest[0]) longest.splice(0, 2, spent, answer.slice(0, 40))
    }
    // As above: the rest is room for a garbage collection.
    expect(longest[0], longest[1]).toBeLessThan(150)
  })

  it('large and deep answers can be grouped', () => {
    expect(() => groupAnswers([...monsters, ...monsters])).not.toThrow()
  })
})
