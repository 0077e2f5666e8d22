/** Running processors on a corpus: start, show, end by goal, time or signal, and leave nothing finished uncommitted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../schemas/generated.ts'
import { startJanitor } from '../topics/janitor.ts'
import { LogError } from '../topics/log.ts'
import { onAbort } from '../topics/signals.ts'
import type { Budget, BudgetStatus } from '../engine/budget.ts'
import { Metrics } from '../engine/metrics.ts'
import { roles, silentLogger, type Logger, type Role } from '../engine/ports.ts'
import { callsModels, depthsOf } from '../engine/processor.ts'
import { groupOf, Runtime, type ConfiguredProcessor, type ProcessorStatus } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { VerifierPool } from '../verifiers/pool.ts'
import { openBudget, refuseUnpriced } from './budget.ts'
import type { Configuration } from './configuration.ts'
import type { Corpus } from './corpus.ts'
import { emptyCorpusLine } from './empty-corpus.ts'
import { exitCodes } from './exit.ts'
import { readinessOf } from './health.ts'
import { heldUpDomains } from './held-up.ts'
import { openListener } from './listener.ts'
import { callMeter, meterBeforeScrapes, meterCorpus, verifierMeter } from './meters.ts'
import { connectModels } from './models.ts'
import { transientConsumers } from './needs.ts'
import { release } from './release.ts'
import { configurationLines, watchConfiguration, type ConfigurationEvent } from './reload.ts'
import { openScreen } from './screen.ts'
import { note, sayJson } from './terminal.ts'
import { openTracesAsAsked } from './trace-choice.ts'
import { verificationBy } from './verification.ts'
import { waitingWatch } from './waiting.ts'

export interface StreamOptions {
  corpus: Corpus
  configuration: Configuration
  /** A simulated endpoint is started whatever is configured. */
  alwaysSimulated?: boolean
  chosen: readonly ConfiguredProcessor[]
  /** Ends when everything that can be done is done. */
  untilComplete: boolean
  /** Ends after so many seconds. */
  forSeconds: number | undefined
  json: boolean
  /** Where lines for machines are wanted instead of those for people. */
  logger?: Logger | undefined
}

/** How a run ended. */
export interface StreamEnd {
  how: 'complete' | 'stopped' | 'time' | 'budget' | 'interrupted'
  exitCode: number
  statuses: ProcessorStatus[]
  simulated: boolean
  seconds: number
  budget?: BudgetStatus
}

const screenSeconds = 1
const completionPollMs = 250
/** How long the last look at what waits may take. */
const lastLookSeconds = 2

/** Processors that need a role are off where the role has no model; says which. */
function enabledProcessors(
  chosen: readonly ConfiguredProcessor[],
  modelsOf: (role: Role) => readonly unknown[],
): { enabled: ConfiguredProcessor[]; off: string[]; sentences: string[] } {
  const lacking = ({ declaration: { roles: own, needs = own } }: ConfiguredProcessor): Role[] =>
    needs.filter((role) => modelsOf(role).length === 0)
  const sentences = roles.flatMap((role) => {
    const off = chosen.filter((one) => lacking(one).includes(role)).map(({ declaration }) => declaration.name)
    if (off.length === 0) return []
    return `${off.join(', ')} ${off.length === 1 ? 'is' : 'are'} off: no model is configured for the role ${role}`
  })
  const off = chosen.filter((one) => lacking(one).length > 0).map(({ declaration }) => declaration.name)
  return {
    enabled: chosen.filter(({ declaration }) => !off.includes(declaration.name)),
    off,
    sentences: [...sentences, ...heldUpDomains(chosen, off)],
  }
}

/** Runs until the end that the options ask for. @throws bugs, ConfigurationError, LogError; what was finished is committed first where that is possible */
export async function runStream(options: StreamOptions): Promise<StreamEnd> {
  const { corpus, configuration, chosen, json } = options
  const startedAtMs = Date.now()
  const secondsSinceStart = (): number => (Date.now() - startedAtMs) / 1000
  const logger = options.logger ?? silentLogger
  const drains = (reason: string, message: string): void => {
    if (options.logger) logger.tell('run.draining', { reason, message })
    else note(message)
  }
  refuseUnpriced(configuration.run.budget, configuration.inference)
  const stop = new AbortController()
  const hurry = new AbortController()
  const interrupt = (): void => {
    if (stop.signal.aborted) {
      drains(
        'second signal',
        'stopping at once: calls in flight are aborted and repeat at the next start; everything finished is committed',
      )
      hurry.abort()
      return
    }
    stop.abort()
    drains(
      'signal',
      `draining: finished results are committed; calls in flight have ${configuration.run.drainSeconds} s, then they are aborted and repeat at the next start (again to stop at once)`,
    )
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const closers: (() => Promise<void> | void)[] = [
    () => {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
    },
  ]
  const closeAll = async (): Promise<void> => {
    for (const close of closers.reverse()) await close()
  }
  try {
    const names = chosen.map(({ declaration }) => declaration.name)
    logger.tell('run.starting', { version: release(), place: placeText(configuration), processors: names })
    const metrics = new Metrics()
    const { metricsPort, metricsHost } = configuration.run
    // Before all else: whoever supervises the process asks from its start on.
    const originOf = (path: string): string => configuration.found.find((one) => one.path === path)?.origin ?? path
    const listener =
      metricsPort > 0
        ? await openListener({
            ...{ host: metricsHost, port: metricsPort, metrics },
            origins: { host: originOf('run.metricsHost'), port: originOf('run.metricsPort') },
          })
        : undefined
    if (listener) {
      closers.push(() => listener.close())
      stop.signal.addEventListener('abort', () => listener.ending())
      logger.tell('listener.open', { url: listener.url })
      if (listener.isOpenToOthers)
        note(
          `${listener.url} is open to other machines, without a password: let nobody reach it who may not read metrics`,
        )
    }
    const traces = await openTracesAsAsked({
      tell: (event, fields) => {
        if (options.logger) logger.tell(event, fields)
        else if ('message' in fields) note(String(fields.message))
      },
    })
    if (traces) closers.push(() => traces.close())
    const models = await connectModels(configuration, stop.signal, {
      alwaysSimulated: options.alwaysSimulated ?? false,
      callsModels: chosen.some(({ declaration }) => callsModels(declaration)),
      onCall: callMeter(metrics),
    }).catch((error: unknown) => {
      if (stop.signal.aborted) return undefined
      throw error
    })
    if (!models) {
      const seconds = secondsSinceStart()
      logger.tell('run.ended', { how: 'interrupted', exitCode: exitCodes.interrupted, seconds })
      return { how: 'interrupted', exitCode: exitCodes.interrupted, statuses: [], simulated: false, seconds }
    }
    closers.push(() => models.close())
    const { enabled, off, sentences } = enabledProcessors(chosen, (role) => models.inference.modelsOf(role))
    const pool = new VerifierPool({
      threads: configuration.run.verifierThreads,
      unsafeNoSandbox: configuration.run.unsafeNoSandbox,
      ...(configuration.run.python !== '' && { python: configuration.run.python }),
      hear: verifierMeter(metrics),
    })
    closers.push(() => pool.close())
    const isolation = enabled.some(({ declaration }) => declaration.runsPrograms) ? await pool.isolation() : undefined
    const screen = openScreen({
      ...{ json, log: options.logger !== undefined, simulated: models.simulated },
      isShared: configuration.place.kind === 'kafka',
    })
    closers.push(() => screen.close())
    const advice =
      isolation?.rung === 'none'
        ? [`programs: ${isolation.detail}${isolation.advice === undefined ? '' : `; ${isolation.advice}`}`]
        : []
    const sayAll = (event: 'models.chosen' | 'endpoint.trouble' | 'processor.off', lines: readonly string[]): void => {
      for (const line of lines) {
        if (options.logger) logger.tell(event, { message: line })
        else screen.say(line)
      }
    }
    sayAll('models.chosen', models.sentences)
    sayAll('endpoint.trouble', models.troubles)
    sayAll('processor.off', sentences)
    for (const sentence of advice) screen.say(sentence)
    const emptiness = await emptyCorpusLine(corpus.log, enabled, {
      flags: configuration.place.flags,
      waits: !options.untilComplete,
    })
    if (emptiness !== undefined) screen.say(emptiness)
    let failBudget: (error: unknown) => void = () => {}
    const budgetFailed = new Promise<never>((_, reject) => (failBudget = reject))
    budgetFailed.catch(() => {})
    const budget = await openBudget(corpus, configuration.run, failBudget)
    if (budget) closers.push(() => budget.close())
    if (configuration.run.metricsPort > 0) {
      meterBeforeScrapes({ metrics, inference: models.inference, pool, budget, simulated: models.simulated })
      closers.push(await meterCorpus(corpus, metrics, screen.say))
    }
    // None, and nothing waits: whoever scales or alerts by these knows that it is no outage.
    for (const gauge of [metrics.tasks, metrics.openTasks, metrics.backlog])
      for (const processor of off) gauge.set({ processor }, 0)
    const runtime = new Runtime({
      log: corpus.log,
      processors: enabled,
      inference: models.inference,
      budget,
      verification: verificationBy(pool),
      metrics,
      logger,
      tracing: traces?.tracing,
      simulated: models.simulated,
      // What is nearest to its end goes first.
      priorities: depthsOf(processors),
    })
    listener?.watch(runtime)
    await runtime.start()
    const tellWaiting = waitingWatch(logger)
    let isReadyTold = false
    let failReload: (error: unknown) => void = () => {}
    const reloadFailed = new Promise<never>((_, reject) => (failReload = reject))
    reloadFailed.catch(() => {})
    if (!options.alwaysSimulated) {
      const report = (event: ConfigurationEvent): void => {
        if (json) sayJson({ event: 'configuration', atMs: Date.now(), ...event })
        const { applied, later, faults } = event
        const message = configurationLines(event)
        if (faults.length > 0) logger.tell('configuration.refused', { message })
        else logger.tell('configuration.applied', { message, applied, later })
        if (!json && !options.logger) screen.say(message)
      }
      closers.push(watchConfiguration({ configuration, models, report, fail: failReload }))
    }
    closers.push(startRetention(corpus, configuration, screen.say, options.logger))
    const how = await Promise.race([
      runtime.failed,
      reloadFailed,
      ...(models.lost ? [models.lost] : []),
      budgetFailed,
      untilEnd(runtime, budget, options, stop.signal, () => {
        const statuses = runtime.status()
        tellWaiting(statuses)
        if (!isReadyTold && readinessOf({ engine: runtime.health(), isEnding: false }).every(({ ok }) => ok)) {
          isReadyTold = true
          const tasks = statuses.reduce((sum, { openTasks }) => sum + openTasks, 0)
          logger.tell('run.ready', { simulated: models.simulated, tasks, seconds: secondsSinceStart() })
        }
        screen.show(statuses, models.inference.status(), budget?.status)
      }),
    ]).catch(async (error: unknown) => {
      listener?.ending()
      // A bug in one processor must not cost the others what they have finished.
      await runtime.drain(AbortSignal.abort()).catch(() => {})
      throw error
    })
    listener?.ending()
    if (how === 'time')
      drains(
        how,
        `the time is up: calls in flight have ${configuration.run.drainSeconds} s, then they are aborted and repeat at the next start`,
      )
    // eslint-disable-next-line no-restricted-properties -- once, at the end
    const deadline = AbortSignal.any([
      hurry.signal,
      AbortSignal.timeout(
        how === 'complete' || how === 'stopped' ? 2 ** 31 - 1 : configuration.run.drainSeconds * 1000,
      ),
    ])
    await Promise.race([runtime.drain(deadline), runtime.failed])
    // What was committed last made work of its own. A log that is away is not waited for: then it is told as it was.
    await Promise.race([runtime.refreshBacklog(), sleep(lastLookSeconds * 1000, undefined, { ref: false })])
    const statuses = runtime.status()
    screen.show(statuses, models.inference.status(), budget?.status)
    const endCodes = { interrupted: exitCodes.interrupted, stopped: exitCodes.ioError, complete: 0, time: 0, budget: 0 }
    const exitCode = endCodes[how]
    logger.tell('run.ended', { how, exitCode, seconds: secondsSinceStart() })
    return {
      how,
      exitCode,
      statuses,
      simulated: models.simulated,
      seconds: secondsSinceStart(),
      ...(budget && { budget: budget.status }),
    }
  } finally {
    await closeAll()
  }
}

/** Resolves when the run is to end, showing its state meanwhile. */
async function untilEnd(
  runtime: Runtime,
  budget: Budget | undefined,
  options: StreamOptions,
  signal: AbortSignal,
  show: () => void,
): Promise<StreamEnd['how']> {
  const startedAtMs = performance.now()
  let shownAtMs = -Infinity
  while (!signal.aborted) {
    const now = performance.now()
    const end = options.untilComplete ? await runtime.end() : await runtime.refreshBacklog()
    if (end) return end
    if (budget && isOver(budget.status, runtime.status())) return 'budget'
    if (options.forSeconds !== undefined && now - startedAtMs >= options.forSeconds * 1000) return 'time'
    if (now - shownAtMs >= screenSeconds * 1000) {
      show()
      shownAtMs = now
    }
    await pause(completionPollMs, signal)
  }
  return 'interrupted'
}

/** Whether the budget ends the run: calls wait for more of it, or there is nothing else to do. */
function isOver({ isSpent, isUsedUp }: BudgetStatus, statuses: readonly ProcessorStatus[]): boolean {
  if (isUsedUp) return true
  const isIdle = ({ inFlight, uncommitted, backlog }: ProcessorStatus): boolean =>
    inFlight + uncommitted + backlog === 0
  return isSpent && statuses.every(isIdle)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      stopHearing()
      resolve()
    }
    const stopHearing = onAbort([signal], done)
  })
}

/** Upkeep of the log while it runs: retention of transient topics, compaction of tables. */
function startRetention(
  { log, codec }: Corpus,
  { run, place }: Configuration,
  say: (line: string) => void,
  logger: Logger | undefined,
): () => Promise<void> {
  const transient = transientConsumers()
  const consumers = new Set(transient.flatMap((one) => one.consumers))
  const janitor = startJanitor({
    log,
    topics: transient.map(({ topic }) => topic.name),
    consumers: [...consumers].map((declaration) => ({
      log,
      group: declaration.name,
      inputs: groupOf(declaration).inputs,
    })),
    positionsOf: async (value) => {
      await codec.learn(value)
      return new Map(codec.decode('progress', value).inputs.map((input) => [input.topic, lowestOf(input)]))
    },
    keepSeconds: run.retentionSeconds,
    everySeconds: 60,
    onError: (error) => {
      if (error instanceof LogError && error.code === 'denied') {
        void janitor.stop()
        say(
          `transient topics are left to processes with the rights for it (\`wellspring topics acls retention${place.flags}\`)`,
        )
        return
      }
      const message = `upkeep failed and is tried again: ${error instanceof Error ? error.message : String(error)}`
      if (logger) logger.tell('upkeep.failed', { message })
      else say(message)
    },
  })
  return () => janitor.stop()
}

function lowestOf({ nextOffset, unfinished }: Progress['inputs'][number]): number {
  return unfinished[0] ?? nextOffset
}

/** Where the corpus lies, in a few words. */
function placeText({ place }: Configuration): string {
  return place.kind === 'embedded'
    ? `folder ${place.directory}`
    : `Kafka at ${place.brokers.join(', ')}, namespace ${place.namespace}`
}
