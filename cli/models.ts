/** Where models come from: the configuration file, one endpoint named by OPENAI_BASE_URL, or a simulated endpoint in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { variable } from '../engine/environment.ts'
import { ConfigurationError, kindOf, TransientError } from '../engine/errors.ts'
import { secret } from '../engine/secrets.ts'
import type { Role } from '../engine/ports.ts'
import type { InferenceSettings } from '../inference/configuration.ts'
import { discoverSettings, type Discovery } from '../inference/discover.ts'
import { createInference, type ConfiguredInference, type InferenceOptions } from '../inference/inference.ts'
import { onAbort } from '../topics/signals.ts'
import type { Configuration } from './configuration.ts'
import { CommandError, exitCodes } from './exit.ts'

/** Models, ready to be called. */
export interface Models {
  inference: ConfiguredInference
  simulated: boolean
  /** What a user should know: which role uses which model and why. */
  sentences: string[]
  /** Endpoints that do not answer now; their work waits. */
  troubles: string[]
  /** False where no endpoint is asked anything, as nothing here calls one. */
  asksEndpoints: boolean
  /** Rejects when models are gone for good: the simulated endpoint's process has ended, and nobody else can bring it back. */
  lost?: Promise<never>
  close(): Promise<void>
}

interface ConnectOptions {
  alwaysSimulated?: boolean
  /** False where no processor here calls a model: then nobody is asked, if `run.records` says what the endpoints are. */
  callsModels?: boolean
  /** Hears of every call that ended. */
  onCall?: InferenceOptions['onCall']
}

const urlVariable = 'OPENAI_BASE_URL'
const keyVariable = 'OPENAI_API_KEY'

/**
 * Connects the models.
 * @throws ConfigurationError, TransientError where an endpoint that must be asked can't be reached
 */
export async function connectModels(
  configuration: Configuration,
  signal: AbortSignal,
  { alwaysSimulated = false, callsModels = true, onCall = () => {} }: ConnectOptions = {},
): Promise<Models> {
  const url = variable(urlVariable)
  const retiredModels = configuration.run.retiredModels.split(',').map((name) => name.trim())
  const options = { secret, onCall, retiredModels }
  if (!alwaysSimulated && configuration.inference) {
    const { records } = configuration.run
    return records === 'auto' || callsModels
      ? await connectConfigured(configuration.inference, configuration, signal, options)
      : unasked(configuration.inference, records === 'simulated')
  }
  if (!alwaysSimulated && url !== undefined) return await connectDiscovered(url, configuration, signal, options)
  const simulator = await startSimulatorProcess(configuration.simulator, signal)
  try {
    const models = await connectDiscovered(simulator.url, configuration, signal, options)
    return {
      ...models,
      lost: simulator.lost,
      sentences: [
        `no endpoint is configured: a simulated one answers at ${simulator.url}; every record made with it says so`,
        ...models.sentences,
      ],
      close: async () => {
        await models.close()
        await simulator.stop()
      },
    }
  } catch (error) {
    await simulator.stop()
    throw error
  }
}

/** Models that nobody here calls: what is known of them is what the configuration says. */
function unasked(settings: InferenceSettings, simulated: boolean): Models {
  // No key is needed, and so none may be there.
  const inference = createInference(settings, { secret: (name) => variable(name) ?? 'not needed' })
  return {
    ...{ inference, simulated, sentences: [], troubles: [] },
    asksEndpoints: false,
    close: () => inference.close(),
  }
}

async function connectConfigured(
  settings: InferenceSettings,
  configuration: Configuration,
  signal: AbortSignal,
  options: InferenceOptions,
): Promise<Models> {
  refuseSelfVote(settings, configuration.run.allowSelfVote)
  const inference = createInference(settings, options)
  const checks = await inference.check(signal)
  const refused = checks.flatMap(({ fault }) =>
    kindOf(fault) === 'configuration' ? (fault as ConfigurationError).faults : [],
  )
  if (refused.length > 0) {
    await inference.close()
    throw new ConfigurationError(refused)
  }
  const answering = checks.filter(({ fault }) => fault === undefined)
  const simulated = answering.filter((check) => check.simulated)
  if (simulated.length > 0 && simulated.length < answering.length) {
    await inference.close()
    throw new ConfigurationError([
      mixedEndpoints(
        simulated.map(({ name }) => name),
        true,
      ),
    ])
  }
  const { records } = configuration.run
  try {
    if (answering.length > 0) refuseOtherRecords(configuration, simulated.length > 0)
    await inference.checkScoring(signal)
  } catch (error) {
    await inference.close()
    throw error
  }
  return {
    inference,
    simulated: records === 'auto' ? simulated.length > 0 : records === 'simulated',
    asksEndpoints: true,
    sentences: [],
    troubles: checks.flatMap(({ fault }) =>
      fault === undefined ? [] : [`${fault.message}; its work waits and goes on by itself`],
    ),
    close: () => inference.close(),
  }
}

async function connectDiscovered(
  url: string,
  configuration: Configuration,
  signal: AbortSignal,
  options: InferenceOptions,
): Promise<Models> {
  const found = await discover(url, signal)
  // With one model for everything there is no other voter: allowed, and said.
  if (!found.allowSelfVote) refuseSelfVote(found.settings, configuration.run.allowSelfVote)
  const inference = createInference(found.settings, options)
  await inference.check(signal)
  try {
    refuseOtherRecords(configuration, found.simulated)
  } catch (error) {
    await inference.close()
    throw error
  }
  const sentences = [
    ...found.sentences,
    ...(found.allowSelfVote ? ['allowSelfVote is on: the solver votes on the answers that it is judged by'] : []),
  ]
  return {
    ...{ inference, simulated: found.simulated, sentences, troubles: [] },
    asksEndpoints: true,
    close: () => inference.close(),
  }
}

/**
 * The models of a role as `up` would have them: those of the file, or of the endpoint that OPENAI_BASE_URL names, which is asked. Undefined where
 * neither is there, and `up` would start a simulated endpoint.
 * @throws ConfigurationError, TransientError where the endpoint can't be reached
 */
export async function modelsOfRole(
  { inference }: Configuration,
  role: Role,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const url = variable(urlVariable)
  const settings = inference ?? (url === undefined ? undefined : (await discover(url, signal)).settings)
  return settings && modelNames(settings, role)
}

/** The models of a role, as their endpoints know them. */
function modelNames(settings: InferenceSettings, role: Role): string[] {
  return (settings.roles[role] ?? []).map((key) => settings.models[key]?.model ?? key)
}

async function discover(url: string, signal: AbortSignal): Promise<Discovery> {
  return await discoverSettings({ url, apiKeyVariable: keyVariable, secret, signal }).catch((error: unknown) => {
    throw inVariables(error)
  })
}

/** A failure in the words of the variables that named the endpoint: there is no file to correct. */
function inVariables(error: unknown): unknown {
  const words = (text: string): string =>
    text
      .replace(/^endpoint endpoint /, 'endpoint ')
      .replace(/set endpoints\.endpoint\.apiKeyVariable to .* valid key/, `put a valid key into ${keyVariable}`)
      .replaceAll('endpoints.endpoint.url', urlVariable)
      .replace('an environment variable named by apiKeyVariable', keyVariable)
  if (kindOf(error) === 'configuration') {
    return new ConfigurationError((error as ConfigurationError).faults.map(words), { cause: error })
  }
  if (kindOf(error) !== 'transient') return error
  const { code, message, outage } = error as TransientError
  return new TransientError(code, words(message), { cause: error, outage })
}

/** The fault of endpoints that are of one sort while others are of the other. */
export function mixedEndpoints(names: readonly string[], simulated: boolean): string {
  const [these, others] = simulated ? ['simulated', 'real'] : ['real', 'simulated']
  return `endpoints ${names.join(', ')} are ${these} and others are ${others}: records of the two never share a corpus; configure one sort`
}

/** Endpoints that are of another sort than the corpus is to hold. @throws ConfigurationError */
function refuseOtherRecords({ run: { records } }: Configuration, simulated: boolean): void {
  const found = simulated ? 'simulated' : 'real'
  if (records === 'auto' || records === found) return
  throw new ConfigurationError([
    `run.records: expected endpoints that are ${records}, and these are ${found}: correct endpoints, or run.records (in another corpus: records of the two never mix)`,
  ])
}

/** A solver that votes on its own reference answers agrees with its own mistakes. @throws ConfigurationError */
export function refuseSelfVote(settings: InferenceSettings, allowed: boolean): void {
  const solvers = modelNames(settings, 'solver')
  const both = modelNames(settings, 'voter').filter((model) => solvers.includes(model))
  if (allowed || both.length === 0) return
  throw new ConfigurationError([
    `roles.voter: ${both.join(', ')} is also a solver and would vote on the answers that it is judged by; name another voter, or set run.allowSelfVote: true`,
  ])
}

/** The wellspring command itself, for processes that it starts. */
const commandPath = fileURLToPath(
  new URL('./main.js', import.meta.url).href
    .replace('/cli/main.js', '/dist/cli/main.js')
    .replace('/dist/dist/', '/dist/'),
)

interface SimulatorProcess {
  url: string
  lost: Promise<never>
  stop(): Promise<void>
}

/** Starts `wellspring simulate` as a process that ends with this one. */
async function startSimulatorProcess(
  settings: Configuration['simulator'],
  signal: AbortSignal,
): Promise<SimulatorProcess> {
  const options = [
    '--port',
    '0',
    '--speed',
    String(settings.speed),
    '--seed',
    String(settings.seed),
    '--topic-spread',
    String(settings.topicSpread),
    '--noise-factor',
    String(settings.noiseFactor),
    '--until-stdin-ends',
    '--json',
  ]
  if (settings.knows !== '') options.push('--knows', settings.knows)
  if (settings.truthFile !== '') options.push('--truth', settings.truthFile)
  if (settings.requestLog !== '') options.push('--request-log', settings.requestLog)
  // A group of its own: Ctrl-C must reach us alone, so that what is in flight can still be answered while we drain.
  const child = spawn(process.execPath, [commandPath, 'simulate', ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  let stopping = false
  const lost = new Promise<never>((_, reject) => {
    child.once('exit', (code, killedBy) => {
      if (stopping) return
      reject(
        new CommandError(
          exitCodes.unavailable,
          `the simulated endpoint ended (${killedBy ?? `exit code ${code}`}); everything finished is committed: run the same command again`,
        ),
      )
    })
  })
  lost.catch(() => {}) // awaited by whoever runs the stream, possibly later than it happens
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    stopping = true
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.stdin.end()
    await ended
  }
  try {
    return { url: await firstUrl(child, signal), lost, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function firstUrl(child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) =>
      reject(
        new CommandError(
          exitCodes.unavailable,
          `the simulated endpoint ended at its start with exit code ${code}; run \`wellspring simulate\` to see why`,
        ),
      ),
    )
    const stopHearing = onAbort([signal], reject)
    if (!child.stdout) return reject(new TypeError('no stdout'))
    createInterface({ input: child.stdout }).once('line', (line) => {
      stopHearing()
      resolve((JSON.parse(line) as { url: string }).url)
    })
  })
}
