/** Test cases as a model writes them: the first fenced json block, exactly `input` and `output`, both strings. */
import type { ProgramTest } from '../schemas/generated.ts'

/** Kinds of test that are asked for, one a call (PromptCoT 2.0: edge cases, complex cases, error-prone inputs, critical paths). */
export const testKinds = ['edge case', 'complex case', 'error-prone input', 'critical path'] as const

const fence = /^[ \t]*```[ \t]*json[ \t]*\r?\n([\s\S]*?)^[ \t]*```[ \t]*$/im

/** The test of an answer; a sentence on what is wrong with it where there is none. */
export function parseWrittenTest(answer: string, kind: string): ProgramTest | { fault: string } {
  const block = fence.exec(answer)?.[1]
  if (block === undefined) return { fault: 'no closed json block' }
  let value: unknown
  try {
    value = JSON.parse(block)
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
