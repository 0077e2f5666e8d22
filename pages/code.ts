/** Programs and queries with their syntax highlighted, on the server: highlight.js with the two languages that the domains run. */
import { createRequire } from 'node:module'
import { html, trusted, visible, type Html } from './html.ts'

/** What is used of it. Its own types would make those of a browser global in the whole project. */
interface Highlighter {
  registerLanguage(name: string, language: unknown): void
  highlight(code: string, options: { language: string; ignoreIllegals: boolean }): { value: string }
}

const require = createRequire(import.meta.url)
const highlighter = require('highlight.js/lib/core') as Highlighter
highlighter.registerLanguage('python', require('highlight.js/lib/languages/python'))
highlighter.registerLanguage('sql', require('highlight.js/lib/languages/sql'))

/** Names that models write behind the fence -> the language. */
const languages: ReadonlyMap<string, string> = new Map([
  ['python', 'python'],
  ['py', 'python'],
  ['python3', 'python'],
  ['sql', 'sql'],
  ['sqlite', 'sql'],
])

/** Longer texts are shown without colours. */
const mostCharacters = 20_000

/** A block of code. A language that is not known stays plain. */
export function codeBlock(code: string, language = ''): Html {
  const known = languages.get(language.trim().toLowerCase())
  const content =
    known !== undefined && code.length <= mostCharacters
      ? trusted(highlighter.highlight(visible(code), { language: known, ignoreIllegals: true }).value)
      : code
  return html`<pre class="code" dir="ltr"><code>${content}</code></pre>`
}
