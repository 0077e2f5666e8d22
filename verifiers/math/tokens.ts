import { limits, Undecided } from './limits.ts'
import { isBareUnit } from './units.ts'

/** How commas between digits are read: as thousands marks where they fit, as separators, or as one decimal mark. */
type CommaReading = 'thousands' | 'separators' | 'decimal'

/** One token of an answer. `mark` is punctuation or an operator, `word` ordinary language. */
export interface Token {
  readonly type: 'number' | 'letter' | 'word' | 'command' | 'mark'
  readonly text: string
  /** White space stood before it. */
  readonly spaced: boolean
  /** A word that was marked as text, so it is never a product of variables. */
  readonly textual?: boolean
  /** Digits that repeat after the last one of a number. */
  readonly repeating?: string
  /** Decimal exponent of 1.5e10. */
  readonly exponent?: number
  /** A bare letter taken for a unit. */
  readonly guessed?: boolean
  /** The number ended in an ellipsis. */
  readonly truncated?: boolean
}

// What a model wrote is looked up in maps throughout: `constructor` would be found in any plain object.
const unicode = new Map(
  Object.entries({
    '\u2212': '-',
    '\u2013': '-',
    '\u2014': '-',
    '\u00d7': '\\times ',
    '\u00f7': '\\div ',
    '\u00b7': '\\cdot ',
    '\u22c5': '\\cdot ',
    '\u03c0': '\\pi ',
    '\u221e': '\\infty ',
    '\u221a': '\\sqrt ',
    '\u2264': '\\le ',
    '\u2265': '\\ge ',
    '\u2260': '\\ne ',
    '\u2248': '\\approx ',
    '\u222a': '\\cup ',
    '\u2229': '\\cap ',
    '\u2208': '\\in ',
    '\u00b0': '^\\circ ',
    '\u00b2': '^2',
    '\u00b3': '^3',
    '\u2074': '^4',
    '\u2075': '^5',
    '\u00bd': '\\frac12',
    '\u00bc': '\\frac14',
    '\u00be': '\\frac34',
    '\u2153': '\\frac13',
    '\u2154': '\\frac23',
    '\u2205': '\\emptyset ',
    '\u00b1': '\\pm ',
    '\u2213': '\\mp ',
    '\u03b8': '\\theta ',
    '\u03b1': '\\alpha ',
    '\u03b2': '\\beta ',
    '\u03b3': '\\gamma ',
    '\u03bb': '\\lambda ',
    '\u03c6': '\\phi ',
    '\u03c9': '\\omega ',
    '\uff0c': ',',
    '\uff08': '(',
    '\uff09': ')',
    '\u00a0': ' ',
    '\u202f': ' ',
    '\u2009': ' ',
    '\u2044': '/',
    '\u2115': '\\mathbb{N}',
    '\u211d': '\\mathbb{R}',
    '\u2124': '\\mathbb{Z}',
    '\u221b': '\\sqrt[3]',
    '\u2032': "'",
    '\u2019': "'",
    '\u20ac': '\\euro ',
    '\u00a3': '\\pounds ',
    '\u2026': '\\ldots ',
    '\u27e8': '\\langle ',
    '\u27e9': '\\rangle ',
    '\u200b': '',
    '\ufeff': '',
  }),
)
const unicodePattern = new RegExp(`[${[...unicode.keys()].join('')}]`, 'g')

const isDigit = (c: string): boolean => c >= '0' && c <= '9'
const isLetter = (c: string): boolean => (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')

/**
 * Takes away what doesn't change the meaning of a whole answer: dollar signs and \( \) around it, a \boxed left on it,
 * bold marks, a full stop at the end, backslashes doubled by a JSON round trip.
 */
export function cleanAnswer(answer: string): string {
  let text = withoutEdges(answer)
  if (/[^\x20-\x7e]/.test(text)) text = text.replace(unicodePattern, (c) => unicode.get(c) ?? c)
  if (text.includes('\\\\') && !/(?<!\\)\\[a-zA-Z]/.test(text))
    text = text.replaceAll(/\\\\(?=\\\\|[a-zA-Z%$,!;{}])/g, '\\')
  for (let round = 0; round < 6; round++) {
    const before = text
    if (text.startsWith('**') && text.endsWith('**') && text.length > 4) text = text.slice(2, -2).trim()
    if (text.startsWith('$') && text.endsWith('$') && text.length > 2)
      text = text.replaceAll(/^\$+|(?<!\\)\$+$/g, '').trim()
    if (text.startsWith('\\(') && text.endsWith('\\)')) text = text.slice(2, -2).trim()
    if (text.startsWith('\\[') && text.endsWith('\\]')) text = text.slice(2, -2).trim()
    if (/(?<![.\\])\.$/.test(text)) text = text.slice(0, -1).trim()
    const boxed = /^\\(?:boxed|fbox)\s*\{/.exec(text)
    if (boxed !== null && closingBrace(text, boxed[0].length - 1) === text.length - 1)
      text = text.slice(boxed[0].length, -1).trim()
    if (text.startsWith('{') && closingBrace(text, 0) === text.length - 1) text = text.slice(1, -1).trim()
    text = withoutEdges(text)
    if (text === before) break
  }
  return text
}

const edges = ['\\qquad', '\\quad', '\\,', '\\;', '\\:', '\\!', '\\ ', '~']

// Spacing at either end says nothing.
function withoutEdges(answer: string): string {
  let text = answer.trim()
  for (let round = 0; round < 16; round++) {
    const last = edges.find((edge) => text.endsWith(edge) && text.charAt(text.length - edge.length - 1) !== '\\')
    if (last === undefined) break
    text = text.slice(0, -last.length).trim()
  }
  return text
}

/** Index of the brace that closes the one at `open`, or -1; escaped braces don't count. */
export function closingBrace(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 92) i++
    else if (c === 123) depth++
    else if (c === 125 && --depth === 0) return i
  }
  return -1
}

const skipped = new Set(
  (
    'left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle limits nolimits ' +
    'thinspace medspace thickspace enspace enskip hfill nobreak allowbreak rm bf it sf tt strut mathstrut break newline centering ' +
    'large Large LARGE small normalsize noindent par'
  ).split(' '),
)
const textStyles = new Set('text mbox textbf textit textrm texttt textsf textnormal textsc hbox emph'.split(' '))
const letterStyles = new Set(
  'mathrm mathbf mathit mathsf mathcal mathtt mathfrak operatorname bm boldsymbol pmb bold underline boxed fbox'.split(
    ' ',
  ),
)
// In these i, j and k may be the unit vectors.
const boldStyles = new Set('mathbf bm boldsymbol pmb bold'.split(' '))
const marks = new Map(
  Object.entries({
    le: '<=',
    leq: '<=',
    leqslant: '<=',
    leqq: '<=',
    ge: '>=',
    geq: '>=',
    geqslant: '>=',
    geqq: '>=',
    lt: '<',
    gt: '>',
    ne: '!=',
    neq: '!=',
    approx: '~=',
    simeq: '~=',
    thickapprox: '~=',
    in: 'in',
    cup: 'union',
    cap: 'intersection',
    setminus: 'difference',
    backslash: 'difference',
    smallsetminus: 'difference',
    pm: 'plusminus',
    mp: 'minusplus',
    cdot: '*',
    times: '*',
    ast: '*',
    div: '/',
    lbrace: '{|',
    rbrace: '|}',
    lvert: '|',
    rvert: '|',
    vert: '|',
    mid: '|',
    colon: ':',
    ldots: 'dots',
    dots: 'dots',
    cdots: 'dots',
    dotsc: 'dots',
    quad: 'quad',
    qquad: 'quad',
    lbrack: '[',
    rbrack: ']',
    lparen: '(',
    rparen: ')',
    equiv: 'equiv',
    cr: 'row',
    prime: "'",
    pounds: 'pounds',
    euro: 'euro',
    degree: 'degree',
    textdegree: 'degree',
    slash: '/',
    quot: '/',
    dollar: 'dollar',
    textdollar: 'dollar',
  }),
)
const greek = new Set(
  (
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma tau upsilon phi chi psi omega ' +
    'Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar'
  ).split(' '),
)
const greekVariants = new Map(
  Object.entries({
    varphi: 'phi',
    vartheta: 'theta',
    varepsilon: 'epsilon',
    varrho: 'rho',
    varsigma: 'sigma',
    varpi: 'pi',
  }),
)

/** Functions that are read without brackets around their argument. */
export const functionNames = new Set(
  (
    'sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan arccot asin acos atan ln log lg exp gcd lcm max min floor ceil abs sqrt ' +
    'cbrt det deg'
  ).split(' '),
)
const bareConstants = new Map(
  Object.entries({
    pi: 'pi',
    infinity: 'infty',
    inf: 'infty',
    infty: 'infty',
    oo: 'infty',
    theta: 'theta',
    alpha: 'alpha',
    beta: 'beta',
  }),
)

const numberPattern = /\d+(?:\.\d+)?|\.\d+/y
const groupedPattern =
  /[1-9]\d{0,2}(?:(?:,\s*\\!\s*|\\[!,;:\x20]\s*|\{,\}\s*(?:\\!)?|~|\x20)\d{3})+(?!\d)(?:\.\d+)?(?!\s*\/)/y
const commaThousandsPattern = /[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?/y
const europeanPattern = /\d{1,3}(?:\.\d{3})+,\d+(?!\d)/y
const decimalCommaPattern = /\d+(?:\{,\}|,)\d+/y
const bracedDecimalPattern = /(?:0\{,\}\d+|\d+\{,\}(?!\d{3}(?!\d))\d+)/y
const repeatingPattern = /\\(?:overline|bar|dot)\s*\{?(\d+)\}?/y
const bracketedPeriodPattern = /\(\d+\)/y
const ellipsisPattern = /\\(?:ldots|dots|cdots)(?![a-zA-Z])|\.\.\.+/y
const exponentPattern = /[eE]([+-]?\d{1,6})(?![\d.])/y
const degreePattern = /\^\s*(?:\{\s*\\(?:circ|degree)\s*\}|\\(?:circ|degree)(?![a-zA-Z]))/y
const wordPattern = /[A-Za-z]+/y
const textWordPattern = /[\p{L}][\p{L}\p{M}'.-]*/uy
const commandPattern = /\\([a-zA-Z]+)\*?/y

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

class Tokenizer {
  private readonly tokens: Token[] = []
  private readonly text: string
  private readonly commas: CommaReading
  private brackets = 0
  private spaced = false

  constructor(text: string, commas: CommaReading) {
    this.text = text
    this.commas = commas
  }

  run(): Token[] {
    this.scan(0, this.text.length, 0)
    return this.tokens
  }

  private push(type: Token['type'], text: string, more?: Partial<Token>): void {
    if (this.tokens.length >= limits.tokens) throw new Undecided('too_long')
    this.tokens.push({ type, text, spaced: this.spaced, ...more })
    this.spaced = false
  }

  private scan(from: number, to: number, depth: number): void {
    if (depth > 8) throw new Undecided('too_deep')
    let at = from
    while (at < to) {
      const c = this.text.charAt(at)
      if (c === ' ' || c === '\n' || c === '\t' || c === '\r' || c === '~') {
        this.spaced = true
        at++
      } else if (c === '$') at++
      else if (isDigit(c) || (c === '.' && isDigit(this.text.charAt(at + 1)))) at = this.number(at)
      else if (isLetter(c)) at = this.letters(at)
      else if (c === '\\') at = this.command(at, to, depth)
      else at = this.mark(at, c)
    }
  }

  // The digits at a place with their marks taken out, and how long they were written.
  private digits(at: number): [digits: string, length: number] {
    const { text } = this
    const braced = match(bracedDecimalPattern, text, at)?.[0]
    if (braced !== undefined) return [braced.replace('{,}', '.'), braced.length]
    if (this.commas === 'decimal') {
      const european = match(europeanPattern, text, at)?.[0]
      if (european !== undefined) return [european.replaceAll('.', '').replace(',', '.'), european.length]
      const comma = this.brackets === 0 ? match(decimalCommaPattern, text, at)?.[0] : undefined
      if (comma !== undefined) return [comma.replace(/\{,\}|,/, '.'), comma.length]
    }
    const grouped = match(groupedPattern, text, at)?.[0]
    if (grouped !== undefined) return [grouped.replaceAll(/[^\d.]/g, ''), grouped.length]
    if (this.commas === 'thousands' && this.brackets === 0) {
      const thousands = match(commaThousandsPattern, text, at)?.[0]
      if (thousands !== undefined) return [thousands.replaceAll(',', ''), thousands.length]
    }
    const plain = match(numberPattern, text, at)?.[0] ?? ''
    return [plain, plain.length]
  }

  private number(at: number): number {
    const { text } = this
    const written = this.digits(at)
    let digits = written[0]
    let end = at + written[1]
    const more: { -readonly [K in keyof Token]?: Token[K] } = {}
    const bare = !digits.includes('.') && text.charAt(end) === '.'
    const tail = bare ? end + 1 : end
    const repeating = digits.includes('.') || bare ? match(repeatingPattern, text, tail) : null
    if (repeating?.[1] !== undefined) {
      more.repeating = repeating[1]
      end = tail + repeating[0].length
      if (bare) digits += '.'
    } else if (digits.includes('.')) {
      // 0.3(3) is one third for some, and a product for others.
      if (match(bracketedPeriodPattern, text, end) !== null) throw new Undecided('not_understood')
      const ellipsis = match(ellipsisPattern, text, end)
      if (ellipsis !== null) {
        more.truncated = true
        end += ellipsis[0].length
      }
    }
    const exponent = match(exponentPattern, text, end)
    if (exponent?.[1] !== undefined) {
      more.exponent = Number(exponent[1])
      end += exponent[0].length
    }
    this.push('number', digits, more)
    return end
  }

  private letters(at: number): number {
    const run = match(wordPattern, this.text, at)?.[0] ?? this.text.charAt(at)
    const end = at + run.length
    if (run.length === 1) {
      this.push('letter', run)
      return end
    }
    const lower = run.toLowerCase()
    const constant = bareConstants.get(lower)
    const last = this.tokens.at(-1)
    const afterAmount = last !== undefined && (last.type === 'number' || last.text === '}' || last.text === ')')
    // 3:30 pm: the half of the day, and no product of p and m.
    const isHalfDay = (lower === 'am' || lower === 'pm') && last?.type === 'number' && this.tokens.at(-2)?.text === ':'
    if (lower === 'and' || lower === 'or') this.push('word', lower, { textual: true })
    else if (isHalfDay) this.push('word', run, { textual: true })
    else if (
      afterAmount &&
      (isBareUnit(lower) || lower === 'pct' || lower === 'percent') &&
      !(lower === 'in' && !this.spaced)
    )
      this.push('word', run, { textual: true })
    else if (constant !== undefined) this.push('command', constant)
    else if (functionNames.has(lower)) this.push('command', lower)
    else {
      const split = /^(sin|cos|tan|cot|sec|csc|ln|log|sqrt)([a-z])$/.exec(run)
      if (split?.[1] !== undefined && split[2] !== undefined) {
        this.push('command', split[1])
        this.push('letter', split[2])
      } else this.push('word', run)
    }
    return end
  }

  private command(at: number, to: number, depth: number): number {
    const { text } = this
    const found = match(commandPattern, text, at)
    if (found?.[1] === undefined) {
      const next = text.charAt(at + 1)
      switch (next) {
        case '\\':
          this.push('mark', 'row')
          break
        case '{':
          this.brackets++
          this.push('mark', '{|')
          break
        case '}':
          this.brackets--
          this.push('mark', '|}')
          break
        case '%':
        case '&':
        case '#':
        case '_':
          this.push('mark', next)
          break
        case '$':
          this.push('mark', 'dollar')
          break
        case '|':
          this.push('mark', '||')
          break
        case '(':
        case ')':
        case '[':
        case ']':
          break
        default:
          this.spaced = true
      }
      return at + 2
    }
    const name = found[1]
    let end = at + found[0].length
    if (name === 'left' || name === 'right') {
      if (text.charAt(end) === '.') end++
      return end
    }
    if (skipped.has(name)) return end
    const quad = /^q?quad(?=[a-zA-Z])/.exec(name)
    if (quad !== null) {
      // A blank lost between a command and a variable: \quadx.
      this.push('mark', 'quad')
      return at + 1 + quad[0].length
    }
    if (textStyles.has(name) || letterStyles.has(name)) return this.styled(name, end, to, depth)
    if (name === 'mathbb' || name === 'Bbb') {
      const set = /\{?\s*([A-Z])\s*\}?/y
      const letter = match(set, text, end)
      if (letter?.[1] === undefined) throw new Undecided('not_understood')
      this.push('command', `set${letter[1]}`)
      return end + letter[0].length
    }
    if (name === 'begin' || name === 'end') {
      const environment = match(/\s*\{([a-zA-Z]*)\*?\}/y, text, end)
      if (environment?.[1] === undefined) throw new Undecided('not_understood')
      end += environment[0].length
      if (environment[1] === 'array' && name === 'begin') end += match(/\s*\{[^{}]*\}/y, text, end)?.[0].length ?? 0
      this.push('command', `${name}:${environment[1]}`)
      return end
    }
    if (
      name === 'hspace' ||
      name === 'vspace' ||
      name === 'kern' ||
      name === 'color' ||
      name === 'label' ||
      name === 'phantom'
    ) {
      const open = /\s*/y
      const gap = match(open, text, end)?.[0].length ?? 0
      if (text.charAt(end + gap) !== '{') return end
      const close = closingBrace(text, end + gap)
      return close < 0 ? to : close + 1
    }
    const mark = marks.get(name)
    if (mark !== undefined) {
      this.push('mark', mark)
      if (mark === '{|' || mark === '[' || mark === '(') this.brackets++
      if (mark === '|}' || mark === ']' || mark === ')') this.brackets--
      return end
    }
    if (name === 'langle') this.brackets++
    if (name === 'rangle') this.brackets--
    const variant = greekVariants.get(name) ?? name
    if (greek.has(variant)) this.push('letter', variant)
    else this.push('command', variant)
    return end
  }

  // \text{...} holds words, \mathrm{...} one upright symbol, function or unit.
  private styled(name: string, at: number, to: number, depth: number): number {
    const { text } = this
    let open = at
    while (text.charAt(open) === ' ') open++
    if (text.charAt(open) !== '{') {
      if (!boldStyles.has(name) || !/[ijk]/.test(text.charAt(open))) return at
      this.push('letter', `${text.charAt(open)} bold`)
      return open + 1
    }
    const close = closingBrace(text, open)
    if (close < 0 || close >= to) throw new Undecided('not_understood')
    if (name === 'boxed' || name === 'fbox' || name === 'underline') {
      this.scan(open + 1, close, depth + 1)
      return close + 1
    }
    const inner = text.slice(open + 1, close)
    const content = inner.replaceAll(/[~\s]|\\[,;:! ]/g, ' ').trim()
    if (letterStyles.has(name)) {
      if (/^[A-Za-z]$/.test(content)) {
        // An upright letter after an amount and a space is a unit: 5\mathrm{~m}.
        const last = this.tokens.at(-1)
        const unit = inner.length > 1 && last?.type === 'number' && name === 'mathrm'
        if (unit) this.push('word', content, { textual: true })
        else this.push('letter', boldStyles.has(name) && /[ijk]/.test(content) ? `${content} bold` : content)
        return close + 1
      }
      if (functionNames.has(content)) {
        this.push('command', content)
        return close + 1
      }
      if (/^-?[\d.,]+$/.test(content) || content.includes('\\')) {
        this.scan(open + 1, close, depth + 1)
        return close + 1
      }
    }
    this.words(open + 1, close, depth + 1)
    return close + 1
  }

  private words(from: number, to: number, depth: number): void {
    let at = from
    this.spaced = true
    while (at < to) {
      const c = this.text.charAt(at)
      const word = match(textWordPattern, this.text, at)?.[0]
      if (word !== undefined) {
        const kept = word.slice(0, to - at).replaceAll(/[.'-]+$|(?<=\b\p{L})\./gu, '')
        this.push('word', kept, { textual: true })
        at += word.length
      } else if (c === '\\') {
        at = this.command(at, to, depth)
      } else if (c === ' ' || c === '~' || c === '\n' || c === '$') {
        this.spaced = true
        at++
      } else if (isDigit(c)) at = this.number(at)
      else at = this.mark(at, c)
    }
    this.spaced = true
  }

  private mark(at: number, c: string): number {
    const { text } = this
    const degree = c === '^' ? match(degreePattern, text, at) : null
    if (degree !== null) {
      this.push('mark', 'degree')
      return at + degree[0].length
    }
    const two = text.slice(at, at + 2)
    switch (two) {
      case '<=':
      case '>=':
      case '!=':
      case '~=':
        this.push('mark', two)
        return at + 2
      case '=<':
        this.push('mark', '<=')
        return at + 2
      case '=>':
        throw new Undecided('not_understood')
      case '==':
        this.push('mark', '=')
        return at + 2
      case '**':
        this.push('mark', '^')
        return at + 2
    }
    if (text.startsWith('+/-', at)) {
      this.push('mark', 'plusminus')
      return at + 3
    }
    if (c === '.') {
      const dots = match(ellipsisPattern, text, at)
      if (dots !== null) {
        this.push('mark', 'dots')
        return at + dots[0].length
      }
    }
    if (c === '(' || c === '[') this.brackets++
    if (c === ')' || c === ']') this.brackets--
    if (/[\p{L}]/u.test(c)) {
      const word = match(textWordPattern, text, at)?.[0] ?? c
      this.push('word', word, { textual: true })
      return at + word.length
    }
    if (!'+-*/^_()[]{}|,;:=<>!&%\'.?#"`'.includes(c)) throw new Undecided('not_understood')
    this.push('mark', c)
    return at + 1
  }
}

/** Splits a cleaned answer into tokens. Throws Undecided on what no answer holds and past the limits. */
export function tokenize(text: string, commas: CommaReading): Token[] {
  return new Tokenizer(text, commas).run()
}

/** The ways the commas of an answer can be read, the likeliest first. */
export function commaReadings(text: string): CommaReading[] {
  if (!/\d(?:,|\{,\})\d/.test(text)) return ['thousands']
  const thousands = /(?<!\d)[1-9]\d{0,2}(?:,\d{3})+(?!\d)/.test(text)
  const readings: CommaReading[] = ['thousands']
  if (thousands) readings.push('separators')
  else if (/^[^,([]*\d,\d+[^,\])]*$/.test(text)) readings.push('decimal')
  if (/(?<!\d)\d{1,3}(?:\.\d{3})+,\d/.test(text)) readings.push('decimal')
  return readings
}

const unitLetters = new Set(['m', 'g', 's', 'h', 'L', 'N', 'J', 'W', 'V'])

/**
 * The tokens with letters set apart after an amount taken for units (5 m, 3 m/s^2), or undefined when there are none.
 */
export function withGuessedUnit(tokens: readonly Token[]): Token[] | undefined {
  let at = tokens.length - 1
  for (; at > 0; at--) {
    const t = tokens[at]
    if (t === undefined) return undefined
    if (t.type === 'letter' && t.spaced && unitLetters.has(t.text)) break
    const fits =
      (t.type === 'letter' && unitLetters.has(t.text)) ||
      (t.type === 'number' && /^\d$/.test(t.text)) ||
      '^{}-/*'.includes(t.text)
    if (!fits) return undefined
  }
  const before = tokens[at - 1]
  if (at < 1 || !(before?.type === 'number' || before?.text === '}' || before?.text === ')')) return undefined
  return tokens.map((t, index) =>
    index >= at && t.type === 'letter' ? { ...t, type: 'word' as const, textual: true, guessed: true } : t,
  )
}
