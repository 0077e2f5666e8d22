/** Settings that change while the stream runs: the configuration file is watched, and what can be taken up is. */
import { statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { ConfigurationError, kindOf } from '../engine/errors.ts'
import { refuseUnpriced } from './budget.ts'
import { loadConfiguration, type Configuration } from './configuration.ts'
import { mixedEndpoints, refuseSelfVote, type Models } from './models.ts'

/** What became of a configuration file that was read again. */
export interface ConfigurationEvent {
  file: string
  /** What holds from now on. */
  applied: string[]
  /** Settings that the next start takes up. */
  later: string[]
  /** Why all of it was refused; then nothing has changed. */
  faults: string[]
  /** Endpoints that were added and do not answer yet. */
  troubles: string[]
}

export interface ReloadOptions {
  /** As it was at the start. */
  configuration: Configuration
  models: Pick<Models, 'inference' | 'simulated' | 'asksEndpoints'>
  /** Told after each time the file was read again. */
  report: (event: ConfigurationEvent) => void
  /** Told of a bug. */
  fail: (error: unknown) => void
}

/** How often the file is looked at. Its state, not its folder's events: those get lost on network drives and swapped links. */
const lookMs = 500

/**
 * Watches the configuration file, and takes SIGHUP as the order to read it again, except on a terminal, where it means that the
 * terminal is gone. Does nothing where there is no file.
 * @returns how to end it
 */
export function watchConfiguration({ configuration, models, report, fail }: ReloadOptions): () => Promise<void> {
  const { file } = configuration
  if (file === undefined) return () => Promise.resolve()
  const closing = new AbortController()
  let isDue = false
  let isFirst = true
  let working: Promise<void> | undefined
  const reload = (): void => {
    isDue = true
    working ??= (async () => {
      while (isDue && !closing.signal.aborted) {
        isDue = false
        const event = await readAgain(file, configuration, models, closing.signal)
        const isNews = [event.applied, event.later, event.faults, event.troubles].some(({ length }) => length > 0)
        if (isNews || !isFirst) report(event)
        isFirst = false
      }
    })()
      .catch((error: unknown) => {
        if (!closing.signal.aborted) fail(error)
      })
      .finally(() => (working = undefined))
  }
  // Once at the beginning, quietly: the start may have taken a while since the file was read.
  let taken: string | undefined
  let last = stateOf(file)
  const timer = setInterval(() => {
    const now = stateOf(file)
    // Only what stays the same for a while: an editor may be halfway.
    if (now === last && now !== taken) {
      taken = now
      reload()
    }
    last = now
  }, lookMs)
  timer.unref()
  const isOnTerminal = process.stdin.isTTY || process.stdout.isTTY
  const order = (): void => {
    taken = last = stateOf(file)
    isFirst = false
    reload()
  }
  if (!isOnTerminal) process.on('SIGHUP', order)
  return async () => {
    clearInterval(timer)
    process.off('SIGHUP', order)
    closing.abort()
    await working
  }
}

/** What differs whenever the file was written, renamed or linked to another one. */
function stateOf(file: string): string {
  try {
    const stat = statSync(file, { bigint: true })
    return [stat.dev, stat.ino, stat.size, stat.mtimeNs].join(' ')
  } catch (error) {
    // What is wrong with it is told where it is read.
    return (error as NodeJS.ErrnoException).code ?? 'none'
  }
}

async function readAgain(
  file: string,
  configuration: Configuration,
  { inference, simulated, asksEndpoints }: ReloadOptions['models'],
  signal: AbortSignal,
): Promise<ConfigurationEvent> {
  const event: ConfigurationEvent = { file, applied: [], later: [], faults: [], troubles: [] }
  try {
    const next = loadConfiguration({ ...configuration.flags, config: file })
    event.later.push(...changedSettings(configuration, next))
    if (configuration.inference === undefined || next.inference === undefined) {
      if (configuration.inference !== next.inference) event.later.push('endpoints, models, roles')
      return event
    }
    refuseSelfVote(next.inference, next.run.allowSelfVote)
    refuseUnpriced(configuration.run.budget, next.inference)
    const checks = asksEndpoints ? await inference.checkReload(next.inference, signal) : []
    const refused = checks.flatMap(({ fault }) =>
      kindOf(fault) === 'configuration' ? (fault as ConfigurationError).faults : [],
    )
    const others = checks.filter((check) => check.fault === undefined && check.simulated !== simulated)
    if (others.length > 0)
      refused.push(
        mixedEndpoints(
          others.map(({ name }) => name),
          !simulated,
        ),
      )
    if (refused.length > 0) throw new ConfigurationError(refused)
    const { applied, later } = inference.reload(next.inference)
    event.applied.push(...applied)
    event.later.push(...later)
    event.troubles.push(
      ...checks.flatMap(({ fault }) =>
        fault === undefined ? [] : [`${fault.message}; its work waits and goes on by itself`],
      ),
    )
    return event
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return { ...event, later: [], faults: [...error.faults] }
  }
}

/** What differs besides endpoints, models and roles, by its path in the file. */
function changedSettings(before: Configuration, next: Configuration): string[] {
  const changed: string[] = []
  const compare = (path: string, one: object, other: object): void => {
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
      if (!isDeepStrictEqual(Reflect.get(one, name), Reflect.get(other, name))) changed.push(`${path}.${name}`)
    }
  }
  compare('run', before.run, next.run)
  compare('simulator', before.simulator, next.simulator)
  for (const [name, { config, limits }] of before.processors) {
    const other = next.processors.get(name)
    compare(`processors.${name}`, { ...config, ...limits }, { ...other?.config, ...other?.limits })
  }
  const placeOf = ({ place }: Configuration): object => ({ ...place, flags: undefined, namedBy: undefined })
  if (!isDeepStrictEqual(placeOf(before), placeOf(next))) changed.push('kafka, registry')
  return changed
}

/** The event for a person: one line, or a block of faults. */
export function configurationLines({ file, applied, later, faults, troubles }: ConfigurationEvent): string {
  if (faults.length > 0)
    return [`configuration ${file} refused, the old one stays in force:`, ...faults.map((one) => `  ${one}`)].join('\n')
  const parts = [
    ...applied,
    ...(later.length > 0 ? [`takes effect at the next start: ${later.join(', ')}`] : []),
    ...troubles,
  ]
  return `configuration ${file}: ${parts.length > 0 ? parts.join('; ') : 'read again, nothing is new'}`
}
