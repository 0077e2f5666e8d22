/** Reads a problem statement: which family or human problem it is, and what is wrong with it. */
import type { Random } from './random.ts'
import { FAMILIES } from './families/all.ts'
import { hasExample, type Problem, questionOf } from './families/family.ts'
import type { KnownProblem, KnownProblems } from './known-problems.ts'
import { type Flaw, statementHash } from './truth.ts'
import { collapseWhitespace } from './wording.ts'

/** What reading a statement gave. All of it comes from the text alone. */
export interface StatementReading {
  hash: string
  statement: string
  problem?: Problem
  known?: KnownProblem
  flaw?: Flaw
}

const UNANSWERABLE = {
  math: [
    'Prove that your result is the only possible one.',
    'Prove that the value does not depend on the order of the steps.',
    'Show that no larger value can occur and discuss why.',
  ],
  code: [
    'Prove that no algorithm can be faster in the worst case.',
    'Show that the greedy choice is optimal and discuss alternatives.',
  ],
  sql: ['Prove that no shorter query has the same result.', 'Show that an index would not help and discuss why.'],
}
const CONTRADICTIONS = [
  'It is also known that the value asked for is both greater than 10 and less than 5.',
  'Moreover, the requested number is at the same time even and odd.',
  'In addition, every quantity above is known to be smaller than itself.',
  'Furthermore, the required result is positive and negative at once.',
]

/** The sentence that makes a problem unanswerable: it asks for a proof or an essay, not for a value. */
export function unanswerableSentence(domain: Problem['domain'], random: Random): string {
  return random.pick(UNANSWERABLE[domain])
}

/** A sentence that contradicts itself, so that no answer can satisfy it. */
export function contradictorySentence(random: Random): string {
  return random.pick(CONTRADICTIONS)
}

function findFlaw(collapsed: string, read: boolean): Flaw | undefined {
  if (/\b(?:prove|show) that\b/i.test(collapsed)) return 'unanswerable'
  if (CONTRADICTIONS.some((sentence) => collapsed.includes(sentence))) return 'contradictory'
  // A whole statement ends with a sentence, a formula or a block; a cut one ends in the middle of a word or phrase.
  if (!read && !/[.?!$)\]}"'`:\d]$/.test(collapsed)) return 'cut-off'
  return undefined
}

/** Reads statements, remembering the last ones: the same statement comes in many prompts. */
export class StatementReader {
  private readonly known: KnownProblems
  private readonly cache = new Map<string, StatementReading>()

  constructor(known: KnownProblems) {
    this.known = known
  }

  read(statement: string): StatementReading {
    const cached = this.cache.get(statement)
    if (cached !== undefined) return cached
    const reading = this.examine(statement)
    if (this.cache.size >= 4096) {
      const [oldest] = this.cache.keys()
      if (oldest !== undefined) this.cache.delete(oldest)
    }
    this.cache.set(statement, reading)
    return reading
  }

  private examine(statement: string): StatementReading {
    const collapsed = collapseWhitespace(statement)
    const base = { hash: statementHash(statement), statement }
    const known = this.known.find(collapsed)
    if (known !== undefined) return { ...base, known }
    const question = questionOf(statement.replaceAll('\r\n', '\n').trim())
    for (const family of FAMILIES) {
      const reading = family.read(question)
      if (reading === undefined) continue
      if ('flaw' in reading) return { ...base, flaw: findFlaw(collapsed, true) ?? reading.flaw }
      const flaw = findFlaw(collapsed, true)
      return { ...base, problem: reading.problem, ...(flaw && { flaw }) }
    }
    const flaw = findFlaw(collapsed, hasExample(statement))
    return { ...base, ...(flaw && { flaw }) }
  }
}

/** The difficulties (1 to 8) that belong to a level. */
export function difficultyRange(level: string): [low: number, high: number] {
  switch (level) {
    case 'AMC12':
    case 'SQL-Basic':
      return [1, 3.5]
    case 'HMMT-Nov':
    case 'SQL-Intermediate':
      return [2.5, 5]
    case 'HMMT-Feb':
    case 'AIME':
      return [3.5, 6]
    case 'USAJMO':
    case 'USOJMO':
    case 'SQL-Advanced':
      return [4.5, 7]
    case 'USAMO':
    case 'USOMO':
      return [5.5, 8]
    default:
      return [1.5, 7.5]
  }
}

/** What is wrong with a problem that was written for a level: its own flaw, or a difficulty far from the level's. */
export function flawAtLevel(reading: StatementReading, level: string): Flaw | undefined {
  if (reading.flaw !== undefined || reading.problem === undefined) return reading.flaw
  const [low, high] = difficultyRange(level)
  const { difficulty } = reading.problem
  return difficulty < low - 1.5 || difficulty > high + 1.5 ? 'wrong-level' : undefined
}
