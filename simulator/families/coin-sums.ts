import { person, town } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut, numbersOf } from './layout.ts'

type Ask = 'fewest' | 'ways' | 'once'
interface Parameters {
  ask: Ask
  modulus: number
  maxAmount: number
}

const ASKS: Record<Ask, string> = {
  fewest:
    'the smallest number of coins that pay the amount exactly when every value may be used any number of times, or -1 if this is impossible',
  ways: 'the number of ways to pay the amount exactly when every value may be used any number of times and the order of the coins does not matter',
  once: 'the number of ways to pay the amount exactly when every coin of the list may be used at most once',
}
const ask = condition(text` ${any('Compute', 'Determine', 'Work out')} ${slot('ask', Object.values(ASKS).join('|'))}.`)
const input = any(
  text`The first line has two integers: the number $n$ of coins and the amount $t$. The second line lists the $n$ values.`,
  text`First $n$ and $t$ on one line, then $n$ coin values on the next.`,
)
const output = text`One integer. ${any('If it is a number of ways, print it', 'A number of ways is printed')} modulo ${slot('modulus')}.`
const limits = text`$1 \le n \le 30$, all values are different and between 1 and 200, $0 \le t \le ${slot('maxAmount')}$.`

/** Amounts paid with coins: a knapsack by dynamic programming. */
export const coinSums = codeFamily<Parameters>({
  name: 'coin-sums',
  concepts: [
    'dynamic programming',
    'knapsack problem',
    'combinatorial counting',
    'modular arithmetic in programs',
    'memoization',
  ],
  design: 'amounts that can be paid with a given list of coins',
  instance: (random, difficulty) => ({
    ask: difficulty < 3 ? 'fewest' : random.pick(['ways', 'once', 'fewest']),
    modulus: random.pick([1_000_000_007, 998_244_353, 1_000_003, 10_007, 65_537]),
    maxAmount: random.integer(1, 9) * 10 ** Math.min(5, 2 + Math.floor(difficulty / 2.5)),
  }),
  difficulty: ({ ask: a, maxAmount }) =>
    Math.min(8, { fewest: 1.2, ways: 3, once: 3.8 }[a] + (Math.log10(maxAmount) - 2) * 1.2),
  wordings: [
    layOut(
      text`The ${any('vending machine', 'toll booth', 'ticket office')} of ${town} accepts a fixed list of ${any('coins', 'tokens', 'coin values')}.${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${person} ${any('collects', 'sorts', 'saves')} coins of various values and wants to settle a bill without change.${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`You know a list of coin values and ${any('a target amount', 'an amount $t$')}. ${any('Nobody gives change.', 'Payments must be exact.')}${ask} ${any('Mind the case of an amount of 0, which needs no coin.', 'An amount of 0 is paid with no coin at all.')}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({ ask: ASKS[p.ask], modulus: String(p.modulus), maxAmount: String(p.maxAmount) }),
  read: (v) => {
    const found = (Object.keys(ASKS) as Ask[]).find((key) => ASKS[key] === v.ask)
    return found === undefined ? undefined : { ask: found, modulus: Number(v.modulus), maxAmount: Number(v.maxAmount) }
  },
  input: ({ maxAmount }, kind, random) => {
    const pick = (count: number, low: number, high: number): number[] =>
      random.sample(
        Array.from({ length: high - low + 1 }, (_, i) => low + i),
        count,
      )
    const limit = Math.min(maxAmount, 400)
    switch (kind) {
      case 'edge case': {
        const coin = random.integer(2, 9)
        return `1 ${String(random.pick([0, 1, coin, coin + 1, coin * 2]))}\n${String(coin)}`
      }
      case 'complex case': {
        const coins = pick(random.integer(8, 14), 1, 30)
        return `${String(coins.length)} ${String(random.integer(50, Math.min(limit, 150)))}\n${coins.join(' ')}`
      }
      case 'error-prone input': {
        const coins = random.pick([
          [1, 3, 4],
          [1, 5, 6, 9],
          [4, 6, 9],
          [2, 7, 8],
          [1, 7, 10],
          [3, 5, 8, 13],
        ])
        return `${String(coins.length)} ${String(random.integer(6, Math.min(limit, 30)))}\n${random.shuffle(coins).join(' ')}`
      }
      case 'critical path': {
        const coins = pick(random.integer(3, 5), 1, 12)
        return `${String(coins.length)} ${String(random.integer(5, Math.min(limit, 40)))}\n${coins.join(' ')}`
      }
    }
  },
  solve: ({ ask: a, modulus }, lines) => {
    const [, amount = 0] = numbersOf(lines[0])
    const coins = numbersOf(lines[1])
    if (a === 'fewest') {
      const fewest = new Array<number>(amount + 1).fill(Infinity)
      fewest[0] = 0
      for (let t = 1; t <= amount; t++) {
        for (const coin of coins)
          if (coin <= t) fewest[t] = Math.min(fewest[t] ?? Infinity, (fewest[t - coin] ?? Infinity) + 1)
      }
      return String(fewest[amount] === Infinity ? -1 : fewest[amount])
    }
    let ways = new Array<number>(amount + 1).fill(0)
    ways[0] = 1
    for (const coin of coins) {
      const next = [...ways]
      for (let t = coin; t <= amount; t++)
        next[t] = ((next[t] ?? 0) + ((a === 'once' ? ways : next)[t - coin] ?? 0)) % modulus
      ways = next
    }
    return String((ways[amount] ?? 0) % modulus)
  },
  right: {
    table: ({ ask: a, modulus }) =>
      a === 'fewest'
        ? `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, t = data[0], data[1]
    coins = data[2:2 + n]
    infinity = float("inf")
    best = [0] + [infinity] * t
    for amount in range(1, t + 1):
        for coin in coins:
            if coin <= amount and best[amount - coin] + 1 < best[amount]:
                best[amount] = best[amount - coin] + 1
    print(best[t] if best[t] != infinity else -1)

main()`
        : `
import sys

def main():
    data = list(map(int, sys.stdin.read().split()))
    n, t = data[0], data[1]
    ways = [1] + [0] * t
    for coin in data[2:2 + n]:
        for amount in ${a === 'once' ? 'range(t, coin - 1, -1)' : 'range(coin, t + 1)'}:
            ways[amount] = (ways[amount] + ways[amount - coin]) % ${String(modulus)}
    print(ways[t] % ${String(modulus)})

main()`,
    'sets and memory': ({ ask: a, modulus }) =>
      a === 'fewest'
        ? `
n, t = map(int, input().split())
coins = list(map(int, input().split()))
reached = {0}
seen = {0}
steps = 0
while reached and t not in seen:
    reached = {r + c for r in reached for c in coins if r + c <= t} - seen
    seen |= reached
    steps += 1
print(steps if t in seen else -1)`
        : `
n, t = map(int, input().split())
coins = list(map(int, input().split()))
counts = {0: 1}
for coin in coins:
    fresh = {}
    for amount, number in counts.items():
        ${a === 'once' ? 'for used in (0, coin):' : 'for used in range(0, t - amount + 1, coin):'}
            if amount + used <= t:
                fresh[amount + used] = fresh.get(amount + used, 0) + number
    counts = fresh
print(counts.get(t, 0) % ${String(modulus)})`,
  },
  wrong: {
    'greedy from the largest': ({ ask: a }) =>
      a === 'fewest'
        ? `
n, t = map(int, input().split())
coins = sorted(map(int, input().split()), reverse=True)
used = 0
for coin in coins:
    used += t // coin
    t %= coin
print(used if t == 0 else -1)`
        : undefined,
    'order counted': ({ ask: a, modulus }) =>
      a === 'ways'
        ? `
n, t = map(int, input().split())
coins = list(map(int, input().split()))
ways = [1] + [0] * t
for amount in range(1, t + 1):
    for coin in coins:
        if coin <= amount:
            ways[amount] += ways[amount - coin]
print(ways[t] % ${String(modulus)})`
        : undefined,
    'coins used again': ({ ask: a, modulus }) =>
      a === 'once'
        ? `
n, t = map(int, input().split())
ways = [1] + [0] * t
for coin in map(int, input().split()):
    for amount in range(coin, t + 1):
        ways[amount] += ways[amount - coin]
print(ways[t] % ${String(modulus)})`
        : undefined,
    'amount zero': ({ ask: a, modulus }) => `
n, t = map(int, input().split())
coins = list(map(int, input().split()))
${
  a === 'fewest'
    ? `best = [0] + [10 ** 9] * t
for amount in range(1, t + 1):
    for coin in coins:
        if coin < amount:
            best[amount] = min(best[amount], best[amount - coin] + 1)
        elif coin == amount:
            best[amount] = 1
print(best[t] if 0 < best[t] < 10 ** 9 else -1)`
    : `ways = [1] + [0] * t
for coin in coins:
    for amount in ${a === 'once' ? 'range(t, coin - 1, -1)' : 'range(coin, t + 1)'}:
        ways[amount] = (ways[amount] + ways[amount - coin]) % ${String(modulus)}
print(ways[t] if t > 0 else 0)`
}`,
    'impossible case': ({ ask: a, modulus }) => `
n, t = map(int, input().split())
coins = list(map(int, input().split()))
${
  a === 'fewest'
    ? `best = [0] + [t + 1] * t
for amount in range(1, t + 1):
    for coin in coins:
        if coin <= amount:
            best[amount] = min(best[amount], best[amount - coin] + 1)
print(best[t] if best[t] <= t else 0)`
    : `ways = [1] + [0] * t
for coin in coins:
    for amount in ${a === 'once' ? 'range(t, coin, -1)' : 'range(coin + 1, t + 1)'}:
        ways[amount] = (ways[amount] + ways[amount - coin]) % ${String(modulus)}
print(ways[t])`
}`,
  },
  slow: {
    'tries every combination': ({ ask: a, modulus }) =>
      a === 'fewest'
        ? `
n, t = map(int, input().split())
coins = list(map(int, input().split()))

def fewest(rest):
    if rest == 0:
        return 0
    found = [fewest(rest - coin) for coin in coins if coin <= rest]
    found = [f for f in found if f >= 0]
    return min(found) + 1 if found else -1

print(fewest(t))`
        : `
n, t = map(int, input().split())
coins = list(map(int, input().split()))

def ways(i, rest):
    if rest == 0:
        return 1
    if i == n or rest < 0:
        return 0
    return ways(i + 1, rest) + ways(${a === 'once' ? 'i + 1' : 'i'}, rest - coins[i])

print(ways(0, t) % ${String(modulus)})`,
  },
  steps: ({ ask: a }) => [
    `The task is ${ASKS[a]}.`,
    a === 'once'
      ? 'Going through the amounts downwards keeps a coin from being used twice.'
      : 'A table over all amounts up to the target is filled from smaller amounts.',
  ],
})
