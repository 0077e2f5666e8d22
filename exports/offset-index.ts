/** Ids to whole numbers, in 16 bytes an entry (a Map of texts takes some 100): millions of them fit into memory. */
import { hashNumber } from './hash.ts'

const initialSlots = 1 << 12
const fullAt = 0.7

/** Open addressing over 64 bits of each id's hash. Two of 10^7 ids share them with a chance of 3 in 10^6; who looks up compares ids. */
export class OffsetIndex {
  #keys = new BigUint64Array(initialSlots)
  #values = new Float64Array(initialSlots)
  #size = 0

  get(id: string): number | undefined {
    const slot = this.#slotOf(keyOf(id))
    return this.#keys[slot] === 0n ? undefined : this.#values[slot]
  }

  set(id: string, value: number): void {
    if (this.#size >= this.#keys.length * fullAt) this.#grow()
    this.#put(keyOf(id), value)
  }

  #put(key: bigint, value: number): void {
    const slot = this.#slotOf(key)
    if (this.#keys[slot] === 0n) this.#size++
    this.#keys[slot] = key
    this.#values[slot] = value
  }

  #slotOf(key: bigint): number {
    const mask = this.#keys.length - 1
    let slot = Number(BigInt.asUintN(32, key)) & mask
    while (this.#keys[slot] !== 0n && this.#keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = new BigUint64Array(keys.length * 2)
    this.#values = new Float64Array(keys.length * 2)
    this.#size = 0
    for (const [slot, key] of keys.entries()) if (key !== 0n) this.#put(key, values[slot] ?? 0)
  }
}

/** 0 marks an empty slot. */
function keyOf(id: string): bigint {
  return hashNumber(id) || 1n
}
