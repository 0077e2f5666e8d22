import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answer, canonicalAnswer, sameAnswer, writeAnswer } from '../../simulator/answers.ts'
import { MATH_FAMILIES } from '../../simulator/families/all.ts'
import { type MathProblem, questionOf } from '../../simulator/families/family.ts'
import { Random } from '../../simulator/random.ts'

function value(answer: Answer): number {
  switch (answer.kind) {
    case 'rational':
      return Number(answer.n) / Number(answer.d)
    case 'surd':
      return (Number(answer.a) + Number(answer.b) * Math.sqrt(Number(answer.c))) / Number(answer.d)
    case 'pi':
      return (Number(answer.n) * Math.PI) / Number(answer.d)
    default:
      throw new Error(`no single value: ${canonicalAnswer(answer)}`)
  }
}

function values(answer: Answer): number[] {
  return answer.kind === 'tuple' ? answer.items.map(value) : [value(answer)]
}

function subsets(size: number): number[][] {
  return Array.from({ length: 2 ** size }, (_, mask) =>
    Array.from({ length: size }, (_item, i) => i).filter((i) => mask & (1 << i)),
  )
}

type Parameters = Record<string, number> & { rule?: never }
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b))

/**
 * A slow, independent way to each answer. Returns whether the family's exact answer agrees, undefined where the slow way
 * would take too long.
 */
const SLOW_WAYS: Record<string, (p: never, answer: Answer) => boolean | undefined> = {
  'lattice-paths': ({ a, b, p, q, avoid }: Record<'a' | 'b' | 'p' | 'q', number> & { avoid: boolean }, answer) => {
    if (a + b > 18) return undefined
    const walk = (x: number, y: number, touched: boolean): number => {
      if (x > a || y > b) return 0
      const now = touched || (x === p && y === q)
      return x === a && y === b ? (now === avoid ? 0 : 1) : walk(x + 1, y, now) + walk(x, y + 1, now)
    }
    return value(answer) === walk(0, 0, false)
  },
  'power-remainder': ({ base, exponent, modulus }: Parameters, answer) => {
    let rest = 1
    for (let i = 0; i < (exponent ?? 0); i++) rest = (rest * (base ?? 0)) % (modulus ?? 1)
    return value(answer) === rest
  },
  'divisor-count': ({ factors, kind }: { factors: [number, number][]; kind: string }, answer) => {
    const n = factors.reduce((product, [prime, exponent]) => product * prime ** exponent, 1)
    if (n > 300_000) return undefined
    const whole = (x: number, root: number): boolean => Math.round(x ** (1 / root)) ** root === x
    let count = 0
    for (let d = 1; d <= n; d++) {
      if (n % d !== 0) continue
      if (
        kind === 'odd'
          ? d % 2 === 1
          : kind === 'even'
            ? d % 2 === 0
            : kind === 'perfect cubes'
              ? whole(d, 3)
              : whole(d, 2) === (kind === 'perfect squares')
      )
        count++
    }
    return value(answer) === count
  },
  'dice-sum': (
    { dice, faces, sum, atLeast }: Record<'dice' | 'faces' | 'sum', number> & { atLeast: boolean },
    answer,
  ) => {
    if (faces ** dice > 50_000) return undefined
    let good = 0
    for (let outcome = 0; outcome < faces ** dice; outcome++) {
      let [rest, total] = [outcome, 0]
      for (let i = 0; i < dice; i++) {
        total += (rest % faces) + 1
        rest = Math.floor(rest / faces)
      }
      if (total === sum || (atLeast && total > sum)) good++
    }
    return near(value(answer), good / faces ** dice)
  },
  'quadratic-root': ({ a, b, c, larger }: Record<'a' | 'b' | 'c', number> & { larger: boolean }, answer) => {
    const x = value(answer)
    const other = -b / a - x
    return near(a * x * x + b * x + c, 0) && (larger ? x > other : x < other)
  },
  'root-power-sum': ({ a, b, c, k }: Record<'a' | 'b' | 'c' | 'k', number>, answer) => {
    const d = b * b - 4 * a * c
    const [size, angle] = d >= 0 ? [0, 0] : [Math.sqrt(c / a), Math.atan2(Math.sqrt(-d), -b / Math.sign(a) / 1)]
    const sum =
      d >= 0
        ? ((-b + Math.sqrt(d)) / (2 * a)) ** k + ((-b - Math.sqrt(d)) / (2 * a)) ** k
        : 2 * size ** k * Math.cos(k * angle)
    return near(value(answer), sum)
  },
  'interval-solution': (
    { shape, k, u, v, strict }: { shape: string; k: number; u: number; v: number; strict: boolean },
    answer,
  ) => {
    if (answer.kind !== 'interval' || answer.low === undefined || answer.high === undefined) return false
    const [low, high] = [value(answer.low), value(answer.high)]
    const holds = (x: number): boolean => {
      if (shape === 'quotient' && x === v) return false
      const left =
        shape === 'absolute'
          ? Math.abs(k * x - u) - v
          : shape === 'quadratic'
            ? k * (x - u) * (x - v)
            : (x - u) / (x - v)
      return strict ? left < -1e-12 : left <= 1e-12
    }
    const inside = (x: number): boolean =>
      (x > low || (answer.lowClosed && x === low)) && (x < high || (answer.highClosed && x === high))
    const exact = shape !== 'absolute' || k === 1 ? [low, high] : []
    return [low - 1, (low + high) / 2, high + 1, low - 0.01, high + 0.01, low + 0.01, high - 0.01, ...exact].every(
      (x) => holds(x) === inside(x),
    )
  },
  'linear-system': ({ rows }: { rows: number[][] }, answer) => {
    const solved = values(answer)
    return rows.every((row) =>
      near(
        row.slice(0, -1).reduce((sum, c, i) => sum + c * (solved[i] ?? 0), 0),
        row.at(-1) ?? 0,
      ),
    )
  },
  'sector-measure': ({ outer, inner, degrees }: Record<'outer' | 'inner' | 'degrees', number>, answer) => {
    // Rings of equal width, each as long as its middle arc.
    const radians = (degrees * Math.PI) / 180
    const width = (outer - inner) / 1000
    const area = Array.from({ length: 1000 }, (_, i) => (inner + (i + 0.5) * width) * radians * width).reduce(
      (x, y) => x + y,
      0,
    )
    return near(value(answer), area)
  },
  'triangle-area': ({ a, b, c }: Record<'a' | 'b' | 'c', number>, answer) => {
    const x = (b * b + c * c - a * a) / (2 * c)
    return near(value(answer), (c * Math.sqrt(b * b - x * x)) / 2)
  },
  'geometric-series': ({ first, p, q, part }: { first: number; p: number; q: number; part: string }, answer) => {
    let sum = 0
    for (let i = 0; i < 2000; i++) {
      const term = first * (p / q) ** i
      if (part.includes('odd') && i % 2 === 1) continue
      if (part.includes('even') && i % 2 === 0) continue
      sum += part.includes('squares') ? term * term : term
    }
    return near(value(answer), sum)
  },
  'committee-count': (
    { first, second, size, least }: Record<'first' | 'second' | 'size' | 'least', number>,
    answer,
  ) => {
    if (first + second > 16) return undefined
    const good = subsets(first + second).filter(
      (set) => set.length === size && set.filter((i) => i < first).length >= least,
    )
    return value(answer) === good.length
  },
  'urn-expectation': ({ marked, others, which }: Record<'marked' | 'others' | 'which', number>, answer) => {
    if (marked + others > 14) return undefined
    const orders = subsets(marked + others).filter((set) => set.length === marked)
    const total = orders.reduce((sum, positions) => sum + (positions[which - 1] ?? 0) + 1, 0)
    return near(value(answer), total / orders.length)
  },
  'recurrence-term': (
    { first, second, p, q, index }: Record<'first' | 'second' | 'p' | 'q' | 'index', number>,
    answer,
  ) => {
    const term = (n: number): number => (n === 1 ? first : n === 2 ? second : p * term(n - 1) + q * term(n - 2))
    return value(answer) === term(index)
  },
  'polar-point': ({ r, s, k }: Record<'r' | 's' | 'k', number>, answer) => {
    const [radius = 0, angle = 0] = values(answer)
    const [x, y] = [r * Math.sqrt(s) * Math.cos((k * Math.PI) / 12), r * Math.sqrt(s) * Math.sin((k * Math.PI) / 12)]
    return near(radius * Math.cos(angle), x) && near(radius * Math.sin(angle), y) && angle >= 0 && angle < 2 * Math.PI
  },
}

function parametersOf(problem: MathProblem): never {
  return JSON.parse(problem.key.slice(problem.family.length + 1)) as never
}

describe.each(MATH_FAMILIES.map((family) => [family.name, family] as const))(
  'mathematics family %s',
  (name, family) => {
    const draws = fc.record({ seed: fc.integer(), difficulty: fc.double({ min: 1, max: 8, noNaN: true }) })

    it('reads its own statements back, whatever the wording', () => {
      fc.assert(
        fc.property(draws, ({ seed, difficulty }) => {
          const random = new Random('math test', seed)
          const problem = family.draw(random, difficulty)
          const reading = family.read(questionOf(problem.statement(random)))
          expect(reading).toMatchObject({ problem: { key: problem.key, answer: problem.answer } })
        }),
        { numRuns: 120 },
      )
    })

    it('sees that a condition is missing', () => {
      fc.assert(
        fc.property(draws, ({ seed, difficulty }) => {
          const random = new Random('math flaw', seed)
          const statement = family.draw(random, difficulty).statement(random, { flawed: true })
          expect(family.read(questionOf(statement))).toEqual({ flaw: 'missing-condition' })
        }),
        { numRuns: 40 },
      )
    })

    it('gives the answer that a slow independent way gives', () => {
      let checked = 0
      for (let seed = 0; seed < 150; seed++) {
        const random = new Random('math slow', name, seed)
        const problem = family.draw(random, 1 + (seed % 5))
        const agrees = SLOW_WAYS[name]?.(parametersOf(problem), problem.answer)
        if (agrees === undefined) continue
        checked++
        expect(agrees, `${problem.key} has ${canonicalAnswer(problem.answer)}`).toBe(true)
      }
      expect(checked).toBeGreaterThanOrEqual(25)
    })

    it('has mistakes that all differ from the right answer', () => {
      fc.assert(
        fc.property(draws, ({ seed, difficulty }) => {
          const problem = family.draw(new Random('math mistakes', seed), difficulty)
          expect(problem.mistakes.length).toBeGreaterThan(0)
          for (const mistake of problem.mistakes) expect(sameAnswer(mistake.answer, problem.answer)).toBe(false)
        }),
        { numRuns: 60 },
      )
    })

    it('comes near the wanted difficulty', () => {
      const misses = Array.from({ length: 80 }, (_, seed) => {
        const wanted = 1.5 + (seed % 60) / 10
        return Math.abs(family.draw(new Random('math level', name, seed), wanted).difficulty - wanted)
      })
      expect(misses.reduce((sum, miss) => sum + miss, 0) / misses.length).toBeLessThan(0.8)
    })
  },
)

describe('notations of an answer', () => {
  it('writes a fraction as the same number in every notation', () => {
    fc.assert(
      fc.property(fc.integer({ min: -500, max: 500 }), fc.integer({ min: 1, max: 60 }), fc.integer(), (n, d, seed) => {
        const random = new Random('notation', seed)
        const problem: Answer = { kind: 'rational', n: BigInt(n), d: BigInt(d) }
        const text = writeAnswer(problem, random).replaceAll('{,}', '').replaceAll(',', '')
        const match = /^(-?)\\d?frac\{(-?\d+)\}\{(\d+)\}$/.exec(text) ?? /^(-?)(-?\d+)\/(\d+)$/.exec(text)
        const read = match === null ? Number(text) : ((match[1] === '-' ? -1 : 1) * Number(match[2])) / Number(match[3])
        expect(read).toBeCloseTo(n / d, 9)
      }),
    )
  })

  it('uses several notations for one answer', () => {
    const answer: Answer = { kind: 'surd', a: 1n, b: 2n, c: 3n, d: 4n }
    const written = Array.from({ length: 60 }, (_, seed) => writeAnswer(answer, new Random('surd', seed)))
    expect(new Set(written).size).toBeGreaterThanOrEqual(3)
    expect(written).toContain('\\frac{1+2\\sqrt{3}}{4}')
  })
})
