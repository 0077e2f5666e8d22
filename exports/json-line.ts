/** Rows as lines of JSON that every parser gives back as they were, and that do no harm on a terminal. */

// Line ends of other alphabets, C1 controls and what reorders text: some readers split lines at them, terminals obey them.
const escaped = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** One line, without its end. Half of a surrogate pair, which is no text in any other language, becomes U+FFFD. */
export function jsonLine(value: unknown): string {
  const plain = JSON.stringify(value)
  // JSON.stringify escapes halves alone.
  const line = /\\ud[89a-f]/.test(plain) ? JSON.stringify(value, (_, inner: unknown) => wellFormed(inner)) : plain
  return line.replace(escaped, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function wellFormed(value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value).toString() : value
}
