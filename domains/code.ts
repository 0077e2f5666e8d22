/** Programs that read stdin and write stdout: checked by unit tests in the sandbox. */
import { extractProgram } from '../verifiers/program.ts'
import type { Domain } from './domain.ts'
import { testCasePrompt } from './prompts.ts'

export const code: Domain = {
  name: 'code',
  // The literal of the released code models is in no public script; PromptCoT 2.0 takes its code seeds from Codeforces.
  levels: ['Codeforces'],
  checkedBy: 'tests',
  solverPrompt: (statement) => ({
    version: 'solve-code-released',
    text:
      'You will be given a question (problem specification) and will generate a correct Python program that matches the specification and passes all tests.\n\n' +
      `${statement}\n\n` +
      'Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample inputs). ' +
      'Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the inputs, runs the algorithm and writes output to STDOUT.\n' +
      '```python\n# YOUR CODE HERE\n```\n\n',
  }),
  testPrompt: testCasePrompt,
  hasChecks: (checks) => checks.tests.length > 0,
  async check(text, checks, verify) {
    const run = await verify.runProgram({ completion: text, tests: checks.tests })
    return {
      reason: run.reason,
      extracted: null,
      detail: run.message ?? run.tests.at(-1)?.message ?? null,
      tests: run.tests.map(({ verdict, reason, seconds, memoryMb }) => ({ verdict, reason, seconds, memoryMb })),
    }
  },
  hasAnswer: (text) => 'program' in extractProgram(text),
}
