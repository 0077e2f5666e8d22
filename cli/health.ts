/** Whether a process lives and whether it is ready, as checks that each say why. */
import type { RuntimeHealth } from '../engine/runtime.ts'

/** One thing that was looked at. */
export interface HealthCheck {
  name: string
  ok: boolean
  /** What was found; where it is not as it must be, what would mend it. */
  detail: string
}

/** What is known before and beside the engine. */
export interface ProcessState {
  /** Undefined while models are being connected. */
  engine: RuntimeHealth | undefined
  /** Whether the run is to end: by a signal, its goal or a failure. */
  isEnding: boolean
  /** Since the loop last turned, in seconds. */
  tickAgeSeconds: number
}

/** The loop turns once a second; after so long without a turn the process is stuck. */
const longestTickSeconds = 30
/** Far beyond every time limit of a commit. One that waits for a log that is away does not count. */
const longestCommitSeconds = 300
/** The log is asked four times a second. */
const longestSilenceSeconds = 15

/** What a supervisor restarts a process for: it is stuck in itself, so that nothing but a new start helps. */
export function livenessOf({ engine, tickAgeSeconds }: ProcessState): HealthCheck[] {
  const tasks = (engine?.processors ?? []).flatMap(({ name, tasks: own }) => own.map((task) => ({ name, ...task })))
  const stuck = tasks.filter(({ committingSeconds = 0 }) => committingSeconds > longestCommitSeconds)
  return [
    {
      name: 'loop',
      ok: tickAgeSeconds <= longestTickSeconds,
      detail: `last turned ${tickAgeSeconds.toFixed(1)} s ago, expected at most ${longestTickSeconds}`,
    },
    {
      name: 'commits',
      ok: stuck.length === 0,
      detail:
        stuck.length === 0
          ? `none is under way for more than ${longestCommitSeconds} s`
          : `under way for more than ${longestCommitSeconds} s: ${listed(stuck.map(({ name, task }) => `${name}/${task}`))}`,
    },
  ]
}

/** What must hold before a process counts as one that works. */
export function readinessOf({ engine, isEnding }: Pick<ProcessState, 'engine' | 'isEnding'>): HealthCheck[] {
  if (isEnding || engine?.phase === 'draining')
    return [{ name: 'phase', ok: false, detail: 'draining: nothing more is admitted' }]
  if (!engine) return [{ name: 'phase', ok: false, detail: 'starting: models are being connected' }]
  const { phase, tables, processors } = engine
  const away = processors.filter(({ joined }) => !joined).map(({ name }) => name)
  const opening = processors.flatMap(({ name, tasks }) =>
    tasks
      .filter(({ isOpen }) => !isOpen)
      .map(({ task, waiting }) => `${name}/${task}${waiting ? ` (${waiting})` : ''}`),
  )
  const stopped = processors.flatMap(({ name, tasks }) =>
    tasks.filter(({ stopped: why }) => why !== undefined).map(({ task }) => `${name}/${task}`),
  )
  const open = processors.reduce((sum, { tasks }) => sum + tasks.filter(({ isOpen }) => isOpen).length, 0)
  return [
    { name: 'phase', ok: phase === 'running', detail: phase },
    logCheck(engine),
    { name: 'tables', ok: tables.read >= tables.of, detail: `${tables.read} of ${tables.of} read to their end` },
    {
      name: 'groups',
      ok: away.length === 0,
      detail: away.length === 0 ? `${processors.length} joined` : `not joined yet: ${listed(away)}`,
    },
    {
      name: 'tasks',
      // A spare, which has none, is ready to take some.
      ok: opening.length === 0,
      detail:
        opening.length > 0
          ? `not open yet: ${listed(opening)}`
          : `${open} open here${stopped.length > 0 ? `; stopped, since records of their input are lost: ${listed(stopped)}` : ''}`,
    },
  ]
}

function logCheck({ log: { answeredAtMs, fault } }: RuntimeHealth): HealthCheck {
  if (fault !== undefined) return { name: 'log', ok: false, detail: fault }
  if (answeredAtMs === undefined) return { name: 'log', ok: false, detail: 'has not been asked yet' }
  const seconds = (performance.now() - answeredAtMs) / 1000
  return {
    name: 'log',
    ok: seconds <= longestSilenceSeconds,
    detail: `answered ${seconds.toFixed(1)} s ago, expected at most ${longestSilenceSeconds}`,
  }
}

/** The first few, and how many more there are. */
function listed(names: readonly string[]): string {
  const few = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${few} and ${names.length - 5} more` : few
}
