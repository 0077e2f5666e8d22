import { town } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Ask =
  | 'the number of groups'
  | 'the size of the largest group'
  | 'the smallest number of further links that join all nodes into one group'
  | 'the number of pairs of nodes in different groups'
const ASKS: Ask[] = [
  'the number of groups',
  'the size of the largest group',
  'the smallest number of further links that join all nodes into one group',
  'the number of pairs of nodes in different groups',
]
interface Parameters {
  ask: Ask
  oneWay: boolean
  maxNodes: number
}

const EXPRESSIONS: Record<Ask, string> = {
  'the number of groups': 'len(sizes)',
  'the size of the largest group': 'max(sizes)',
  'the smallest number of further links that join all nodes into one group': 'len(sizes) - 1',
  'the number of pairs of nodes in different groups': '(n * n - sum(s * s for s in sizes)) // 2',
}
const unionFind = (
  p: Parameters,
  first = '1',
  expression = EXPRESSIONS[p.ask],
  merge = 'parent[find(x)] = find(y)',
): string => `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, m = data[0], data[1]
    parent = list(range(n + 1))

    def find(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for i in range(m):
        x, y = data[2 + 2 * i], data[3 + 2 * i]
        ${merge}
    count = {}
    for node in range(${first}, n + 1):
        root = find(node)
        count[root] = count.get(root, 0) + 1
    sizes = list(count.values())
    print(${expression})

main()`

const link = condition(
  text` Two nodes belong to the same group if ${slot('direction', 'a chain of links joins them, whatever the direction in which the links were written down|a chain of links joins them')}.`,
)
const ask = slot('ask', ASKS.join('|'))
const input = any(
  text`The first line has $n$ and $m$. Each of the next $m$ lines has two node numbers between 1 and $n$; the two may be equal, and a link may be listed twice.`,
  text`$n$ and $m$ on the first line, then $m$ lines with two nodes each (numbered from 1 to $n$). Links from a node to itself and repeated links occur.`,
)
const output = any('One integer.', 'Print one integer.')
const limits = text`$1 \le n \le ${slot('maxNodes')}$ and $0 \le m \le 2n$.`

/** Groups of connected nodes. */
export const networkGroups = codeFamily<Parameters>({
  name: 'network-groups',
  concepts: ['union-find', 'connected components', 'graph traversal', 'adjacency lists', 'trees'],
  design: 'groups of nodes that are joined by links',
  instance: (random, difficulty) => ({
    ask: ASKS[Math.min(3, Math.max(0, Math.round((difficulty - 1.5) / 2 + random.next() - 0.5)))] ?? ASKS[0]!,
    oneWay: random.chance(0.5),
    maxNodes: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 2)),
  }),
  difficulty: (p) => Math.min(8, 0.9 + ASKS.indexOf(p.ask) * 0.8 + Math.log10(p.maxNodes) - 0.4),
  wordings: [
    layOut(
      text`${any('Islands', 'Villages', 'Stations')} around ${town} are the nodes of a network of ${any('bridges', 'cables', 'ferries')}, the links.${link} Find ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`A ${any('social network', 'computer network', 'pipe system')} has $n$ nodes and a list of links.${link} ${any('Compute', 'Determine')} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Children', 'Guests', 'Molecules')} are numbered nodes, and each ${any('handshake', 'bond', 'friendship')} is a link between two.${link} ${any('Print', 'Report')} ${ask}.`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    ask: p.ask,
    direction: p.oneWay
      ? 'a chain of links joins them, whatever the direction in which the links were written down'
      : 'a chain of links joins them',
    maxNodes: String(p.maxNodes),
  }),
  read: (v) => ({ ask: v.ask as Ask, oneWay: (v.direction ?? '').includes('whatever'), maxNodes: Number(v.maxNodes) }),
  input: ({ maxNodes }, kind, random) => {
    const n = Math.min(
      maxNodes,
      kind === 'edge case'
        ? random.integer(1, 2)
        : kind === 'complex case'
          ? random.integer(12, 25)
          : random.integer(4, 8),
    )
    const m = kind === 'edge case' ? random.integer(0, 1) : random.integer(Math.floor(n / 3), Math.min(2 * n, n))
    const links = Array.from({ length: m }, () => {
      const x = random.integer(1, n)
      return `${String(x)} ${String(kind === 'error-prone input' && random.chance(0.3) ? x : random.integer(1, n))}`
    })
    return [`${String(n)} ${String(m)}`, ...links].join('\n')
  },
  solve: (p, lines) => {
    const [n = 0, m = 0] = numbersOf(lines[0])
    const group = Array.from({ length: n + 1 }, (_, node) => node)
    for (const line of lines.slice(1, m + 1)) {
      const [x = 0, y = 0] = numbersOf(line)
      const [from, to] = [group[x], group[y]]
      group.forEach((label, node) => {
        if (label === from) group[node] = to ?? 0
      })
    }
    const sizes = new Map<number, number>()
    for (const label of group.slice(1)) sizes.set(label, (sizes.get(label) ?? 0) + 1)
    const list = [...sizes.values()]
    if (p.ask === ASKS[0]) return String(list.length)
    if (p.ask === ASKS[1]) return String(Math.max(...list))
    return String(p.ask === ASKS[2] ? list.length - 1 : (n * n - list.reduce((sum, s) => sum + s * s, 0)) / 2)
  },
  right: {
    'union-find': (p) => unionFind(p),
    search: (p) => `
import sys

lines = sys.stdin.read().split("\\n")
n, m = map(int, lines[0].split())
near = {node: set() for node in range(1, n + 1)}
for line in lines[1:1 + m]:
    x, y = map(int, line.split())
    near[x].add(y)
    near[y].add(x)
seen = set()
sizes = []
for start in near:
    if start in seen:
        continue
    seen.add(start)
    stack = [start]
    size = 0
    while stack:
        node = stack.pop()
        size += 1
        for other in near[node] - seen:
            seen.add(other)
            stack.append(other)
    sizes.append(size)
print(${EXPRESSIONS[p.ask]})`,
  },
  wrong: {
    'counts the node zero': (p) =>
      unionFind(
        p,
        '0',
        p.ask === 'the size of the largest group' ? 'max(sizes) + (1 if len(sizes) == 2 else 0)' : EXPRESSIONS[p.ask],
      ),
    'links the nodes and not their groups': (p) =>
      unionFind(p, '1', EXPRESSIONS[p.ask], 'parent[y] = x if x != y and find(x) != y else parent[y]'),
    'every link joins two groups': (p) => `
n, m = map(int, input().split())
${
  p.ask === 'the size of the largest group'
    ? 'print(min(n, m + 1))'
    : p.ask === 'the number of pairs of nodes in different groups'
      ? 'print(max(0, n * (n - 1) // 2 - m))'
      : `print(max(${p.ask === 'the number of groups' ? '1, n - m' : '0, n - m - 1'}))`
}`,
    'direct links only': (p) => `
n, m = map(int, input().split())
near = {node: {node} for node in range(1, n + 1)}
for _ in range(m):
    x, y = map(int, input().split())
    near[x].add(y)
    near[y].add(x)
sizes = [len(group) for group in set(frozenset(group) for group in near.values())]
print(${EXPRESSIONS[p.ask]})`,
  },
  steps: (p) => [
    'Nodes joined by a chain of links form one group; union-find or a search finds the groups.',
    `The result is ${p.ask}. Links to itself and repeated links change nothing.`,
  ],
})
