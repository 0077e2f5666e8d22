/** All processors, in the order of the stream. */
import type { Processor } from '../engine/processor.ts'
import buildPairs from './build-pairs.ts'
import buildSft from './build-sft.ts'
import embedConcepts from './embed-concepts.ts'
import extractConcepts from './extract-concepts.ts'
import generateProblem from './generate-problem.ts'
import generateRationale from './generate-rationale.ts'
import generateTestCases from './generate-test-cases.ts'
import inferRationale from './infer-rationale.ts'
import judgeProblem from './judge-problem.ts'
import planRationales from './plan-rationales.ts'
import planRollouts from './plan-rollouts.ts'
import reportYields from './report-yields.ts'
import rollOut from './roll-out.ts'
import sampleConcepts from './sample-concepts.ts'
import scoreRationale from './score-rationale.ts'
import screenAnswer from './screen-answer.ts'
import screenProblem from './screen-problem.ts'
import selectRationale from './select-rationale.ts'
import teach from './teach.ts'
import verifyRollout from './verify-rollout.ts'
import voteAnswer from './vote-answer.ts'

export const processors: readonly Processor[] = [
  extractConcepts,
  embedConcepts,
  sampleConcepts,
  generateRationale,
  generateProblem,
  screenProblem,
  judgeProblem,
  generateTestCases,
  voteAnswer,
  screenAnswer,
  planRollouts,
  rollOut,
  verifyRollout,
  reportYields,
  buildPairs,
  teach,
  buildSft,
  planRationales,
  inferRationale,
  scoreRationale,
  selectRationale,
]
