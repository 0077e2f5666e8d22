/** `wellspring simulate`: the simulated OpenAI-compatible endpoint, in a process of its own. */
import { Command } from 'commander'
import { parsePort } from '../engine/settings.ts'
import { parseSimulatorOptions, type SimulatorOptions } from '../simulator/options.ts'
import { startSimulator } from '../simulator/server.ts'
import { CommandError, exitCodes } from './exit.ts'
import { say } from './terminal.ts'

interface Options {
  port: string
  host: string
  speed: string
  seed: string
  slots?: string
  truth?: string
  requestLog?: string
  knows?: string[]
  noise?: string[]
  noiseFactor: string
  failures?: string[]
  queueLimit?: string
  kvTokens?: string
  topicSpread?: string
  events?: string
  metrics: boolean
  json?: boolean
  untilStdinEnds?: boolean
}

export function simulateCommand(): Command {
  return new Command('simulate')
    .option('--port <port>', 'TCP port; 0 takes any free one', '8089')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--speed <factor>', 'how much faster than real token speed it answers', '1')
    .option('--seed <number>', 'the same seed gives the same answers', '1')
    .option('--slots <count>', 'answers generated at the same time; more wait')
    .option('--truth <file>', 'append what each problem, answer and test really is; only measurements read it')
    .option('--request-log <file>', 'append a line at the admission and the end of each request')
    .option('--knows <file...>', 'JSONL files of human problems with answers or solutions that its models can solve')
    .option(
      '--noise <name=share...>',
      'how often something goes wrong: badProblems, wrongJudgements, wrongTests, malformedAnswers, runawayAnswers, slowPrograms, crashingPrograms',
    )
    .option('--noise-factor <factor>', 'multiplies how often something goes wrong, whatever it is', '1')
    .option(
      '--failures <name=share...>',
      'how often a request fails: refused, serverError, connectionReset, cutAnswer, garbledAnswer, hang',
    )
    .option('--queue-limit <count>', 'requests that wait at most; more are answered 429')
    .option(
      '--kv-tokens <count>',
      'tokens that its key-value cache holds; when it is full, the youngest answer is preempted',
    )
    .option('--topic-spread <logits>', 'how much its models differ from topic to topic')
    .option('--events <script>', 'what befalls it, and when: hang@60s,recover@90s,restart@+60s/5s,restart@every10m')
    .option('--no-metrics', 'no GET /metrics')
    .option('--json', 'print {"url"} as the first line')
    .option('--until-stdin-ends', 'end when standard input ends, as a child process does')
    .addHelpText(
      'after',
      `
Examples:
  wellspring simulate --speed 50
  wellspring simulate --slots 64 --queue-limit 0 --failures serverError=0.05 hang=0.01
  wellspring simulate --slots 64 --kv-tokens 40000 --events 'hang@60s,recover@90s,restart@120s/5s'
  OPENAI_BASE_URL=http://127.0.0.1:8089/v1 wellspring up --problems 100

Events: hang (nothing moves, nothing is answered, /metrics included), recover, restart (all connections are cut, what was under
way is lost; back after 2 s, or what follows "/"). Times are 10s, 2m or 1h from the start, +10s from the event before,
every10m again and again; like all times here they are divided by --speed.

Every answer carries the header x-wellspring-simulated, and every record made with it says "simulated".`,
    )
    .action(async (options: Options) => {
      const simulator = await startSimulator(settingsOf(options)).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
          throw new CommandError(
            exitCodes.ioError,
            `port ${options.port} is in use; choose another one with --port, or --port 0 for any free one`,
          )
        }
        throw error
      })
      say(
        options.json
          ? JSON.stringify({ url: simulator.url })
          : `simulated endpoint at ${simulator.url} (Ctrl-C ends it)`,
      )
      await new Promise<void>((resolve) => {
        process.once('SIGINT', resolve)
        process.once('SIGTERM', resolve)
        if (options.untilStdinEnds)
          process.stdin
            .resume()
            .once('end', resolve)
            .once('error', () => resolve())
      })
      await simulator.close()
    })
}

/** @throws CommandError */
function numberOf(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value))
    throw new CommandError(exitCodes.usage, `--${flag}: expected a number, got "${text}"`)
  return value
}

function settingsOf(options: Options): SimulatorOptions {
  const port = parsePort(options.port)
  if (port === undefined) throw new CommandError(exitCodes.usage, `--port: expected 0 to 65535, got "${options.port}"`)
  const sharesOf = (parts: readonly string[] = []): Record<string, number> =>
    Object.fromEntries(parts.map((part) => part.split('=')).map(([name = '', share]) => [name, Number(share)]))
  const given = {
    port,
    host: options.host,
    speed: numberOf('speed', options.speed),
    seed: numberOf('seed', options.seed),
    ...(options.slots !== undefined && { slots: numberOf('slots', options.slots) }),
    ...(options.truth !== undefined && { truthFile: options.truth }),
    ...(options.requestLog !== undefined && { requestLogFile: options.requestLog }),
    ...(options.knows !== undefined && { knowsFiles: options.knows }),
    ...(options.queueLimit !== undefined && { queueLimit: numberOf('queue-limit', options.queueLimit) }),
    ...(options.kvTokens !== undefined && { kvTokens: numberOf('kv-tokens', options.kvTokens) }),
    ...(options.topicSpread !== undefined && { topicSpread: numberOf('topic-spread', options.topicSpread) }),
    ...(options.events !== undefined && { events: options.events }),
    metrics: options.metrics,
    noise: sharesOf(options.noise),
    noiseFactor: numberOf('noise-factor', options.noiseFactor),
    failures: sharesOf(options.failures),
  }
  try {
    parseSimulatorOptions(given)
    return given
  } catch (error) {
    throw new CommandError(exitCodes.usage, (error as Error).message)
  }
}
