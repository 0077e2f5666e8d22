/**
 * Tells from the text of a prompt what is asked. The formats are those that the pipeline sends; anything else is a plain
 * question.
 */
import { TEST_KINDS, type TestKind } from './families/family.ts'

/** What a prompt asks for, with its parts. */
export type Task =
  | { kind: 'annotate'; statement: string }
  | { kind: 'synthesise'; concepts: string[]; level: string; continuation: Continuation }
  | { kind: 'rationalise'; style: 'annotator' | 'writer'; concepts: string[]; level: string; statement: string }
  | { kind: 'judge'; level: string; concepts: string[]; rationale: string; statement: string }
  | { kind: 'write-test'; testKind: TestKind; statement: string; further?: Further }
  | { kind: 'solve-math'; statement: string }
  | { kind: 'solve-code'; statement: string }
  | { kind: 'solve-sql'; statement: string }
  | { kind: 'other'; text: string }

/** What is said of a test that is to come to others. */
export interface Further {
  /** An input that it is to be made of; undefined where none is given. */
  disputed: string | undefined
  /** Inputs of tests that there are. */
  known: string[]
}

/** How far a synthesis prompt has already come. */
export type Continuation =
  /** Nothing written yet: rationale and problem follow. */
  | { at: 'start' }
  /** In the middle of a rationale. */
  | { at: 'rationale'; written: string }
  /** The rationale is given, the problem follows. */
  | { at: 'problem'; rationale: string; written: string }

/** Tags of the released synthesis format. */
export const TAGS = {
  beginRationale: '<!-- BEGIN RATIONALE -->',
  endRationale: '<!-- END RATIONALE -->',
  beginProblem: '<!-- BEGIN PROBLEM -->',
  endProblem: '<!-- END PROBLEM -->',
} as const

const ANNOTATE = 'List the foundational concepts that someone must know to solve the problem below.'
const SYNTHESISE = 'Given foundational concepts and difficulty level, identify connections and develop a question'
const RATIONALISE = {
  annotator: 'Below are foundational concepts, a difficulty level, and a problem that an expert designed from them.',
  writer:
    'Given foundational concepts, difficulty level and a problem that was designed from them, write the rationale',
} as const
const JUDGE = 'Rate the problem below, written by another model for the difficulty level '
const WRITE_TEST = /^Write one (?:more )?test case for the (?:programming|SQL) problem below: a/
const DISPUTED_INPUT = '\n\nInput that they disagree on:\n'
const KNOWN_INPUTS = '\n\nInputs of the tests that there are:\n'
const INPUT_SEPARATOR = '\n---\n'
const SOLVE_CODE = 'You will be given a question (problem specification) and will generate a correct Python program'
const SOLVE_CODE_END = '\n\nRead the inputs from stdin solve the problem and write the answer to stdout'
const SOLVE_SQL = 'You will be given a question to a SQLite database and will write one SQL query'
const SOLVE_SQL_END = '\n\nReason step by step, then write the query'
const SOLVE_MATH_END = 'Please reason step by step, and put your final answer within \\boxed{}.'
const PROBLEM_LINE = '\nProblem:\n'

function after(text: string, mark: string): string {
  const at = text.indexOf(mark)
  return at < 0 ? '' : text.slice(at + mark.length)
}

function between(text: string, start: string, end: string): string {
  const rest = after(text, start)
  const at = rest.indexOf(end)
  return at < 0 ? rest : rest.slice(0, at)
}

function numberedConcepts(text: string): string[] {
  return between(text, 'Foundational Concepts:\n', '\n\n')
    .split('\n')
    .map((line) => line.replace(/^\s*\d+\.\s*/, '').trim())
    .filter((line) => line !== '')
}

function readContinuation(rest: string): Continuation {
  if (!rest.includes(TAGS.beginRationale)) return { at: 'start' }
  if (rest.includes(TAGS.beginProblem)) {
    const rationale = between(rest, TAGS.beginRationale, TAGS.beginProblem).replace(TAGS.endRationale, '').trim()
    return { at: 'problem', rationale, written: after(rest, TAGS.beginProblem) }
  }
  const written = after(rest, TAGS.beginRationale)
  const end = written.indexOf(TAGS.endRationale)
  return end < 0
    ? { at: 'rationale', written }
    : { at: 'problem', rationale: written.slice(0, end).trim(), written: '' }
}

/** What stands between the first empty line and a mark. */
function statementBefore(text: string, mark: string): string {
  const rest = text.slice(text.indexOf('\n\n') + 2)
  const end = rest.indexOf(mark)
  return (end < 0 ? rest : rest.slice(0, end)).trim()
}

/** Recognises what a prompt asks for. */
export function recogniseTask(prompt: string): Task {
  const text = prompt.trimEnd()
  if (text.includes(SYNTHESISE)) {
    const rest = after(text, 'Difficulty Level: ')
    const [level = ''] = rest.split('\n', 1)
    return {
      kind: 'synthesise',
      concepts: numberedConcepts(text),
      level: level.trim(),
      continuation: readContinuation(rest.slice(level.length)),
    }
  }
  if (text.startsWith(ANNOTATE)) return { kind: 'annotate', statement: after(text, PROBLEM_LINE) }
  for (const style of ['annotator', 'writer'] as const) {
    if (!text.startsWith(RATIONALISE[style])) continue
    const level = between(text, 'Difficulty Level: ', '\n').trim()
    return { kind: 'rationalise', style, concepts: numberedConcepts(text), level, statement: after(text, PROBLEM_LINE) }
  }
  if (text.startsWith(JUDGE)) {
    return {
      kind: 'judge',
      level: between(text, JUDGE, ' from the concepts listed'),
      concepts: numberedConcepts(text),
      rationale: between(text, '\nRationale:\n', `\n${PROBLEM_LINE}`),
      statement: after(text, PROBLEM_LINE),
    }
  }
  const writing = WRITE_TEST.exec(text)
  if (writing) {
    const said = text.slice(writing[0].length, writing[0].length + 40)
    const testKind = TEST_KINDS.find((kind) => said.includes(` ${kind}.`)) ?? 'critical path'
    const statement = after(text, PROBLEM_LINE)
    if (!text.includes(KNOWN_INPUTS)) return { kind: 'write-test', testKind, statement }
    const disputed = text.includes(DISPUTED_INPUT) ? between(text, DISPUTED_INPUT, KNOWN_INPUTS) : undefined
    const known = between(text, KNOWN_INPUTS, `\n${PROBLEM_LINE}`).split(INPUT_SEPARATOR)
    return { kind: 'write-test', testKind, statement, further: { disputed, known } }
  }
  if (text.startsWith(SOLVE_CODE)) return { kind: 'solve-code', statement: statementBefore(text, SOLVE_CODE_END) }
  if (text.startsWith(SOLVE_SQL)) return { kind: 'solve-sql', statement: statementBefore(text, SOLVE_SQL_END) }
  if (text.endsWith(SOLVE_MATH_END)) {
    return { kind: 'solve-math', statement: text.slice(0, -SOLVE_MATH_END.length).trim() }
  }
  return { kind: 'other', text }
}
