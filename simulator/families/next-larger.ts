import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

interface Parameters {
  strict: boolean
  ask: 'value' | 'distance' | 'visible'
  fallback: -1 | 0
  maxCount: number
}

const ASKS = {
  value: 'the height of that entry',
  distance: 'how many places further to the right that entry stands',
  visible: 'how many entries lie between the two, neither counted',
}
const pick = ({ ask: a }: Parameters): string => (a === 'value' ? 'a[j]' : a === 'distance' ? 'j - i' : 'j - i - 1')
const scan = (
  p: Parameters,
  range = 'range(i + 1, n)',
  compare = p.strict ? '>' : '>=',
  fallback: string = String(p.fallback),
): string => `
n = int(input())
a = list(map(int, input().split()))
out = []
for i in range(n):
    found = ${fallback}
    for j in ${range}:
        if a[j] ${compare} a[i]:
            found = ${pick(p)}
            break
    out.append(found)
print(*out)`

const rule = condition(
  text` For each entry look for the first later entry that is ${slot('rule', 'strictly larger|at least as large')}; where there is none, the answer is ${slot('fallback', '-1|0')}.`,
)
const ask = slot('ask', Object.values(ASKS).join('|'))
const input = any(
  text`The first line is $n$, the second line has $n$ integers.`,
  text`$n$, and on the next line $n$ integers.`,
)
const output = any('One line with $n$ integers, separated by spaces.', 'The $n$ answers on one line, in order.')
const limits = text`$1 \le n \le ${slot('maxCount')}$ and every integer lies between 1 and 1000000000.`

/** The next larger entry of a list. */
export const nextLarger = codeFamily<Parameters>({
  name: 'next-larger',
  concepts: ['monotonic stack', 'stacks', 'arrays', 'prefix and suffix maxima', 'loops'],
  design: 'the first later entry that exceeds the present one',
  instance: (random, difficulty) => ({
    strict: random.chance(0.5),
    ask: difficulty < 3 ? 'value' : random.pick(['distance', 'visible', 'value']),
    fallback: random.pick([-1, 0]),
    maxCount: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 1.8)),
  }),
  difficulty: (p) =>
    Math.min(
      8,
      { value: 0.6, distance: 1.3, visible: 1.8 }[p.ask] + (p.strict ? 0 : 0.3) + Math.log10(p.maxCount) * 1.1 - 0.4,
    ),
  wordings: [
    layOut(
      text`${person} looks along a row of ${any('chimneys', 'cypresses', 'skyscrapers')} of known heights from left to right.${rule} Otherwise the answer is ${ask}. ${any('Print all answers.', 'Give the answer for every entry.')}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Share prices', 'Water levels', 'Temperatures')} of consecutive days are listed; a value is called a height.${rule} In all other cases report ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`Given is a list of heights.${rule} Where such an entry exists, the answer is ${ask}. ${any('Answer for each position.', 'Do this for every position.')}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    rule: p.strict ? 'strictly larger' : 'at least as large',
    fallback: String(p.fallback),
    ask: ASKS[p.ask],
    maxCount: String(p.maxCount),
  }),
  read: (v) => ({
    strict: v.rule === 'strictly larger',
    ask: v.ask === ASKS.value ? 'value' : v.ask === ASKS.distance ? 'distance' : 'visible',
    fallback: v.fallback === '0' ? 0 : -1,
    maxCount: Number(v.maxCount),
  }),
  input: ({ maxCount }, kind, random) => {
    const n = Math.min(
      maxCount,
      kind === 'edge case'
        ? random.integer(1, 3)
        : kind === 'complex case'
          ? random.integer(15, 30)
          : random.integer(5, 9),
    )
    const top = kind === 'error-prone input' ? 3 : kind === 'complex case' ? 100 : 12
    const values = Array.from({ length: n }, () => random.integer(1, top))
    if (kind === 'error-prone input' && random.chance(0.5)) values.sort((x, y) => y - x)
    return `${String(n)}\n${values.join(' ')}`
  },
  solve: (p, lines) => {
    const values = numbersOf(lines[1])
    return values
      .map((height, i) => {
        const j = values.findIndex((other, at) => at > i && (p.strict ? other > height : other >= height))
        if (j < 0) return p.fallback
        return p.ask === 'value' ? (values[j] ?? 0) : p.ask === 'distance' ? j - i : j - i - 1
      })
      .join(' ')
  },
  right: {
    scan: (p) => scan(p),
    stack: (p) => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, a = data[0], data[1:]
    answer = [${String(p.fallback)}] * n
    stack = []
    for j in range(n):
        while stack and a[stack[-1]] ${p.strict ? '<' : '<='} a[j]:
            i = stack.pop()
            answer[i] = ${pick(p)}
        stack.append(j)
    print(" ".join(map(str, answer)))

main()`,
  },
  wrong: {
    'equal heights': (p) => scan(p, undefined, p.strict ? '>=' : '>'),
    'nothing found': (p) => scan(p, undefined, undefined, p.fallback === 0 ? '-1' : '0'),
    'largest instead of first': (p) => `
n = int(input())
a = list(map(int, input().split()))
out = []
for i in range(n):
    later = [j for j in range(i + 1, n) if a[j] ${p.strict ? '>' : '>='} a[i]]
    if later:
        j = max(later, key=lambda k: a[k])
        out.append(${pick(p)})
    else:
        out.append(${String(p.fallback)})
print(*out)`,
    'skips the neighbour': (p) => scan(p, 'range(i + 2, n)'),
  },
  steps: (p) => [
    `An entry waits on a stack until one that is ${p.strict ? 'strictly larger' : 'at least as large'} comes by.`,
    `Then the answer is ${ASKS[p.ask]}; entries that wait for ever get ${String(p.fallback)}.`,
  ],
})
