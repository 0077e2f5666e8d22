/** Secrets that stand in manifests as plain text: known by the name of what holds them, or by what they look like. */
import { parseDocument } from 'yaml'
import { holdsSecret } from '../../engine/secrets.ts'
import { contentOf } from '../configuration-file.ts'

/** A count of tokens is none, nor what says where a secret is. */
const secretName = /(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key)(?:$|[-_\d])/i
const innocentName = /(?:file|path|variable|name|command)$/i
/** What another text is put in for, and switches. */
const noSecret = /^(?:\s*|[$].*|true|false)$/

/** Whether this is a secret, such as `JUDGES_API_KEY` with a value or `BASE_URL` with a user's password in it. */
export function isPlainSecret(name: string, value: string): boolean {
  return (secretName.test(name) && !innocentName.test(name) && !noSecret.test(value)) || holdsSecret(value)
}

/**
 * Where a text holds secrets: paths of YAML or JSON, names of `name=value`, the name itself where the text as a whole is one. No value is
 * shown.
 */
export function plainSecretsIn(name: string, text: string): string[] {
  if (isPlainSecret(name, text) && !/\n./.test(text)) return [name]
  const inside = [...namedIn(text)].filter(([path, value]) => isPlainSecret(path, value)).map(([path]) => path)
  if (inside.length > 0) return [...new Set(inside)].map((path) => `${name}: ${path}`)
  return isPlainSecret(name, text) ? [name] : []
}

/** All `path -> value` of a text: of YAML, else of lines and words `name=value`. */
function* namedIn(text: string): Generator<[string, string]> {
  const parsed = contentOf(parseDocument(text))
  if ('content' in parsed && typeof parsed.content === 'object' && parsed.content !== null) {
    yield* leavesOf(parsed.content, [])
    return
  }
  for (const [, path = '', value = ''] of text.matchAll(/(?:^|[\s;])(?:--)?([\w.-]{1,200})=([^\s;]+)/g))
    yield [path, value]
}

function* leavesOf(value: object, above: readonly string[]): Generator<[string, string]> {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const path = [...above, key]
    if (typeof inner === 'object' && inner !== null) yield* leavesOf(inner, path)
    else if (inner !== null) yield [path.join('.'), String(inner)]
  }
}
