import { limits, Undecided } from './limits.ts'
import { traits } from './numeric.ts'
import { add, divide, multiply, power, rational, rationalKey, type Rational } from './rational.ts'
import type { Node, Relation } from './syntax.ts'
import { functionNames, type Token } from './tokens.ts'
import { isQualified, multipliers, numberWords, unitOf, type UnitWord } from './units.ts'

const relations = new Set(['=', '~=', '<', '<=', '>', '>=', '!=', 'in'])
const fractions = new Set(['frac', 'dfrac', 'tfrac', 'cfrac', 'sfrac', 'nicefrac', 'flatfrac'])
const binomials = new Set(['binom', 'dbinom', 'tbinom'])
const accents = new Set([
  'overline',
  'bar',
  'vec',
  'hat',
  'tilde',
  'widehat',
  'overrightarrow',
  'overarc',
  'dot',
  'ddot',
])
// Over i, j and k these make unit vectors, as bold type does.
const unitAccents = new Set(['hat', 'widehat', 'vec'])
const unitName = /^([ijk]) (?:bold|hat)$/
const matrices = new Set(['matrix', 'pmatrix', 'bmatrix', 'Bmatrix', 'smallmatrix', 'array', 'vmatrix'])
const inverses = new Map(Object.entries({ sin: 'arcsin', cos: 'arccos', tan: 'arctan', cot: 'arccot' }))
const aliases = new Map(Object.entries({ asin: 'arcsin', acos: 'arccos', atan: 'arctan', lg: 'log' }))
const noSolution =
  /^(?:(?:there (?:is|are) )?no (?:real |such )?(?:solutions?|roots?|values?)(?: exists?)?|none|empty set|empty)$/
const allReals = /^(?:all|the set of all|any|every)(?: the)? real(?:s| numbers?)?$|^reals$|^real numbers$/

// Before a bracket these are functions, and the product letters are factors. Any other letter is a factor of a sum,
// p(1-p), and a function of everything else, T(n).
const functionLetters = new Set('f g h F G H P Q phi psi chi zeta Gamma Phi Psi'.split(' '))
const productLetters = new Set('a b c d k l m n r s t w x y z ell'.split(' '))

const isWord = (t: Token | undefined): t is Token => t?.type === 'word'
const isConnector = (t: Token | undefined): boolean =>
  t?.type === 'word' && t.textual === true && (t.text.toLowerCase() === 'and' || t.text.toLowerCase() === 'or')

// The number that words stand after; undefined after another expression.
const countOf = (node: Node): Rational | undefined =>
  node.k === 'negative' ? countOf(node.a) : node.k === 'number' ? node.value : undefined

/** A number as its digits say. */
function numberNode(t: Token): Node {
  const [whole = '', decimals = ''] = t.text.split('.')
  let value: Rational = rational(BigInt(whole + decimals || '0'))
  if (decimals !== '') value = divide(value, power(rational(10n), decimals.length))
  if (t.repeating !== undefined) {
    const period = rational(BigInt(t.repeating), 10n ** BigInt(t.repeating.length) - 1n)
    return { k: 'number', value: add(value, divide(period, power(rational(10n), decimals.length))) }
  }
  if (t.exponent !== undefined) value = multiply(value, power(rational(10n), t.exponent))
  if (!t.text.includes('.')) return { k: 'number', value }
  const node: Node = {
    k: 'number',
    value,
    decimals: decimals.length - (t.exponent ?? 0),
    significant: (whole + decimals).replace(/^0+/, '').length,
  }
  if (t.truncated === true) node.truncated = true
  return node
}

class Parser {
  private readonly tokens: Token[]
  private at = 0
  private depth = 0
  // Inside |...| the next bar closes; inside brackets a comma separates.
  private bars = 0

  constructor(tokens: Token[]) {
    this.tokens = tokens
  }

  answer(): Node {
    const node = this.list(() => this.peek() === undefined, true)
    if (this.at < this.tokens.length) this.fail()
    return node
  }

  private peek(offset = 0): Token | undefined {
    return this.tokens[this.at + offset]
  }

  private isMark(text: string, offset = 0): boolean {
    const t = this.tokens[this.at + offset]
    return t?.type === 'mark' && t.text === text
  }

  private isCommand(text: string): boolean {
    const t = this.tokens[this.at]
    return t?.type === 'command' && t.text === text
  }

  private accept(text: string): boolean {
    if (!this.isMark(text)) return false
    this.at++
    return true
  }

  private expect(text: string): void {
    if (!this.accept(text)) this.fail()
  }

  private fail(): never {
    throw new Undecided('not_understood')
  }

  private nested<T>(inside: () => T): T {
    if (++this.depth > limits.depth) throw new Undecided('too_deep')
    const node = inside()
    this.depth--
    return node
  }

  // Items between separators; one item alone is itself.
  private list(ended: () => boolean, top = false): Node {
    const items: Node[] = []
    let joiner: 'comma' | 'and' | 'or' = 'comma'
    for (;;) {
      let separated = items.length === 0
      for (;;) {
        const t = this.peek()
        if (isConnector(t)) {
          joiner = t?.text.toLowerCase() === 'or' ? 'or' : 'and'
        } else if (!(
          t?.type === 'mark' &&
          (t.text === ',' || t.text === ';' || t.text === 'quad' || (top && t.text === 'row'))
        ))
          break
        separated = true
        this.at++
      }
      if (ended()) break
      if (!separated || items.length >= limits.items) this.fail()
      items.push(this.element())
    }
    const first = items[0]
    if (first === undefined) this.fail()
    return items.length === 1 ? first : { k: 'list', items, joiner }
  }

  // One item of a list: plain words, or a relation.
  private element(): Node {
    return this.text() ?? this.relation()
  }

  // Ordinary words up to the next separator; undefined where mathematics is mixed in.
  private text(): Node | undefined {
    const first = this.peek()
    if (first?.type !== 'word') {
      if (first?.type !== 'mark' || first.text !== '(' || !isWord(this.peek(1)) || this.peek(1)?.textual !== true)
        return undefined
    }
    const words: string[] = []
    let end = this.at
    let textual = false
    for (; ; end++) {
      const t = this.tokens[end]
      if (t === undefined || isConnector(t)) break
      if (t.type === 'word') {
        words.push(t.text.toLowerCase())
        textual ||= t.textual === true || t.text.length > 5
      } else if (t.type === 'letter') words.push(t.text.toLowerCase())
      else if (t.type === 'number') words.push(t.text)
      else if (
        t.type === 'mark' &&
        (t.text === '(' || t.text === ')' || t.text === '-' || t.text === "'" || t.text === '.')
      )
        continue
      else if (t.type === 'mark' && (t.text === ',' || t.text === ';' || t.text === 'quad')) break
      else return undefined
    }
    const wordCount = words.filter((word) => /^\p{L}{2,}/u.test(word)).length
    if (words.length === 0 || wordCount === 0) {
      if (!textual) return undefined
    }
    if (!textual && wordCount === words.length && words.length === 1) {
      // A short bare run may be a product of variables: kept as words, compared as a product too.
      const run = first?.text ?? ''
      if (
        run.length <= 3 &&
        /^[a-z]+$/.test(run) &&
        !/^(?:no|yes|odd|not|one|two|six|ten|all|any|red|sat|sun|mon|tue|wed|thu|fri)$/.test(run)
      )
        return undefined
    } else if (!textual && words.some((word) => /^\d/.test(word))) return undefined
    this.at = end
    const phrase = words.join(' ')
    if (noSolution.test(phrase)) return { k: 'constant', name: 'empty' }
    if (allReals.test(phrase)) return { k: 'constant', name: 'reals' }
    if (/^(?:positive )?infinity$/.test(phrase)) return { k: 'constant', name: 'infinity' }
    if (phrase === 'negative infinity') return { k: 'negative', a: { k: 'constant', name: 'infinity' } }
    const n = numberWords.get(words[0] ?? '')
    if (n !== undefined && words.length === 1) return { k: 'number', value: rational(BigInt(n)) }
    return { k: 'text', words }
  }

  private relation(): Node {
    const sides: Node[] = []
    const ops: Relation[] = []
    const names: (string | undefined)[] = []
    // "= 5" and "\approx 3.14" stand for their right side.
    if (this.isMark('=') || this.isMark('~=')) this.at++
    for (;;) {
      const start = this.at
      sides.push(this.side())
      names.push(this.applied(start, this.at))
      const t = this.peek()
      if (t?.type !== 'mark' || !relations.has(t.text)) break
      ops.push(t.text as Relation)
      this.at++
      if (t.text === '=' && this.accept('~=')) ops[ops.length - 1] = '~='
    }
    const first = sides[0]
    if (first === undefined) this.fail()
    return ops.length === 0 ? first : { k: 'relation', sides, ops, names }
  }

  // The name on the left side of a definition that is no plain variable: f(x), P(A, B), the length AB, \angle ABC.
  private applied(start: number, end: number): string | undefined {
    const span = this.tokens.slice(start, end)
    const [first] = span
    if (first === undefined || span.length > 12) return undefined
    const text = span.map((t) => t.text).join('')
    const segment = /^\|?([A-Z]{2,4})\|?$/.exec(text)?.[1]
    if (segment !== undefined && (span.length > 1 || first.type === 'word')) return segment
    if (first.type !== 'letter' || span.length < 4 || span.at(-1)?.text !== ')') return undefined
    return /^[A-Za-z]+'*(?:\^\{?-1\}?)?(?:_\{?\w+\}?)?\([A-Za-z0-9]+(?:,[A-Za-z0-9]+)*\)$/.test(text) ? text : undefined
  }

  private side(): Node {
    // Words before a relation name the amount: \text{Area} = 5.
    const start = this.at
    if (isWord(this.peek()) && this.peek()?.textual === true) {
      while (isWord(this.peek()) && !isConnector(this.peek())) this.at++
      const t = this.peek()
      if (t?.type === 'mark' && (t.text === '=' || t.text === '~=' || t.text === ':')) {
        const words = this.tokens.slice(start, this.at).map((w) => w.text.toLowerCase())
        if (t.text === ':') {
          this.at++
          return this.side()
        }
        return { k: 'text', words }
      }
      this.at = start
    }
    let left = this.quantity()
    for (;;) {
      const t = this.peek()
      if (t?.type !== 'mark') return left
      if (t.text === 'union' || t.text === 'intersection' || t.text === 'difference') {
        this.at++
        left = { k: 'setoperation', op: t.text, a: left, b: this.quantity() }
      } else return left
    }
  }

  private quantity(): Node {
    let negative = false
    if (this.isMark('-') && (this.isMark('dollar', 1) || this.isMark('pounds', 1) || this.isMark('euro', 1))) {
      negative = true
      this.at++
    }
    const currency = this.accept('dollar')
      ? 'dollar'
      : this.accept('pounds')
        ? 'gbp'
        : this.accept('euro')
          ? 'euro'
          : undefined
    const startsAt = this.at
    let node = this.sum()
    if (this.isMark(':') && !relations.has(this.peek(1)?.text ?? '')) node = this.ratio(node, startsAt)
    if (negative) node = { k: 'negative', a: node }
    const multiplier = isWord(this.peek()) ? multipliers.get(this.peek()?.text.toLowerCase() ?? '') : undefined
    if (multiplier !== undefined) {
      this.at++
      const ten: Node = { k: 'number', value: rational(10n) }
      const exponent: Node = { k: 'number', value: rational(BigInt(multiplier)) }
      node = { k: 'operation', op: '*', a: node, b: { k: 'operation', op: '^', a: ten, b: exponent } }
    }
    if (currency !== undefined) {
      const unit = unitOf([{ word: currency, exponent: 1 }])
      if (unit !== undefined) node = { k: 'quantity', a: node, unit }
      const again = this.peek()
      if (isWord(again) && /^(?:dollars?|pounds?|euros?)$/i.test(again.text)) this.at++
      return node
    }
    return this.unit(node)
  }

  private ratio(first: Node, startsAt: number): Node {
    const parts = [first]
    const written = [this.tokens[startsAt]?.text ?? '']
    while (this.accept(':')) {
      written.push(this.peek()?.text ?? '')
      parts.push(this.sum())
      if (parts.length > 16) this.fail()
    }
    const t = this.peek()
    const half = isWord(t) ? /^([ap])\.?m\.?$/i.exec(t.text) : null
    if (half?.[1] !== undefined && parts.length === 2) {
      this.at++
      return this.clock(written, half[1].toLowerCase() === 'a' ? 'am' : 'pm')
    }
    return { k: 'ratio', parts, written }
  }

  private clock(written: readonly string[], half: 'am' | 'pm'): Node {
    const hours = Number(written[0])
    const minutes = Number(written[1] ?? '0')
    if (!(hours >= 1 && hours <= 12) || !(minutes >= 0 && minutes < 60)) this.fail()
    return { k: 'time', minutes: ((hours % 12) + (half === 'pm' ? 12 : 0)) * 60 + minutes, half }
  }

  // Words after an amount: its unit, with powers, "per" and "/".
  private unit(node: Node): Node {
    const t = this.peek()
    if (!isWord(t) || isConnector(t)) return node
    const half = /^([ap])m$/i.exec(t.text.replaceAll('.', ''))
    if (half?.[1] !== undefined && node.k === 'number') {
      this.at++
      return this.clock([node.value.n.toString(), '0'], half[1].toLowerCase() === 'a' ? 'am' : 'pm')
    }
    if (/^(?:percent|pct)$/i.test(t.text)) {
      this.at++
      return { k: 'percent', a: node }
    }
    if (/^base$/i.test(t.text) && node.k === 'number' && this.peek(1)?.type === 'number') {
      const base = Number(this.peek(1)?.text)
      this.at += 2
      return based(node, base)
    }
    const words: UnitWord[] = []
    let direction = 1
    for (;;) {
      const word = this.peek()
      if (
        word?.type === 'mark' &&
        word.text === '/' &&
        (isWord(this.peek(1)) || this.peek(1)?.type === 'letter') &&
        words.length > 0
      ) {
        direction = -1
        this.at++
        continue
      }
      if (word?.type === 'mark' && word.text === '*' && isWord(this.peek(1)) && words.length > 0) {
        this.at++
        continue
      }
      const letterUnit = word?.type === 'letter' && words.length > 0 && direction === -1
      if (!(isWord(word) || letterUnit) || isConnector(word)) break
      this.at++
      if (word.text.toLowerCase() === 'per') {
        // "5 per hour" is a rate of nothing.
        if (words.length === 0) this.fail()
        direction = -1
        continue
      }
      if (/^squared$/i.test(word.text) || /^cubed$/i.test(word.text)) {
        const last = words.at(-1)
        if (last === undefined) this.fail()
        last.exponent *= /^squared$/i.test(word.text) ? 2 : 3
        continue
      }
      let exponent = 1
      if (this.isMark('^')) {
        this.at++
        const braces = this.accept('{')
        const negative = this.accept('-')
        const digits = this.peek()
        if (digits?.type !== 'number' || !/^\d$/.test(digits.text)) this.fail()
        this.at++
        if (braces) this.expect('}')
        exponent = Number(digits.text) * (negative ? -1 : 1)
      }
      words.push({ word: word.text, exponent: exponent * direction })
      if (words.length > 12) this.fail()
    }
    const unit = unitOf(words)
    if (unit === undefined) return node
    if (isQualified(words, countOf(node))) this.fail()
    const next = this.peek()
    const quantity: Node = { k: 'quantity', a: node, unit, ...(t.guessed === true ? { guessed: true } : {}) }
    if (next?.type !== 'number' || !unit.measured) return quantity
    // 3 feet 4 inches: amounts of one dimension that follow each other add up.
    const rest = this.quantity()
    if (rest.k !== 'quantity' || rest.unit.dimension !== unit.dimension) this.fail()
    const scale: Node = { k: 'number', value: divide(rest.unit.factor, unit.factor) }
    return {
      k: 'quantity',
      a: { k: 'operation', op: '+', a: node, b: { k: 'operation', op: '*', a: rest.a, b: scale } },
      unit,
    }
  }

  // A sum, which n \choose k and a \over b take whole on either side.
  private sum(): Node {
    const left = this.terms()
    const name = this.isCommand('choose') ? 'choose' : this.isCommand('over') ? 'over' : undefined
    if (name === undefined) return left
    this.at++
    const right = this.terms()
    return name === 'over'
      ? { k: 'operation', op: '/', a: left, b: right }
      : { k: 'call', name: 'binomial', args: [left, right] }
  }

  private terms(): Node {
    return this.nested(() => {
      let left: Node
      if (this.isMark('plusminus') || this.isMark('minusplus')) {
        const upper = this.isMark('plusminus') ? 1 : -1
        this.at++
        left = { k: 'plusminus', upper, b: this.product() }
      } else left = this.product()
      for (;;) {
        const t = this.peek()
        if (t?.type !== 'mark') return left
        if (t.text === '+' || t.text === '-') {
          this.at++
          left = { k: 'operation', op: t.text, a: left, b: this.product() }
        } else if (t.text === 'plusminus' || t.text === 'minusplus') {
          this.at++
          left = { k: 'plusminus', upper: t.text === 'plusminus' ? 1 : -1, a: left, b: this.product() }
        } else return left
      }
    })
  }

  private product(): Node {
    let negative = false
    while (this.isMark('-') || this.isMark('+')) {
      if (this.isMark('-')) negative = !negative
      this.at++
    }
    let left = this.factor()
    for (;;) {
      const t = this.peek()
      if (t === undefined) break
      if (t.type === 'mark' && (t.text === '*' || t.text === '/')) {
        this.at++
        let flip = false
        while (this.isMark('-') || this.isMark('+')) {
          if (this.isMark('-')) flip = !flip
          this.at++
        }
        let right = this.factor()
        if (flip) right = { k: 'negative', a: right }
        left = { k: 'operation', op: t.text, a: left, b: right }
      } else if (this.startsFactor(left)) left = { k: 'operation', op: '*', a: left, b: this.factor() }
      else break
    }
    return negative ? { k: 'negative', a: left } : left
  }

  // Whether the next token goes on with the product without a sign.
  private startsFactor(left: Node): boolean {
    const t = this.peek()
    if (t === undefined) return false
    switch (t.type) {
      case 'number':
        // 5C2 counts combinations.
        if (/^[CP]$/.test(this.tokens[this.at - 1]?.text ?? '')) this.fail()
        return left.k !== 'number' && this.tokens[this.at - 1]?.type !== 'number'
      case 'letter':
        return true
      case 'word':
        return t.textual !== true && t.text.length <= 4
      case 'command':
        return (
          fractions.has(t.text) ||
          binomials.has(t.text) ||
          functionNames.has(t.text) ||
          accents.has(t.text) ||
          t.text === 'pi' ||
          t.text === 'infty' ||
          t.text === 'lfloor' ||
          t.text === 'lceil'
        )
      case 'mark':
        if (t.text === '{' && this.peek(1)?.type === 'number' && /^[CP]$/.test(this.tokens[this.at - 1]?.text ?? ''))
          this.fail()
        return t.text === '(' || t.text === '{' || t.text === '[' || (t.text === '|' && this.bars === 0)
    }
  }

  private factor(): Node {
    return this.nested(() => {
      const node = this.postfix(this.primary())
      const name = this.functionHead(node)
      if (name === undefined) return node
      const args = this.isMark('{') ? [this.group()] : this.bracketedArguments()
      return this.postfix({ k: 'call', name: `apply ${name}`, args })
    })
  }

  // The f or f^{-1} of f(x): a letter that stands for a function, with a bracket right after it.
  private functionHead(node: Node): string | undefined {
    if (!this.isMark('(') && !this.isMark('[') && !(this.isMark('{') && this.isMark('(', 1))) return undefined
    let symbol = node
    let exponent = ''
    if (node.k === 'operation' && node.op === '^') {
      symbol = node.a
      const sign = node.b.k === 'negative' ? '-' : ''
      const b = node.b.k === 'negative' ? node.b.a : node.b
      exponent = `^${sign}${b.k === 'number' ? rationalKey(b.value) : b.k === 'symbol' ? b.name : '?'}`
    }
    if (symbol.k !== 'symbol' || unitName.test(symbol.name)) return undefined
    const letter = /^[A-Za-z]+/.exec(symbol.name)?.[0] ?? ''
    const certain = functionLetters.has(letter) || symbol.name.includes("'")
    // f^{n+1}(x) has no name to compare by.
    if (certain && exponent.endsWith('?')) this.fail()
    if (!certain && (exponent !== '' || productLetters.has(letter) || this.holdsSum())) return undefined
    return symbol.name + exponent
  }

  // Whether the bracket that opens here has a sign in it.
  private holdsSum(): boolean {
    for (let at = this.at, open = 0; at < this.tokens.length; at++) {
      const { type, text } = this.tokens[at] as Token
      if (type !== 'mark') continue
      if (text === '(' || text === '[' || text === '{') open++
      else if ((text === ')' || text === ']' || text === '}') && --open === 0) return false
      else if (/^(?:[+-]|plusminus|minusplus)$/.test(text)) return true
    }
    return false
  }

  private bracketedArguments(): Node[] {
    const inner = this.parenthesis()
    return inner.k === 'tuple' ? [...inner.items] : [inner]
  }

  private postfix(start: Node): Node {
    let node = start
    for (;;) {
      const t = this.peek()
      if (t?.type !== 'mark') return node
      switch (t.text) {
        case '^': {
          this.at++
          const ordinal = this.ordinal()
          if (!ordinal) node = { k: 'operation', op: '^', a: node, b: this.script() }
          break
        }
        case '!':
          this.at++
          node = { k: 'call', name: 'factorial', args: [node] }
          if (this.isMark('!')) this.fail()
          break
        case 'degree': {
          this.at++
          const scale = this.peek()
          const letter = scale?.type === 'letter' || scale?.type === 'word' ? scale.text : ''
          const unit = letter === 'C' || letter === 'F' ? unitOf([{ word: letter, exponent: 1 }]) : undefined
          if (unit === undefined) node = { k: 'degree', a: node }
          else {
            this.at++
            node = { k: 'quantity', a: node, unit }
          }
          break
        }
        case '%':
          this.at++
          node = { k: 'percent', a: node }
          break
        default:
          return node
      }
    }
  }

  // The st, nd, rd or th of an ordinal number says nothing more.
  private ordinal(): boolean {
    const braced = this.isMark('{')
    const t = this.peek(braced ? 1 : 0)
    if (t?.type !== 'word' || !/^(?:st|nd|rd|th)$/.test(t.text)) return false
    this.at += braced ? 2 : 1
    if (braced) this.expect('}')
    return true
  }

  // An exponent: a group, or one signed factor with its own exponent.
  private script(): Node {
    return this.nested(() => {
      if (this.isMark('{')) return this.group()
      if (this.accept('-')) return { k: 'negative', a: this.script() }
      const base = this.primary()
      if (!this.accept('^')) return base
      return { k: 'operation', op: '^', a: base, b: this.script() }
    })
  }

  private group(): Node {
    this.expect('{')
    const bars = this.bars
    this.bars = 0
    const node = this.relation()
    this.bars = bars
    this.expect('}')
    return node
  }

  // An argument of \frac: a group, one digit of a number, or one symbol.
  private argument(): Node {
    if (this.isMark('{')) return this.group()
    const t = this.peek()
    if (t?.type === 'number' && t.text.length > 1 && /^\d+$/.test(t.text)) {
      this.tokens[this.at] = { ...t, text: t.text.slice(1), spaced: false }
      return { k: 'number', value: rational(BigInt(t.text.charAt(0))) }
    }
    return this.primary()
  }

  private primary(): Node {
    const t = this.peek()
    if (t === undefined) this.fail()
    switch (t.type) {
      case 'number':
        return this.numeral(t)
      case 'letter':
        this.at++
        return this.symbol(t.text)
      case 'word':
        return this.letters(t)
      case 'command':
        this.at++
        return this.nested(() => this.commanded(t.text))
      case 'mark':
        return this.nested(() => this.bracketed(t.text))
    }
  }

  private numeral(t: Token): Node {
    this.at++
    const node = numberNode(t)
    if (this.isMark('_')) {
      this.at++
      const braces = this.accept('{')
      const digits = this.peek()
      const named = isWord(digits) ? numberWords.get(digits.text.toLowerCase()) : undefined
      if (digits?.type !== 'number' && named === undefined) this.fail()
      this.at++
      if (braces) this.expect('}')
      return based(node, named ?? Number(digits?.text))
    }
    if (t.text.includes('.') || node.k !== 'number') return node
    const mixed = this.mixedPart()
    if (mixed === undefined) return node
    return { k: 'number', value: add(node.value, mixed) }
  }

  // The fraction of a mixed number: 1\frac{4}{5} or 1 4/5.
  private mixedPart(): Rational | undefined {
    const next = this.peek()
    if (next?.type === 'command' && fractions.has(next.text)) {
      const start = this.at
      const digits: string[] = []
      let at = this.at + 1
      for (let part = 0; part < 2; part++) {
        const braced = this.tokens[at]?.text === '{' && this.tokens[at]?.type === 'mark'
        const t = this.tokens[braced ? at + 1 : at]
        if (t?.type !== 'number' || !/^\d+$/.test(t.text)) return undefined
        if (braced) {
          if (this.tokens[at + 2]?.text !== '}') return undefined
          digits.push(t.text)
          at += 3
        } else if (t.text.length === 1) {
          digits.push(t.text)
          at++
        } else if (part === 0 && t.text.length === 2) {
          digits.push(t.text.charAt(0), t.text.charAt(1))
          at++
          break
        } else return undefined
      }
      this.at = at
      if (this.isMark('^') || this.isMark('!')) {
        this.at = start
        return undefined
      }
      return this.properFraction(digits)
    }
    const spacedFraction =
      next?.type === 'number' &&
      next.spaced &&
      this.isMark('/', 1) &&
      this.peek(2)?.type === 'number' &&
      /^\d+$/.test(next.text) &&
      /^\d+$/.test(this.peek(2)?.text ?? '')
    if (!spacedFraction) return undefined
    const digits = [next.text, this.peek(2)?.text ?? '1']
    this.at += 3
    return this.properFraction(digits)
  }

  private properFraction(digits: readonly string[]): Rational {
    const n = BigInt(digits[0] ?? '0')
    const d = BigInt(digits[1] ?? '1')
    // 2\frac{3}{2} is neither clearly a sum nor clearly a product.
    if (n >= d) throw new Undecided('ambiguous_mixed_number')
    return rational(n, d)
  }

  private symbol(letter: string): Node {
    let name = letter
    if (letter === 'pi') return { k: 'constant', name: 'pi' }
    let marked = false
    for (let count = 0; this.isMark("'") && count < 4; count++) {
      this.at++
      name += "'"
      marked = true
    }
    if (this.isMark('_')) {
      this.at++
      marked = true
      name += `_${this.subscript()}`
    }
    if (!marked && (letter === 'e' || letter === 'i')) return { k: 'constant', name: letter }
    return { k: 'symbol', name }
  }

  private subscript(): string {
    if (!this.accept('{')) {
      const t = this.peek()
      if (t === undefined || t.type === 'mark') this.fail()
      this.at++
      return t.text
    }
    let text = ''
    for (let open = 1; ;) {
      const t = this.peek()
      if (t === undefined || text.length > 200) this.fail()
      this.at++
      if (t.type === 'mark' && t.text === '{') open++
      if (t.type === 'mark' && t.text === '}' && --open === 0) return text
      text += t.text
    }
  }

  // A bare run of letters inside mathematics is a product of variables.
  private letters(t: Token): Node {
    if (t.textual === true || t.text.length > 4) {
      const n = numberWords.get(t.text.toLowerCase())
      if (n === undefined || t.textual !== true) this.fail()
      this.at++
      return { k: 'number', value: rational(BigInt(n)) }
    }
    const split = [...t.text].map((text, index): Token => ({ type: 'letter', text, spaced: index === 0 && t.spaced }))
    if (this.tokens.length + split.length > limits.tokens) throw new Undecided('too_long')
    this.tokens.splice(this.at, 1, ...split)
    return this.primary()
  }

  private bracketed(text: string): Node {
    switch (text) {
      case '(':
      case '[':
        return this.parenthesis()
      case '{':
        return this.braced()
      case '{|':
        return this.set()
      case '|': {
        this.at++
        this.bars++
        const inner = this.sum()
        this.bars--
        this.expect('|')
        return { k: 'call', name: 'abs', args: [inner] }
      }
      case '||': {
        this.at++
        const inner = this.sum()
        this.expect('||')
        return { k: 'call', name: 'norm', args: [inner] }
      }
      case '-':
      case '+':
        return this.product()
      default:
        return this.fail()
    }
  }

  private parenthesis(): Node {
    const open = this.accept('(') ? '(' : '['
    if (open === '[') this.expect('[')
    const bars = this.bars
    this.bars = 0
    const isClosing = (): boolean => this.isMark(')') || this.isMark(']')
    const inner = this.list(isClosing)
    this.bars = bars
    const close = this.accept(')') ? ')' : ']'
    if (close === ']') this.expect(']')
    if (inner.k === 'list') return { k: 'tuple', open, close, items: inner.items }
    if ((open === '(') !== (close === ')')) this.fail()
    return inner.k === 'relation' ? this.fail() : inner
  }

  private braced(): Node {
    this.expect('{')
    if (this.accept('}')) {
      // An empty group only keeps symbols apart.
      return this.primary()
    }
    const first = this.relation()
    this.expect('}')
    return first
  }

  private set(): Node {
    this.expect('{|')
    if (this.accept('|}')) return { k: 'constant', name: 'empty' }
    const bars = this.bars
    this.bars = 1
    const inner = this.list(() => this.isMark('|}'))
    this.bars = bars
    this.expect('|}')
    return { k: 'set', items: inner.k === 'list' ? inner.items : [inner] }
  }

  private commanded(name: string): Node {
    if (fractions.has(name)) {
      const a = this.argument()
      const b = this.argument()
      return { k: 'operation', op: '/', a, b }
    }
    if (binomials.has(name)) {
      const n = this.argument()
      return { k: 'call', name: 'binomial', args: [n, this.argument()] }
    }
    if (accents.has(name)) {
      if ((name === 'overline' || name === 'bar') && this.coversLetterI()) {
        const start = this.at
        const node = this.group()
        if (traits(node).imaginary) return conjugate(node) ?? this.fail()
        // The i was an index, as in x_{i+1}.
        this.at = start
      }
      const text = this.subscript()
      const unit = /^([ijk])(?:math| bold)?$/.exec(text)?.[1]
      if (unit !== undefined && unitAccents.has(name)) return { k: 'symbol', name: `${unit} hat` }
      return { k: 'symbol', name: `${name === 'bar' ? 'overline' : name} ${text}` }
    }
    switch (name) {
      case 'pi':
        return { k: 'constant', name: 'pi' }
      case 'infty':
        return { k: 'constant', name: 'infinity' }
      case 'setR':
        return { k: 'constant', name: 'reals' }
      case 'emptyset':
      case 'varnothing':
        return { k: 'constant', name: 'empty' }
      case 'setN':
      case 'setZ':
      case 'setQ':
      case 'setC':
        return { k: 'symbol', name }
      case 'sqrt':
        return this.squareRoot()
      case 'cbrt':
        return { k: 'root', a: this.argument(), degree: { k: 'number', value: rational(3n) } }
      case 'lfloor':
      case 'lceil': {
        const inner = this.sum()
        if (!this.isCommand(name === 'lfloor' ? 'rfloor' : 'rceil')) this.fail()
        this.at++
        return { k: 'call', name: name === 'lfloor' ? 'floor' : 'ceil', args: [inner] }
      }
      case 'langle': {
        const inner = this.list(() => this.isCommand('rangle'))
        if (!this.isCommand('rangle')) this.fail()
        this.at++
        return inner.k === 'list' ? { k: 'tuple', open: '(', close: ')', items: inner.items } : inner
      }
      case 'angle':
      case 'measuredangle': {
        // \angle ABC is one name.
        const letters = this.peek()
        if (letters?.type !== 'word' && letters?.type !== 'letter') this.fail()
        this.at++
        return { k: 'symbol', name: `angle ${letters.text}` }
      }
    }
    if (name.startsWith('begin:')) return this.matrix(name.slice(6))
    if (functionNames.has(name)) return this.call(aliases.get(name) ?? name)
    return this.fail()
  }

  // Whether the group that opens here is a sum with an i, or an i alone, and no name of a segment.
  private coversLetterI(): boolean {
    if (!this.isMark('{')) return false
    let hasUnit = false
    let isSum = false
    for (let at = this.at, open = 0; at < this.tokens.length; at++) {
      const t = this.tokens[at] as Token
      if (t.type === 'mark') {
        if (t.text === '{') open++
        else if (t.text === '}' && --open === 0)
          return isSum ? hasUnit : at - this.at === 2 && this.peek(1)?.text === 'i'
        else if (t.text === '+' || t.text === '-') isSum = true
      } else if (
        t.textual !== true &&
        (t.type === 'letter' ? t.text === 'i' : t.type === 'word' && t.text.includes('i'))
      )
        hasUnit = true
    }
    return false
  }

  private squareRoot(): Node {
    let degree: Node | undefined
    if (this.accept('[')) {
      degree = this.sum()
      this.expect(']')
    }
    const a = this.isMark('{') ? this.group() : this.primary()
    return degree === undefined ? { k: 'root', a } : { k: 'root', a, degree }
  }

  private call(written: string): Node {
    let name = written
    let exponent: Node | undefined
    let base: Node | undefined
    for (let round = 0; round < 2; round++) {
      if (this.isMark('^') && exponent === undefined) {
        this.at++
        exponent = this.script()
      } else if (this.isMark('_') && base === undefined && (name === 'log' || name === 'ln')) {
        this.at++
        base = this.isMark('{') ? this.group() : this.argument()
      }
    }
    if (
      exponent?.k === 'negative' &&
      exponent.a.k === 'number' &&
      exponent.a.value.n === 1n &&
      exponent.a.value.d === 1n
    ) {
      const inverse = inverses.get(name)
      if (inverse === undefined) this.fail()
      name = inverse
      exponent = undefined
    }
    const args = this.callArguments()
    if (base !== undefined) args.push(base)
    const node: Node = { k: 'call', name, args }
    return exponent === undefined ? node : { k: 'operation', op: '^', a: node, b: exponent }
  }

  private callArguments(): Node[] {
    if (this.isMark('(') || this.isMark('[')) return this.bracketedArguments()
    if (this.isMark('{')) return [this.group()]
    // \sin 2x takes the factors up to the next sign or function.
    const negative = this.accept('-')
    let product = this.factor()
    for (;;) {
      const t = this.peek()
      const follows =
        t !== undefined &&
        this.startsFactor(product) &&
        !(t.type === 'command' && functionNames.has(t.text) && t.text !== 'sqrt') &&
        !(t.type === 'mark' && t.text !== '{')
      if (!follows) break
      product = { k: 'operation', op: '*', a: product, b: this.factor() }
    }
    return [negative ? { k: 'negative', a: product } : product]
  }

  private matrix(environment: string): Node {
    if (!matrices.has(environment)) throw new Undecided('not_understood')
    const rows: Node[][] = []
    let row: Node[] = []
    let count = 0
    const isEnd = (): boolean => this.isCommand(`end:${environment}`)
    while (!isEnd()) {
      if (++count > limits.items) throw new Undecided('too_large')
      row.push(this.relation())
      if (this.accept('&')) continue
      rows.push(row)
      row = []
      if (!this.accept('row') && !isEnd()) this.fail()
    }
    this.at++
    const first = rows[0]
    if (first === undefined || row.length > 0 || rows.some((r) => r.length !== first.length)) this.fail()
    if (environment === 'vmatrix') return { k: 'call', name: 'determinant', args: [{ k: 'matrix', rows }] }
    return { k: 'matrix', rows }
  }
}

// The complex conjugate; undefined where it is not certain: of roots, functions, and the letters for complex numbers.
function conjugate(node: Node): Node | undefined {
  switch (node.k) {
    case 'number':
      return node
    case 'constant':
      return node.name === 'i' ? { k: 'negative', a: node } : node
    case 'symbol':
      return /^[zw](?![a-z])/.test(node.name) ? undefined : node
    case 'negative': {
      const a = conjugate(node.a)
      return a && { k: 'negative', a }
    }
    case 'root':
      return node.a.k === 'number' && node.a.value.n >= 0n && node.degree === undefined ? node : undefined
    case 'operation': {
      const a = conjugate(node.a)
      const isPower = node.op === '^'
      const b = isPower && !(node.b.k === 'number' && node.b.value.d === 1n) ? undefined : conjugate(node.b)
      return a && b && { k: 'operation', op: node.op, a, b }
    }
    default:
      return undefined
  }
}

type Coordinates = Partial<Record<'i' | 'j' | 'k', Node>>

const mentionsUnit = (node: Node): boolean => {
  switch (node.k) {
    case 'symbol':
      return unitName.test(node.name)
    case 'operation':
    case 'setoperation':
      return mentionsUnit(node.a) || mentionsUnit(node.b)
    case 'plusminus':
      return (node.a !== undefined && mentionsUnit(node.a)) || mentionsUnit(node.b)
    case 'negative':
    case 'degree':
    case 'percent':
    case 'quantity':
      return mentionsUnit(node.a)
    case 'root':
      return mentionsUnit(node.a) || (node.degree !== undefined && mentionsUnit(node.degree))
    case 'call':
      return node.args.some(mentionsUnit)
    default:
      return false
  }
}

// The coordinates of a sum of multiples of unit vectors; undefined of everything else.
function coordinatesOf(node: Node): Coordinates | undefined {
  const each = (vector: Coordinates | undefined, write: (coordinate: Node) => Node): Coordinates | undefined =>
    vector && Object.fromEntries(Object.entries(vector).map(([unit, coordinate]) => [unit, write(coordinate)]))
  switch (node.k) {
    case 'symbol': {
      const unit = unitName.exec(node.name)?.[1] as keyof Coordinates | undefined
      return unit && { [unit]: { k: 'number', value: rational(1n) } }
    }
    case 'negative':
      return each(coordinatesOf(node.a), (a) => ({ k: 'negative', a }))
    case 'quantity':
      return each(coordinatesOf(node.a), (a) => ({ ...node, a }))
    case 'operation': {
      const { op } = node
      if (op === '^') return undefined
      if (op === '*' || op === '/') {
        const [scalar, vector] = mentionsUnit(node.a) ? [node.b, node.a] : [node.a, node.b]
        if (mentionsUnit(scalar) || (op === '/' && vector === node.b)) return undefined
        return each(coordinatesOf(vector), (a) => {
          if (op === '/') return { k: 'operation', op, a, b: scalar }
          const isOne = a.k === 'number' && a.value.n === 1n && a.value.d === 1n
          return isOne ? scalar : { k: 'operation', op, a: scalar, b: a }
        })
      }
      const left = coordinatesOf(node.a)
      const right = coordinatesOf(node.b)
      if (left === undefined || right === undefined) return undefined
      const sum: Coordinates = { ...left }
      for (const [unit, b] of Object.entries(right) as [keyof Coordinates, Node][]) {
        const a = left[unit]
        sum[unit] = a === undefined ? (op === '-' ? { k: 'negative', a: b } : b) : { k: 'operation', op, a, b }
      }
      return sum
    }
    default:
      return undefined
  }
}

// Bold i, j and k as the letters that they are where they are no unit vectors.
function withPlainLetters(node: Node): Node {
  switch (node.k) {
    case 'symbol': {
      const bold = /^([ijk]) bold$/.exec(node.name)?.[1]
      return bold === undefined ? node : bold === 'i' ? { k: 'constant', name: 'i' } : { k: 'symbol', name: bold }
    }
    case 'operation':
      return { ...node, a: withPlainLetters(node.a), b: withPlainLetters(node.b) }
    case 'plusminus':
      return node.a === undefined
        ? { ...node, b: withPlainLetters(node.b) }
        : { ...node, a: withPlainLetters(node.a), b: withPlainLetters(node.b) }
    case 'negative':
    case 'degree':
    case 'percent':
    case 'quantity':
    case 'root':
      return { ...node, a: withPlainLetters(node.a) }
    case 'call':
      return { ...node, args: node.args.map(withPlainLetters) }
    default:
      return node
  }
}

// Sums of unit vectors become columns, everywhere in an answer; other bold letters become plain ones.
function withVectors(node: Node): Node {
  switch (node.k) {
    case 'list':
    case 'tuple':
    case 'set':
      return { ...node, items: node.items.map(withVectors) }
    case 'matrix':
      return { ...node, rows: node.rows.map((row) => row.map(withPlainLetters)) }
    case 'ratio':
      return { ...node, parts: node.parts.map(withPlainLetters) }
    case 'relation': {
      // r = 3i - 2j: what is named may be a vector, and nothing else in a relation.
      const last = node.sides.length - 1
      const isNamed =
        node.ops.every((op) => op === '=') && (node.sides[0]?.k === 'symbol' || node.names[0] !== undefined)
      const sides = node.sides.map((side, index) =>
        isNamed && index === last ? withVectors(side) : withPlainLetters(side),
      )
      return { ...node, sides }
    }
    default: {
      if (!mentionsUnit(node)) return node
      const plain = withPlainLetters(node)
      const found = coordinatesOf(node)
      if (found === undefined) return plain
      const none: Node = { k: 'number', value: rational(0n) }
      const rows = [[found.i ?? none], [found.j ?? none], ...(found.k === undefined ? [] : [[found.k]])]
      return { k: 'matrix', rows, plane: found.k === undefined, plain }
    }
  }
}

function based(node: Node, base: number): Node {
  if (node.k !== 'number' || node.value.d !== 1n || node.decimals !== undefined) throw new Undecided('not_understood')
  const digits = node.value.n.toString()
  if (!Number.isInteger(base) || base < 2 || base > 36) throw new Undecided('not_understood')
  for (const digit of digits) if (Number(digit) >= base) throw new Undecided('not_understood')
  return { k: 'based', digits, base }
}

// dy/dx is no quotient of products: a d, and later dx below a fraction line.
function holdsDerivative(tokens: readonly Token[]): boolean {
  const above = tokens.findIndex((t) => t.textual !== true && /^d[a-zA-Z]?$/.test(t.text))
  return (
    above >= 0 &&
    tokens.some((t, at) => {
      const before = tokens[at - 1]
      if (at <= above || t.textual === true || (before?.text !== '{' && before?.text !== '/')) return false
      return /^d[a-zA-Z]$/.test(t.text) || (t.text === 'd' && tokens[at + 1]?.type === 'letter')
    })
  )
}

/** Parses the tokens of one answer. Throws Undecided when they make no sense together or go past a limit. */
export function parse(tokens: readonly Token[]): Node {
  if (holdsDerivative(tokens)) throw new Undecided('not_understood')
  const node = new Parser([...tokens]).answer()
  return tokens.some((t) => unitName.test(t.text) || (t.type === 'command' && unitAccents.has(t.text)))
    ? withVectors(node)
    : node
}
