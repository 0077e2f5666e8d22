import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Tie =
  | 'in alphabetical order'
  | 'in the order of their first appearance'
  | 'with the shorter word first, and alphabetically where the lengths agree too'
const TIES: Tie[] = [
  'in alphabetical order',
  'in the order of their first appearance',
  'with the shorter word first, and alphabetically where the lengths agree too',
]
interface Parameters {
  tie: Tie
  order: 'most' | 'least'
  ignoreCase: boolean
  maxWords: number
}

const key = ({ tie, order }: Parameters): string => {
  const count = order === 'most' ? '-counts[w]' : 'counts[w]'
  return `(${[count, ...(tie === TIES[0] ? ['w'] : tie === TIES[1] ? ['first[w]'] : ['len(w)', 'w'])].join(', ')})`
}
const program = (p: Parameters, sortKey: string, words: string, stop = 'k'): string => `
n, k = map(int, input().split())
words = ${words}
counts = {}
first = {}
for i, w in enumerate(words):
    counts[w] = counts.get(w, 0) + 1
    first.setdefault(w, i)
ranking = sorted(counts, key=lambda w: ${sortKey})
for w in ranking[:${stop}]:
    print(w, counts[w])`
const words = (p: Parameters): string => (p.ignoreCase ? 'input().lower().split()' : 'input().split()')

const tie = condition(text` Words that occur equally often are listed ${slot('tie', TIES.join('|'))}.`)
const input = any(
  text`The first line has $n$ and $k$. The second line has $n$ words of letters.`,
  text`Two integers $n$ and $k$ on the first line; on the second line $n$ words, separated by single spaces.`,
)
const output = text`At most $k$ lines, each with a word${any('', ' as described')} and how often it occurs, separated by a space. If there are fewer than $k$ different words, list all of them.`
const limits = text`$1 \le k \le n \le ${slot('maxWords')}$; a word has 1 to 10 letters.`
const fold = slot(
  'fold',
  'Upper and lower case count as the same letter, and words are printed in lower case|Upper and lower case letters are different',
)

/** Words by frequency with a rule for ties. */
export const wordRanking = codeFamily<Parameters>({
  name: 'word-ranking',
  concepts: ['frequency counting', 'sorting', 'ties and stable ordering', 'string processing', 'hash maps'],
  design: 'a ranking of words by how often they occur, with a rule for ties',
  instance: (random, difficulty) => ({
    tie: difficulty < 3 ? TIES[0]! : random.pick(TIES),
    order: random.pick(['most', 'least']),
    ignoreCase: random.chance(difficulty / 8),
    maxWords: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 2)),
  }),
  difficulty: (p) =>
    Math.min(
      8,
      0.3 +
        TIES.indexOf(p.tie) * 0.9 +
        (p.ignoreCase ? 1 : 0) +
        (p.order === 'least' ? 0.3 : 0) +
        Math.log10(p.maxWords),
    ),
  wordings: [
    layOut(
      text`${person} ${any('counts', 'studies')} the words of ${any('a diary', 'old telegrams', 'a guest book')} and lists the $k$ words that occur ${slot('order', 'most|least')} often, in that order. ${fold}.${tie}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`A ${any('search engine', 'poll', 'word game')} wants the ${any('top', 'first')} $k$ of a ranking of words, those that occur ${slot('order', 'most|least')} often coming first. ${fold}.${tie}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`Given a text, ${any('rank', 'sort', 'order')} its different words so that words that occur ${slot('order', 'most|least')} often come first, and print the first $k$. ${fold}.${tie}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    tie: p.tie,
    order: p.order,
    fold: p.ignoreCase
      ? 'Upper and lower case count as the same letter, and words are printed in lower case'
      : 'Upper and lower case letters are different',
    maxWords: String(p.maxWords),
  }),
  read: (v) => ({
    tie: v.tie as Tie,
    order: v.order as Parameters['order'],
    ignoreCase: (v.fold ?? '').includes('same letter'),
    maxWords: Number(v.maxWords),
  }),
  input: ({ maxWords }, kind, random) => {
    const stock = random.sample(
      ['pear', 'fig', 'plum', 'kiwi', 'lime', 'apple', 'date', 'Fig', 'PEAR', 'Kiwi', 'nut', 'banana', 'Apple'],
      kind === 'complex case' ? 9 : kind === 'edge case' ? 2 : 5,
    )
    const n = Math.min(
      maxWords,
      kind === 'edge case'
        ? random.integer(1, 2)
        : kind === 'complex case'
          ? random.integer(15, 40)
          : random.integer(4, 9),
    )
    const list = Array.from({ length: n }, (_, i) =>
      kind === 'error-prone input' ? (stock[i % stock.length] ?? 'fig') : random.pick(stock),
    )
    const different = new Set(list).size
    const k = kind === 'critical path' ? random.integer(1, n) : random.integer(1, Math.max(1, Math.min(n, different)))
    return `${String(n)} ${String(k)}\n${list.join(' ')}`
  },
  solve: (p, lines) => {
    const [, k = 0] = numbersOf(lines[0])
    const list = (p.ignoreCase ? (lines[1] ?? '').toLowerCase() : (lines[1] ?? '')).trim().split(/\s+/)
    const counts = new Map<string, number>()
    for (const word of list) counts.set(word, (counts.get(word) ?? 0) + 1)
    const alphabetical = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
    const ranking = [...counts.keys()].sort((a, b) => {
      const difference = (counts.get(b) ?? 0) - (counts.get(a) ?? 0)
      if (difference !== 0) return p.order === 'most' ? difference : -difference
      if (p.tie === TIES[1]) return 0
      return p.tie === TIES[2] && a.length !== b.length ? a.length - b.length : alphabetical(a, b)
    })
    return ranking
      .slice(0, k)
      .map((word) => `${word} ${String(counts.get(word))}`)
      .join('\n')
  },
  right: {
    'sort key': (p) => program(p, key(p), words(p)),
    counter: (p) => `
import sys
from collections import Counter

def main():
    header, *rest = sys.stdin.read().split("\\n")
    n, k = map(int, header.split())
    words = " ".join(rest)${p.ignoreCase ? '.lower()' : ''}.split()
    counts = Counter(words)
    order = list(dict.fromkeys(words))
${p.tie === TIES[0] ? '    order.sort()\n' : p.tie === TIES[2] ? '    order.sort()\n    order.sort(key=len)\n' : ''}    order.sort(key=lambda w: ${p.order === 'most' ? '-counts[w]' : 'counts[w]'})
    print("\\n".join(w + " " + str(counts[w]) for w in order[:k]))

main()`,
  },
  wrong: {
    'ties the other way': (p) => program(p, key({ ...p, tie: p.tie === TIES[1] ? TIES[0]! : TIES[1]! }), words(p)),
    'order reversed': (p) => program(p, key({ ...p, order: p.order === 'most' ? 'least' : 'most' }), words(p)),
    'case rule ignored': (p) => program(p, key(p), words({ ...p, ignoreCase: !p.ignoreCase })),
    'one too few': (p) => program(p, key(p), words(p), 'k - 1'),
  },
  steps: (p) => [
    'Count every word in a dictionary first.',
    `Sort by how often a word occurs, ${p.order} first; words that tie are listed ${p.tie}.`,
  ],
})
