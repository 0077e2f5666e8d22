import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Rule =
  | 'their sum is divisible by $k$'
  | 'they differ by exactly $k$'
  | 'they differ by at most $k$'
  | 'their sum is at most $k$'
const RULES: Rule[] = [
  'they differ by exactly $k$',
  'their sum is at most $k$',
  'they differ by at most $k$',
  'their sum is divisible by $k$',
]
interface Parameters {
  rule: Rule
  /** Whether equal pairs of values at different positions count each, or once. */
  distinct: boolean
  maxCount: number
}

const TESTS: Record<Rule, string> = {
  'their sum is divisible by $k$': '(x + y) % k == 0',
  'they differ by exactly $k$': 'abs(x - y) == k',
  'they differ by at most $k$': 'abs(x - y) <= k',
  'their sum is at most $k$': 'x + y <= k',
}
const holds = (rule: Rule, x: number, y: number, k: number): boolean => {
  if (rule === RULES[0]) return Math.abs(x - y) === k
  if (rule === RULES[1]) return x + y <= k
  if (rule === RULES[2]) return Math.abs(x - y) <= k
  return (x + y) % k === 0
}
const rule = condition(text` A pair counts if ${slot('rule', RULES.map((r) => r.replaceAll('$', '\\$')).join('|'))}.`)
const distinct = slot(
  'distinct',
  'Pairs of positions are counted, so equal values at other positions make further pairs|Pairs with the same two values are counted only once, wherever they stand',
)
const input = any(
  text`Line 1: $n$ and $k$. Line 2: $n$ positive integers.`,
  text`The first line holds two integers $n$ and $k$, the second line the $n$ values.`,
)
const output = any('The number of pairs.', 'Print one integer, the number of pairs.')
const limits = text`$1 \le n \le ${slot('maxCount')}$, $1 \le k \le 1000$, every value is between 1 and 1000.`

/** Pairs of numbers with a property. */
export const pairCount = codeFamily<Parameters>({
  name: 'pair-count',
  concepts: ['pair counting', 'hash maps', 'two pointers', 'sorting', 'integer division and remainders'],
  design: 'the number of pairs of entries that satisfy a rule',
  instance: (random, difficulty) => ({
    rule: random.pick(RULES),
    distinct: random.chance(difficulty / 9),
    maxCount: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 1.8)),
  }),
  difficulty: (p) =>
    Math.min(8, 0.4 + RULES.indexOf(p.rule) * 0.35 + (p.distinct ? 1.3 : 0) + Math.log10(p.maxCount) * 1.1 - 0.6),
  wordings: [
    layOut(
      text`${person} pairs ${any('dancers by height', 'weights for a balance', 'tickets by number', 'stones by mass')}. Two different entries form a pair.${rule} ${distinct}. How many pairs count?`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Consider', 'You are given')} a list of positive integers and all ${any('unordered pairs', 'choices of two')} of different positions.${rule} ${distinct}. ${any('Count them.', 'Find the number of such pairs.')}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`In a ${any('laboratory', 'harbour', 'library')} every ${any('sample', 'ship', 'book')} has a number, and two of them are compared at a time.${rule} ${distinct}. ${any('Report how many pairs there are.', 'How many are there in all?')}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    rule: p.rule,
    distinct: p.distinct
      ? 'Pairs with the same two values are counted only once, wherever they stand'
      : 'Pairs of positions are counted, so equal values at other positions make further pairs',
    maxCount: String(p.maxCount),
  }),
  read: (v) => ({
    rule: v.rule as Rule,
    distinct: (v.distinct ?? '').includes('only once'),
    maxCount: Number(v.maxCount),
  }),
  input: ({ maxCount }, kind, random) => {
    const n = Math.min(
      maxCount,
      kind === 'edge case'
        ? random.integer(1, 2)
        : kind === 'complex case'
          ? random.integer(15, 40)
          : random.integer(4, 9),
    )
    const top = kind === 'complex case' ? 60 : kind === 'error-prone input' ? 6 : 12
    const k = kind === 'edge case' ? random.integer(1, 3) : random.integer(2, top)
    return `${String(n)} ${String(k)}\n${Array.from({ length: n }, () => random.integer(1, top)).join(' ')}`
  },
  solve: (p, lines) => {
    const [, k = 0] = numbersOf(lines[0])
    const values = numbersOf(lines[1])
    const seen = new Set<string>()
    let count = 0
    values.forEach((x, i) => {
      for (const y of values.slice(i + 1)) {
        if (!holds(p.rule, x, y, k)) continue
        count++
        seen.add(`${String(Math.min(x, y))} ${String(Math.max(x, y))}`)
      }
    })
    return String(p.distinct ? seen.size : count)
  },
  right: {
    'all pairs': (p) => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, k = data[0], data[1]
    a = data[2:2 + n]
    found = ${p.distinct ? 'set()' : '0'}
    for i in range(n):
        for j in range(i + 1, n):
            x, y = a[i], a[j]
            if ${TESTS[p.rule]}:
                ${p.distinct ? 'found.add((min(x, y), max(x, y)))' : 'found += 1'}
    print(${p.distinct ? 'len(found)' : 'found'})

main()`,
    'by value': (p) => `
from collections import Counter

n, k = map(int, input().split())
counts = Counter(map(int, input().split()))
values = sorted(counts)
total = 0
for i, x in enumerate(values):
    for y in values[i:]:
        if ${TESTS[p.rule]}:
            if x == y:
                ways = counts[x] * (counts[x] - 1) // 2
            else:
                ways = counts[x] * counts[y]
            total += ${p.distinct ? 'min(1, ways)' : 'ways'}
print(total)`,
  },
  wrong: {
    'counts the other way': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
pairs = [(min(a[i], a[j]), max(a[i], a[j])) for i in range(n) for j in range(i + 1, n)]
good = [(x, y) for x, y in pairs if ${TESTS[p.rule]}]
print(${p.distinct ? 'len(good)' : 'len(set(good))'})`,
    'pairs an entry with itself': (p) =>
      p.rule === RULES[0]
        ? undefined
        : `
n, k = map(int, input().split())
a = list(map(int, input().split()))
pairs = [(min(a[i], a[j]), max(a[i], a[j])) for i in range(n) for j in range(i, n)]
good = [(x, y) for x, y in pairs if ${TESTS[p.rule]}]
print(len(${p.distinct ? 'set(good)' : 'good'}))`,
    'only neighbours': (p) => `
n, k = map(int, input().split())
a = sorted(map(int, input().split()))
good = [(x, y) for x, y in zip(a, a[1:]) if ${TESTS[p.rule]}]
print(len(${p.distinct ? 'set(good)' : 'good'}))`,
    'limit handled wrongly': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
pairs = [(min(a[i], a[j]), max(a[i], a[j])) for i in range(n) for j in range(i + 1, n)]
good = [(x, y) for x, y in pairs if ${TESTS[p.rule].includes('<=') ? TESTS[p.rule].replace('<=', '<') : p.rule === RULES[0] ? 'y - x == k and x > k' : 'x % k == 0 and y % k == 0'}]
print(len(${p.distinct ? 'set(good)' : 'good'}))`,
  },
  steps: (p) => [
    `A pair counts if ${p.rule.replaceAll('$', '')}.`,
    p.distinct ? 'Equal pairs of values must not be counted twice.' : 'Every pair of positions counts for itself.',
  ],
})
