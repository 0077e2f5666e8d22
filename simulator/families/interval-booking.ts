import { person, workplace } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Ask = 'most' | 'rooms' | 'covered'
interface Parameters {
  ask: Ask
  /** Whether one booking may start at the moment when another ends. */
  touching: boolean
  maxCount: number
  maxTime: number
}

const ASKS: Record<Ask, string> = {
  most: 'the largest number of bookings that can be accepted so that no two accepted ones conflict',
  rooms: 'the smallest number of rooms in which all bookings fit so that no two in one room conflict',
  covered:
    'the total length of time during which at least one booking is active, and, after a space, the largest number of bookings of which every two conflict with one another',
}
const ask = condition(text` ${any('Find', 'Compute', 'Report')} ${slot('ask', Object.values(ASKS).join('|'))}.`)
const touching = text`A booking that starts exactly when another ends ${slot('touching', 'does not conflict|conflicts')} with it; overlapping bookings always conflict.`
const input = any(
  text`The first line is $n$. Each of the next $n$ lines has two integers $s$ and $e$, the start and the end of a booking.`,
  text`An integer $n$, followed by $n$ lines with two integers each: start $s$ and end $e$.`,
)
const output = any('Print the result on one line.', 'One line with the result.')
const limits = text`$1 \le n \le ${slot('maxCount')}$ and $0 \le s < e \le ${slot('maxTime')}$.`

/** Bookings on a time line: selection, rooms, coverage. */
export const intervalBooking = codeFamily<Parameters>({
  name: 'interval-booking',
  concepts: ['interval scheduling', 'greedy algorithms', 'sorting', 'sweep line', 'priority queues'],
  design: 'time intervals that may conflict with one another',
  instance: (random, difficulty) => ({
    ask: difficulty < 3 ? 'most' : difficulty < 5 ? random.pick(['most', 'rooms']) : random.pick(['rooms', 'covered']),
    touching: random.chance(0.5),
    maxCount: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.floor(difficulty / 2)),
    maxTime: random.integer(1, 9) * 10 ** random.integer(2, 8),
  }),
  difficulty: ({ ask: a, touching: t, maxCount }) =>
    Math.min(8, { most: 0.8, rooms: 2, covered: 3.4 }[a] + (t ? 0 : 0.5) + Math.log10(maxCount) - 1),
  wordings: [
    layOut(
      text`${person} manages the ${any('rehearsal rooms', 'meeting rooms', 'boat sheds')} of a ${workplace}. ${touching}${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`A list of ${any('requests', 'reservations', 'bookings')} is given by start and end times. ${touching}${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Lectures', 'Guided tours', 'Ferries', 'Charging sessions')} are announced for one long day, and each occupies ${any('a room', 'a berth', 'a place')} from its start to its end; call each one a booking. ${touching}${ask}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    ask: ASKS[p.ask],
    touching: p.touching ? 'does not conflict' : 'conflicts',
    maxCount: String(p.maxCount),
    maxTime: String(p.maxTime),
  }),
  read: (v) => {
    const found = (Object.keys(ASKS) as Ask[]).find((key) => ASKS[key] === v.ask)
    return found === undefined
      ? undefined
      : {
          ask: found,
          touching: v.touching === 'does not conflict',
          maxCount: Number(v.maxCount),
          maxTime: Number(v.maxTime),
        }
  },
  input: ({ maxCount, maxTime }, kind, random) => {
    const n = Math.min(
      maxCount,
      kind === 'edge case'
        ? random.integer(1, 2)
        : kind === 'complex case'
          ? random.integer(12, 30)
          : random.integer(3, 8),
    )
    const span = Math.min(maxTime, kind === 'complex case' ? 60 : 14)
    const rows = Array.from({ length: n }, () => {
      const start = random.integer(0, span - 1)
      return [start, Math.min(maxTime, start + random.integer(1, kind === 'complex case' ? 12 : 6))]
    })
    // Bookings that touch are where rules go wrong.
    if (kind === 'error-prone input' || kind === 'edge case') {
      for (let i = 1; i < rows.length; i++) {
        const start = rows[i - 1]?.[1] ?? 0
        if (random.chance(0.6) && start < maxTime) rows[i] = [start, Math.min(maxTime, start + random.integer(1, 4))]
      }
    }
    return [String(n), ...random.shuffle(rows).map((row) => row.join(' '))].join('\n')
  },
  solve: ({ ask: a, touching: t }, lines) => {
    const bookings = lines.slice(1).map((line) => numbersOf(line) as [number, number])
    if (a === 'most') {
      let [count, end] = [0, -Infinity]
      for (const [s, e] of [...bookings].sort((x, y) => x[1] - y[1] || x[0] - y[0])) {
        if (t ? s >= end : s > end) {
          count++
          end = e
        }
      }
      return String(count)
    }
    // Every largest set of pairwise conflicting bookings is active around the start of one of them.
    const deepest = Math.max(
      ...bookings.map(([moment]) => bookings.filter(([s, e]) => s <= moment && (t ? e > moment : e >= moment)).length),
    )
    if (a === 'rooms') return String(deepest)
    let [total, reach] = [0, -Infinity]
    for (const [s, e] of [...bookings].sort((x, y) => x[0] - y[0])) {
      total += Math.max(0, e - Math.max(s, reach))
      reach = Math.max(reach, e)
    }
    return `${String(total)} ${String(deepest)}`
  },
  right: {
    'sorted events': ({ ask: a, touching: t }) => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n = data[0]
    bookings = [(data[1 + 2 * i], data[2 + 2 * i]) for i in range(n)]
${
  a === 'most'
    ? `    bookings.sort(key=lambda b: (b[1], b[0]))
    count = 0
    free = -1
    for start, end in bookings:
        if start ${t ? '>=' : '>'} free:
            count += 1
            free = end
    print(count)`
    : `    events = []
    for start, end in bookings:
        events.append((start, ${t ? '1' : '0'}, 1))
        events.append((end, ${t ? '0' : '1'}, -1))
    events.sort()
    active = most = 0
    for _, _, change in events:
        active += change
        most = max(most, active)
${
  a === 'rooms'
    ? '    print(most)'
    : `    total = 0
    reach = -1
    for start, end in sorted(bookings):
        if start > reach:
            total += end - start
            reach = end
        elif end > reach:
            total += end - reach
            reach = end
    print(total, most)`
}`
}

main()`,
    heap: ({ ask: a, touching: t }) =>
      a === 'most'
        ? `
n = int(input())
todo = []
for _ in range(n):
    s, e = map(int, input().split())
    todo.append((e, s))
todo.sort()
taken = []
for e, s in todo:
    if not taken or s ${t ? '>=' : '>'} taken[-1]:
        taken.append(e)
print(len(taken))`
        : `
import heapq

n = int(input())
rows = sorted(tuple(map(int, input().split())) for _ in range(n))
ends = []
best = 0
for s, e in rows:
    while ends and ends[0] ${t ? '<=' : '<'} s:
        heapq.heappop(ends)
    heapq.heappush(ends, e)
    best = max(best, len(ends))
${
  a === 'rooms'
    ? 'print(best)'
    : `moments = set()
covered = 0
last = None
for s, e in rows:
    start = s if last is None else max(s, last)
    if e > start:
        covered += e - start
    last = e if last is None else max(last, e)
print(covered, best)`
}`,
  },
  wrong: {
    'touching rule reversed': ({ ask: a, touching: t }) =>
      a === 'most'
        ? `
n = int(input())
rows = sorted((tuple(map(int, input().split())) for _ in range(n)), key=lambda r: (r[1], r[0]))
count, free = 0, -1
for s, e in rows:
    if s ${t ? '>' : '>='} free:
        count += 1
        free = e
print(count)`
        : `
import heapq

n = int(input())
rows = sorted(tuple(map(int, input().split())) for _ in range(n))
ends, best, total, last = [], 0, 0, -1
for s, e in rows:
    while ends and ends[0] ${t ? '<' : '<='} s:
        heapq.heappop(ends)
    heapq.heappush(ends, e)
    best = max(best, len(ends))
    total += max(0, e - max(s, last))
    last = max(last, e)
print(${a === 'rooms' ? 'best' : 'total, best'})`,
    'sorts by start': ({ ask: a, touching: t }) =>
      a === 'most'
        ? `
n = int(input())
rows = sorted(tuple(map(int, input().split())) for _ in range(n))
count, free = 0, -1
for s, e in rows:
    if s ${t ? '>=' : '>'} free:
        count += 1
        free = e
print(count)`
        : `
n = int(input())
rows = [tuple(map(int, input().split())) for _ in range(n)]
best = 0
for s, e in rows:
    best = max(best, sum(1 for a, b in rows if a < e and s < b))
total = sum(e - s for s, e in rows)
print(${a === 'rooms' ? 'best' : 'total, best'})`,
    'looks at neighbours only': ({ ask: a, touching: t }) => `
n = int(input())
rows = sorted(tuple(map(int, input().split())) for _ in range(n))
groups = 1
clashes = 0
for i in range(1, n):
    if rows[i][0] ${t ? '>=' : '>'} rows[i - 1][1]:
        groups += 1
    else:
        clashes += 1
${a === 'most' ? 'print(groups)' : a === 'rooms' ? 'print(1 + clashes)' : 'print(rows[-1][1] - rows[0][0], 1 + clashes)'}`,
  },
  steps: ({ ask: a, touching: t }) => [
    `The value asked for is ${ASKS[a]}.`,
    t
      ? 'A booking may begin at the very moment another one ends.'
      : 'Touching bookings conflict, so comparisons must be strict.',
  ],
})
