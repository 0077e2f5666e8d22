import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Ask =
  'the sum of the entries' | 'the number of even entries' | 'the largest entry' | 'the number of different entries'
const ASKS: Ask[] = [
  'the sum of the entries',
  'the number of even entries',
  'the largest entry',
  'the number of different entries',
]
interface Parameters {
  ask: Ask
  /** Whether positions count from 0. */
  zero: boolean
  /** Whether the right end belongs to the range. */
  closed: boolean
  maxCount: number
}

const EXPRESSIONS: Record<Ask, string> = {
  'the sum of the entries': 'sum(part)',
  'the number of even entries': 'sum(1 for value in part if value % 2 == 0)',
  'the largest entry': 'max(part)',
  'the number of different entries': 'len(set(part))',
}
const slice = ({ zero, closed }: Parameters): string =>
  `a[l${zero ? '' : ' - 1'}:r${zero ? (closed ? ' + 1' : '') : closed ? '' : ' - 1'}]`
const program = (p: Parameters, part: string, expression = EXPRESSIONS[p.ask]): string => `
n, q = map(int, input().split())
a = list(map(int, input().split()))
for _ in range(q):
    l, r = map(int, input().split())
    part = ${part}
    print(${expression})`

const bounds = condition(
  text` Positions are numbered from ${slot('base', '0|1')}, and a range $l, r$ runs from position $l$ to position $r$, the latter ${slot('closed', 'included|excluded')}.`,
)
const ask = slot('ask', ASKS.join('|'))
const input = any(
  text`First $n$ and $q$, then a line with $n$ integers, then $q$ lines with $l$ and $r$ each.`,
  text`The first line contains $n$ and the number $q$ of questions; the second the $n$ entries; each of the last $q$ lines a range $l$ $r$.`,
)
const output = any('One line for each range, in the order of the input.', 'Print $q$ lines, one answer each.')
const limits = text`$2 \le n \le ${slot('maxCount')}$, $1 \le q \le ${slot('maxCount')}$, entries between $-1000$ and $1000$, no range is empty.`

/** Questions about ranges of a list. */
export const rangeQueries = codeFamily<Parameters>({
  name: 'range-queries',
  concepts: ['range queries', 'prefix sums', 'arrays', 'input and output handling', 'edge case handling'],
  design: 'questions about ranges of a fixed list',
  instance: (random, difficulty) => ({
    ask: ASKS[Math.min(3, Math.max(0, Math.round((difficulty - 1.5) / 2 + random.next() - 0.5)))] ?? ASKS[0]!,
    zero: random.chance(0.5),
    closed: random.chance(0.5),
    maxCount: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 2)),
  }),
  difficulty: (p) =>
    Math.min(8, 0.2 + ASKS.indexOf(p.ask) * 0.9 + (p.closed ? 0 : 0.3) + (p.zero ? 0 : 0.2) + Math.log10(p.maxCount)),
  wordings: [
    layOut(
      text`A ${any('spreadsheet', 'logbook', 'sensor')} holds a list of integers that never changes, and many questions are asked about parts of it.${bounds} For each range report ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Auditors', 'Historians', 'Players')} ask about stretches of a long list of ${any('payments', 'temperatures', 'scores')}.${bounds} The answer to a question is ${ask} in its range.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`Answer $q$ ${any('questions', 'queries')} on an array.${bounds} Each ${any('asks for', 'wants')} ${ask} in the range.`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    ask: p.ask,
    base: p.zero ? '0' : '1',
    closed: p.closed ? 'included' : 'excluded',
    maxCount: String(p.maxCount),
  }),
  read: (v) => ({
    ask: v.ask as Ask,
    zero: v.base === '0',
    closed: v.closed === 'included',
    maxCount: Number(v.maxCount),
  }),
  input: ({ zero, closed, maxCount }, kind, random) => {
    const n = Math.min(
      maxCount,
      kind === 'edge case' ? 2 : kind === 'complex case' ? random.integer(12, 25) : random.integer(4, 8),
    )
    const q = Math.min(maxCount, kind === 'edge case' ? 2 : random.integer(2, 6))
    const reach = kind === 'complex case' ? 50 : 6
    const [low, high] =
      kind === 'error-prone input'
        ? random.pick([
            [-reach, -1],
            [-2, 2],
          ] as const)
        : ([0, reach] as const)
    const values = Array.from({ length: n }, () => random.integer(low, high))
    const queries = Array.from({ length: q }, () => {
      let first = random.integer(0, n - 1)
      let last = random.integer(0, n - 1)
      if (first > last) [first, last] = [last, first]
      if (kind === 'edge case')
        [first, last] = random.pick([
          [0, n - 1],
          [0, 0],
          [n - 1, n - 1],
        ] as const)
      const shift = zero ? 0 : 1
      return `${String(first + shift)} ${String(last + shift + (closed ? 0 : 1))}`
    })
    return [`${String(n)} ${String(q)}`, values.join(' '), ...queries].join('\n')
  },
  solve: (p, lines) => {
    const values = numbersOf(lines[1])
    const answers = lines.slice(2).map((line) => {
      const [l = 0, r = 0] = numbersOf(line)
      const shift = p.zero ? 0 : 1
      const part = values.slice(l - shift, r - shift + (p.closed ? 1 : 0))
      if (p.ask === ASKS[0]) return part.reduce((a, b) => a + b, 0)
      if (p.ask === ASKS[1]) return part.filter((value) => value % 2 === 0).length
      return p.ask === ASKS[2] ? Math.max(...part) : new Set(part).size
    })
    return answers.join('\n')
  },
  right: {
    slices: (p) => program(p, slice(p)),
    'read at once': (p) => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, q = data[0], data[1]
    a = data[2:2 + n]
    out = []
    at = 2 + n
    for _ in range(q):
        first = data[at]${p.zero ? '' : ' - 1'}
        stop = data[at + 1]${p.zero ? (p.closed ? ' + 1' : '') : p.closed ? '' : ' - 1'}
        at += 2
        part = a[first:stop]
        out.append(${EXPRESSIONS[p.ask]})
    print("\\n".join(map(str, out)))

main()`,
  },
  wrong: {
    'right end wrong': (p) =>
      program(
        p,
        slice({ ...p, closed: !p.closed }),
        p.ask === 'the largest entry' ? 'max(part, default=0)' : EXPRESSIONS[p.ask],
      ),
    'positions off by one': (p) =>
      program(
        p,
        slice({ ...p, zero: !p.zero }),
        p.ask === 'the largest entry' ? 'max(part, default=0)' : EXPRESSIONS[p.ask],
      ),
    'negative entries': (p) =>
      p.ask === 'the number of different entries'
        ? program(p, slice(p), 'len(set(map(abs, part)))')
        : program(
            p,
            slice(p),
            p.ask === 'the sum of the entries'
              ? 'sum(abs(value) for value in part)'
              : p.ask === 'the largest entry'
                ? 'max([0] + part)'
                : 'sum(1 for value in part if value >= 0 and value % 2 == 0)',
          ),
    'only the first answer': (p) => `
n, q = map(int, input().split())
a = list(map(int, input().split()))
l, r = map(int, input().split())
part = ${slice(p)}
print(${EXPRESSIONS[p.ask]})`,
  },
  steps: (p) => [
    `Positions start at ${p.zero ? '0' : '1'} and the right end is ${p.closed ? 'included' : 'excluded'}.`,
    `Each answer is ${p.ask} in its range.`,
  ],
})
