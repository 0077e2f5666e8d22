/** A problem on its way to its checks. */
import type { Problem, TestCases } from '../schemas/generated.ts'

/** What a problem's test cases say of the problem itself. */
export function checkedProblem(
  problem: Problem,
): Pick<TestCases, 'parentIds' | 'problemId' | 'domain' | 'origin' | 'source' | 'statement' | 'concepts' | 'level'> {
  const { id, domain, origin, source, statement, concepts, level } = problem
  return { parentIds: [id], problemId: id, domain, origin, source, statement, concepts, level }
}
