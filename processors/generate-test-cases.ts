/**
 * generate-test-cases: accepted-problems and test-requests -> test-cases and further-tests. For problems of domains checked by tests:
 * several calls, each for one test of a kind, parsed and assembled; trusted tests of human problems pass straight through. Four model
 * calls per problem, and as many as are asked for where its tests turn out to be too weak.
 */
import { checkedProblem } from '../curation/checked-problem.ts'
import { furtherTestsOf } from '../curation/further-tests.ts'
import { parseWrittenTest, testKinds } from '../curation/written-tests.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { ProgramTest, TestRequest } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'generate-test-cases',
  summary: 'Writes unit tests for problems that are checked by tests.',
  version: 1,
  inputs: { acceptedProblems: topics.acceptedProblems, testRequests: topics.testRequests },
  tables: {},
  outputs: { testCases: topics.testCases, furtherTests: topics.furtherTests },
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
  onFailure: {
    transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 },
    // A problem waits for its further tests: none is an answer too.
    emitInstead: {
      testRequests: (request, _, emit) => emit.furtherTests({ ...writtenFor(request), tests: [], malformedTests: 0 }),
    },
  },
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
      const { tests, faults } = parsed(answers.map(({ text }, index) => ({ text, kind: testKinds[index] ?? '' })))
      if (tests.length < config.minTests)
        return discard(
          'too-few-tests',
          `${tests.length} of ${answers.length} tests could be parsed: ${faults.join('; ')}`,
        )
      return emit.testCases({
        ...record,
        checks: { answer: null, tests, trusted: false },
        malformedTests: faults.length,
      })
    },

    async testRequests(request, { emit, complete }) {
      const domain = domainNamed(request.domain)
      if (domain.checkedBy !== 'tests')
        return emit.furtherTests({ ...writtenFor(request), tests: [], malformedTests: 0 })
      const { statement, checks } = request
      const answers = await Promise.all(
        furtherTestsOf(request).map(async (asked, index) => {
          const prompt =
            domain.furtherTestPrompt?.(statement, asked, checks.tests) ?? domain.testPrompt(statement, asked.kind)
          // Not the seeds of the tests that there are.
          const seed = testKinds.length + index
          const { text } = await complete({ role: 'test-writer', purpose: `further-test-${index}`, prompt, seed })
          return { text, kind: asked.kind }
        }),
      )
      const { tests, faults } = parsed(answers)
      const known = new Set(checks.tests.map(({ input }) => input))
      const fresh = tests.filter(({ input }) => !known.has(input) && known.add(input))
      return emit.furtherTests({ ...writtenFor(request), tests: fresh, malformedTests: faults.length })
    },
  },
})

/** The tests of answers, and what is wrong with those that hold none. */
function parsed(answers: readonly { text: string; kind: string }[]): { tests: ProgramTest[]; faults: string[] } {
  const found = answers.map(({ text, kind }) => parseWrittenTest(text, kind))
  return {
    tests: found.flatMap((test) => ('fault' in test ? [] : [test])),
    faults: found.flatMap((test) => ('fault' in test ? [test.fault] : [])),
  }
}

function writtenFor({ id, domain, problemId, verdicts }: TestRequest) {
  return { parentIds: [id], domain, problemId, verdicts }
}
