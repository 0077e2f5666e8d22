/** Hashes that samples and splits go by: they depend on nothing but the texts, so that they never change. */
import { createHash } from 'node:crypto'

/** The first 64 bits of the SHA-256 of texts that are told apart whatever they hold. */
export function hashNumber(...texts: readonly string[]): bigint {
  return createHash('sha256').update(JSON.stringify(texts)).digest().readBigUInt64BE()
}

/** The same as a fraction from 0 to below 1. */
export function hashFraction(...texts: readonly string[]): number {
  return Number(hashNumber(...texts) >> 11n) / 2 ** 53
}
