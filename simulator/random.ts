/**
 * Seeded random numbers. Everything the simulator draws comes from one of these, so that the same request gives the
 * same answer.
 */

/**
 * A 53-bit hash of a text (two multiplicative 32-bit lanes, mixed at the end). Not cryptographic: it seeds generators and
 * keys caches.
 */
export function hashText(text: string, seed = 0): number {
  let low = 0xdeadbeef ^ seed
  let high = 0x41c6ce57 ^ seed
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 0x9e3779b1)
    high = Math.imul(high ^ code, 0x5f356495)
  }
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35)
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
  return 4294967296 * (high & 0x1fffff) + (low >>> 0)
}

/** A small fast generator (counter plus three words of state), seeded by any list of values. */
export class Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  /** Two generators made from equal lists of values draw equal numbers. */
  constructor(...seed: (string | number)[]) {
    const first = hashText(seed.join('\u0001'))
    this.a = first >>> 0
    this.b = Math.floor(first / 4294967296) >>> 0
    this.c = Math.imul(this.a ^ 0x2545f491, 0x9e3779b1) >>> 0
    for (let i = 0; i < 12; i++) this.bits()
  }

  private bits(): number {
    const sum = (this.a + this.b + this.counter++) >>> 0
    this.a = (this.b ^ (this.b >>> 9)) >>> 0
    this.b = (this.c + (this.c << 3)) >>> 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) >>> 0
    return sum
  }

  /** A number in [0, 1). */
  next(): number {
    return this.bits() / 4294967296
  }

  /** A whole number in [low, high], both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One item, each equally likely. Throws RangeError on an empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick: expected at least one item, got an empty list')
    return items[Math.floor(this.next() * items.length)] as T
  }

  /** One item, each with a likelihood in proportion to its weight (>= 0, not all 0). */
  weighted<T>(items: readonly T[], weight: (item: T) => number): T {
    let rest = this.next() * items.reduce((sum, item) => sum + weight(item), 0)
    for (const item of items) {
      rest -= weight(item)
      if (rest < 0) return item
    }
    return this.pick(items)
  }

  /** A draw from the standard normal distribution. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return radius * Math.cos(2 * Math.PI * this.next())
  }

  /** A new list with the same items in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(0, i)
      const swapped = result[i] as T
      result[i] = result[j] as T
      result[j] = swapped
    }
    return result
  }

  /** `count` different items in random order (all of them where there are fewer). */
  sample<T>(items: readonly T[], count: number): T[] {
    return this.shuffle(items).slice(0, count)
  }
}
