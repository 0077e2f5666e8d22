import { createHash } from 'node:crypto'

/** Bytes that can't be compressed, always the same for a seed. */
export function noise(bytes, seed) {
  return createHash('shake256', { outputLength: bytes }).update(seed).digest()
}
