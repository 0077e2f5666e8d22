/**
 * generate-test-cases: accepted-problems of domains checked by tests -> test-cases. Several calls, each for one test of a
 * kind, parsed and assembled; trusted tests of human problems pass straight through. Four model calls per problem.
 */
import { checkedProblem } from '../curation/checked-problem.ts'
import { parseWrittenTest, testKinds } from '../curation/written-tests.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'generate-test-cases',
  summary: 'Writes unit tests for problems that are checked by tests.',
  version: 1,
  inputs: { acceptedProblems: topics.acceptedProblems },
  tables: {},
  outputs: { testCases: topics.testCases },
  roles: ['test-writer'],
  settings: {
    minTests: setting.integer(
      'Fewest tests that can be parsed for a problem to go on. The paper: 3 to 4 tests a problem.',
      { min: 1, max: 4, default: 3, profiles: { scripts: 1 }, recipe: true },
    ),
  },
  metrics: {},
  discards: ['too-few-tests'],
  onSpine: ['acceptedProblems'],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async acceptedProblems(problem, { config, emit, discard, complete }) {
      const domain = domainNamed(problem.domain)
      if (domain.checkedBy !== 'tests') return []
      const record = { ...checkedProblem(problem), votes: null }
      if (problem.checks && domain.hasChecks(problem.checks))
        return emit.testCases({ ...record, checks: problem.checks, malformedTests: 0 })
      const answers = await Promise.all(
        testKinds.map((kind, seed) =>
          complete({
            role: 'test-writer',
            purpose: `test-${seed}`,
            prompt: domain.testPrompt(problem.statement, kind),
            seed,
          }),
        ),
      )
      const parsed = answers.map((answer, index) => parseWrittenTest(answer.text, testKinds[index] ?? ''))
      const tests = parsed.flatMap((test) => ('fault' in test ? [] : [test]))
      const faults = parsed.flatMap((test) => ('fault' in test ? [test.fault] : []))
      if (tests.length < config.minTests)
        return discard(
          'too-few-tests',
          `${tests.length} of ${parsed.length} tests could be parsed: ${faults.join('; ')}`,
        )
      return emit.testCases({
        ...record,
        checks: { answer: null, tests, trusted: false },
        malformedTests: faults.length,
      })
    },
  },
})
