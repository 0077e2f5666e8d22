import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

interface Parameters {
  diagonal: boolean
  ask: 'steps' | 'reachable'
  maxSide: number
}

const ASKS = {
  steps: 'the smallest number of moves from the top left cell to the bottom right cell, or -1 if it cannot be reached',
  reachable: 'the number of free cells that can be reached from the top left cell, counting that cell itself',
}
const moves = condition(
  text` A move goes to ${slot('moves', 'one of the four cells that share a side|one of the eight cells that share a side or a corner')} with the current cell and must not enter a wall.`,
)
const ask = text` ${any('Find', 'Compute', 'Print')} ${slot('ask', Object.values(ASKS).join('|'))}.`
const input = any(
  text`The first line has the numbers of rows $r$ and columns $c$. Then follow $r$ lines of $c$ characters, where . is free and # is a wall.`,
  text`Two integers $r$ and $c$, then the grid: $r$ lines with $c$ characters each, a dot for a free cell and # for a wall.`,
)
const output = any('One integer.', 'Print a single integer.')
const limits = text`$1 \le r, c \le ${slot('maxSide')}$. The top left cell is always free.`

const around = ({ diagonal }: Parameters): string =>
  diagonal
    ? '[(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]'
    : '[(-1, 0), (1, 0), (0, -1), (0, 1)]'

/** Moves on a grid with walls, by breadth-first search. */
export const gridSteps = codeFamily<Parameters>({
  name: 'grid-steps',
  concepts: ['breadth-first search', 'grid navigation', 'graph traversal', 'queues', 'edge case handling'],
  design: 'moves on a grid with walls',
  instance: (random, difficulty) => ({
    diagonal: random.chance(0.5),
    ask: difficulty < 3.5 ? 'reachable' : 'steps',
    maxSide: random.integer(1, 9) * 10 ** Math.min(3, Math.max(1, Math.round(difficulty / 2.5))),
  }),
  difficulty: ({ diagonal, ask: a, maxSide }) =>
    Math.min(8, (a === 'steps' ? 2.5 : 0.9) + (diagonal ? 0.6 : 0) + Math.log10(maxSide) * 1.2 - 0.8),
  wordings: [
    layOut(
      text`${any('A robot', 'A mouse', 'A lost tourist', 'A vacuum cleaner')} ${any('stands in', 'explores', 'moves through')} a rectangular ${any('maze', 'cellar', 'car park')} of cells.${moves}${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${person} has drawn a map on squared paper; each square is free or blocked.${moves}${ask} ${any('The map never changes.', 'Nobody may leave the map.')}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`You are given a grid of free cells and walls.${moves}${ask} ${any('Mind grids of a single cell.', 'A grid may consist of one cell only.')}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    moves: p.diagonal
      ? 'one of the eight cells that share a side or a corner'
      : 'one of the four cells that share a side',
    ask: ASKS[p.ask],
    maxSide: String(p.maxSide),
  }),
  read: (v) => ({
    diagonal: (v.moves ?? '').includes('eight'),
    ask: v.ask === ASKS.steps ? 'steps' : 'reachable',
    maxSide: Number(v.maxSide),
  }),
  input: ({ maxSide }, kind, random) => {
    if (kind === 'error-prone input' && random.chance(0.6)) {
      // A corridor that turns back on itself: the way leads left and up as well.
      const [rows, columns] = [Math.min(maxSide, random.pick([5, 7])), Math.min(maxSide, random.integer(4, 6))]
      const gap = (row: number): number => (row % 4 === 1 ? columns - 1 : 0)
      const lines = Array.from({ length: rows }, (_, row) =>
        Array.from({ length: columns }, (_cell, column) => (row % 2 === 0 || column === gap(row) ? '.' : '#')).join(''),
      )
      return [`${String(rows)} ${String(columns)}`, ...lines].join('\n')
    }
    const size = (): number =>
      Math.min(
        maxSide,
        kind === 'edge case'
          ? random.integer(1, 2)
          : kind === 'complex case'
            ? random.integer(5, 9)
            : random.integer(2, 5),
      )
    const [rows, columns] = [size(), size()]
    const density = kind === 'error-prone input' ? 0.5 : 0.3
    const cells = Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => (random.chance(density) ? '#' : '.')),
    )
    const [first] = cells
    const last = cells.at(-1)
    if (kind !== 'error-prone input' && last !== undefined && random.chance(0.8)) last[columns - 1] = '.'
    if (first !== undefined) first[0] = '.'
    return [`${String(rows)} ${String(columns)}`, ...cells.map((row) => row.join(''))].join('\n')
  },
  solve: ({ diagonal, ask: a }, lines) => {
    const [rows = 0, columns = 0] = numbersOf(lines[0])
    const grid = lines.slice(1)
    const distance = new Map([[0, 0]])
    const queue = [0]
    for (const cell of queue) {
      const [row, column] = [Math.floor(cell / columns), cell % columns]
      for (let dr = -1; dr <= 1; dr++) {
        for (let dc = -1; dc <= 1; dc++) {
          if ((dr === 0 && dc === 0) || (!diagonal && dr !== 0 && dc !== 0)) continue
          const [r, c] = [row + dr, column + dc]
          if (r < 0 || c < 0 || r >= rows || c >= columns || grid[r]?.[c] !== '.' || distance.has(r * columns + c))
            continue
          distance.set(r * columns + c, (distance.get(cell) ?? 0) + 1)
          queue.push(r * columns + c)
        }
      }
    }
    return String(a === 'reachable' ? distance.size : (distance.get(rows * columns - 1) ?? -1))
  },
  right: {
    queue: (p) => `
from collections import deque

r, c = map(int, input().split())
grid = [input().strip() for _ in range(r)]
distance = {(0, 0): 0}
queue = deque([(0, 0)])
while queue:
    y, x = queue.popleft()
    for dy, dx in ${around(p)}:
        ny, nx = y + dy, x + dx
        if 0 <= ny < r and 0 <= nx < c and grid[ny][nx] == "." and (ny, nx) not in distance:
            distance[ny, nx] = distance[y, x] + 1
            queue.append((ny, nx))
print(${p.ask === 'steps' ? 'distance.get((r - 1, c - 1), -1)' : 'len(distance)'})`,
    layers: (p) => `
import sys

def main():
    data = sys.stdin.read().split()
    rows, columns = int(data[0]), int(data[1])
    grid = data[2:2 + rows]
    around = ${around(p)}
    seen = [[False] * columns for _ in range(rows)]
    seen[0][0] = True
    layer, steps, total, found = [(0, 0)], 0, 1, -1
    while layer:
        following = []
        for y, x in layer:
            if y == rows - 1 and x == columns - 1:
                found = steps
            for dy, dx in around:
                ny, nx = y + dy, x + dx
                if ny < 0 or nx < 0 or ny >= rows or nx >= columns:
                    continue
                if grid[ny][nx] == "#" or seen[ny][nx]:
                    continue
                seen[ny][nx] = True
                total += 1
                following.append((ny, nx))
        layer = following
        steps += 1
    print(${p.ask === 'steps' ? 'found' : 'total'})

main()`,
  },
  wrong: {
    'wrong neighbours': (p) => `
from collections import deque

r, c = map(int, input().split())
grid = [input().strip() for _ in range(r)]
distance = {(0, 0): 0}
queue = deque([(0, 0)])
while queue:
    y, x = queue.popleft()
    for dy, dx in ${around({ ...p, diagonal: !p.diagonal })}:
        ny, nx = y + dy, x + dx
        if 0 <= ny < r and 0 <= nx < c and grid[ny][nx] == "." and (ny, nx) not in distance:
            distance[ny, nx] = distance[y, x] + 1
            queue.append((ny, nx))
print(${p.ask === 'steps' ? 'distance.get((r - 1, c - 1), -1)' : 'len(distance)'})`,
    'counts differently': (p) => `
from collections import deque

r, c = map(int, input().split())
grid = [input().strip() for _ in range(r)]
distance = {(0, 0): ${p.ask === 'steps' ? '1' : '0'}}
queue = deque([(0, 0)])
while queue:
    y, x = queue.popleft()
    for dy, dx in ${around(p)}:
        ny, nx = y + dy, x + dx
        if 0 <= ny < r and 0 <= nx < c and grid[ny][nx] == "." and (ny, nx) not in distance:
            distance[ny, nx] = distance[y, x] + 1
            queue.append((ny, nx))
print(${p.ask === 'steps' ? 'distance.get((r - 1, c - 1), -1)' : 'len(distance) - 1'})`,
    'only right and down': (p) => `
r, c = map(int, input().split())
grid = [input().strip() for _ in range(r)]
best = [[None] * c for _ in range(r)]
best[0][0] = 0
for y in range(r):
    for x in range(c):
        if grid[y][x] != ".":
            continue
        for dy, dx in ((-1, 0), (0, -1)${p.diagonal ? ', (-1, -1)' : ''}):
            py, px = y + dy, x + dx
            if py >= 0 and px >= 0 and best[py][px] is not None:
                if best[y][x] is None or best[py][px] + 1 < best[y][x]:
                    best[y][x] = best[py][px] + 1
${p.ask === 'steps' ? 'print(-1 if best[-1][-1] is None else best[-1][-1])' : 'print(sum(1 for row in best for b in row if b is not None))'}`,
    'ignores walls': (p) =>
      p.ask === 'steps'
        ? `
r, c = map(int, input().split())
print(${p.diagonal ? 'max(r, c) - 1' : 'r + c - 2'})`
        : `
import sys
print(sys.stdin.read().count("."))`,
  },
  steps: (p) => [
    `All moves cost the same, so a breadth-first search over the ${p.diagonal ? 'eight' : 'four'} directions is enough.`,
    `The result is ${ASKS[p.ask]}.`,
  ],
})
