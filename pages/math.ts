/** Formulas by KaTeX, as MathML, which needs no font and no style of its own. What is no formula, or too much of one, stays text. */
import katex from 'katex'
import { html, trusted, visible, type Html } from './html.ts'

/** How much of a page may be formulas: what goes beyond is shown as it was written, so that no text keeps the server busy. */
export class MathBudget {
  #characters: number
  #formulas: number

  /** @param characters of all formulas of the page together */
  constructor(characters = 60_000, formulas = 3000) {
    this.#characters = characters
    this.#formulas = formulas
  }

  /** Whether a formula still fits; then it is counted. */
  take(source: string): boolean {
    if (source.length > this.#characters || this.#formulas === 0) return false
    this.#characters -= source.length
    this.#formulas--
    return true
  }
}

/** Longest formula that is set; longer ones are no formulas. */
export const longestFormula = 3000
const deepestNesting = 24
const mostCells = 400

// A text of a few thousand characters can define macros that come to millions. No formula of a problem needs one.
const definition =
  /\\(?:[gex]?def|(?:future)?let|(?:re)?newcommand|providecommand|global|long|expandafter|noexpand|char)(?![a-zA-Z])/
// They reach outside of the formula, or draw whatever size they like.
const unwelcome = /\\(?:href|url|includegraphics|html[A-Z]\w*|rule|kern|mkern|hskip|mskip|hspace|raisebox)(?![a-zA-Z])/

/** The formula as MathML, or its source where it can't be set. */
export function formula(source: string, display: boolean, budget: MathBudget): Html {
  if (isModest(source) && budget.take(source)) {
    try {
      const markup = katex.renderToString(visible(source), {
        displayMode: display,
        output: 'mathml',
        throwOnError: true,
        trust: false,
        strict: 'ignore',
        maxExpand: 200,
        maxSize: 10,
        macros: {},
      })
      return html`<span class="${display ? 'formula display' : 'formula'}">${trusted(markup)}</span>`
    } catch {
      // Below: what is no LaTeX that KaTeX knows is read as it was written.
    }
  }
  return html`<code class="tex">${source}</code>`
}

function isModest(source: string): boolean {
  if (source.length > longestFormula || definition.test(source) || unwelcome.test(source)) return false
  let depth = 0
  let cells = 0
  for (let at = 0; at < source.length; at++) {
    const character = source[at]
    if (character === '\\') at++
    if (character === '{' && ++depth > deepestNesting) return false
    if (character === '}') depth--
    if ((character === '&' || (character === '\\' && source[at] === '\\')) && ++cells > mostCells) return false
  }
  // What nests without braces: \left( and environments, \sqrt\sqrt..., x^x^...
  return (source.match(/\\left|\\begin/g)?.length ?? 0) <= 60 && !/(?:\\[a-zA-Z]+\s*){30}/.test(source)
}
