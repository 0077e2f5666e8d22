/** Secrets that stand in manifests as plain text: known by the name of what holds them, or by what they look like. */
import { holdsSecret } from '../../engine/secrets.ts'
import { yamlOf } from './reading.ts'

/** A count of tokens is none, nor what says where a secret is. */
const secretName = /(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key)(?:$|[-_\d])/i
const innocentName = /(?:file|path|url|uri|variable|name|command|seconds)$/i
/** What another text is put in for, and switches. */
const noSecret = /^(?:\s*|[$][({].*|true|false)$/

/** A value that as a whole can be nothing but a key, short as it may be. */
const wholeKey = /^sk-[\w-]{6}/

/** Whether this is a secret, such as `JUDGES_API_KEY` with a value or `BASE_URL` with a user's password in it. */
export function isPlainSecret(name: string, value: string): boolean {
  const isNamed = secretName.test(name) && !innocentName.test(name) && !noSecret.test(value)
  return isNamed || wholeKey.test(value) || holdsSecret(value)
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
  const content = yamlOf(text)
  if (typeof content === 'object' && content !== null) {
    yield* leavesOf(content, [])
    return
  }
  for (const [, path = '', value = ''] of text.matchAll(/(?:^|[\s;])(?:--)?([\w.-]{1,200})=([^\s;]+)/g))
    yield [path, value]
}

function* leavesOf(value: object, above: readonly string[]): Generator<[string, string]> {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const path = [...above, key]
    if (typeof inner === 'object' && inner !== null) yield* leavesOf(inner, path)
    else if (typeof inner === 'string' || typeof inner === 'number') yield [path.join('.'), String(inner)]
  }
}
