/** Ids and recipes: what a record is made of decides its id, never what came out, when, or on which try. */
import { createHash } from 'node:crypto'

/** Hexadecimal digits of an id: 96 bits, so that 10^9 records collide with a chance of about 10^-11. */
const idDigits = 24

/** SHA-256 over parts that are told apart whatever they hold; hexadecimal. */
export function hashOf(...parts: readonly (string | number | readonly string[])[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** `<kind>-<hash>` of kind, parents, recipe and ordinal: the same work has the same id on every replay. */
export function recordId(kind: string, parentIds: readonly string[], recipe: string, ordinal: number | string): string {
  return `${kind}-${hashOf(kind, parentIds, recipe, ordinal).slice(0, idDigits)}`
}

/** Id of a human text: the same text taken in twice is the same record. */
export function textId(kind: string, domain: string, text: string): string {
  return `${kind}-${hashOf(kind, domain, text).slice(0, idDigits)}`
}

/** A seed for a model call or a draw, from what it belongs to: 0 to 2^31 - 1, which every endpoint takes. */
export function seedOf(...parts: readonly (string | number)[]): number {
  return Number.parseInt(hashOf(...parts).slice(0, 8), 16) & 0x7fffffff
}
