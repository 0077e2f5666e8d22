/** Texts of problems and models: paragraphs, fenced code, inline code and formulas. Everything else stays as it was written. */
import { beginningOf } from './beginning.ts'
import { codeBlock } from './code.ts'
import { html, type Content, type Html } from './html.ts'
import { formula, longestFormula, type MathBudget } from './math.ts'

interface ProseOptions {
  budget: MathBudget
  /** What is longer is cut. @default 20,000 */
  maxCharacters?: number
  /** Language of fenced code that names none. */
  language?: string
  /** Where the whole text can be had, for one that is cut. */
  whole?: Html
}

/** A text as a block of its own: nothing in it reaches beyond, whatever direction it is written in. */
export function prose(text: string, { budget, maxCharacters = 20_000, language, whole }: ProseOptions): Html {
  const { kept, cut } = shortened(text, maxCharacters)
  return html`<div class="prose" dir="auto">${blocksOf(kept, budget, language)}</div>
    ${cutNote(cut, whole)}`
}

/** A text without any markup, such as reasoning or what a program reads. */
export function plain(
  text: string,
  { maxCharacters = 20_000, whole }: { maxCharacters?: number; whole?: Html } = {},
): Html {
  const { kept, cut } = shortened(text, maxCharacters)
  return html`<pre class="plain" dir="auto">${kept}</pre>
    ${cutNote(cut, whole)}`
}

function shortened(text: string, maxCharacters: number): { kept: string; cut: number } {
  const kept = beginningOf(text, maxCharacters)
  return { kept, cut: text.length - kept.length }
}

function cutNote(cut: number, whole: Html | undefined): Content {
  return cut > 0 && html`<p class="cut">${cut.toLocaleString('en-US')} more characters are not shown here. ${whole}</p>`
}

function blocksOf(text: string, budget: MathBudget, language: string | undefined): Content[] {
  const blocks: Content[] = []
  let lines: string[] = []
  let fence: { mark: string; language: string } | undefined
  const flush = (): void => {
    const block = lines.join('\n')
    lines = []
    if (fence) blocks.push(codeBlock(block, fence.language || language))
    else
      for (const paragraph of block.split(/\n[ \t]*\n/))
        if (paragraph.trim() !== '') blocks.push(html`<p>${inlineText(paragraph.trim(), budget)}</p>`)
  }
  for (const line of text.replace(/\r\n?/g, '\n').split('\n')) {
    const [whole = '', mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? []
    const named = line.slice(whole.length)
    // What has a backtick behind it is code within a line.
    if (!fence && mark !== undefined && !named.includes('`')) {
      flush()
      fence = { mark, language: named }
    } else if (fence && line.trim().startsWith(fence.mark) && line.trim().replaceAll(fence.mark[0] ?? '', '') === '') {
      flush()
      fence = undefined
    } else lines.push(line)
  }
  flush()
  return blocks
}

const environments = new Set([
  'equation',
  'equation*',
  'align',
  'align*',
  'gather',
  'gather*',
  'aligned',
  'cases',
  'pmatrix',
  'bmatrix',
  'array',
])

/** Inline code and formulas of one paragraph. No place is looked at twice for the end of one kind of delimiter. */
export function inlineText(text: string, budget: MathBudget): Content[] {
  const parts: Content[] = []
  /** Where each kind of delimiter ends next, as of where it was asked for last; -1: nowhere. */
  const ends = new Map<string, number>()
  let plainFrom = 0
  const take = (from: number, to: number, part: Html): number => {
    parts.push(emphasised(text.slice(plainFrom, from)), part)
    plainFrom = to
    return to
  }
  const endOf = (close: string, from: number): number => {
    const known = ends.get(close)
    if (known !== undefined && (known < 0 || known >= from)) return known
    const at = close === '$' ? closingDollar(text, from) : text.indexOf(close, from)
    ends.set(close, at)
    return at
  }
  const special = /[$\\`]/g
  for (let found = special.exec(text); found; found = special.exec(text)) {
    const at = found.index
    const delimited = (open: string, close: string, display: boolean): boolean => {
      if (!text.startsWith(open, at)) return false
      const end = endOf(close, at + open.length)
      if (end < 0 || end - at > longestFormula || end === at + open.length) return false
      special.lastIndex = take(at, end + close.length, formula(text.slice(at + open.length, end), display, budget))
      return true
    }
    if (found[0] === '`') {
      const end = endOf('`', at + 1)
      if (end > at + 1) special.lastIndex = take(at, end + 1, html`<code>${text.slice(at + 1, end)}</code>`)
      continue
    }
    if (found[0] === '\\') {
      if (delimited('\\(', '\\)', false) || delimited('\\[', '\\]', true)) continue
      const environment = /^\\begin\{([a-z]+\*?)\}/.exec(text.slice(at, at + 20))?.[1]
      if (environment !== undefined && environments.has(environment)) {
        const close = `\\end{${environment}}`
        const end = endOf(close, at)
        if (end >= 0 && end - at <= longestFormula) {
          const to = end + close.length
          special.lastIndex = take(at, to, formula(text.slice(at, to), true, budget))
          continue
        }
      }
      // An escaped dollar is one.
      special.lastIndex = Math.max(special.lastIndex, at + 2)
      continue
    }
    if (delimited('$$', '$$', true)) continue
    if (/\s/.test(text[at + 1] ?? ' ')) continue
    delimited('$', '$', false)
  }
  parts.push(emphasised(text.slice(plainFrom)))
  return parts
}

/** Headings and what stands between two pairs of asterisks, as models like to write them. */
function emphasised(text: string): Content[] {
  return text
    .split(/(^#{1,6} [^\n]*$|(?<![\w*])\*\*[^\s*][^*\n]{0,200}\*\*(?![\w*]))/m)
    .map((part, index) => (index % 2 === 0 ? part : html`<strong>${part.replace(/^#+ |^\*\*|\*\*$/g, '')}</strong>`))
}

/** The next dollar that may end a formula: no white space before it, no digit behind it, so that amounts of money stay text. -1 where there is none. */
function closingDollar(text: string, from: number): number {
  for (let end = text.indexOf('$', from); end >= 0; end = text.indexOf('$', end + 1)) {
    const before = text[end - 1] ?? ''
    if (before !== '\\' && !/\s/.test(before) && !/\d/.test(text[end + 1] ?? '')) return end
  }
  return -1
}
