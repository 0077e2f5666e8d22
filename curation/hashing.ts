/** Hashes by which texts are compared: fast, the same in every process and release, and safe against nobody. */

/** FNV-1a of the text's UTF-16 units, mixed once more. 32 bits, unsigned. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return mixed(hash)
}

/** A permutation of the numbers of 32 bits that spreads neighbours (MurmurHash3's last step). */
export function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
