import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Rule = 'strictly larger than' | 'at least as large as' | 'strictly smaller than' | 'a proper multiple of'
const RULES: Rule[] = ['strictly larger than', 'at least as large as', 'strictly smaller than', 'a proper multiple of']
interface Parameters {
  rule: Rule
  ask: 'length' | 'sum'
  maxCount: number
}

const TESTS: Record<Rule, string> = {
  'strictly larger than': 'a[j] < a[i]',
  'at least as large as': 'a[j] <= a[i]',
  'strictly smaller than': 'a[j] > a[i]',
  'a proper multiple of': 'a[i] > a[j] and a[i] % a[j] == 0',
}
const follows = (rule: Rule, before: number, after: number): boolean => {
  if (rule === RULES[0]) return after > before
  if (rule === RULES[1]) return after >= before
  return rule === RULES[2] ? after < before : after > before && after % before === 0
}
const value = ({ ask: a }: Parameters): string => (a === 'length' ? '1' : 'a[i]')
const table = (p: Parameters, test: string, answer = 'max(best)'): string => `
n = int(input())
a = list(map(int, input().split()))
best = []
for i in range(n):
    best.append(${value(p)})
    for j in range(i):
        if ${test}:
            best[i] = max(best[i], best[j] + ${value(p)})
print(${answer})`

const ASKS = {
  length: 'the largest possible number of entries in such a chain',
  sum: 'the largest possible sum of the entries of such a chain',
}
const rule = condition(
  text` In a chain every entry but the first must be ${slot('rule', RULES.join('|'))} the entry chosen before it.`,
)
const ask = slot('ask', Object.values(ASKS).join('|'))
const input = any(
  text`The first line is $n$, the second has $n$ positive integers.`,
  text`An integer $n$ and, on the next line, the $n$ entries.`,
)
const output = any('One integer.', 'A single integer on one line.')
const limits = text`$1 \le n \le ${slot('maxCount')}$ and entries between 1 and 1000000.`

/** The best subsequence whose neighbours obey a rule. */
export const longestChain = codeFamily<Parameters>({
  name: 'longest-chain',
  concepts: ['longest increasing subsequence', 'dynamic programming', 'arrays', 'memoization', 'binary search'],
  design: 'the best subsequence in which each entry relates to the one before it',
  instance: (random, difficulty) => ({
    rule: random.pick(RULES),
    ask: random.chance(difficulty / 9) ? 'sum' : 'length',
    maxCount: random.integer(1, 9) * 10 ** Math.min(4, 1 + Math.floor(difficulty / 2.2)),
  }),
  difficulty: (p) =>
    Math.min(8, 1.4 + RULES.indexOf(p.rule) * 0.4 + (p.ask === 'sum' ? 1.2 : 0) + Math.log10(p.maxCount) * 1.1 - 0.9),
  wordings: [
    layOut(
      text`${person} walks past a row of ${any('stones', 'towers', 'price tags', 'trees')} with numbers on them and may pick some, in order, skipping as many as desired.${rule} Find ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`From a sequence some entries are ${any('deleted', 'crossed out', 'left out')} and the others keep their order; call the rest a chain.${rule} ${any('Determine', 'Compute')} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`A chain is a non-empty subsequence, not necessarily contiguous, of the given ${any('list', 'numbers', 'readings')}.${rule} ${any('Print', 'Output')} ${ask}.`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({ rule: p.rule, ask: ASKS[p.ask], maxCount: String(p.maxCount) }),
  read: (v) => ({ rule: v.rule as Rule, ask: v.ask === ASKS.length ? 'length' : 'sum', maxCount: Number(v.maxCount) }),
  input: ({ rule: r, maxCount }, kind, random) => {
    const n = Math.min(
      maxCount,
      kind === 'edge case'
        ? random.integer(1, 3)
        : kind === 'complex case'
          ? random.integer(14, 28)
          : random.integer(5, 9),
    )
    const top = kind === 'error-prone input' ? 5 : r === 'a proper multiple of' ? 48 : kind === 'complex case' ? 90 : 20
    return `${String(n)}\n${Array.from({ length: n }, () => random.integer(1, top)).join(' ')}`
  },
  solve: (p, lines) => {
    const values = numbersOf(lines[1])
    const best: number[] = []
    values.forEach((after, i) => {
      const own = p.ask === 'length' ? 1 : after
      const before = values.slice(0, i).map((earlier, j) => (follows(p.rule, earlier, after) ? (best[j] ?? 0) : 0))
      best.push(own + Math.max(0, ...before))
    })
    return String(Math.max(...best))
  },
  right: {
    table: (p) => table(p, TESTS[p.rule]),
    'recursion with memory': (p) => `
import sys
from functools import lru_cache

sys.setrecursionlimit(100000)
data = list(map(int, sys.stdin.read().split()))
n, a = data[0], data[1:]

@lru_cache(maxsize=None)
def ending_at(i):
    longest = 0
    for j in range(i):
        if ${TESTS[p.rule]}:
            longest = max(longest, ending_at(j))
    return longest + ${value(p)}

print(max(ending_at(i) for i in range(n)))`,
  },
  wrong: {
    'equal entries': (p) =>
      p.rule === 'a proper multiple of'
        ? table(p, 'a[i] % a[j] == 0')
        : table(p, TESTS[p.rule].includes('<=') ? 'a[j] < a[i]' : TESTS[p.rule].replace('<', '<=').replace('>', '>=')),
    'takes greedily': (p) => `
n = int(input())
a = list(map(int, input().split()))
chain = [a[0]]
for x in a[1:]:
    if ${TESTS[p.rule].replaceAll('a[j]', 'chain[-1]').replaceAll('a[i]', 'x')}:
        chain.append(x)
print(${p.ask === 'length' ? 'len(chain)' : 'sum(chain)'})`,
    'only neighbours': (p) => `
n = int(input())
a = list(map(int, input().split()))
best = current = ${p.ask === 'length' ? '1' : 'a[0]'}
for i in range(1, n):
    j = i - 1
    if ${TESTS[p.rule]}:
        current += ${value(p)}
    else:
        current = ${value(p)}
    best = max(best, current)
print(best)`,
    'looks at the last entry': (p) => table(p, TESTS[p.rule], 'best[-1]'),
  },
  slow: {
    'tries every subsequence': (p) => `
n = int(input())
a = list(map(int, input().split()))

def extend(i, last):
    best = 0
    for k in range(i, n):
        if last < 0 or ${TESTS[p.rule].replaceAll('a[j]', 'a[last]').replaceAll('a[i]', 'a[k]')}:
            best = max(best, ${value(p).replace('i', 'k')} + extend(k + 1, k))
    return best

print(extend(0, -1))`,
  },
  steps: (p) => [
    `Let best[i] belong to chains that end at entry i; an entry must be ${p.rule} the one before it.`,
    `The answer is ${ASKS[p.ask]}, a maximum over all ends.`,
  ],
})
