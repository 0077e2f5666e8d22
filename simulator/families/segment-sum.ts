import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Rule = 'exactly' | 'at most' | 'at least'
interface Parameters {
  rule: Rule
  want: 'largest' | 'smallest'
  maxLength: number
  maxValue: number
}

const limits = text`$1 \le k \le n \le ${slot('maxLength')}$, and every value lies between $-${slot('maxValue')}$ and $${slot('maxValue')}$.`
const input = any(
  text`The first line ${any('contains', 'holds')} two integers $n$ and $k$. The second line ${any('contains', 'holds')} $n$ integers.`,
  text`Line one: the integers $n$ and $k$, separated by a space. Line two: $n$ ${any('space-separated integers', 'integers with single spaces between them')}.`,
)
const output = any('Print one integer: the sum asked for.', 'Write a single integer, the required sum.')
const rule = condition(
  text` The ${any('stretch', 'block', 'segment')} must have ${slot('rule', 'exactly|at most|at least')} $k$ ${any('entries', 'elements', 'members')} and may not be empty.`,
)
const want = slot('want', 'largest|smallest')

const lengths: Record<Rule, string> = {
  exactly: 'range(k, k + 1)',
  'at most': 'range(1, k + 1)',
  'at least': 'range(k, n + 1)',
}
const best = ({ want: w }: Parameters): string => (w === 'largest' ? 'max' : 'min')

/** The best sum of a contiguous segment with a rule for its length. */
export const segmentSum = codeFamily<Parameters>({
  name: 'segment-sum',
  concepts: ['prefix sums', 'sliding window', 'arrays', 'contiguous subarrays', 'monotonic queue'],
  design: 'the best sum over contiguous stretches whose length is restricted',
  instance: (random, difficulty) => ({
    rule:
      difficulty < 2.5
        ? 'exactly'
        : difficulty < 4.5
          ? random.pick(['at least', 'exactly'])
          : random.pick(['at most', 'at least']),
    want: random.pick(['largest', 'smallest']),
    maxLength: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.floor(difficulty / 2)),
    maxValue: random.integer(1, 9) * 10 ** random.integer(1, 6),
  }),
  difficulty: ({ rule: r, maxLength }) =>
    Math.min(8, { exactly: 0.5, 'at least': 2, 'at most': 2.6 }[r] + Math.log10(maxLength) - 0.7),
  wordings: [
    layOut(
      text`${any('Each day of a season', 'Every hour of a long shift')} has a ${any('balance', 'score', 'mood value')}, possibly negative. ${person} ${any('looks for', 'is searching for')} a run of consecutive entries whose sum is as extreme as possible: report the ${want} possible sum.${rule}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`Given a sequence of ${any('integers', 'signed numbers', 'measurements')}, choose a block of neighbouring ones.${rule} ${any('Compute', 'Find', 'Determine')} the ${want} sum that such a block can have.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('A cyclist records', 'A hiker notes', 'A pilot logs')} the change of altitude on each part of a route. ${any('A photographer', 'A sponsor', 'A friend')} wants to accompany an unbroken stretch of it.${rule} What is the ${want} total change over an admissible stretch?`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({ rule: p.rule, want: p.want, maxLength: String(p.maxLength), maxValue: String(p.maxValue) }),
  read: (v) => ({
    rule: v.rule as Rule,
    want: v.want as Parameters['want'],
    maxLength: Number(v.maxLength),
    maxValue: Number(v.maxValue),
  }),
  input: ({ maxLength, maxValue }, kind, random) => {
    const n = Math.min(
      maxLength,
      kind === 'edge case'
        ? random.integer(1, 3)
        : kind === 'complex case'
          ? random.integer(12, 40)
          : random.integer(4, 10),
    )
    const k = kind === 'edge case' ? random.pick([1, n]) : random.integer(1, n)
    const reach = Math.min(maxValue, kind === 'complex case' ? 1000 : 20)
    const sign = kind === 'error-prone input' ? random.pick([-1, 1]) : 0
    const values = Array.from({ length: n }, () =>
      sign === 0 ? random.integer(-reach, reach) : sign * random.integer(1, reach),
    )
    return `${String(n)} ${String(k)}\n${values.join(' ')}`
  },
  solve: ({ rule: r, want: w }, lines) => {
    const [n = 0, k = 0] = numbersOf(lines[0])
    const values = numbersOf(lines[1])
    const [low, high] = r === 'exactly' ? [k, k] : r === 'at most' ? [1, k] : [k, n]
    let result: number | undefined
    for (let start = 0; start < n; start++) {
      let sum = 0
      for (let end = start; end < n && end - start + 1 <= high; end++) {
        sum += values[end] ?? 0
        if (end - start + 1 < low) continue
        if (result === undefined || (w === 'largest' ? sum > result : sum < result)) result = sum
      }
    }
    return String(result)
  },
  right: {
    'prefix sums': (p) => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, k = data[0], data[1]
    values = data[2:2 + n]
    prefix = [0]
    for value in values:
        prefix.append(prefix[-1] + value)
    sums = []
    for length in ${lengths[p.rule]}:
        for start in range(n - length + 1):
            sums.append(prefix[start + length] - prefix[start])
    print(${best(p)}(sums))

main()`,
    'running sums': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
answer = None
for length in ${lengths[p.rule]}:
    window = sum(a[:length])
    answer = window if answer is None else ${best(p)}(answer, window)
    for i in range(length, n):
        window += a[i] - a[i - length]
        answer = ${best(p)}(answer, window)
print(answer)`,
    accumulate: (p) => `
from itertools import accumulate

n, k = map(int, input().split())
p = [0] + list(accumulate(map(int, input().split())))
print(${best(p)}(p[i + m] - p[i] for m in ${lengths[p.rule]} for i in range(n - m + 1)))`,
  },
  wrong: {
    'starts from zero': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
best = 0
for length in ${lengths[p.rule]}:
    for i in range(n - length + 1):
        best = ${best(p)}(best, sum(a[i:i + length]))
print(best)`,
    'misses the last window': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
best = sum(a[:k])
for length in ${lengths[p.rule]}:
    for i in range(n - length):
        best = ${best(p)}(best, sum(a[i:i + length]))
print(best)`,
    'wrong length rule': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
sums = []
for length in ${lengths[p.rule === 'exactly' ? 'at most' : 'exactly']}:
    for i in range(n - length + 1):
        sums.append(sum(a[i:i + length]))
print(${best(p)}(sums))`,
    'forgets the lower limit': (p) =>
      p.rule === 'at most'
        ? undefined
        : `
n, k = map(int, input().split())
a = list(map(int, input().split()))
best = current = a[0]
for value in a[1:]:
    current = ${best(p)}(value, current + value)
    best = ${best(p)}(best, current)
print(best)`,
  },
  steps: (p) => [
    `With prefix sums the total of any block is one subtraction, so ${p.rule} k elements only restricts the pair of indices.`,
    `All values may be negative, so the ${p.want} sum must start from a real block and not from zero.`,
  ],
})
