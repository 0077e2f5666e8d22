/**
 * Wordings: one description of a sentence serves both ways. It writes a problem statement from parameter values with
 * random choices of words, and reads the parameter values back from a statement, whichever words were chosen.
 */
import type { Random } from './random.ts'

/** The text of each slot by name. */
export type SlotValues = Record<string, string>

/** What reading a statement gave: the slots found, and whether every condition of the wording was there. */
interface WordingMatch {
  values: SlotValues
  complete: boolean
}

interface RenderContext {
  random: Random
  values: SlotValues
  /** Pool entries already chosen in this statement, by pool name: a person keeps one name. */
  drawn: Map<string, string>
  withoutConditions: boolean
}

/** A piece of a wording. Build with `text`, `any`, `slot`, `pool` and `condition`. */
export interface Part {
  render(context: RenderContext): string
  /** The piece's pattern on whitespace-collapsed text; group names must be unique, hence the counter. */
  pattern(counter: { next: number }): string
  /** Literal text where the piece is nothing else. */
  literal?: string
  parts?: Part[]
}

function escapePattern(literal: string): string {
  return literal.replace(/\s+/g, ' ').replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

function literalPart(literal: string): Part {
  return { render: () => literal, pattern: () => escapePattern(literal), literal }
}

function asPart(value: Part | string | number): Part {
  return typeof value === 'object' ? value : literalPart(String(value))
}

/** Template tag: literal text (backslashes stay as written, so LaTeX needs no doubling) with pieces between. */
export function text(strings: TemplateStringsArray, ...values: (Part | string | number)[]): Part {
  const parts: Part[] = []
  strings.raw.forEach((raw, index) => {
    if (raw !== '') parts.push(literalPart(raw.replaceAll('\\`', '`')))
    const value = values[index]
    if (value !== undefined) parts.push(asPart(value))
  })
  return {
    render: (context) => parts.map((part) => part.render(context)).join(''),
    pattern: (counter) => parts.map((part) => part.pattern(counter)).join(''),
    parts,
  }
}

/** One of several pieces, equally likely. An empty string makes a piece optional. */
export function any(...options: (Part | string)[]): Part {
  const parts = options.map(asPart)
  return {
    render: (context) => context.random.pick(parts).render(context),
    pattern: (counter) => `(?:${parts.map((part) => part.pattern(counter)).join('|')})`,
  }
}

/** The place of a parameter. The pattern (default: a whole number of up to ten digits) must match the value's text and contain no groups. */
export function slot(name: string, pattern = '-?\\d{1,10}'): Part {
  return {
    render: (context) => {
      const value = context.values[name]
      if (value === undefined) throw new Error(`wording: no value for the slot ${name}`)
      return value
    },
    pattern: (counter) => `(?<${name}__${String(counter.next++)}>${pattern})`,
  }
}

/** A word from a list; within one statement the same pool name gives the same word. */
export function pool(name: string, entries: readonly string[]): Part {
  return {
    render: (context) => {
      const drawn = context.drawn.get(name) ?? context.random.pick(entries)
      context.drawn.set(name, drawn)
      return drawn
    },
    pattern: () => `(?:${entries.map(escapePattern).join('|')})`,
  }
}

/** A piece without which the problem can't be answered. Left out on purpose where a flawed problem is wanted. */
export function condition(part: Part): Part {
  return {
    render: (context) => (context.withoutConditions ? '' : part.render(context)),
    pattern: (counter) => `(?:(?<condition__${String(counter.next++)}>)${part.pattern(counter)})?`,
  }
}

/** A text with every run of white space made one space, and none at the ends. */
export function collapseWhitespace(statement: string): string {
  return statement.replace(/\s+/g, ' ').trim()
}

/** How a wording is written. */
interface WriteOptions {
  /** Leave every `condition` piece out. */
  withoutConditions?: boolean
  /** Words already chosen by pool name (the opening story and the question share their names). */
  drawn?: Map<string, string>
}

/** A wording ready for use in both directions. */
export interface CompiledWording {
  write(random: Random, values: SlotValues, options?: WriteOptions): string
  /** Reads a statement that ends with this wording; whatever comes before it is ignored. Expects collapsed whitespace. */
  read(collapsed: string): WordingMatch | undefined
}

/** The longest literal stretch that every rendering holds: a cheap test before the pattern is tried. */
function anchorOf(part: Part): string {
  let best = ''
  const visit = (candidate: Part): void => {
    if (candidate.literal !== undefined) {
      const literal = candidate.literal.replace(/\s+/g, ' ').trim()
      if (literal.length > best.length) best = literal
    }
    candidate.parts?.forEach(visit)
  }
  visit(part)
  return best
}

/** Compiles a wording. Slots may occur several times: a statement whose occurrences differ is not read. */
export function compileWording(part: Part): CompiledWording {
  const anchor = anchorOf(part)
  const expression = new RegExp(`${part.pattern({ next: 0 }).replace(/^ +| +$/g, '')}$`, 's')
  const conditionCount = (expression.source.match(/\(\?<condition__/g) ?? []).length
  return {
    write: (random, values, options = {}) =>
      part
        .render({
          random,
          values,
          drawn: options.drawn ?? new Map<string, string>(),
          withoutConditions: options.withoutConditions ?? false,
        })
        .trim(),
    read: (collapsed) => {
      if (!collapsed.includes(anchor)) return undefined
      const groups = expression.exec(collapsed)?.groups
      if (groups === undefined) return undefined
      const values: SlotValues = {}
      let conditions = 0
      for (const [group, value] of Object.entries(groups)) {
        if (value === undefined) continue
        const name = group.slice(0, group.indexOf('__'))
        if (name === 'condition') {
          conditions++
          continue
        }
        if (values[name] !== undefined && values[name] !== value) return undefined
        values[name] = value
      }
      return { values, complete: conditions === conditionCount }
    },
  }
}
