import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Property =
  | 'prime'
  | 'prime with an even digit sum'
  | 'palindromes'
  | 'divisible by the sum of their own digits'
  | 'without two equal digits'
const PROPERTIES: Property[] = [
  'palindromes',
  'prime',
  'without two equal digits',
  'divisible by the sum of their own digits',
  'prime with an even digit sum',
]
interface Parameters {
  property: Property
  ask: 'count' | 'sum'
  maxEnd: number
}

const PRIME = `
def prime(x):
    if x < 2:
        return False
    d = 2
    while d * d <= x:
        if x % d == 0:
            return False
        d += 1
    return True
`
const TESTS: Record<Property, string> = {
  prime: 'prime(x)',
  'prime with an even digit sum': 'prime(x) and sum(map(int, str(x))) % 2 == 0',
  palindromes: 'str(x) == str(x)[::-1]',
  'divisible by the sum of their own digits': 'x % sum(map(int, str(x))) == 0',
  'without two equal digits': 'len(set(str(x))) == len(str(x))',
}
const isPrime = (x: number): boolean => {
  if (x < 2) return false
  for (let d = 2; d * d <= x; d++) if (x % d === 0) return false
  return true
}
const digitSum = (x: number): number => [...String(x)].reduce((sum, digit) => sum + Number(digit), 0)
const has = (property: Property, x: number): boolean => {
  switch (property) {
    case 'prime':
      return isPrime(x)
    case 'prime with an even digit sum':
      return isPrime(x) && digitSum(x) % 2 === 0
    case 'palindromes':
      return String(x) === [...String(x)].reverse().join('')
    case 'divisible by the sum of their own digits':
      return x % digitSum(x) === 0
    case 'without two equal digits':
      return new Set(String(x)).size === String(x).length
  }
}
const helper = ({ property }: Parameters): string => (property.startsWith('prime') ? PRIME : '')
const program = (
  p: Parameters,
  range = 'range(a, b + 1)',
  test = TESTS[p.property],
  prelude = helper(p),
): string => `${prelude}
a, b = map(int, input().split())
total = 0
for x in ${range}:
    if ${test}:
        total += ${p.ask === 'count' ? '1' : 'x'}
print(total)`

const property = condition(text` Only the integers that are ${slot('property', PROPERTIES.join('|'))} matter.`)
const ask = slot('ask', 'how many of them there are|what their sum is')
const input = any('Two integers $a$ and $b$.', 'One line with the integers $a$ and $b$, separated by a space.')
const output = any('One integer.', 'Print a single integer (0 if there is none).')
const limits = text`$1 \le a \le b \le ${slot('maxEnd')}$.`

/** Integers of a range that have a property. */
export const numberCensus = codeFamily<Parameters>({
  name: 'number-census',
  concepts: [
    'sieve of Eratosthenes',
    'primality testing',
    'digit manipulation',
    'integer division and remainders',
    'loops',
  ],
  design: 'integers of a range that have an arithmetic property',
  instance: (random, difficulty) => ({
    property: PROPERTIES[Math.min(4, Math.max(0, Math.round((difficulty - 1) / 1.7 + random.next() - 0.5)))] ?? 'prime',
    ask: random.pick(['count', 'sum']),
    maxEnd: random.integer(1, 9) * 10 ** Math.min(7, 3 + Math.floor(difficulty / 2)),
  }),
  difficulty: (p) =>
    Math.min(
      8,
      0.4 + PROPERTIES.indexOf(p.property) * 0.8 + (p.ask === 'sum' ? 0.3 : 0) + (Math.log10(p.maxEnd) - 3) * 1,
    ),
  wordings: [
    layOut(
      text`${person} collects ${any('house numbers', 'licence plates', 'ticket numbers')} from $a$ to $b$, both included.${property} Find out ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Take', 'Consider')} all integers from $a$ to $b$ inclusive.${property} ${any('Compute', 'Determine')} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`A ${any('lottery', 'raffle', 'code lock')} uses the whole numbers between $a$ and $b$, the two ends being included.${property} ${any('Report', 'Print')} ${ask}.`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    property: p.property,
    ask: p.ask === 'count' ? 'how many of them there are' : 'what their sum is',
    maxEnd: String(p.maxEnd),
  }),
  read: (v) => ({
    property: v.property as Property,
    ask: (v.ask ?? '').startsWith('how') ? 'count' : 'sum',
    maxEnd: Number(v.maxEnd),
  }),
  input: ({ maxEnd }, kind, random) => {
    const top = Math.min(maxEnd, kind === 'complex case' ? 3000 : kind === 'critical path' ? 200 : 40)
    const a = kind === 'edge case' ? random.integer(1, 12) : random.integer(1, top)
    const b =
      kind === 'edge case'
        ? a + random.integer(0, 1)
        : kind === 'error-prone input'
          ? Math.min(maxEnd, random.pick([11, 13, 22, 23, 31, 101, 121]))
          : random.integer(a, top)
    return `${String(Math.min(a, b))} ${String(Math.max(a, b))}`
  },
  solve: (p, lines) => {
    const [a = 1, b = 0] = numbersOf(lines[0])
    let total = 0
    for (let x = a; x <= b; x++) if (has(p.property, x)) total += p.ask === 'count' ? 1 : x
    return String(total)
  },
  right: {
    loop: (p) => program(p),
    comprehension: (p) => `${
      p.property.startsWith('prime')
        ? `
a, b = map(int, input().split())
sieve = [True] * (b + 1)
sieve[0:2] = [False, False][:b + 1]
d = 2
while d * d <= b:
    if sieve[d]:
        for multiple in range(d * d, b + 1, d):
            sieve[multiple] = False
    d += 1
chosen = [x for x in range(a, b + 1) if sieve[x]${p.property === 'prime' ? '' : ' and sum(map(int, str(x))) % 2 == 0'}]`
        : `
a, b = map(int, input().split())
chosen = [x for x in range(a, b + 1) if ${TESTS[p.property]}]`
    }
print(${p.ask === 'count' ? 'len' : 'sum'}(chosen))`,
  },
  wrong: {
    'right end left out': (p) => program(p, 'range(a, b)'),
    'left end left out': (p) => program(p, 'range(a + 1, b + 1)'),
    // One has an odd digit sum, so only the plain property shows the mistake.
    'treats one as prime': (p) => (p.property === 'prime' ? program(p).replace('x < 2', 'x < 1') : undefined),
    'square of a prime': (p) =>
      p.property.startsWith('prime') ? program(p).replace('d * d <= x', 'd * d < x') : undefined,
    'wrong property': (p) =>
      program(
        p,
        undefined,
        {
          prime: 'x == 2 or x % 2 == 1',
          'prime with an even digit sum': 'prime(x)',
          palindromes: 'str(x)[0] == str(x)[-1] and len(str(x)) < 4',
          'divisible by the sum of their own digits': 'x % max(map(int, str(x))) == 0',
          'without two equal digits': 'all(c != d for c, d in zip(str(x), str(x)[1:])) or x > 120',
        }[p.property],
      ),
    'wrong total': (p) => program({ ...p, ask: p.ask === 'count' ? 'sum' : 'count' }),
  },
  steps: (p) => [
    `Both ends belong to the range; only integers that are ${p.property} count.`,
    `The program has to tell ${p.ask === 'count' ? 'how many there are' : 'their sum'}.`,
  ],
})
