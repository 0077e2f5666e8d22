/** Complete records for tests of processors; each takes what the test is about. */
import type { Driven } from '../../engine/drive.ts'
import type { Completion } from '../../engine/ports.ts'
import type {
  Checks,
  ConceptCombination,
  ConceptList,
  FurtherTests,
  ModelCall,
  Outcome,
  Problem,
  Rationale,
  RationaleCandidates,
  RationaleRequest,
  RationaleScore,
  Rollout,
  RolloutRequest,
  ScoredRationales,
  Seed,
  TestCases,
  TestRequest,
  TestRuns,
  Trace,
  TraceRequest,
  Verdict,
} from '../../schemas/generated.ts'

const header = { recipe: '0123456789abcdef', createdAtMs: 0, simulated: false }

export const answerChecks: Checks = { answer: '4', tests: [], trusted: false }
export const programChecks: Checks = {
  answer: null,
  tests: [
    { input: '2 2\n', output: '4\n', kind: 'edge case' },
    { input: '1 2\n', output: '3\n', kind: 'critical path' },
  ],
  trusted: false,
}

export function seed(given: Partial<Seed> = {}): Seed {
  return {
    ...{ id: 'seed-1', parentIds: [], domain: 'math', ...header },
    ...{ source: 'math-500', sourceId: '7', statement: 'What is 2 + 2?', checks: null, publishedAt: null },
    ...given,
  }
}

export function conceptList(given: Partial<ConceptList> = {}): ConceptList {
  return {
    ...{ id: 'concept-list-1', parentIds: ['seed-1'], domain: 'math', ...header },
    ...{ annotator: 'annotator-model', source: 'math-500', statement: 'What is 2 + 2?' },
    ...{ concepts: ['addition', 'integers'], calls: [] },
    ...given,
  }
}

export function combination(given: Partial<ConceptCombination> = {}): ConceptCombination {
  return {
    ...{ id: 'concept-combination-1', parentIds: [], domain: 'math', ...header },
    ...{ concepts: ['addition', 'integers'], level: 'AIME', draw: 0, seed: 8000 },
    ...{ sampler: 'cooccurrence', tableVersions: {} },
    ...{ temperature: 0.2, widening: 0, guided: false, livePassRate: null },
    ...given,
  }
}

export function rationale(given: Partial<Rationale> = {}): Rationale {
  return {
    ...{ id: 'rationale-1', parentIds: ['concept-combination-1'], domain: 'math', ...header },
    ...{ concepts: ['addition', 'integers'], level: 'AIME', seed: 8000 },
    ...{ rationale: 'Add two small integers.', statement: null, calls: [] },
    ...given,
  }
}

const observed = {
  ...{ conceptListId: 'concept-list-1', source: 'math-500', statement: 'What is 2 + 2?' },
  ...{ concepts: ['addition', 'integers'], level: 'AIME' },
}

/** An E-step's request, of the announcement 2. */
export function rationaleRequest(given: Partial<RationaleRequest> = {}): RationaleRequest {
  return {
    ...{ id: 'rationale-request-1', parentIds: ['concept-list-1'], domain: 'math', ...header, ...observed },
    ...{ step: 'e', iteration: 1, announcement: 2, role: 'rationale-writer' },
    ...{ writer: 'rationale-writer-model', writerVersion: 'q-0', scorerVersion: 'p-0' },
    ...{ candidates: 3, temperature: 1 },
    ...given,
  }
}

export function rationaleCandidates(given: Partial<RationaleCandidates> = {}): RationaleCandidates {
  return {
    ...{ id: 'rationale-candidates-1', parentIds: ['rationale-request-1'], domain: 'math', ...header, ...observed },
    ...{ step: 'e', iteration: 1, announcement: 2 },
    ...{ writer: 'rationale-writer-model', writerVersion: 'q-0', scorerVersion: 'p-0' },
    ...{ rationales: ['Add.', 'Count up.', 'Think of two pairs.'], lost: 0, calls: [] },
    ...given,
  }
}

/** Sums of log-probabilities, over 3 and 5 tokens. */
export function rationaleScore(rationaleLogProbability: number, problemLogProbability: number): RationaleScore {
  return { rationaleLogProbability, rationaleTokens: 3, problemLogProbability, problemTokens: 5 }
}

export function scoredRationales(given: Partial<ScoredRationales> = {}): ScoredRationales {
  return {
    ...{ id: 'scored-rationales-1', parentIds: ['rationale-candidates-1'], domain: 'math', ...header, ...observed },
    ...{ step: 'e', iteration: 1, announcement: 2, writer: 'rationale-writer-model', writerVersion: 'q-0' },
    ...{ scorer: 'problem-writer-model', scorerVersion: 'p-0', calls: [] },
    ...{ rationales: ['Add.', 'Count up.', 'Think of two pairs.'] },
    ...{ scores: [rationaleScore(-9, -9), rationaleScore(-5, -10), rationaleScore(-12, -4)] },
    ...given,
  }
}

export function problem(given: Partial<Problem> = {}): Problem {
  return {
    ...{ id: 'problem-1', parentIds: ['rationale-1'], domain: 'math', ...header },
    ...{ origin: 'synthetic', source: 'wellspring', sourceId: '', publishedAt: null },
    ...{ statement: 'What is the sum of 2 and 2?', contentHash: 'hash-1' },
    ...{ concepts: ['addition', 'integers'], level: 'AIME', rationale: 'Add two small integers.' },
    ...{ checks: null, judgements: [], calls: [] },
    ...given,
  }
}

export function testCases(given: Partial<TestCases> = {}): TestCases {
  return {
    ...{ id: 'test-cases-1', parentIds: ['problem-1'], domain: 'math', ...header },
    ...{ problemId: 'problem-1', origin: 'synthetic', source: 'wellspring' },
    ...{ statement: 'What is the sum of 2 and 2?', concepts: ['addition', 'integers'], level: 'AIME' },
    ...{ checks: answerChecks, votes: null, malformedTests: 0, calls: [] },
    ...given,
  }
}

export function rolloutRequest(given: Partial<RolloutRequest> = {}): RolloutRequest {
  return {
    ...{ id: 'rollout-request-1', parentIds: ['test-cases-1'], domain: 'math', ...header },
    ...{ problemId: 'problem-1', solver: 'solver-model', attempt: 0, seed: 1 },
    ...{ statement: 'What is the sum of 2 and 2?', checks: answerChecks },
    ...given,
  }
}

export function rollout(given: Partial<Rollout> = {}): Rollout {
  return {
    ...{ id: 'rollout-1', parentIds: ['rollout-request-1'], domain: 'math', ...header },
    ...{ problemId: 'problem-1', solver: 'solver-model', attempt: 0 },
    ...{ statement: 'What is the sum of 2 and 2?', checks: answerChecks },
    ...{ text: 'It is \\boxed{4}.', reasoning: null, calls: [modelCall()] },
    ...given,
  }
}

export function verdict(given: Partial<Verdict> = {}): Verdict {
  return {
    ...{ id: 'verdict-1', parentIds: ['rollout-1'], domain: 'math', ...header },
    ...{ problemId: 'problem-1', requestId: 'rollout-request-1', solver: 'solver-model', attempt: 0 },
    ...{ verdict: 'passed', reason: 'equal', valid: true, extracted: '4', detail: null, tests: [], probes: [] },
    ...{ text: 'It is \\boxed{4}.', reasoning: null, verifierSeconds: 0.01, calls: [] },
    ...given,
  }
}

export function outcome(given: Partial<Outcome> = {}): Outcome {
  return {
    ...{ id: 'outcome-1', parentIds: ['test-cases-1'], domain: 'math', ...header },
    ...{ problemId: 'problem-1', origin: 'synthetic', source: 'wellspring', solver: 'solver-model' },
    ...{ reason: '', spared: 0, behaviours: [], setAside: [], addedTests: [] },
    ...{ result: 'kept', attempted: 2, passed: 1, invalid: 0, unverifiable: 0, verdicts: [], tokens: 60 },
    ...{ statement: 'What is the sum of 2 and 2?', concepts: ['addition', 'integers'], level: 'AIME' },
    ...given,
  }
}

export function testRequest(given: Partial<TestRequest> = {}): TestRequest {
  return {
    ...{ id: 'test-request-1', parentIds: ['test-cases-1'], domain: 'code', ...header, problemId: 'problem-1' },
    ...{ statement: 'Print the sum of a and b.', checks: programChecks, count: 2, inputs: ['2 1\n'] },
    verdicts: [{ verdictId: 'verdict-1', partition: 7, offset: 3 }],
    ...given,
  }
}

export function furtherTests(given: Partial<FurtherTests> = {}): FurtherTests {
  return {
    ...{ id: 'further-tests-1', parentIds: ['test-request-1'], domain: 'code', ...header, problemId: 'problem-1' },
    ...{ tests: [{ input: '2 1\n', output: '3\n', kind: 'disputed input' }], malformedTests: 0 },
    ...{ verdicts: [{ verdictId: 'verdict-1', partition: 7, offset: 3 }], calls: [modelCall()] },
    ...given,
  }
}

export function testRuns(given: Partial<TestRuns> = {}): TestRuns {
  const { tests, calls } = furtherTests()
  return {
    ...{ id: 'test-runs-1', parentIds: ['further-tests-1'], domain: 'code', ...header, problemId: 'problem-1' },
    ...{ tests, malformedTests: 0, programs: [], verifierSeconds: 0.1, calls },
    ...given,
  }
}

export function traceRequest(given: Partial<TraceRequest> = {}): TraceRequest {
  return {
    ...{ id: 'trace-request-1', parentIds: ['problem-1'], domain: 'math', ...header, problemId: 'problem-1' },
    ...{ origin: 'synthetic', source: 'wellspring', teacher: 'teacher-model' },
    ...{ statement: 'What is the sum of 2 and 2?' },
    ...given,
  }
}

export function trace(given: Partial<Trace> = {}): Trace {
  return {
    ...{ id: 'trace-1', parentIds: ['problem-1'], domain: 'math', ...header },
    ...{ problemId: 'problem-1', origin: 'synthetic', source: 'wellspring', teacher: 'teacher-model' },
    ...{ statement: 'What is the sum of 2 and 2?', prompt: 'What is the sum of 2 and 2?\nBox it.' },
    ...{ text: 'It is \\boxed{4}.', reasoning: '2 + 2', calls: [modelCall()] },
    ...given,
  }
}

export function modelCall(given: Partial<ModelCall> = {}): ModelCall {
  return {
    ...{ purpose: 'attempt', requestId: 'rollout-request-1/attempt', model: 'solver-model', modelVersion: '' },
    endpoint: 'scripted',
    ...{ promptVersion: 'solve-math-released', temperature: 1, topP: null, maxTokens: null, seed: 1 },
    ...{ promptTokens: 10, cachedTokens: 0, completionTokens: 20, reasoningTokens: 0, latencySeconds: 0.1 },
    finishReason: 'stop',
    ...given,
  }
}

/** An answer that the endpoint cut off or withheld. */
export function ended(finishReason: Completion['finishReason'], text = 'It is'): Partial<Completion> {
  return { text, finishReason }
}

/** The ids of what was emitted, in order. */
export function idsOf(driven: Driven): string[] {
  return driven.records.map(({ record }) => (record as { id: string }).id)
}
