import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

interface Parameters {
  /** Whether the order of the loads must be kept. */
  ordered: boolean
  ask: 'capacity' | 'trips'
  maxCount: number
  maxLoad: number
}

const program = (
  p: Parameters,
  options: { low?: string; test?: string; order?: string; start?: string } = {},
): string => {
  const order = options.order ?? (p.ordered ? 'a' : 'sorted(a, reverse=True)')
  const needed = p.ordered
    ? `def trips(capacity):
    used, room = ${options.start ?? '1'}, capacity
    for load in ${order}:
        if load ${options.test ?? '>'} room:
            used += 1
            room = capacity
        room -= load
    return used`
    : `def trips(capacity):
    rooms = []
    for load in ${order}:
        for i in range(len(rooms)):
            if load ${options.test === '>=' ? '<' : '<='} rooms[i]:
                rooms[i] -= load
                break
        else:
            rooms.append(capacity - load)
    return len(rooms)${options.start === '0' ? ' - 1' : ''}`
  return `
n, k = map(int, input().split())
a = list(map(int, input().split()))

${needed}

${
  p.ask === 'trips'
    ? 'print(trips(k))'
    : `capacity = ${options.low ?? 'max(a)'}
while trips(capacity) > k:
    capacity += 1
print(capacity)`
}`
}

const rule = condition(
  text` ${slot('order', 'Loads are taken in the given order, each trip as many as fit before the next trip begins|Loads are taken from the heaviest to the lightest, and each goes on the first trip that still has room for it, a new trip being opened where none has')}.`,
)
const ASKS = {
  capacity: 'the smallest whole capacity of the lift with which at most $k$ trips are needed',
  trips: 'how many trips are needed if the capacity of the lift is $k$',
}
const ask = slot(
  'ask',
  Object.values(ASKS)
    .map((a) => a.replaceAll('$', '\\$'))
    .join('|'),
)
const input = any(
  text`First line: $n$ and $k$. Second line: the $n$ loads.`,
  text`Two integers $n$ and $k$, and on the next line $n$ integers, the loads.`,
)
const output = any('One integer.', 'Print a single integer.')
const limits = text`$1 \le n \le ${slot('maxCount')}$, loads between 1 and ${slot('maxLoad')}; if $k$ is a capacity, no load exceeds it.`

/** Loads on trips with a limited capacity. */
export const capacitySplit = codeFamily<Parameters>({
  name: 'capacity-split',
  concepts: ['binary search on the answer', 'greedy algorithms', 'simulation', 'binary search', 'arrays'],
  design: 'loads that travel on trips of limited capacity',
  instance: (random, difficulty) => ({
    ordered: difficulty < 4 || random.chance(0.4),
    ask: random.chance(difficulty / 7) ? 'capacity' : 'trips',
    maxCount: random.integer(1, 9) * 10 ** Math.min(4, 1 + Math.round(difficulty / 2.5)),
    maxLoad: random.integer(1, 9) * 10 ** random.integer(2, 5),
  }),
  difficulty: (p) =>
    Math.min(8, 0.3 + (p.ask === 'capacity' ? 1.9 : 0) + (p.ordered ? 0 : 1.3) + Math.log10(p.maxCount) * 1.1 - 0.2),
  wordings: [
    layOut(
      text`${person} sends ${any('crates', 'boulders', 'barrels')} up a ${any('cliff', 'tower', 'mountain')} with a small lift; loads are never divided.${rule} Find ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`A goods lift carries loads in several trips. On no trip may the total exceed its capacity.${rule} ${any('Compute', 'Determine')} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Removal men', 'Stage hands', 'Dockers')} use a lift for ${any('furniture', 'scenery', 'cargo')} of known weights.${rule} ${any('Report', 'Print')} ${ask}.`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    order: p.ordered
      ? 'Loads are taken in the given order, each trip as many as fit before the next trip begins'
      : 'Loads are taken from the heaviest to the lightest, and each goes on the first trip that still has room for it, a new trip being opened where none has',
    ask: ASKS[p.ask],
    maxCount: String(p.maxCount),
    maxLoad: String(p.maxLoad),
  }),
  read: (v) => ({
    ordered: (v.order ?? '').includes('given order'),
    ask: v.ask === ASKS.capacity ? 'capacity' : 'trips',
    maxCount: Number(v.maxCount),
    maxLoad: Number(v.maxLoad),
  }),
  input: (p, kind, random) => {
    const n = Math.min(
      p.maxCount,
      kind === 'edge case'
        ? random.integer(1, 2)
        : kind === 'complex case'
          ? random.integer(10, 20)
          : random.integer(3, 8),
    )
    const top = Math.min(p.maxLoad, kind === 'complex case' ? 60 : 12)
    const loads = Array.from({ length: n }, () => random.integer(1, top))
    const heaviest = Math.max(...loads)
    const total = loads.reduce((a, b) => a + b, 0)
    const capacity =
      kind === 'error-prone input'
        ? random.pick([heaviest, total])
        : random.integer(heaviest, Math.max(heaviest, Math.round(total / 2)))
    const k =
      p.ask === 'trips'
        ? capacity
        : kind === 'error-prone input'
          ? random.pick([1, n, n + 1])
          : random.integer(1, Math.max(1, Math.ceil(n / 2)))
    return `${String(n)} ${String(k)}\n${loads.join(' ')}`
  },
  solve: (p, lines) => {
    const [, k = 0] = numbersOf(lines[0])
    const given = numbersOf(lines[1])
    const trips = (capacity: number): number => {
      const rooms: number[] = []
      for (const load of p.ordered ? given : [...given].sort((x, y) => y - x)) {
        const place = p.ordered
          ? (rooms.at(-1) ?? 0) >= load
            ? rooms.length - 1
            : -1
          : rooms.findIndex((room) => room >= load)
        if (place < 0) rooms.push(capacity - load)
        else rooms[place] = (rooms[place] ?? 0) - load
      }
      return rooms.length
    }
    if (p.ask === 'trips') return String(trips(k))
    let capacity = Math.max(...given)
    while (trips(capacity) > k) capacity++
    return String(capacity)
  },
  right: {
    'step by step': (p) => program(p),
    'other loop': (p) => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, k = data[0], data[1]
    loads = data[2:2 + n]
${p.ordered ? '' : '    loads.sort(reverse=True)\n'}
    def fits(capacity, limit):
        rooms = []
        for load in loads:
            target = None
            for i, room in enumerate(rooms${p.ordered ? '[-1:], max(0, len(rooms) - 1)' : ''}):
                if room >= load:
                    target = i
                    break
            if target is None:
                rooms.append(capacity - load)
                if len(rooms) > limit:
                    return None
            else:
                rooms[target] -= load
        return len(rooms)

${
  p.ask === 'trips'
    ? '    print(fits(k, n))'
    : `    for capacity in range(max(loads), sum(loads) + 1):
        if fits(capacity, k) is not None:
            print(capacity)
            break`
}

main()`,
  },
  wrong: {
    'no load may fill the rest': (p) => program(p, { test: '>=', low: 'max(a) + 1' }),
    'starts below the heaviest load': (p) =>
      p.ask === 'capacity' ? program(p, { low: '(sum(a) + k - 1) // k' }) : undefined,
    'average load': (p) => `
n, k = map(int, input().split())
a = list(map(int, input().split()))
${p.ask === 'trips' ? 'print((sum(a) + k - 1) // k)' : 'print(max(max(a), (sum(a) + k - 1) // k))'}`,
    'order rule ignored': (p) => program({ ...p, ordered: !p.ordered }),
    'one trip too few': (p) => (p.ordered ? program(p, { start: '0' }) : undefined),
  },
  steps: (p) => [
    p.ordered
      ? 'One pass in the given order tells how many trips a capacity needs.'
      : 'Each load goes on the first trip with room, heaviest loads first.',
    `The result is ${ASKS[p.ask].replaceAll('$', '')}.`,
  ],
})
