/** Secrets: read from the environment here, and taken out of every text that leaves the process as a message. */
import { variable } from './environment.ts'

/** Values that were read as secrets, the longest first. */
let known: string[] = []
/** A shorter one would be found in everything. */
const shortestSecret = 4

/** What stands in the place of a secret. */
const redactedMark = '[redacted]'

/** The value of a variable that holds a secret; from then on no message shows it. */
export function secret(name: string): string | undefined {
  const value = variable(name)
  if (value !== undefined) keepSecret(value)
  return value
}

/** From now on no message shows this text, as it is or as it stands in a URL or in JSON. */
export function keepSecret(value: string): void {
  const text = value.trim()
  const forms = [text, encodeURIComponent(Buffer.from(text).toString()), JSON.stringify(text).slice(1, -1)]
  const added = forms.filter((form) => form.length >= shortestSecret && !known.includes(form))
  if (added.length > 0) known = [...new Set([...known, ...added])].sort((a, b) => b.length - a.length)
}

/** Words of which a name that holds a secret is made. */
const secretWords =
  'passw(?:or)?d|pwd|passphrase|secret|credentials?|api[_-]?key|access[_-]?key|token|auth|session|sig(?:nature)?'

/** What a secret looks like wherever it stands, and what becomes of it. Lengths are bounded: texts may be hostile. */
const shapes: readonly (readonly [RegExp, string])[] = [
  // User and password before the host of an address.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>`\\]{0,1024}@/gi, `$1${redactedMark}@`],
  // The query and the fragment of an address.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s?#"'<>`\\]{0,2048})[?#][^\s"'<>`\\)\]},;]+/gi, `$1?${redactedMark}`],
  // Headers.
  [
    /\b((?:proxy-)?authorization|(?:x-)?api-key|(?:set-)?cookie)(["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|digest|negotiate|token)\s+)?[^\s"',;]+/gi,
    `$1$2${redactedMark}`,
  ],
  [/\b(bearer)\s+(?=[^\s"',;]*[\d._~+/=-])[^\s"',;]{8,}/gi, `$1 ${redactedMark}`],
  // Pairs as in a form or a connection string.
  [new RegExp(`\\b([\\w-]{0,40}(?:${secretWords}))=[^\\s"'&,;]+`, 'gi'), `$1=${redactedMark}`],
  // Private keys.
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, redactedMark],
]

/** Keys that tell by their beginning whose they are, and tokens in three parts. */
const keyShape =
  /\b(?:sk-[\w-]{16,}|(?:sk|pk|rk)_(?:live|test)_\w{16,}|hf_\w{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|xox[abeoprs]-[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/g

/** Characters that a secret which is known by its shape may take, as far as a beginning of it would tell something. */
const longestShape = 4096

/**
 * The beginning of a text without secrets: at most so many characters, and dots where more is left out. A text is cleaned before it is cut, as a
 * secret that was cut through is known no longer.
 */
export function redactedBeginning(text: string, most: number): string {
  const margin = Math.max(longestShape, known[0]?.length ?? 0)
  const part = text.slice(0, 4 * most + margin)
  const clean = redacted(part)
  if (part.length === text.length) return clean.length > most ? `${clean.slice(0, most)}...` : clean
  // At the end of the part a secret may begin.
  return `${clean.slice(0, Math.max(0, Math.min(most, clean.length - margin)))}...`
}

/** A shorter key, such as `EMPTY` or `token-abc123`, stands in texts that have nothing to do with it. */
const shortestInAnswers = 16

/**
 * What a model wrote without the secrets that were read: an endpoint or proxy that repeats a key must not put it into records. Nothing that only
 * looks like a secret is touched: it is part of the answer. Secrets of fewer than 16 characters are left.
 */
export function withoutSecrets(answer: string): string {
  return withoutKnown(answer, shortestInAnswers)
}

/** The text without the secrets that were read and are at least so long. */
function withoutKnown(text: string, shortest: number): string {
  let clean = text
  for (const value of known)
    if (value.length >= shortest && clean.includes(value)) clean = clean.replaceAll(value, redactedMark)
  return clean
}

/** The text without secrets: those that were read, those that look like one, and what may hold one in an address or a header. */
export function redacted(text: string): string {
  let clean = withoutKnown(text, shortestSecret)
  for (const [shape, instead] of shapes) clean = clean.replace(shape, instead)
  return clean.replace(keyShape, redactedMark)
}

/** A password before the host of an address, a key that stands after the name of its header, or one in PEM. */
const plainSecrets = [
  /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/?#"'<>`\\:@]{0,512}:(?![$][({])[^\s/?#"'<>`\\@]{1,512}@/i,
  /\bauthorization["']?\s{0,8}[:=]\s{0,8}["']?(?:bearer|basic)\s{1,8}[\w.~+/=-]{8}/i,
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/,
]

/** Whether a text holds what can be nothing but a secret. Unlike `redacted` it leaves alone what only may be one. */
export function holdsSecret(text: string): boolean {
  return [keyShape, ...plainSecrets].some((shape) => text.search(shape) >= 0)
}
