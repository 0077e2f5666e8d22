/** Every problem family. A new family is one file and one line here. */
import { bracketCheck } from './bracket-check.ts'
import { capacitySplit } from './capacity-split.ts'
import { circleRemoval } from './circle-removal.ts'
import { coinSums } from './coin-sums.ts'
import { committeeCount } from './committee-count.ts'
import { diceSum } from './dice-sum.ts'
import { divisorCount } from './divisor-count.ts'
import type { CodeFamily, Family, MathFamily } from './family.ts'
import { geometricSeries } from './geometric-series.ts'
import { gridSteps } from './grid-steps.ts'
import { intervalBooking } from './interval-booking.ts'
import { intervalSolution } from './interval-solution.ts'
import { latticePaths } from './lattice-paths.ts'
import { linearSystem } from './linear-system.ts'
import { longestChain } from './longest-chain.ts'
import { networkGroups } from './network-groups.ts'
import { nextLarger } from './next-larger.ts'
import { numberCensus } from './number-census.ts'
import { pairCount } from './pair-count.ts'
import { polarPoint } from './polar-point.ts'
import { powerRemainder } from './power-remainder.ts'
import { quadraticRoot } from './quadratic-root.ts'
import { rangeQueries } from './range-queries.ts'
import { recurrenceTerm } from './recurrence-term.ts'
import { rootPowerSum } from './root-power-sum.ts'
import { runLengths } from './run-lengths.ts'
import { sectorMeasure } from './sector-measure.ts'
import { segmentSum } from './segment-sum.ts'
import { tableReport } from './table-report.ts'
import { triangleArea } from './triangle-area.ts'
import { urnExpectation } from './urn-expectation.ts'
import { wordRanking } from './word-ranking.ts'

/** The families of mathematics problems. */
export const MATH_FAMILIES: readonly MathFamily[] = [
  committeeCount,
  diceSum,
  divisorCount,
  geometricSeries,
  intervalSolution,
  latticePaths,
  linearSystem,
  polarPoint,
  powerRemainder,
  quadraticRoot,
  recurrenceTerm,
  rootPowerSum,
  sectorMeasure,
  triangleArea,
  urnExpectation,
]

/** The families of programming problems. */
export const CODE_FAMILIES: readonly CodeFamily[] = [
  bracketCheck,
  capacitySplit,
  circleRemoval,
  coinSums,
  gridSteps,
  intervalBooking,
  longestChain,
  networkGroups,
  nextLarger,
  numberCensus,
  pairCount,
  rangeQueries,
  runLengths,
  segmentSum,
  wordRanking,
]

/** The families of questions to a database. */
export const SQL_FAMILIES: readonly CodeFamily[] = [tableReport]

/** All families. */
export const FAMILIES: readonly Family[] = [...MATH_FAMILIES, ...CODE_FAMILIES, ...SQL_FAMILIES]
