/** The endpoints of a soak, and the configuration that leads to them. */
import type { Commands, Run } from './commands.ts'

/** A simulated endpoint in a process of its own, which is killed and hangs. Fails 3.5 % of its calls until it is healed. */
export class Endpoint {
  run: Run | undefined
  life = 0
  readonly name: string
  readonly port: number
  readonly #commands: Commands
  readonly #flags: readonly string[]
  #failing = true

  /** @param flags of `wellspring simulate` besides its port and its faults */
  constructor(commands: Commands, name: string, port: number, flags: readonly string[]) {
    this.#commands = commands
    this.name = name
    this.port = port
    this.#flags = flags
  }

  async start(): Promise<void> {
    this.life++
    const failures =
      'refused=0.01 serverError=0.01 connectionReset=0.005 cutAnswer=0.005 garbledAnswer=0.005 hang=0.0003'
    const run = this.#commands.start([
      ...['simulate', '--port', String(this.port), '--json', '--until-stdin-ends'],
      ...this.#flags,
      ...(this.#failing ? ['--failures', ...failures.split(' ')] : []),
    ])
    if ((await run.firstLine) === undefined) throw new Error(`${this.name} did not start: ${run.stderr}`)
    this.run = run
  }

  async kill(): Promise<void> {
    const run = this.run
    this.run = undefined
    run?.child.kill('SIGKILL')
    await run?.ended
  }

  /** From now on it does not fail. */
  async heal(): Promise<void> {
    this.#failing = false
    await this.kill()
    await this.start()
  }
}

/** Both endpoints serve all simulated models: one answers in streams, the other in whole. Times are short, as a soak's hangs are. */
export function configurationOf(ports: readonly number[]): object {
  const models: Readonly<Record<string, readonly string[]>> = {
    annotator: ['sim-annotator-a', 'sim-annotator-b'],
    embedder: ['sim-embedder'],
    'problem-writer': ['sim-problem-writer'],
    'test-writer': ['sim-test-writer'],
    voter: ['sim-voter'],
    solver: ['sim-solver', 'sim-solver-large'],
    teacher: ['sim-teacher'],
    judge: ['sim-judge-a', 'sim-judge-b'],
  }
  const times = { timeoutSeconds: 40, stallSeconds: 15, idleSeconds: 15 }
  const names = ports.map((_, index) => `endpoint-${index}`)
  return {
    endpoints: Object.fromEntries(
      ports.map((port, index): [string, object] => [
        `endpoint-${index}`,
        { url: `http://127.0.0.1:${port}/v1`, stream: index === 0 ? 'always' : 'never', ...times },
      ]),
    ),
    models: Object.fromEntries(
      Object.values(models)
        .flat()
        .map((model) => [model, { model, endpoints: names }]),
    ),
    roles: models,
  }
}
