/** Time of the processor: what work takes whatever else the machine does, for bounds on work that has none of its own. */

/** Milliseconds of the processor, user's and system's together, that this process spends while some work is done. */
export function processorMilliseconds(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return sinceMilliseconds(before)
}

/** The same for work that ends later; what this process does beside it meanwhile is counted too. */
export async function processorMillisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  return sinceMilliseconds(before)
}

function sinceMilliseconds(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
