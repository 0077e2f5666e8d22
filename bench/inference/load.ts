/** Calls as the processors make them, against simulated replicas. */
import { math } from '../../domains/math.ts'
import type { TransientError } from '../../engine/errors.ts'
import type { CallOptions, Completion } from '../../engine/ports.ts'
import { parseInferenceSettings } from '../../inference/configuration.ts'
import { type CallRecord, type ConfiguredInference, createInference } from '../../inference/inference.ts'

/** One solver on all replicas. */
export function connect(
  urls: readonly string[],
  endpoint: { maxConcurrency?: number; stallSeconds?: number; timeoutSeconds?: number },
  options: { lookSeconds: number; onCall?: (call: CallRecord) => void },
): ConfiguredInference {
  const names = urls.map((_, index) => `replica-${index}`)
  const settings = parseInferenceSettings({
    // Schedules are measured here: the pieces of streams would take this machine's time.
    endpoints: Object.fromEntries(
      urls.map((url, index) => [names[index] ?? '', { url, stream: 'never', ...endpoint }]),
    ),
    models: { solver: { model: 'sim-solver', endpoints: names } },
    roles: { solver: ['solver'] },
  })
  return createInference(settings, { secret: () => undefined, ...options })
}

const things = 'boxes pens apples tickets books chairs lamps stamps'.split(' ')

/** A problem that no other number has. */
function statementOf(problem: number): string {
  const thing = things[problem % things.length] ?? ''
  return `A shop sells ${problem + 3} crates with ${(problem % 89) + 5} ${thing} each and keeps ${(problem % 13) + 2} of them. How many ${thing} does it sell?`
}

/** A rollout of a problem. */
export function rollOut(
  inference: ConfiguredInference,
  problem: number,
  rollout: number,
  signal: AbortSignal,
  options: Partial<CallOptions> = {},
): Promise<Completion> {
  const { text } = math.solverPrompt(statementOf(problem))
  return inference.complete(
    { role: 'solver', prompt: text, seed: rollout, sampling: { temperature: 1 } },
    { requestId: `problem-${problem}/rollout-${rollout}`, signal, ...options },
  )
}

/** As a processor does it: what may pass is tried again after a pause, `attempts` times in all. @returns undefined where it is given up */
export async function persist(
  attempts: number,
  pauseSeconds: number,
  call: () => Promise<Completion>,
): Promise<Completion | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if ((error as TransientError).kind !== 'transient') throw error
      if (attempt === attempts) return undefined
      await new Promise((resolve) => setTimeout(resolve, 1000 * pauseSeconds * 2 ** (attempt - 1)))
    }
  }
}

/** Runs work items with so many under way at any time, as a window of records does. */
export async function inWindow(count: number, window: number, work: (item: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(window, count) }, worker))
}
