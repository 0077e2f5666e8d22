/** The usual layout of a programming problem, shared by the families. */
import { any, type Part, text } from '../wording.ts'

const heading = (name: string): Part => any(name, `**${name}**`, `${name}:`, `## ${name}`)

/** Question, input, output and constraints, each under its heading. */
export function layOut(question: Part, input: Part, output: Part, limits: Part): Part {
  return text`${question}

${heading('Input')}
${input}

${heading('Output')}
${output}

${heading('Constraints')}
${limits}`
}

/** Whole numbers of a line of input. */
export function numbersOf(line: string | undefined): number[] {
  return (line ?? '')
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number)
}
