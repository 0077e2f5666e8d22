/** Programs that read stdin and write stdout: checked by unit tests in the sandbox. */
import { probeInputs } from '../curation/probe-inputs.ts'
import { extractProgram } from '../verifiers/program.ts'
import type { Domain } from './domain.ts'
import { furtherTestPrompt, testCasePrompt } from './prompts.ts'

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
  furtherTestPrompt,
  hasChecks: (checks) => checks.tests.length > 0,
  async check(text, checks, verify, { allTests, probes }) {
    const run = await verify.runProgram({ completion: text, tests: checks.tests, allTests, digests: allTests })
    // One test that the sandbox failed on leaves a hole among the others: all are run again.
    const fault = run.tests.find((test) => test.reason === 'sandbox_error')
    const inputs = run.reason === 'passed' ? probeInputs(checks.tests, probes) : []
    const asked = { tests: inputs.map((input) => ({ input, output: '' })), allTests: true, digests: true }
    const probed = inputs.length > 0 ? (await verify.runProgram({ completion: text, ...asked })).tests : []
    return {
      probes: probed.map(({ digest }) => digest ?? ''),
      reason: fault ? fault.reason : run.reason,
      extracted: null,
      detail: fault?.message ?? run.message ?? null,
      tests: run.tests.map(({ verdict, reason, seconds, memoryMb, digest }) => ({
        ...{ verdict, reason, seconds, memoryMb },
        outputDigest: digest ?? '',
      })),
    }
  },
  hasAnswer: (text) => 'program' in extractProgram(text),
}
