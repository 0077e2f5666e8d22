/** Writes one test case for a programming problem, with a right or a wrong output. */
import type { CodeProblem, TestKind } from '../families/family.ts'
import type { Further } from '../prompts.ts'
import type { Random } from '../random.ts'
import { drawLength, writeReasoning } from '../reasoning.ts'
import type { Generation, TaskContext } from './task.ts'

/** An output that differs from the given one, as a slip in working it out would make it. */
function spoilOutput(output: string, random: Random): string {
  const numbers = [...output.matchAll(/-?\d+/g)]
  const chosen = numbers.length > 0 ? random.pick(numbers) : undefined
  if (chosen === undefined) return output.trim() === '' ? '0\n' : `${output.trim().slice(0, -1)}\n`
  const changed = Number(chosen[0]) + random.pick([1, -1, 2])
  return output.slice(0, chosen.index) + String(changed) + output.slice(chosen.index + chosen[0].length)
}

/** How often another input is drawn that is unlike those that there are. */
const DRAWS = 8

/**
 * An input of the kind; of a further test, the one that programs disagree on. Whether the problem allows that is seen only where it has no
 * output at all: a writer may be as wrong about it.
 */
function chooseInput(problem: CodeProblem, kind: TestKind, random: Random, further: Further | undefined): string {
  if (further?.disputed !== undefined) {
    const input = `${further.disputed.trimEnd()}\n`
    if (isSolvable(problem, input)) return input
  }
  let input = problem.input(kind, random)
  for (let draw = 1; draw < DRAWS && further?.known.includes(input.trimEnd()); draw++)
    input = problem.input(kind, random)
  return input
}

function isSolvable(problem: CodeProblem, input: string): boolean {
  try {
    const output = problem.solve(input)
    return output.trim() !== '' && !/undefined|NaN|Infinity/.test(output)
  } catch {
    return false
  }
}

/** Answers the test prompt: some thoughts, then a JSON block with input and output. */
export function writeTest(context: TaskContext, kind: TestKind, statement: string, further?: Further): Generation {
  const { random, settings, fault, model } = context
  const reading = context.statements.read(statement)
  const problem = reading.problem !== undefined && reading.problem.domain !== 'math' ? reading.problem : undefined
  const given = reading.known?.tests ?? []
  let test: { input: string; output: string }
  let right: boolean | null = null
  if (problem !== undefined) {
    const input = chooseInput(problem, kind, random, further)
    test = { input, output: problem.solve(input) }
    right = reading.flaw === undefined
  } else if (given.length > 0) {
    test = random.pick(given)
    right = true
  } else {
    const count = random.integer(1, 5)
    const numbers = Array.from({ length: count }, () => random.integer(1, 9))
    test = { input: `${String(count)}\n${numbers.join(' ')}\n`, output: `${String(Math.max(...numbers))}\n` }
  }
  if (random.chance(settings.noise.wrongTests)) {
    test = { input: test.input, output: spoilOutput(test.output, random) }
    if (right !== null) right = false
  }
  const steps = [`The test should be a ${kind}, within the constraints of the statement.`, ...(problem?.steps ?? [])]
  const thoughts = writeReasoning(random, steps, drawLength(random, 90 * settings.lengthFactor))
  const json = JSON.stringify(test)
  if (fault === 'malformed') {
    const content = random.pick([
      `${thoughts}\n\n\`\`\`json\n${json.slice(0, -2)}\n\`\`\``,
      `${thoughts}\n\nInput: ${test.input}Output: ${test.output}`,
      `${thoughts}\n\n\`\`\`json\n${JSON.stringify({ input: test.input })}\n\`\`\``,
    ])
    return { content, facts: [] }
  }
  const block = random.chance(0.7) ? json : JSON.stringify(test, null, 2)
  const content = `${thoughts}\n\n\`\`\`json\n${block}\n\`\`\``
  const body = { kind: 'test' as const, testKind: kind, model: model.id, input: test.input, output: test.output, right }
  return { content, facts: [{ statementHash: reading.hash, body, requires: block }] }
}
