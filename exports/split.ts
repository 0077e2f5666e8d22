/** Splits by problem: all rows of a problem are on one side, whatever else is in the corpus, today and later. */
import { hashFraction } from './hash.ts'

/** Names of splits with their shares of the problems, 0 to 1; all others are `train`. */
export type Shares = readonly (readonly [name: string, share: number])[]

/** The split that takes what the others leave. */
export const mainSplit = 'train'

/** The split of a problem. A share that is raised keeps the problems that it had, as long as those before it stay. */
export function splitOf(problemId: string, shares: Shares): string {
  const at = hashFraction('split', problemId)
  let below = 0
  for (const [name, share] of shares) {
    below += share
    if (at < below) return name
  }
  return mainSplit
}

/** Reads `test=0.05,validation=0.02`. @throws RangeError with what is wrong, in words that follow the flag's name */
export function parseShares(text: string): Shares {
  const shares = text.split(',').map((part): [string, number] => {
    const match = /^([a-z][a-z0-9_]*)=(\d*\.?\d+)$/.exec(part.trim())
    const [name, share] = [match?.[1], Number(match?.[2])]
    if (name === undefined || !(share > 0 && share < 1))
      throw new RangeError(`expected NAME=SHARE with a share above 0 and below 1, such as test=0.05, got "${part}"`)
    return [name, share]
  })
  const names = shares.map(([name]) => name)
  if (names.includes(mainSplit)) throw new RangeError(`${mainSplit} is what the others leave: name the others alone`)
  if (new Set(names).size < names.length) throw new RangeError('a name stands there twice')
  if (shares.reduce((sum, [, share]) => sum + share, 0) >= 1)
    throw new RangeError(`the shares must leave something to ${mainSplit}: their sum must be below 1`)
  return shares
}
