import type { Exact } from './exact.ts'
import type { Rational } from './rational.ts'
import type { Unit } from './units.ts'

/** Operators between the sides of a relation. */
export type Relation = '=' | '~=' | '<' | '<=' | '>' | '>=' | '!=' | 'in'

/** A parsed answer. Expressions and structures share one tree, as brackets decide late which of them they are. */
export type Node = { exact?: Exact | null } & (
  | {
      k: 'number'
      value: Rational
      /** Digits after the decimal point, when there is a point. */
      decimals?: number
      /** Digits from the first that is not zero. */
      significant?: number
      /** Written with an ellipsis: the digits are a prefix, not a rounding. */
      truncated?: boolean
    }
  | { k: 'symbol'; name: string }
  | { k: 'constant'; name: 'pi' | 'e' | 'i' | 'infinity' | 'reals' | 'empty' }
  | { k: 'operation'; op: '+' | '-' | '*' | '/' | '^'; a: Node; b: Node }
  | { k: 'negative'; a: Node }
  /** a plus or minus b; without a, the sign alone. `upper` is the sign of the first reading. */
  | { k: 'plusminus'; upper: 1 | -1; a?: Node; b: Node }
  | { k: 'root'; a: Node; degree?: Node }
  | { k: 'call'; name: string; args: Node[] }
  | { k: 'degree'; a: Node }
  | { k: 'percent'; a: Node }
  | { k: 'based'; digits: string; base: number }
  | { k: 'quantity'; a: Node; unit: Unit; /** The unit is a bare letter, which may be a variable. */ guessed?: boolean }
  | { k: 'tuple'; open: '(' | '['; close: ')' | ']'; items: Node[] }
  | { k: 'set'; items: Node[] }
  | { k: 'list'; items: Node[]; joiner: 'comma' | 'and' | 'or' }
  /** `plane`, `plain`: a sum of unit vectors without k, and what it is where bold letters are variables. */
  | { k: 'matrix'; rows: Node[][]; plane?: boolean; plain?: Node }
  | { k: 'relation'; sides: Node[]; ops: Relation[]; /** f(x) and the like, by side. */ names: (string | undefined)[] }
  | { k: 'ratio'; parts: Node[]; /** Digits as written, to tell a time from a ratio. */ written: string[] }
  | { k: 'time'; minutes: number; half?: 'am' | 'pm' }
  | { k: 'setoperation'; op: 'union' | 'intersection' | 'difference'; a: Node; b: Node }
  | { k: 'text'; words: string[] }
)
