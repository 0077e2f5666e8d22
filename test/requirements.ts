/**
 * What a suite needs of the machine beyond Node. Without it the suite skips itself and says so in one line; where
 * WELLSPRING_REQUIRE_ALL is 1 (.ci/run) it fails instead, so that nothing goes untested unseen.
 */

/**
 * Whether a suite can run: `describe.runIf(requireOrSkip('bubblewrap', hasBubblewrap))`.
 * @param what the missing tool or right, in words that tell the reader what to install
 * @throws Error when it is missing and everything is required
 */
export function requireOrSkip(what: string, available: boolean): boolean {
  if (available) return true
  if (process.env['WELLSPRING_REQUIRE_ALL'] === '1')
    throw new Error(`missing: ${what}; WELLSPRING_REQUIRE_ALL=1 lets no suite be skipped`)
  console.warn(`skipped for want of ${what}`)
  return false
}
