import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { probeInputs } from '../../curation/probe-inputs.ts'
import { drive, type Driven } from '../../engine/drive.ts'
import planRollouts from '../../processors/plan-rollouts.ts'
import type {
  Outcome,
  RolloutPlan,
  RolloutRequest,
  TestCases,
  TestRequest,
  TestResult,
  Verdict,
} from '../../schemas/generated.ts'
import { idsOf, modelCall, testCases, testRuns, verdict } from './records.ts'

/** What an attempt comes to. */
type Ending = 'passed' | 'failed' | 'invalid' | 'unverifiable' | 'our fault'

interface Run {
  solvers?: string[]
  settings?: Readonly<Record<string, unknown>>
  state?: Map<string, unknown>
}

/** A problem's plan and what is delivered to it, record after record. */
class Planning {
  readonly #run: Run
  readonly #state: Map<string, unknown>
  readonly requests: RolloutRequest[] = []
  readonly outcomes: Outcome[] = []
  readonly testRequests: TestRequest[] = []
  left = 0
  #offset = 0

  constructor(run: Run = {}) {
    this.#run = run
    this.#state = run.state ?? new Map<string, unknown>()
  }

  get plan(): RolloutPlan | undefined {
    return this.#state.get('problem-1') as RolloutPlan | undefined
  }

  testCases(given: Partial<TestCases> = {}): Promise<Driven> {
    return this.#deliver('testCases', testCases({ calls: [modelCall({ purpose: 'vote-0' })], ...given }))
  }

  /** Delivers the verdict of an attempt at the next offset of partition 7. */
  verdict(
    attempt: number,
    ending: Ending,
    solver = 'solver-model',
    tests: Verdict['tests'] = [],
    probes: string[] = [],
  ): Promise<Driven> {
    const given: Partial<Verdict> = {
      passed: { verdict: 'passed', valid: true } as const,
      failed: { verdict: 'failed', valid: true } as const,
      invalid: { verdict: 'failed', valid: false } as const,
      unverifiable: { verdict: 'unverifiable', valid: false, reason: 'not_run' } as const,
      'our fault': { verdict: 'unverifiable', valid: false, reason: 'sandbox_error' } as const,
    }[ending]
    return this.#deliver(
      'verdicts',
      verdict({ ...given, id: `${solver}/${attempt}`, solver, attempt, tests, probes, calls: [modelCall()] }),
    )
  }

  /** Delivers the verdict of a program by what it prints on each test: `+` what is expected, another letter something else, `!` nothing. */
  program(attempt: number, outputs: string, solver = 'solver-model', probes: string[] = []): Promise<Driven> {
    return this.verdict(attempt, /^\++$/.test(outputs) ? 'passed' : 'failed', solver, resultsOf(outputs), probes)
  }

  /** Delivers what programs print on further tests, by the ids of their verdicts; as of `program`. */
  runs(outputs: Readonly<Record<string, string>>): Promise<Driven> {
    const programs = Object.entries(outputs).map(([verdictId, letters]) => ({ verdictId, tests: resultsOf(letters) }))
    const tests = [...(Object.values(outputs)[0] ?? '')].map((_, index) => ({
      ...{ input: `further ${index}`, output: 'x', kind: 'disputed input' },
    }))
    return this.#deliver('testRuns', testRuns({ tests, programs }))
  }

  async #deliver(input: string, record: unknown): Promise<Driven> {
    const { solvers = ['solver-model'], settings: given = {} } = this.#run
    // All attempts at once, unless a test is about the others.
    const settings = { adaptive: false, ...given }
    const driven = await drive(
      planRollouts,
      { input, record },
      { models: { solver: solvers }, settings, state: this.#state, position: { partition: 7, offset: this.#offset++ } },
    )
    for (const { topic, record: emitted } of driven.records) {
      if (topic === 'rollout-requests') this.requests.push(emitted as RolloutRequest)
      if (topic === 'test-requests') this.testRequests.push(emitted as TestRequest)
      if (topic === 'outcomes') this.outcomes.push(emitted as Outcome)
    }
    this.left += driven.left
    return driven
  }
}

function resultsOf(outputs: string): TestResult[] {
  return [...outputs].map((output) => ({
    ...{ verdict: output === '+' ? ('passed' as const) : ('failed' as const), reason: '', seconds: 0, memoryMb: 0 },
    outputDigest: output === '!' ? '' : output,
  }))
}

const three = { settings: { attempts: 3, maxRepeats: 1 } }

describe('plan-rollouts', () => {
  it('emits k requests for each solver, each with a seed of its own', async () => {
    const planning = new Planning({ solvers: ['solver-a', 'solver-b'] })
    await planning.testCases()
    expect(planning.requests).toHaveLength(16)
    expect(planning.requests[9]).toMatchObject({
      parentIds: ['test-cases-1'],
      problemId: 'problem-1',
      domain: 'math',
      solver: 'solver-b',
      attempt: 1,
      statement: 'What is the sum of 2 and 2?',
      checks: { answer: '4', tests: [], trusted: false },
    })
    expect(new Set(planning.requests.map(({ seed }) => seed)).size).toBe(16)
    expect(new Set(planning.requests.map(({ id }) => id)).size).toBe(16)
    expect(planning.outcomes).toEqual([])
  })

  it('emits the outcome with the last verdict, listing the ones that it counted and where they lie', async () => {
    const planning = new Planning(three)
    await planning.testCases()
    await planning.verdict(2, 'invalid')
    await planning.verdict(0, 'failed')
    expect(planning.outcomes).toEqual([])
    await planning.verdict(1, 'passed')
    expect(planning.outcomes).toMatchObject([
      {
        parentIds: ['test-cases-1'],
        problemId: 'problem-1',
        domain: 'math',
        origin: 'synthetic',
        source: 'wellspring',
        solver: 'solver-model',
        result: 'kept',
        attempted: 3,
        passed: 1,
        invalid: 1,
        unverifiable: 0,
        verdicts: [
          { verdictId: 'solver-model/0', partition: 7, offset: 2, verdict: 'failed', valid: true },
          { verdictId: 'solver-model/1', partition: 7, offset: 3, verdict: 'passed', valid: true },
          { verdictId: 'solver-model/2', partition: 7, offset: 1, verdict: 'failed', valid: false },
        ],
        statement: 'What is the sum of 2 and 2?',
        concepts: ['addition', 'integers'],
        level: 'AIME',
        // One call behind its checks and one an attempt, 10 tokens in and 20 out each.
        tokens: 4 * 30,
      },
    ])
  })

  it.each([
    [['failed', 'invalid', 'failed'], 'unsolved'],
    [['passed', 'failed', 'failed'], 'kept'],
    [['passed', 'passed', 'failed'], 'too_easy'],
  ] as [Ending[], string][])('closes %j as %s', async (endings, result) => {
    const planning = new Planning(three)
    await planning.testCases()
    for (const [attempt, ending] of endings.entries()) await planning.verdict(attempt, ending)
    expect(planning.outcomes.map((outcome) => outcome.result)).toEqual([result])
  })

  it('judges by its limit of the pass rate', async () => {
    const planning = new Planning({ settings: { attempts: 3, tooEasyAt: 0.7 } })
    await planning.testCases()
    for (const attempt of [0, 1]) await planning.verdict(attempt, 'passed')
    await planning.verdict(2, 'failed')
    expect(planning.outcomes.map((outcome) => outcome.result)).toEqual(['kept'])
  })

  it('asks again for an attempt that could not be verified, which counts for nothing', async () => {
    const planning = new Planning(three)
    await planning.testCases()
    await planning.verdict(1, 'unverifiable')
    expect(planning.requests.map(({ attempt }) => attempt)).toEqual([0, 1, 2, 3])
    for (const attempt of [0, 2]) await planning.verdict(attempt, 'failed')
    expect(planning.outcomes).toEqual([])
    await planning.verdict(3, 'passed')
    expect(planning.outcomes).toMatchObject([{ result: 'kept', attempted: 3, passed: 1, unverifiable: 1 }])
    expect(planning.outcomes[0]?.verdicts.map(({ verdictId }) => verdictId)).toEqual(
      [0, 2, 3].map((attempt) => `solver-model/${attempt}`),
    )
  })

  it('abandons a problem that has too few attempts left after its repeats, and waits for those on their way first', async () => {
    const planning = new Planning(three)
    await planning.testCases()
    await planning.verdict(0, 'unverifiable')
    await planning.verdict(1, 'unverifiable')
    expect(planning.requests).toHaveLength(4)
    await planning.verdict(2, 'passed')
    expect(planning.outcomes).toEqual([])
    await planning.verdict(3, 'passed')
    expect(planning.outcomes).toMatchObject([{ result: 'abandoned', attempted: 2, passed: 2, unverifiable: 2 }])
  })

  it('asks nothing again where no repeats are allowed', async () => {
    const planning = new Planning({ settings: { attempts: 1, maxRepeats: 0 } })
    await planning.testCases()
    await planning.verdict(0, 'unverifiable')
    expect(planning.requests).toHaveLength(1)
    expect(planning.outcomes).toMatchObject([{ result: 'abandoned', attempted: 0, verdicts: [] }])
  })

  it('does not pay for another attempt where the fault was our own: the text can be verified later', async () => {
    const planning = new Planning(three)
    await planning.testCases()
    await planning.verdict(0, 'our fault')
    await planning.verdict(1, 'passed')
    await planning.verdict(2, 'failed')
    expect(planning.requests).toHaveLength(3)
    expect(planning.outcomes).toMatchObject([{ result: 'abandoned', attempted: 2, unverifiable: 1 }])
  })

  it('ignores repeated verdicts and test cases, whatever they say', async () => {
    const planning = new Planning(three)
    await planning.testCases()
    await planning.verdict(0, 'passed')
    expect((await planning.verdict(0, 'failed')).records).toEqual([])
    expect((await planning.testCases()).records).toEqual([])
    await planning.verdict(1, 'failed')
    await planning.verdict(2, 'failed')
    expect(planning.outcomes).toMatchObject([{ passed: 1 }])
  })

  it('ignores everything of a closed problem', async () => {
    const planning = new Planning({ settings: { attempts: 1 } })
    await planning.testCases()
    await planning.verdict(0, 'passed')
    for (const late of [
      await planning.verdict(0, 'failed'),
      await planning.verdict(5, 'failed'),
      await planning.verdict(0, 'passed', 'another-solver'),
      await planning.testCases(),
    ])
      expect(late).toMatchObject({ records: [], left: 0, discarded: undefined })
  })

  it('closes at once a problem whose verdicts all came before its test cases, and asks for nothing', async () => {
    const planning = new Planning(three)
    await planning.verdict(2, 'passed')
    await planning.verdict(0, 'unverifiable')
    await planning.verdict(1, 'failed')
    await planning.verdict(3, 'failed')
    expect([planning.outcomes, planning.left]).toEqual([[], 0])
    await planning.testCases()
    expect(planning.requests).toEqual([])
    expect(planning.outcomes).toMatchObject([{ result: 'kept', attempted: 3, passed: 1, unverifiable: 1 }])
    expect(planning.left).toBe(1)
  })

  it('asks only for attempts that no verdict came for before the test cases, repeats included', async () => {
    const planning = new Planning(three)
    await planning.verdict(0, 'unverifiable')
    await planning.testCases()
    expect(planning.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  })

  it('counts no attempt beyond those that it would have asked for', async () => {
    const planning = new Planning({ settings: { attempts: 2 } })
    for (const attempt of [4, 3, 2, 1, 0]) await planning.verdict(attempt, attempt < 2 ? 'failed' : 'passed')
    await planning.testCases()
    expect(planning.outcomes).toMatchObject([{ result: 'unsolved', attempted: 2, passed: 0 }])
  })

  it('leaves out solvers that are not configured when the test cases come', async () => {
    const planning = new Planning({ ...three, solvers: ['solver-b'] })
    await planning.verdict(0, 'passed', 'solver-a')
    await planning.testCases()
    await planning.verdict(1, 'passed', 'solver-a')
    expect(new Set(planning.requests.map(({ solver }) => solver))).toEqual(new Set(['solver-b']))
    for (const attempt of [0, 1, 2]) await planning.verdict(attempt, 'failed', 'solver-b')
    expect(planning.outcomes.map(({ solver }) => solver)).toEqual(['solver-b'])
    expect(planning.left).toBe(1)
  })

  it('leaves the stream once, with the outcome of the last solver, and then keeps no texts', async () => {
    const planning = new Planning({ settings: { attempts: 1 }, solvers: ['solver-a', 'solver-b'] })
    await planning.testCases()
    expect((await planning.verdict(0, 'passed', 'solver-b')).left).toBe(0)
    expect((await planning.verdict(0, 'failed', 'solver-a')).left).toBe(1)
    expect(planning.plan).toMatchObject({ testCases: null, solvers: [{ verdicts: [] }, { verdicts: [] }] })
  })

  it('discards as no-solver where none is configured', async () => {
    const planning = new Planning({ solvers: [] })
    expect((await planning.testCases()).discarded).toEqual({
      reason: 'no-solver',
      evidence: 'no model is configured for the role solver',
    })
  })

  it('keys both inputs by the problem', () => {
    const keyOf = planRollouts.state?.keyOf as ((record: unknown) => string) | undefined
    expect([keyOf?.(testCases()), keyOf?.(verdict())]).toEqual(['problem-1', 'problem-1'])
  })

  it('gives a replay the same ids', async () => {
    const run = async (): Promise<string[]> => {
      const planning = new Planning({ settings: { attempts: 1 } })
      return [...idsOf(await planning.testCases()), ...idsOf(await planning.verdict(0, 'passed'))]
    }
    const first = await run()
    expect(first).toEqual([expect.stringMatching(/^rollout-request-/), expect.stringMatching(/^outcome-/)])
    expect(await run()).toEqual(first)
  })

  it('does not start with a pass rate above 1', async () => {
    await expect(new Planning({ settings: { tooEasyAt: 50 } }).testCases()).rejects.toThrow(
      'tooEasyAt: expected a number between 0 and 1, got 50 (Pass rate from which a problem is too easy. The paper: 0.5.)',
    )
  })

  describe('adaptive', () => {
    const adaptive = { settings: { adaptive: true } }

    it('asks for four at first, for one more with each that fails, and closes with the fourth pass', async () => {
      const planning = new Planning(adaptive)
      await planning.testCases()
      expect(planning.requests.map(({ attempt }) => attempt)).toEqual([0, 1, 2, 3])
      await planning.verdict(2, 'failed')
      expect(planning.requests.map(({ attempt }) => attempt)).toEqual([0, 1, 2, 3, 4])
      for (const attempt of [0, 4, 1]) await planning.verdict(attempt, 'passed')
      expect(planning.outcomes).toEqual([])
      await planning.verdict(3, 'passed')
      expect(planning.requests).toHaveLength(5)
      expect(planning.outcomes).toMatchObject([
        { result: 'too_easy', reason: 'decided', attempted: 5, passed: 4, spared: 3, setAside: [] },
      ])
      expect(planning.left).toBe(1)
    })

    it('counts stored verdicts as it would have asked for them', async () => {
      const planning = new Planning(adaptive)
      for (const attempt of [7, 3, 2, 1, 0, 4]) await planning.verdict(attempt, attempt === 1 ? 'failed' : 'passed')
      await planning.testCases()
      expect(planning.requests).toEqual([])
      expect(planning.outcomes).toMatchObject([{ result: 'too_easy', attempted: 5, passed: 4 }])
    })

    it('goes on with a plan of the version before, which had asked for all attempts', async () => {
      const state = new Map<string, unknown>()
      const before = new Planning({ state, settings: { adaptive: false } })
      await before.testCases()
      for (const attempt of [0, 1]) await before.verdict(attempt, 'passed')
      // As it is read from a record without the fields that have come since.
      const plan = state.get('problem-1') as RolloutPlan
      for (const solver of plan.solvers) for (const one of solver.verdicts) one.tests = []
      const after = new Planning({ ...adaptive, state })
      for (const attempt of [2, 3, 4, 5, 6]) await after.verdict(attempt, 'passed')
      expect([after.requests, after.outcomes]).toEqual([[], []])
      await after.verdict(7, 'failed')
      expect(after.outcomes).toMatchObject([{ result: 'too_easy', reason: '', attempted: 8, passed: 7, spared: 0 }])
    })
  })

  describe('weighs written tests', () => {
    const suite = {
      answer: null,
      tests: ['edge case', 'complex case', 'critical path'].map((kind) => ({ input: kind, output: 'x', kind })),
      trusted: false,
    }
    const code = { domain: 'code', checks: suite }

    const lenient = { settings: { tooEasyAt: 0.75 } }
    const programs = ['+a+', 'bzc', '+a+', '+a+', '!!!', '+a+', 'bzc', '+d+']
    const runAll = async (planning: Planning, outputs: readonly string[], solver?: string): Promise<void> => {
      for (const [attempt, one] of outputs.entries()) await planning.program(attempt, one, solver)
    }

    it('and sets one aside that four programs, alike on everything, fail: they have passed then', async () => {
      const planning = new Planning(lenient)
      await planning.testCases(code)
      await runAll(planning, programs)
      const agreed = [0, 2, 3, 5].map((attempt) => `solver-model/${attempt}`)
      expect(planning.outcomes).toMatchObject([
        {
          ...{ result: 'kept', reason: '', attempted: 8, passed: 4 },
          setAside: [
            {
              ...{ test: 1, kind: 'complex case', rule: 'agreement', agreed },
              ...{ seconded: 0, contradicted: 0, of: 8, outputDigest: 'a' },
            },
          ],
        },
      ])
      expect(planning.outcomes[0]?.verdicts.map((one) => [one.verdict, one.recomputed])).toEqual(
        programs.map((outputs) => (outputs === '+a+' ? ['passed', true] : ['failed', false])),
      )
    })

    it.each([
      ['trusted tests', { ...code, checks: { ...suite, trusted: true } }, {}],
      ['tests where it is told not to', code, { weighTests: false }],
    ])('but never %s', async (_, given, settings) => {
      const planning = new Planning({ settings: { ...lenient.settings, ...settings } })
      await planning.testCases(given)
      await runAll(planning, programs)
      expect(planning.outcomes).toMatchObject([{ result: 'unsolved', passed: 0, setAside: [] }])
    })

    it('and says how many ways of behaving those have that pass them all', async () => {
      const planning = new Planning({ settings: { attempts: 3, tooEasyAt: 1, testsForWeakSuites: 0 } })
      await planning.testCases(code)
      await planning.program(0, '+++', 'solver-model', ['a', 'b'])
      await planning.program(1, '+++', 'solver-model', ['a', 'c'])
      await planning.program(2, 'a++')
      expect(planning.outcomes).toMatchObject([{ result: 'kept', passed: 2, behaviours: [1, 1] }])
    })

    it('and abandons a problem for which no test is left', async () => {
      const planning = new Planning()
      await planning.testCases(code)
      await runAll(planning, ['abc', 'abc', 'abc', 'abc', 'abc', 'xyz', '!!!', 'abc'])
      expect(planning.outcomes).toMatchObject([
        { result: 'abandoned', reason: 'no_test_left', attempted: 8, passed: 0 },
      ])
      expect(planning.outcomes[0]?.setAside).toHaveLength(3)
    })

    it('against the programs of all solvers, and waits for them where nothing has passed', async () => {
      const planning = new Planning({ ...lenient, solvers: ['solver-a', 'solver-b'] })
      await planning.testCases(code)
      await runAll(planning, ['+a+', '+a+', '!!!', '!!!', '!!!', '!!!', '!!!', '!!!'], 'solver-a')
      expect(planning.outcomes).toEqual([])
      await runAll(planning, ['+a+', '+a+', '+a+', '+a+', '+a+', '+a+', '!!!', '!!!'], 'solver-b')
      expect(planning.outcomes).toMatchObject([
        { solver: 'solver-a', result: 'kept', passed: 2, setAside: [{ test: 1 }] },
        { solver: 'solver-b', result: 'too_easy', passed: 6, setAside: [{ test: 1 }] },
      ])
      expect(planning.left).toBe(1)
    })

    it('but waits no longer once a program of another solver has passed them all', async () => {
      const settings = { ...lenient.settings, testsForWeakSuites: 0 }
      const planning = new Planning({ settings, solvers: ['solver-a', 'solver-b'] })
      await planning.testCases(code)
      await runAll(planning, programs, 'solver-a')
      await planning.program(0, '+++', 'solver-b')
      expect(planning.outcomes).toMatchObject([{ solver: 'solver-a', result: 'unsolved', setAside: [] }])
    })

    it('having made all attempts where nothing passes, and keeps the same problems as all at once would', async () => {
      const output = fc.constantFrom('+++', '+a+', '+a+', '+a+', 'ba+', 'bac', 'bac', '!!!', '++c')
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(output, { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 3 }),
          fc.infiniteStream(fc.nat()),
          async (outputs, picks) => {
            const solvers = outputs.map((_, index) => `solver-${index}`)
            const outcomesOf = async (adaptive: boolean): Promise<Outcome[]> => {
              const planning = new Planning({ solvers, settings: { adaptive } })
              await planning.testCases(code)
              const waiting: RolloutRequest[] = [...planning.requests]
              while (waiting.length > 0) {
                const pick = (picks.next().value as number | undefined) ?? 0
                const [next] = waiting.splice(pick % waiting.length, 1)
                const before = planning.requests.length
                const { solver = '', attempt = 0 } = next ?? {}
                await planning.program(attempt, outputs[solvers.indexOf(solver)]?.[attempt] ?? expect.fail(), solver)
                waiting.push(...planning.requests.slice(before))
              }
              expect(planning.outcomes.map(({ solver }) => solver).sort()).toEqual(solvers)
              expect(planning.left).toBe(1)
              return planning.outcomes.toSorted((a, b) => a.solver.localeCompare(b.solver))
            }
            const [adaptive, atOnce] = [await outcomesOf(true), await outcomesOf(false)]
            const results = (all: Outcome[]): string[] => all.map(({ result }) => result)
            expect(results(adaptive)).toEqual(results(atOnce))
            for (const [index, one] of adaptive.entries()) {
              const other = atOnce[index]
              if (one.result !== 'kept') continue
              const concluded = ({ verdicts }: Outcome) =>
                verdicts.map((counted) => [counted.verdictId, counted.verdict])
              expect(other && concluded(other)).toEqual(concluded(one))
              expect(one.setAside.map(({ test }) => test)).toEqual(other?.setAside.map(({ test }) => test))
            }
          },
        ),
        { numRuns: 150 },
      )
    })
  })

  describe('asks for further tests of a weak suite', () => {
    const tests = ['1 2\n', '3 4\n'].map((input) => ({ input, output: 'x', kind: 'edge case' }))
    const code = { domain: 'code', checks: { answer: null, tests, trusted: false } }
    const settings = { attempts: 3, tooEasyAt: 1, testsForWeakSuites: 2 }
    const id = (attempt: number, solver = 'solver-model'): string => `${solver}/${attempt}`

    /** Two programs that pass and disagree on the second probe, and one that fails. */
    async function weak(run: Run = {}): Promise<Planning> {
      const planning = new Planning({ ...run, settings: { ...settings, ...run.settings } })
      await planning.testCases({ ...code })
      await planning.program(0, '++', 'solver-model', ['a', 'b'])
      await planning.program(1, '++', 'solver-model', ['a', 'c'])
      await planning.program(2, 'a+')
      return planning
    }

    it('once all attempts are verified, and closes nothing before an answer has come', async () => {
      const planning = await weak()
      expect(planning.outcomes).toEqual([])
      expect(planning.testRequests).toMatchObject([
        {
          ...{ parentIds: ['test-cases-1'], problemId: 'problem-1', checks: code.checks, count: 2 },
          inputs: ['3 3\n'],
          verdicts: [
            { verdictId: id(0), partition: 7, offset: 1 },
            { verdictId: id(1), partition: 7, offset: 2 },
          ],
        },
      ])
    })

    it('and closes with what they say: who fails one has not passed', async () => {
      const planning = await weak()
      await planning.runs({ [id(0)]: '+a', [id(1)]: 'ba' })
      expect(planning.outcomes).toMatchObject([
        {
          ...{ parentIds: ['test-cases-1', 'test-runs-1'], result: 'kept', attempted: 3, passed: 1 },
          behaviours: [1, 1],
          // Calls behind the checks, the attempts and the further tests.
          tokens: 5 * 30,
          addedTests: [
            { test: 0, kind: 'disputed input', setAside: '', passed: 1, of: 2 },
            { test: 1, kind: 'disputed input', setAside: 'nobody-passes', passed: 0, of: 2 },
          ],
        },
      ])
      expect(planning.outcomes[0]?.verdicts.map((one) => [one.verdict, one.recomputed])).toEqual([
        ['passed', false],
        ['failed', true],
        ['failed', false],
      ])
      expect(planning.left).toBe(1)
      expect(planning.plan).toMatchObject({ testCases: null, runs: null })
    })

    it('at those inputs alone that it asks for', async () => {
      const planning = new Planning({ settings: { ...settings, testsForWeakSuites: 1 } })
      await planning.testCases({ ...code })
      await planning.program(0, '++', 'solver-model', ['a', 'b', 'd', 'f'])
      await planning.program(1, '++', 'solver-model', ['b', 'c', 'e', 'g'])
      await planning.program(2, 'a+')
      expect(planning.testRequests.map(({ count, inputs }) => [count, inputs.length])).toEqual([[1, 1]])
    })

    it('and of no input that no prompt could hold', async () => {
      const planning = new Planning({ settings })
      const long = [{ input: `${'7 '.repeat(3000)}8\n`, output: 'x', kind: 'edge case' }, ...tests]
      await planning.testCases({ domain: 'code', checks: { answer: null, tests: long, trusted: false } })
      const probes = probeInputs(long, 12)
      const digests = probes.map((_, probe) => `${probe}`)
      await planning.program(0, '+++', 'solver-model', digests)
      const others = digests.map((digest) => `other ${digest}`)
      await planning.program(1, '+++', 'solver-model', others)
      await planning.program(2, 'a++')
      const short = probes.filter(({ length }) => length < 100)
      expect(short.length).toBeLessThan(probes.length)
      expect(planning.testRequests[0]?.inputs).toEqual(short.slice(0, 2))
    })

    it('but not where a solver was closed before, when none were asked for: nobody attempts the problem for it again', async () => {
      const [solvers, state] = [['a', 'b'], new Map<string, unknown>()]
      const before = new Planning({ solvers, state, settings: { ...settings, testsForWeakSuites: 0 } })
      await before.testCases({ ...code })
      for (const attempt of [0, 1, 2]) await before.program(attempt, '++', 'a', ['a', attempt === 0 ? 'b' : 'c'])
      await before.program(0, '++', 'b', ['a', 'b'])
      expect(before.outcomes.map(({ solver }) => solver)).toEqual(['a'])
      const after = new Planning({ solvers, state, settings })
      for (const attempt of [1, 2]) await after.program(attempt, '++', 'b', ['a', 'c'])
      expect(after.testRequests).toEqual([])
      expect(after.outcomes.map(({ solver }) => solver)).toEqual(['b'])
      expect(after.left).toBe(1)
    })

    it('and closes as the problem was where none could be written', async () => {
      const planning = await weak()
      await planning.runs({})
      expect(planning.outcomes).toMatchObject([{ passed: 2, addedTests: [], behaviours: [1, 1] }])
    })

    it('but not where it is told to ask for none, tests are trusted, or programs that pass agree', async () => {
      expect((await weak({ settings: { testsForWeakSuites: 0 } })).outcomes).toHaveLength(1)
      for (const [trusted, probe] of [
        [true, 'c'],
        [false, 'b'],
      ] as const) {
        const planning = new Planning({ settings })
        await planning.testCases({ ...code, checks: { ...code.checks, trusted } })
        await planning.program(0, '++', 'solver-model', ['a', 'b'])
        await planning.program(1, '++', 'solver-model', ['a', probe])
        await planning.program(2, 'a+')
        expect([planning.testRequests, planning.outcomes.length]).toEqual([[], 1])
      }
    })

    it('of the programs of all solvers together, and once', async () => {
      const planning = new Planning({ settings: { ...settings, attempts: 1 }, solvers: ['solver-a', 'solver-b'] })
      await planning.testCases(code)
      await planning.program(0, '++', 'solver-b', ['a'])
      expect(planning.outcomes).toEqual([])
      await planning.program(0, '++', 'solver-a', ['b'])
      expect(planning.testRequests).toHaveLength(1)
      await planning.runs({ [id(0, 'solver-a')]: '+', [id(0, 'solver-b')]: 'a' })
      expect(planning.outcomes).toMatchObject([
        { solver: 'solver-a', passed: 1 },
        { solver: 'solver-b', passed: 0 },
      ])
      expect((await planning.runs({ [id(0, 'solver-a')]: 'a' })).records).toEqual([])
    })

    it('and for the attempts that are due then, by the tests that count with those before', async () => {
      const adaptive = { adaptive: true, attempts: 4, tooEasyAt: 0.5 }
      const planning = new Planning({ settings: { ...settings, ...adaptive } })
      await planning.testCases(code)
      expect(planning.requests).toHaveLength(2)
      await planning.program(0, '++', 'solver-model', ['a'])
      await planning.program(1, '++', 'solver-model', ['b'])
      await planning.runs({ [id(0)]: '+a', [id(1)]: 'aa' })
      const later = planning.requests.slice(2)
      expect(later.length).toBeGreaterThan(0)
      for (const { checks } of later)
        expect(checks.tests.map(({ input }) => input)).toEqual(['1 2\n', '3 4\n', 'further 0'])
      while (planning.outcomes.length === 0) {
        const next = planning.requests.at(-1)?.attempt ?? 0
        for (let attempt = 2; attempt <= next; attempt++) await planning.program(attempt, 'aaa')
      }
      expect(planning.testRequests).toHaveLength(1)
      expect(planning.outcomes).toMatchObject([{ result: 'kept', attempted: 4, passed: 1 }])
    })

    it('making the same attempts and outcomes in whatever order all comes, stored or not', async () => {
      const program = fc.record({
        outputs: fc.constantFrom('++', '++', '++', 'a+', 'ab'),
        probe: fc.constantFrom('p', 'p', 'q'),
        further: fc.constantFrom('++', '+a', 'b+', 'ba'),
      })
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(program, { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 2 }),
          fc.infiniteStream(fc.nat()),
          fc.boolean(),
          async (programs, picks, adaptive) => {
            const solvers = programs.map((_, index) => `solver-${index}`)
            const all = programs.flatMap((own, solver) =>
              own.map((one, attempt) => ({ ...one, attempt, solver: solvers[solver] ?? '' })),
            )
            const furtherOf = ({ verdicts }: TestRequest): Record<string, string> =>
              Object.fromEntries(
                verdicts.map(({ verdictId }) => [
                  verdictId,
                  all.find(({ solver, attempt }) => id(attempt, solver) === verdictId)?.further ?? '',
                ]),
              )
            const deliver = (planning: Planning, solver: string, attempt: number): Promise<Driven> => {
              const one = all.find((other) => other.solver === solver && other.attempt === attempt) ?? expect.fail()
              return planning.program(attempt, one.outputs, solver, one.outputs === '++' ? [one.probe] : [])
            }
            const run = async (inOrder: boolean, first?: TestRequest): Promise<Planning> => {
              const planning = new Planning({ solvers, settings: { adaptive, testsForWeakSuites: 2 } })
              if (first) await planning.runs(furtherOf(first))
              await planning.testCases(code)
              const done = { requests: 0, tests: 0 }
              const waiting: (() => Promise<Driven>)[] = []
              const take = (): void => {
                for (const { solver, attempt } of planning.requests.slice(done.requests))
                  waiting.push(() => deliver(planning, solver, attempt))
                for (const request of planning.testRequests.slice(done.tests))
                  waiting.push(() => planning.runs(furtherOf(request)))
                Object.assign(done, { requests: planning.requests.length, tests: planning.testRequests.length })
              }
              for (take(); waiting.length > 0; take()) {
                const pick = inOrder ? 0 : ((picks.next().value as number | undefined) ?? 0)
                await waiting.splice(pick % waiting.length, 1)[0]?.()
              }
              return planning
            }
            const seen = (planning: Planning): unknown[] => [
              planning.requests.map(({ solver, attempt }) => id(attempt, solver)).sort(),
              planning.outcomes
                .map((outcome) => ({
                  ...outcome,
                  verdicts: outcome.verdicts.map((one) => ({ ...one, offset: 0 })),
                }))
                .sort((a, b) => a.solver.localeCompare(b.solver)),
              planning.left,
            ]
            const [inOrder, shuffled] = [await run(true), await run(false)]
            expect(seen(shuffled)).toEqual(seen(inOrder))
            expect(inOrder.outcomes).toHaveLength(solvers.length)
            // A replay has the runs before all else, and asks for none.
            const replayed = await run(false, inOrder.testRequests[0])
            expect(seen(replayed)).toEqual(seen(inOrder))
            if (inOrder.testRequests.length > 0) expect(replayed.testRequests).toEqual([])
          },
        ),
        { numRuns: 100 },
      )
    })
  })

  describe('whatever comes in whatever order, repeated or stored before', () => {
    const ending = fc.constantFrom<Ending>('passed', 'failed', 'invalid', 'unverifiable', 'our fault')
    const scenario = fc
      .record({
        solvers: fc.integer({ min: 1, max: 3 }),
        attempts: fc.integer({ min: 1, max: 4 }),
        maxRepeats: fc.integer({ min: 0, max: 3 }),
      })
      .chain((sizes) =>
        fc.record({
          ...{ attempts: fc.constant(sizes.attempts), maxRepeats: fc.constant(sizes.maxRepeats) },
          // What each attempt of each solver comes to, the ones of all repeats included.
          endings: fc.array(
            fc.array(ending, {
              minLength: sizes.attempts + sizes.maxRepeats,
              maxLength: sizes.attempts + sizes.maxRepeats,
            }),
            { minLength: sizes.solvers, maxLength: sizes.solvers },
          ),
          // Verdicts that an earlier plan left in the log: [solver, attempt].
          stored: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
          // Which of the waiting records comes next, and whether it stays to come again.
          picks: fc.infiniteStream(fc.tuple(fc.nat(), fc.boolean())),
          repeats: fc.nat(12),
        }),
      )

    it('makes exactly one outcome per solver, of the verdicts that the rule counts, and leaves the stream once', async () => {
      await fc.assert(
        fc.asyncProperty(scenario, async ({ attempts, maxRepeats, endings, stored, picks, repeats }) => {
          const solvers = endings.map((_, index) => `solver-${index}`)
          const planning = new Planning({ solvers, settings: { attempts, maxRepeats } })
          const waiting: (() => Promise<Driven>)[] = [() => planning.testCases()]
          const deliver = (solver: number, attempt: number): void => {
            const end = endings[solver]?.[attempt] ?? expect.fail(`attempt ${attempt} was asked for`)
            waiting.push(() => planning.verdict(attempt, end, solvers[solver]))
          }
          for (const [solver, attempt] of stored) deliver(solver % solvers.length, attempt % (attempts + maxRepeats))

          let answered = 0
          let repeatsLeft = repeats
          while (waiting.length > 0) {
            const [pick, again] = (picks.next().value ?? [0, false]) as [number, boolean]
            const at = pick % waiting.length
            const [next] = again && repeatsLeft-- > 0 ? [waiting[at]] : waiting.splice(at, 1)
            const { left } = (await next?.()) ?? expect.fail()
            if (left > 0) expect(planning.outcomes).toHaveLength(solvers.length)
            for (const { solver, attempt } of planning.requests.slice(answered))
              deliver(solvers.indexOf(solver), attempt)
            answered = planning.requests.length
          }

          expect(planning.left).toBe(1)
          expect(planning.outcomes.map(({ solver }) => solver).sort()).toEqual(solvers)
          for (const [index, solver] of solvers.entries()) {
            const counted = countedBy(endings[index] ?? [], attempts, maxRepeats)
            const verifiable = counted.filter(({ end }) => end !== 'unverifiable' && end !== 'our fault')
            const outcome = planning.outcomes.find((one) => one.solver === solver)
            expect(outcome).toMatchObject({
              attempted: verifiable.length,
              passed: verifiable.filter(({ end }) => end === 'passed').length,
              invalid: verifiable.filter(({ end }) => end === 'invalid').length,
              unverifiable: counted.length - verifiable.length,
            })
            expect(outcome?.verdicts.map(({ verdictId }) => verdictId)).toEqual(
              verifiable.map(({ attempt }) => `${solver}/${attempt}`),
            )
            const asked = planning.requests.filter((one) => one.solver === solver).map(({ attempt }) => attempt)
            expect(new Set(asked).size).toBe(asked.length)
            expect(asked.length).toBeLessThanOrEqual(attempts + maxRepeats)
            expect(asked.every((attempt) => attempt < counted.length)).toBe(true)
          }
        }),
        { numRuns: 300 },
      )
    })
  })
})

/** The rule, told apart from its code: attempts in order, one more for each unverifiable one as far as repeats go. */
function countedBy(
  endings: readonly Ending[],
  attempts: number,
  maxRepeats: number,
): { attempt: number; end: Ending }[] {
  const counted: { attempt: number; end: Ending }[] = []
  let allowed = attempts
  for (const [attempt, end] of endings.entries()) {
    if (attempt >= allowed) break
    counted.push({ attempt, end })
    if (end === 'unverifiable' && allowed < attempts + maxRepeats) allowed++
  }
  return counted
}
