import {
  addExact,
  asRational,
  callExact,
  canonicalKey,
  divideExact,
  fromConstant,
  fromRational,
  fromSymbol,
  hasConstant,
  imaginaryUnit,
  isOpaque,
  isZero,
  linearParts,
  lineKey,
  multiplyExact,
  negateExact,
  opaque,
  powerExact,
  rootExact,
  sign,
  symbolsOf,
  withoutDegree,
  type Exact,
} from './exact.ts'
import { countWork, limits, Undecided } from './limits.ts'
import { constantValue } from './numeric.ts'
import { order, rational, type Rational } from './rational.ts'
import type { Node, Relation } from './syntax.ts'
import { unitKey, unitOf, type Unit } from './units.ts'

/** How the digits of a decimal fix its precision. */
export interface DecimalDigits {
  readonly value: Rational
  /** Places after the point; negative for 3.1e5. */
  readonly places: number
  readonly significant: number
  readonly truncated: boolean
}

/** A number or expression with what was written around it. */
export interface Amount {
  kind: 'amount'
  node: Node
  decimal?: DecimalDigits
  unit?: Unit
  percent?: boolean
  /** The unit is a bare letter that may as well be a variable: 5 m. */
  guessedUnit?: boolean
  /** The variable it is assigned to. */
  name?: string
}

/** One end of an interval; no amount means infinity on that side. */
export interface End {
  readonly amount?: Amount
  readonly closed: boolean
}

/** A piece of the real line. */
export interface Piece {
  readonly low: End
  readonly high: End
}

/** What an answer says, with notation taken away. */
export type Meaning =
  | Amount
  | { kind: 'infinite'; sign: 1 | -1; name?: string }
  /** `nested`: a set that is an element, or holds a variable, so that its braces can't be left out. */
  | { kind: 'collection'; items: Meaning[]; distinct: boolean; nested?: boolean; name?: string }
  | { kind: 'tuple'; open: '(' | '['; close: ')' | ']'; items: Meaning[]; name?: string }
  | { kind: 'region'; pieces: Piece[]; name?: string }
  | { kind: 'equation'; left: Node; right: Node }
  | { kind: 'inequality'; less: Node; more: Node; strict: boolean }
  /** Entries by name; `written` has the values as they were written, `listed` when no (x, y) = fixed their order. */
  | { kind: 'assignments'; entries: [name: string, value: Meaning][]; written: Meaning[]; listed: boolean }
  /** `plane`: a sum of unit vectors without k; `plain`: the same where its bold letters are variables. */
  | { kind: 'matrix'; rows: Meaning[][]; plane?: boolean; plain?: Meaning; name?: string }
  | { kind: 'ratio'; parts: Amount[]; written: string[] }
  | { kind: 'time'; minutes: number }
  | { kind: 'based'; digits: string; base: number; negative: boolean; name?: string }
  | { kind: 'text'; words: string[] }
  | { kind: 'choice'; letter: string; rest?: Meaning }

const one = fromRational({ n: 1n, d: 1n })

function buildExact(node: Node): Exact {
  switch (node.k) {
    case 'number':
      return fromRational(node.value)
    case 'symbol':
      return fromSymbol(node.name)
    case 'constant':
      if (node.name === 'i') return imaginaryUnit
      if (node.name === 'pi' || node.name === 'e') return fromConstant(node.name)
      throw new Undecided('not_understood')
    case 'negative':
      return negateExact(exactOf(node.a))
    case 'operation': {
      const a = exactOf(node.a)
      const b = exactOf(node.b)
      switch (node.op) {
        case '+':
          return addExact(a, b)
        case '-':
          return addExact(a, negateExact(b))
        case '*':
          return multiplyExact(a, b)
        case '/':
          return divideExact(a, b)
        case '^':
          return powerExact(a, b)
      }
      break
    }
    case 'root': {
      const degree = node.degree === undefined ? undefined : asRational(exactOf(node.degree))
      if (node.degree !== undefined && (degree === undefined || degree.d !== 1n))
        return powerExact(exactOf(node.a), divideExact(one, exactOf(node.degree)))
      return rootExact(exactOf(node.a), degree === undefined ? 2 : Number(degree.n))
    }
    case 'call':
      if (node.name === 'determinant') return determinant(node.args[0])
      if (node.name === 'norm') return opaque('norm')
      return callExact(node.name, node.args.map(exactOf))
    case 'degree':
      return multiplyExact(exactOf(node.a), fromConstant('degree'))
    case 'percent':
      return divideExact(exactOf(node.a), fromRational({ n: 100n, d: 1n }))
    case 'based': {
      let value = 0n
      for (const digit of node.digits) value = value * BigInt(node.base) + BigInt(Number.parseInt(digit, 36))
      return fromRational(rational(value))
    }
    default:
      throw new Undecided('not_understood')
  }
}

function determinant(node: Node | undefined): Exact {
  if (node?.k !== 'matrix') throw new Undecided('not_understood')
  const { rows } = node
  const at = (row: number, column: number): Exact => {
    const cell = rows[row]?.[column]
    if (cell === undefined) throw new Undecided('not_understood')
    return exactOf(cell)
  }
  if (rows.length === 1 && rows[0]?.length === 1) return at(0, 0)
  if (rows.length !== 2 || rows[0]?.length !== 2) throw new Undecided('not_understood')
  return addExact(multiplyExact(at(0, 0), at(1, 1)), negateExact(multiplyExact(at(0, 1), at(1, 0))))
}

/**
 * The exact value of an expression, kept on its node. Throws Undecided when it is undefined (1/0), too large to
 * write out, or no expression.
 */
export function exactOf(node: Node): Exact {
  if (node.exact === undefined || node.exact === null) node.exact = buildExact(node)
  return node.exact
}

/** The exact value, or undefined when it is too large to write out; then only sampling remains. */
export function tryExact(node: Node): Exact | undefined {
  if (node.exact === null) return undefined
  try {
    return exactOf(node)
  } catch (error) {
    if (!(error instanceof Undecided) || error.reason !== 'too_large') throw error
    node.exact = null
    return undefined
  }
}

function hasPlusMinus(node: Node): boolean {
  switch (node.k) {
    case 'plusminus':
      return true
    case 'operation':
    case 'setoperation':
      return hasPlusMinus(node.a) || hasPlusMinus(node.b)
    case 'negative':
    case 'degree':
    case 'percent':
    case 'quantity':
      return hasPlusMinus(node.a)
    case 'root':
      return hasPlusMinus(node.a) || (node.degree !== undefined && hasPlusMinus(node.degree))
    case 'call':
      return node.args.some(hasPlusMinus)
    case 'tuple':
      return node.items.some(hasPlusMinus)
    case 'relation':
      return node.sides.some(hasPlusMinus)
    default:
      return false
  }
}

// All signs of one reading go together: upper with upper, lower with lower.
function withSign(node: Node, reading: 1 | -1): Node {
  const inner = (n: Node): Node => withSign(n, reading)
  switch (node.k) {
    case 'plusminus': {
      const minus = node.upper * reading < 0
      const b = inner(node.b)
      if (node.a === undefined) return minus ? { k: 'negative', a: b } : b
      return { k: 'operation', op: minus ? '-' : '+', a: inner(node.a), b }
    }
    case 'operation':
      return { k: 'operation', op: node.op, a: inner(node.a), b: inner(node.b) }
    case 'setoperation':
      return { k: 'setoperation', op: node.op, a: inner(node.a), b: inner(node.b) }
    case 'negative':
    case 'degree':
    case 'percent':
      return { k: node.k, a: inner(node.a) }
    case 'quantity':
      return { ...node, a: inner(node.a) }
    case 'root':
      return node.degree === undefined
        ? { k: 'root', a: inner(node.a) }
        : { k: 'root', a: inner(node.a), degree: inner(node.degree) }
    case 'call':
      return { k: 'call', name: node.name, args: node.args.map(inner) }
    case 'tuple':
      return { k: 'tuple', open: node.open, close: node.close, items: node.items.map(inner) }
    case 'relation':
      return { k: 'relation', sides: node.sides.map(inner), ops: node.ops, names: node.names }
    default:
      return node
  }
}

/** What a parsed answer says. Throws Undecided when its parts don't fit together. */
export function interpret(node: Node): Meaning {
  if (node.k === 'list') return interpretList(node.items, node.joiner)
  if (hasPlusMinus(node)) return interpretList([node], 'or')
  switch (node.k) {
    case 'set':
      return setOf(node.items)
    case 'tuple':
      return { kind: 'tuple', open: node.open, close: node.close, items: node.items.map(interpretElement) }
    case 'relation':
      return interpretRelation(node.sides, node.ops, node.names)
    case 'setoperation':
      return setOperation(node)
    case 'matrix':
      return {
        kind: 'matrix',
        rows: node.rows.map((row) => row.map(interpret)),
        ...(node.plane === true ? { plane: true } : {}),
        ...(node.plain === undefined ? {} : { plain: interpret(node.plain) }),
      }
    case 'ratio':
      return { kind: 'ratio', parts: node.parts.map(amountOf), written: node.written }
    case 'time':
      return { kind: 'time', minutes: node.minutes }
    case 'text':
      return { kind: 'text', words: node.words }
    case 'based':
      return { kind: 'based', digits: node.digits.replace(/^0+(?=.)/, ''), base: node.base, negative: false }
    case 'constant':
      if (node.name === 'infinity') return { kind: 'infinite', sign: 1 }
      if (node.name === 'reals') return { kind: 'region', pieces: [{ low: open, high: open }] }
      if (node.name === 'empty') return { kind: 'region', pieces: [] }
      break
    case 'negative': {
      if (node.a.k === 'constant' && node.a.name === 'infinity') return { kind: 'infinite', sign: -1 }
      if (node.a.k === 'based') return { kind: 'based', digits: node.a.digits, base: node.a.base, negative: true }
      break
    }
    case 'symbol':
      if (node.name === 'setC') return { kind: 'text', words: ['complex', 'numbers'] }
      break
    default:
      break
  }
  return amountOf(node)
}

// {5} is the solution 5, but {x} is not x.
function setOf(nodes: readonly Node[]): Meaning {
  const items = expand(nodes, true)
  const [first] = items
  if (items.length === 1 && first?.kind === 'amount' && mentionsVariables(first.node))
    return { kind: 'collection', items, distinct: true, nested: true }
  return items.length === 1 && first?.kind === 'collection' && first.nested === true
    ? { kind: 'collection', items, distinct: true }
    : collection(items, true)
}

// A set among other elements is one element: {{1}, 2} is neither {1, 2} nor {1, {2}}.
function interpretElement(node: Node): Meaning {
  if (node.k === 'constant' && node.name === 'empty')
    return { kind: 'collection', items: [], distinct: true, nested: true }
  if (node.k !== 'set') return interpret(node)
  return { kind: 'collection', items: expand(node.items, true), distinct: true, nested: true }
}

function mentionsVariables(node: Node): boolean {
  const exact = tryExact(node)
  return exact === undefined || isOpaque(exact) || symbolsOf(exact).size > 0
}

const open: End = { closed: false }
const degreeUnit = unitOf([{ word: 'degree', exponent: 1 }])

// Peels sign, percent, degree and unit off a number and keeps the digits of a decimal.
function amountOf(node: Node): Amount {
  const amount: Amount = { kind: 'amount', node }
  let inner = node
  let flip = false
  for (;;) {
    if (inner.k === 'quantity' && amount.unit === undefined) {
      amount.unit = inner.unit
      if (inner.guessed === true) amount.guessedUnit = true
      inner = inner.a
    } else if (inner.k === 'percent' && amount.percent !== true) {
      amount.percent = true
      inner = inner.a
    } else if (inner.k === 'degree' && amount.unit === undefined && degreeUnit !== undefined) {
      amount.unit = degreeUnit
      inner = inner.a
    } else if (inner.k === 'negative' && inner.a.k !== 'number' && !flip && peels(inner.a)) {
      flip = true
      inner = inner.a
    } else break
  }
  if (flip) inner = { k: 'negative', a: inner }
  amount.node = inner
  const decimal = decimalOf(inner)
  if (decimal !== undefined) amount.decimal = decimal
  if (amount.unit === undefined && inner.k !== 'number') {
    const exact = tryExact(inner)
    const bare = exact === undefined || !hasConstant(exact, 'degree') ? undefined : withoutDegree(exact)
    if (bare !== undefined && degreeUnit !== undefined) {
      // 30^\circ + 45^\circ: the degree is common to all terms.
      amount.unit = degreeUnit
      amount.node = { ...stripDegrees(inner), exact: bare }
    }
  }
  return amount
}

const peels = (node: Node): boolean => node.k === 'quantity' || node.k === 'percent' || node.k === 'degree'

function stripDegrees(node: Node): Node {
  switch (node.k) {
    case 'degree':
      return node.a
    case 'operation':
      return { k: 'operation', op: node.op, a: stripDegrees(node.a), b: stripDegrees(node.b) }
    case 'negative':
      return { k: 'negative', a: stripDegrees(node.a) }
    default:
      return node
  }
}

function decimalOf(node: Node): DecimalDigits | undefined {
  if (node.k === 'number') {
    if (node.decimals === undefined) return undefined
    return {
      value: node.value,
      places: node.decimals,
      significant: node.significant ?? 0,
      truncated: node.truncated === true,
    }
  }
  if (node.k === 'negative') {
    const inner = decimalOf(node.a)
    return inner === undefined ? undefined : { ...inner, value: { n: -inner.value.n, d: inner.value.d } }
  }
  // 6.02 \times 10^{23}
  if (node.k === 'operation' && node.op === '*' && node.b.k === 'operation' && node.b.op === '^') {
    const { a: ten, b: exponent } = node.b
    const mantissa = decimalOf(node.a)
    if (mantissa === undefined || ten.k !== 'number' || ten.value.n !== 10n || ten.value.d !== 1n) return undefined
    const steps = asRational(exactOf(exponent))
    const value = asRational(exactOf(node))
    if (steps === undefined || value === undefined || steps.d !== 1n) return undefined
    return { ...mantissa, value, places: mantissa.places - Number(steps.n) }
  }
  return undefined
}

// The two readings of \pm become two items; equal ones (\pm 0) are one.
function expand(nodes: readonly Node[], inside = nodes.length > 1): Meaning[] {
  const items: Meaning[] = []
  for (const node of nodes) {
    if (!hasPlusMinus(node)) {
      const item = inside ? interpretElement(node) : interpret(node)
      if (item.kind === 'collection' && !item.distinct) items.push(...item.items)
      else items.push(item)
      continue
    }
    const upper = interpret(withSign(node, 1))
    const lower = interpret(withSign(node, -1))
    const key = meaningKey(upper)
    items.push(upper)
    if (key === undefined || key !== meaningKey(lower)) items.push(lower)
    if (items.length > limits.items) throw new Undecided('too_large')
  }
  return items
}

function collection(items: Meaning[], distinct: boolean): Meaning {
  const first = items[0]
  if (items.length === 1 && first !== undefined) return first
  return { kind: 'collection', items, distinct }
}

const nameOf = (m: Meaning): string | undefined => ('name' in m ? m.name : undefined)

function renamed(m: Meaning, name: string | undefined): Meaning {
  if (name === undefined || !('name' in m || namable.has(m.kind))) return m
  return { ...m, name } as Meaning
}

const namable = new Set(['amount', 'infinite', 'collection', 'tuple', 'region', 'matrix', 'based'])

function withoutName(m: Meaning): Meaning {
  if (nameOf(m) === undefined) return m
  const copy = { ...m }
  delete (copy as { name?: string }).name
  return copy
}

function interpretList(nodes: readonly Node[], joiner: 'comma' | 'and' | 'or'): Meaning {
  const items = expand(nodes)
  const names = items.map(nameOf)
  const regions = items.filter((item) => item.kind === 'region')
  const [first] = names
  if (regions.length === items.length && items.length > 1 && first !== undefined && names.every((n) => n === first))
    return joinRegions(regions, joiner, first)
  const named = names.filter((n) => n !== undefined)
  if (named.length === 0 || regions.length > 0) return collection(items, false)
  const distinct = new Set(named)
  if (distinct.size === 1 && (first !== undefined || named.length === names.length))
    return renamed(collection(items.map(withoutName), false), named[0])
  if (named.length === names.length && distinct.size === names.length)
    return assignments(
      items.map((item, index) => [names[index] ?? '', withoutName(item)]),
      true,
    )
  const systems = named.length === names.length ? repeated(items, names, distinct.size) : undefined
  return collection(systems ?? items, false)
}

// p = 5, q = 2; p = 7, q = 2: the same names over and over are several solutions.
function repeated(
  items: readonly Meaning[],
  names: readonly (string | undefined)[],
  size: number,
): Meaning[] | undefined {
  if (size < 2 || items.length % size !== 0) return undefined
  const systems: Meaning[] = []
  for (let start = 0; start < items.length; start += size) {
    if (new Set(names.slice(start, start + size)).size !== size) return undefined
    const entries = items
      .slice(start, start + size)
      .map((item, index): [string, Meaning] => [names[start + index] ?? '', withoutName(item)])
    systems.push(assignments(entries, true))
  }
  return systems
}

function assignments(entries: [string, Meaning][], listed: boolean): Meaning {
  const written = entries.map(([, value]) => value)
  return { kind: 'assignments', entries: entries.sort(([a], [b]) => (a < b ? -1 : 1)), written, listed }
}

function joinRegions(regions: Extract<Meaning, { kind: 'region' }>[], joiner: string, name: string): Meaning {
  const all = regions.map((region) => region.pieces)
  const both = (): Piece[] => all.reduce((a, b) => intersect(a, b))
  if (joiner === 'or') return { kind: 'region', pieces: unite(all.flat()), name }
  const common = both()
  // "x < -1, x > 2" can only mean one or the other.
  if (common.length > 0 || joiner === 'and') return { kind: 'region', pieces: common, name }
  return { kind: 'region', pieces: unite(all.flat()), name }
}

function plainName(node: Node): string | undefined {
  if (node.k === 'symbol') return node.name
  if (node.k === 'constant' && (node.name === 'e' || node.name === 'i')) return node.name
  return undefined
}

function interpretRelation(sides: Node[], ops: Relation[], names: (string | undefined)[]): Meaning {
  const about = ops.indexOf('~=')
  if (about >= 0 && ops.every((op) => op === '=' || op === '~=')) {
    // What stands before the sign is exact; x ~ 3.14 has nothing else to offer.
    const keep = about === 0 && plainName(sides[0] as Node) !== undefined ? 2 : about + 1
    sides = sides.slice(0, keep)
    ops = ops.slice(0, keep - 1).map(() => '=' as const)
  }
  const first = sides[0]
  const last = sides.at(-1)
  if (first === undefined || last === undefined) throw new Undecided('not_understood')
  if (ops.length === 0) return interpret(first)
  if (ops.every((op) => op === '=')) return interpretEquation(sides, names, first, last)
  if (ops.length === 1 && ops[0] === 'in') {
    const name = plainName(first)
    if (name === undefined) throw new Undecided('not_understood')
    const set = interpret(last)
    const region = set.kind === 'tuple' ? (intervalOf(set) ?? set) : set
    return renamed(region, name)
  }
  return interpretInequality(
    sides.map((side, index): Node => (names[index] === undefined ? side : { k: 'symbol', name: names[index] })),
    ops,
  )
}

function interpretEquation(sides: Node[], names: (string | undefined)[], first: Node, last: Node): Meaning {
  consistent(sides)
  const target = first.k === 'text' ? undefined : (names[0] ?? plainName(first))
  if (target !== undefined || first.k === 'text') return renamed(interpret(last), target)
  if (first.k === 'tuple') {
    const variables = first.items.map(plainName)
    const value = interpret(last)
    if (variables.every((v) => v !== undefined) && value.kind === 'tuple' && value.items.length === variables.length)
      return assignments(
        value.items.map((item, index) => [variables[index] ?? '', item]),
        false,
      )
    return value
  }
  const back = plainName(last)
  if (sides.length === 2 && back !== undefined && back !== 'e' && back !== 'i') return renamed(interpret(first), back)
  if (sides.length > 2 || !isExpression(first) || !isExpression(last)) return interpret(last)
  const left = tryExact(first)
  const right = tryExact(last)
  if (left !== undefined && right !== undefined) {
    const variables = new Set([...symbolsOf(left), ...symbolsOf(right)])
    if (variables.size === 0 && !isOpaque(left) && !isOpaque(right)) return interpret(last)
    const [only] = variables
    if (variables.size === 1 && only !== undefined) {
      const solved = solveLinear(addExact(left, negateExact(right)), only)
      if (solved !== undefined) return { kind: 'amount', node: solved.node, name: only }
    }
  }
  return { kind: 'equation', left: first, right: last }
}

// In a chain, neighbouring constants have to agree: "x = 1 = 2" is not an answer.
function consistent(sides: readonly Node[]): void {
  const named = sides[0]?.k === 'text' || (sides[0] !== undefined && plainName(sides[0]) !== undefined)
  for (let i = named ? 2 : 1; i < sides.length; i++) {
    const a = sides[i - 1]
    const b = sides[i]
    if (a === undefined || b === undefined || !isExpression(a) || !isExpression(b)) continue
    if (decimalOf(a) !== undefined || decimalOf(b) !== undefined) continue
    const x = tryExact(a)
    const y = tryExact(b)
    if (x === undefined || y === undefined || isOpaque(x) || isOpaque(y)) continue
    if (symbolsOf(x).size > 0 || symbolsOf(y).size > 0) continue
    if (!isZero(addExact(x, negateExact(y)))) throw new Undecided('inconsistent_chain')
  }
}

function isExpression(node: Node): boolean {
  switch (node.k) {
    case 'number':
    case 'symbol':
    case 'negative':
    case 'operation':
    case 'root':
    case 'call':
    case 'degree':
    case 'percent':
      return true
    case 'constant':
      return node.name === 'pi' || node.name === 'e' || node.name === 'i'
    default:
      return false
  }
}

// The value of the variable where difference = 0 is linear in it, and the sign of its coefficient.
function solveLinear(difference: Exact, name: string): { node: Node; slope: -1 | 0 | 1 | undefined } | undefined {
  const parts = linearParts(difference, name)
  if (parts === undefined || isZero(parts.slope)) return undefined
  return { node: expressionOf(negateExact(divideExact(parts.rest, parts.slope))), slope: sign(parts.slope) }
}

// A tree with the given exact value, for the numeric side of a comparison.
function expressionOf(x: Exact): Node {
  const fraction = asRational(x)
  if (fraction !== undefined) return { k: 'number', value: fraction, exact: x }
  const polynomial = (p: Exact['num']): Node => {
    let sum: Node = { k: 'number', value: { n: 0n, d: 1n } }
    for (const t of p.values()) {
      let product: Node = { k: 'number', value: t.c }
      for (const f of t.m) {
        const base: Node =
          f.atom.kind === 'prime'
            ? { k: 'number', value: rational(f.atom.prime ?? 1n) }
            : f.atom.kind === 'imaginary'
              ? { k: 'constant', name: 'i' }
              : f.atom.key === '#pi' || f.atom.key === '#e'
                ? { k: 'constant', name: f.atom.key === '#pi' ? 'pi' : 'e' }
                : { k: 'symbol', name: f.atom.key }
        const exponent: Node = { k: 'number', value: rational(BigInt(f.n), BigInt(f.d)) }
        product = { k: 'operation', op: '*', a: product, b: { k: 'operation', op: '^', a: base, b: exponent } }
      }
      sum = { k: 'operation', op: '+', a: sum, b: product }
    }
    return sum
  }
  const num = polynomial(x.num)
  const node: Node = x.den === undefined ? num : { k: 'operation', op: '/', a: num, b: polynomial(x.den) }
  node.exact = x
  return node
}

function interpretInequality(sides: Node[], ops: Relation[]): Meaning {
  const pieces: Meaning[] = []
  for (const [index, op] of ops.entries()) {
    const a = sides[index]
    const b = sides[index + 1]
    if (a === undefined || b === undefined) throw new Undecided('not_understood')
    pieces.push(singleInequality(a, b, op))
  }
  const [first] = pieces
  if (first === undefined) throw new Undecided('not_understood')
  if (pieces.length === 1) return first
  const regions = pieces.filter((piece) => piece.kind === 'region')
  const name = nameOf(first)
  if (name !== undefined && regions.length === pieces.length && pieces.every((piece) => nameOf(piece) === name))
    return { kind: 'region', pieces: regions.map((region) => region.pieces).reduce(intersect), name }
  return { kind: 'collection', items: pieces, distinct: false }
}

function singleInequality(a: Node, b: Node, op: Relation): Meaning {
  if (op === '=' || op === '~=' || op === 'in') throw new Undecided('not_understood')
  const left = plainName(a)
  const right = plainName(b)
  if (op === '!=') {
    const [name, value] = left !== undefined ? [left, b] : [right, a]
    if (name === undefined || plainName(value) !== undefined) throw new Undecided('not_understood')
    const end: End = { amount: amountOf(value), closed: false }
    return {
      kind: 'region',
      pieces: [
        { low: open, high: end },
        { low: end, high: open },
      ],
      name,
    }
  }
  const strict = op === '<' || op === '>'
  const [less, more] = op === '<' || op === '<=' ? [a, b] : [b, a]
  const lessIsInfinite = infiniteSign(less)
  const moreIsInfinite = infiniteSign(more)
  if (lessIsInfinite !== undefined || moreIsInfinite !== undefined) {
    const name = plainName(lessIsInfinite === undefined ? less : more)
    if (name === undefined || lessIsInfinite === 1 || moreIsInfinite === -1) throw new Undecided('not_understood')
    return { kind: 'region', pieces: [{ low: open, high: open }], name }
  }
  const half = (name: string, value: Amount, above: boolean): Meaning => {
    const end: End = { amount: value, closed: !strict }
    return { kind: 'region', pieces: [above ? { low: end, high: open } : { low: open, high: end }], name }
  }
  const lessName = plainName(less)
  const moreName = plainName(more)
  if (lessName !== undefined && moreName === undefined && !mentions(more, lessName))
    return half(lessName, amountOf(more), false)
  if (moreName !== undefined && lessName === undefined && !mentions(less, moreName))
    return half(moreName, amountOf(less), true)
  const x = exactOf(less)
  const y = exactOf(more)
  const variables = new Set([...symbolsOf(x), ...symbolsOf(y)])
  const [only] = variables
  if (variables.size === 1 && only !== undefined) {
    const solved = solveLinear(addExact(x, negateExact(y)), only)
    if (solved?.slope === 1) return half(only, { kind: 'amount', node: solved.node }, false)
    if (solved?.slope === -1) return half(only, { kind: 'amount', node: solved.node }, true)
  }
  if (variables.size === 0) throw new Undecided('not_understood')
  return { kind: 'inequality', less, more, strict }
}

function mentions(node: Node, name: string): boolean {
  const exact = tryExact(node)
  return exact === undefined || isOpaque(exact) || symbolsOf(exact).has(name)
}

function infiniteSign(node: Node): 1 | -1 | undefined {
  if (node.k === 'constant' && node.name === 'infinity') return 1
  return node.k === 'negative' && node.a.k === 'constant' && node.a.name === 'infinity' ? -1 : undefined
}

/** The interval that a pair stands for, or undefined when its ends don't make one. */
export function intervalOf(m: Extract<Meaning, { kind: 'tuple' }>): Extract<Meaning, { kind: 'region' }> | undefined {
  const [low, high] = m.items
  if (m.items.length !== 2 || low === undefined || high === undefined) return undefined
  const end = (item: Meaning, closed: boolean, side: 1 | -1): End | undefined => {
    if (item.kind === 'infinite') return item.sign === side && !closed ? open : undefined
    return item.kind === 'amount' && item.name === undefined ? { amount: item, closed } : undefined
  }
  const l = end(low, m.open === '[', -1)
  const h = end(high, m.close === ']', 1)
  if (l === undefined || h === undefined) return undefined
  if (l.amount !== undefined && h.amount !== undefined && compareEnds(l.amount, h.amount) !== -1) return undefined
  const region: Extract<Meaning, { kind: 'region' }> = { kind: 'region', pieces: [{ low: l, high: h }] }
  if (m.name !== undefined) region.name = m.name
  return region
}

// Order of two ends; undefined when it can't be settled.
function compareEnds(a: Amount, b: Amount): -1 | 0 | 1 | undefined {
  const x = tryExact(a.node)
  const y = tryExact(b.node)
  if (x !== undefined && y !== undefined) {
    const p = asRational(x)
    const q = asRational(y)
    if (p !== undefined && q !== undefined) return order(p, q)
    if (symbolsOf(x).size + symbolsOf(y).size > 0) return undefined
    if (isZero(addExact(x, negateExact(y)))) return 0
  }
  const u = constantValue(a.node)
  const v = constantValue(b.node)
  if (typeof u !== 'object' || typeof v !== 'object' || Math.abs(u.re - v.re) <= u.error + v.error) return undefined
  return u.re < v.re ? -1 : 1
}

function regionOf(m: Meaning): Piece[] {
  if (m.kind === 'region') return m.pieces
  if (m.kind === 'tuple') {
    const interval = intervalOf(m)
    if (interval !== undefined) return interval.pieces
  }
  if (m.kind === 'amount') return [{ low: { amount: m, closed: true }, high: { amount: m, closed: true } }]
  if (m.kind === 'collection' && m.nested !== true) return unite(m.items.flatMap(regionOf))
  throw new Undecided('not_understood')
}

function setOperation(node: Extract<Node, { k: 'setoperation' }>): Meaning {
  const left = setOperand(node.a)
  const right = setOperand(node.b)
  const name = nameOf(left)
  if (
    node.op === 'union' &&
    left.kind !== 'region' &&
    right.kind !== 'region' &&
    left.kind !== 'tuple' &&
    right.kind !== 'tuple'
  ) {
    const items = [left, right].flatMap((m) => (m.kind === 'collection' ? m.items : [m]))
    return renamed({ kind: 'collection', items, distinct: true }, name)
  }
  const a = regionOf(left)
  const b = regionOf(right)
  const pieces =
    node.op === 'union' ? unite([...a, ...b]) : intersect(a, node.op === 'intersection' ? b : complement(b))
  return renamed({ kind: 'region', pieces }, name)
}

function setOperand(node: Node): Meaning {
  if (node.k === 'symbol') throw new Undecided('not_understood')
  return interpret(node)
}

function complement(pieces: readonly Piece[]): Piece[] {
  return pieces.reduce<Piece[]>(
    (rest, piece) => {
      const outside: Piece[] = []
      if (piece.low.amount !== undefined)
        outside.push({ low: open, high: { amount: piece.low.amount, closed: !piece.low.closed } })
      if (piece.high.amount !== undefined)
        outside.push({ low: { amount: piece.high.amount, closed: !piece.high.closed }, high: open })
      return intersect(rest, outside)
    },
    [{ low: open, high: open }],
  )
}

function settled(a: Amount, b: Amount): -1 | 0 | 1 {
  const result = compareEnds(a, b)
  if (result === undefined) throw new Undecided('not_ordered')
  return result
}

function intersect(a: readonly Piece[], b: readonly Piece[]): Piece[] {
  const result: Piece[] = []
  for (const p of a)
    for (const q of b) {
      const low = tighter(p.low, q.low, 1)
      const high = tighter(p.high, q.high, -1)
      if (low.amount !== undefined && high.amount !== undefined) {
        const gap = settled(low.amount, high.amount)
        if (gap > 0 || (gap === 0 && !(low.closed && high.closed))) continue
      }
      result.push({ low, high })
      if (result.length > limits.items) throw new Undecided('too_large')
    }
  return unite(result)
}

// The end that cuts more off: the higher of two lows (direction 1) or the lower of two highs (-1).
function tighter(p: End, q: End, direction: 1 | -1): End {
  if (p.amount === undefined) return q
  if (q.amount === undefined) return p
  const difference = settled(p.amount, q.amount) * direction
  if (difference === 0) return p.closed ? q : p
  return difference > 0 ? p : q
}

function unite(pieces: readonly Piece[]): Piece[] {
  if (pieces.length < 2) return [...pieces]
  const sorted = [...pieces].sort((p, q) => {
    if (p.low.amount === undefined || q.low.amount === undefined)
      return (p.low.amount === undefined ? 0 : 1) - (q.low.amount === undefined ? 0 : 1)
    return settled(p.low.amount, q.low.amount) || Number(q.low.closed) - Number(p.low.closed)
  })
  const result: Piece[] = []
  for (const piece of sorted) {
    const last = result.at(-1)
    if (last === undefined || !touches(last, piece)) {
      result.push(piece)
      continue
    }
    if (last.high.amount === undefined) continue
    const farther =
      piece.high.amount === undefined
        ? piece.high
        : (() => {
            const difference = settled(last.high.amount, piece.high.amount)
            if (difference !== 0) return difference > 0 ? last.high : piece.high
            return last.high.closed ? last.high : piece.high
          })()
    result[result.length - 1] = { low: last.low, high: farther }
  }
  return result
}

function touches(before: Piece, after: Piece): boolean {
  if (before.high.amount === undefined || after.low.amount === undefined) return true
  const difference = settled(after.low.amount, before.high.amount)
  return difference < 0 || (difference === 0 && (before.high.closed || after.low.closed))
}

function amountKey(m: Amount): string | undefined {
  const exact = tryExact(m.node)
  const key = exact === undefined ? undefined : canonicalKey(exact)
  if (key === undefined) return undefined
  if (m.guessedUnit === true) return undefined
  const unit = m.unit === undefined ? '' : ` unit ${unitKey(m.unit)}`
  return `${m.name === undefined ? '' : `${m.name} is `}${key}${m.percent === true ? ' percent' : ''}${unit}`
}

/** Text that is the same for equal meanings only, or undefined where no canonical form exists. */
export function meaningKey(m: Meaning): string | undefined {
  countWork(1)
  const all = (items: readonly Meaning[]): string[] | undefined => {
    const keys: string[] = []
    for (const item of items) {
      const key = meaningKey(item)
      if (key === undefined) return undefined
      keys.push(key)
    }
    return keys
  }
  const prefix = 'name' in m && m.name !== undefined && m.kind !== 'amount' ? `${m.name} is ` : ''
  switch (m.kind) {
    case 'amount':
      return amountKey(m)
    case 'infinite':
      return `${prefix}infinity ${m.sign}`
    case 'collection': {
      const keys = all(m.items)?.sort()
      if (keys === undefined) return undefined
      return `${prefix}${m.nested === true ? 'set ' : ''}{${(m.distinct ? [...new Set(keys)] : keys).join(' ; ')}}`
    }
    case 'tuple': {
      const keys = all(m.items)
      if (keys === undefined) return undefined
      const brackets = m.items.length === 2 ? `${m.open}${m.close}` : '()'
      return `${prefix}${brackets} ${keys.join(' ; ')}`
    }
    case 'region': {
      const end = (e: End): string | undefined => {
        if (e.amount === undefined) return 'infinity'
        const key = amountKey(e.amount)
        return key === undefined ? undefined : `${e.closed ? 'closed' : 'open'} ${key}`
      }
      const parts = m.pieces.map((piece) => [end(piece.low), end(piece.high)])
      if (parts.flat().includes(undefined)) return undefined
      return `${prefix}region ${parts.map(([a, b]) => `${a} to ${b}`).join(' , ')}`
    }
    case 'matrix': {
      const rows = m.rows.map(all)
      if (rows.includes(undefined)) return undefined
      return `${prefix}matrix ${rows.map((row) => row?.join(' & ')).join(' \\\\ ')}`
    }
    case 'assignments': {
      const values = all(m.entries.map(([, value]) => value))
      return values === undefined
        ? undefined
        : `let ${m.entries.map(([name], i) => `${name} = ${values[i]}`).join(' ; ')}`
    }
    case 'time':
      return `time ${m.minutes}`
    case 'based':
      return `${prefix}${m.negative ? '-' : ''}${m.digits} base ${m.base}`
    case 'text':
      return `text ${m.words.join(' ')}`
    case 'choice':
      return m.rest === undefined ? `choice ${m.letter}` : undefined
    case 'equation': {
      const difference = differenceOf(m.left, m.right)
      const key = difference === undefined ? undefined : lineKey(difference)
      return key === undefined ? undefined : `equation ${key}`
    }
    default:
      return undefined
  }
}

/**
 * How much of an answer can be read another way: 0 when its key is shared by everything equal to it, 1 when it is a
 * decimal that may be rounded, 2 when it has a unit, a name, a percent sign or brackets.
 */
export function looseness(m: Meaning): 0 | 1 | 2 {
  if ('name' in m && m.name !== undefined) return 2
  switch (m.kind) {
    case 'amount':
      if (m.unit !== undefined || m.percent === true) return 2
      return m.decimal === undefined ? 0 : 1
    case 'infinite':
    case 'text':
      return 0
    case 'collection':
    case 'tuple':
      return m.items.reduce<0 | 1 | 2>((most, item) => {
        const own = looseness(item)
        return own > most ? own : most
      }, 0)
    default:
      return 2
  }
}

/** The exact difference of the two sides, or undefined when it is too large to write out. */
export function differenceOf(a: Node, b: Node): Exact | undefined {
  const x = tryExact(a)
  const y = tryExact(b)
  return x === undefined || y === undefined ? undefined : addExact(x, negateExact(y))
}
