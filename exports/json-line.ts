/** Rows as lines of JSON that every parser gives back as they were, and that do no harm on a terminal. */

// Line ends of other alphabets, C1 controls, and what reorders or hides text: some readers split lines at them, terminals obey them.
const escaped = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/** One line, without its end. Half of a surrogate pair, which is no text in any other language, becomes U+FFFD. */
export function jsonLine(value: unknown): string {
  const plain = JSON.stringify(value)
  // JSON.stringify escapes halves alone.
  const line = /\\ud[89a-f]/.test(plain) ? JSON.stringify(value, (_, inner: unknown) => wellFormed(inner)) : plain
  return line.replace(escaped, escapedUnits)
}

/** As JSON writes it: one escape for each half of a pair. */
function escapedUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}

function wellFormed(value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value).toString() : value
}
