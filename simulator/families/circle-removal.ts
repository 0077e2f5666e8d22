import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

interface Parameters {
  ask: 'last' | 'order' | 'place'
  /** Whether counting begins with the first player or with the one after. */
  fromFirst: boolean
  maxPlayers: number
}

const ASKS = {
  last: 'the number of the player who remains last',
  order: 'the numbers of all players in the order in which they leave, the last one included',
  place: 'as which one, counting from 1, the player with number 1 leaves (if that player remains last, as number $n$)',
}
const program = (p: Parameters, start: string, step: string, answer: string = RESULTS[p.ask]): string => `
n, k = map(int, input().split())
players = list(range(1, n + 1))
gone = []
at = ${start}
while players:
    at = (at + ${step}) % len(players)
    gone.append(players.pop(at))
print(${answer})`
const RESULTS = { last: 'gone[-1]', order: '*gone', place: 'gone.index(1) + 1' }
const start = ({ fromFirst }: Parameters): string => (fromFirst ? '0' : '1')

const rule = condition(
  text` Counting begins with ${slot('start', 'player 1|player 2')} as one; whoever is counted as number $k$ leaves, and the next player in the circle is counted as one again, until nobody is left.`,
)
const ask = slot(
  'ask',
  Object.values(ASKS)
    .map((a) => a.replace(/[$()]/g, '\\$&'))
    .join('|'),
)
const input = any('Two integers $n$ and $k$.', 'One line with $n$ and $k$.')
const output = any('The result on one line.', 'Print the result on one line, numbers being separated by spaces.')
const limits = text`$2 \le n \le ${slot('maxPlayers')}$ and $1 \le k \le 1000$.`

/** Players who leave a circle one after the other. */
export const circleRemoval = codeFamily<Parameters>({
  name: 'circle-removal',
  concepts: ['circular lists', 'simulation', 'queues', 'integer division and remainders', 'recursion'],
  design: 'players in a circle who leave one after another by counting',
  instance: (random, difficulty) => ({
    ask: difficulty < 3 ? 'last' : random.pick(['order', 'place', 'last']),
    fromFirst: difficulty < 2.5 || random.chance(0.5),
    maxPlayers: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 2)),
  }),
  difficulty: (p) =>
    Math.min(8, { last: 1, order: 1.5, place: 2 }[p.ask] + (p.fromFirst ? 0 : 0.7) + Math.log10(p.maxPlayers) - 0.8),
  wordings: [
    layOut(
      text`$n$ ${any('children', 'knights', 'robots')}, called players, stand in a circle and are numbered from 1 to $n$ in order.${rule} Find ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${person} invents a counting-out rhyme for $n$ numbered players who sit around a ${any('campfire', 'table', 'fountain')} in increasing order.${rule} ${any('Determine', 'Compute')} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`Players with the numbers $1, 2, \ldots, n$ form a ${any('ring', 'circle')}, player 1 following player $n$.${rule} ${any('Print', 'Report')} ${ask}.`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({ ask: ASKS[p.ask], start: p.fromFirst ? 'player 1' : 'player 2', maxPlayers: String(p.maxPlayers) }),
  read: (v) => ({
    ask: v.ask === ASKS.last ? 'last' : v.ask === ASKS.order ? 'order' : 'place',
    fromFirst: v.start === 'player 1',
    maxPlayers: Number(v.maxPlayers),
  }),
  input: ({ maxPlayers }, kind, random) => {
    const n = Math.min(
      maxPlayers,
      kind === 'edge case' ? 2 : kind === 'complex case' ? random.integer(15, 40) : random.integer(3, 10),
    )
    const k =
      kind === 'edge case'
        ? random.integer(1, 3)
        : kind === 'error-prone input'
          ? random.pick([1, n, n + 1, 2 * n + 1])
          : random.integer(2, 9)
    return `${String(n)} ${String(k)}`
  },
  solve: (p, lines) => {
    const [n = 0, k = 0] = numbersOf(lines[0])
    const circle = Array.from({ length: n }, (_, i) => i + 1)
    if (!p.fromFirst) circle.push(circle.shift() ?? 1)
    const gone: number[] = []
    while (circle.length > 0) {
      for (let i = 1; i < k; i++) circle.push(circle.shift() ?? 0)
      gone.push(circle.shift() ?? 0)
    }
    if (p.ask === 'last') return String(gone.at(-1))
    return p.ask === 'order' ? gone.join(' ') : String(gone.indexOf(1) + 1)
  },
  right: {
    list: (p) => program(p, start(p), 'k - 1'),
    queue: (p) => `
from collections import deque

n, k = map(int, input().split())
circle = deque(range(1, n + 1))
${p.fromFirst ? '' : 'circle.rotate(-1)\n'}gone = []
while circle:
    circle.rotate(-(k - 1))
    gone.append(circle.popleft())
print(${RESULTS[p.ask]})`,
  },
  wrong: {
    'counts one too many': (p) => program(p, start(p), 'k'),
    'begins with the wrong player': (p) => program(p, start({ ...p, fromFirst: !p.fromFirst }), 'k - 1'),
    'numbers from zero': (p) =>
      program(
        p,
        start(p),
        'k - 1',
        p.ask === 'last' ? 'gone[-1] - 1' : p.ask === 'order' ? '*[g - 1 for g in gone]' : 'gone.index(1)',
      ),
    'forgets to go round': (p) =>
      program(p, start(p), 'k - 1').replace('(at + k - 1) % len(players)', 'min(at + k - 1, len(players) - 1)'),
  },
  steps: (p) => [
    `Counting begins with player ${p.fromFirst ? '1' : '2'}, and a list with a moving position simulates the circle.`,
    `The result is ${ASKS[p.ask].replaceAll('$', '')}.`,
  ],
})
