/** Test cases as a model writes them: the first fenced json block, exactly `input` and `output`, both strings. */
import type { ProgramTest } from '../schemas/generated.ts'

/** Kinds of test that are asked for, one a call (PromptCoT 2.0: edge cases, complex cases, error-prone inputs, critical paths). */
export const testKinds = ['edge case', 'complex case', 'error-prone input', 'critical path'] as const

const opening = /^[ \t]*```[ \t]*json[ \t]*$/im
const closing = /^[ \t]*```[ \t]*$/m

/** The test of an answer; a sentence on what is wrong with it where there is none. */
export function parseWrittenTest(answer: string, kind: string): ProgramTest | { fault: string } {
  const open = opening.exec(answer)
  const block = open ? answer.slice(open.index + open[0].length) : ''
  const close = closing.exec(block)
  if (!close) return { fault: 'no closed json block' }
  let value: unknown
  try {
    value = JSON.parse(block.slice(0, close.index))
  } catch (error) {
    return { fault: `the json block does not parse: ${(error as Error).message}` }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { fault: 'the json block holds no object' }
  const { input, output, ...others } = value as Record<string, unknown>
  if (typeof input !== 'string' || typeof output !== 'string') return { fault: 'input and output must both be strings' }
  if (Object.keys(others).length > 0) return { fault: `unexpected keys: ${Object.keys(others).join(', ')}` }
  return { input, output, kind }
}
