// Processes that run the stream on Kafka side by side: started, killed, stopped and started again by the faults, and by their keeper
// where they could not start because something else was down.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { start } from './stage.mjs'

/** Windows of the processors with calls, from life to life: what was unfinished may not fit into the next one. */
const windowSizes = [1, 4, 256, 256, 256]
const restartMilliseconds = 1500
const drainSeconds = 10
/** A process that was told to leave has its calls in flight, its last commits and its places in the groups to end. */
const longestLeaveMilliseconds = 90_000

/** One process of the fleet, over all its lives. */
class Member {
  /** 'down', 'starting', 'running', 'stopped' (by SIGSTOP) or 'leaving'. */
  state = 'down'
  lives = 0
  run = undefined
  startedAtMs = 0
  /** When its next start is due; undefined where none is. */
  restartAtMs = undefined

  constructor(name, processors, folder) {
    this.name = name
    this.processors = processors
    this.folder = folder
  }
}

export class Fleet {
  members = []
  /** Replicas that have left for good. */
  former = []
  /** Starts that failed because something they need was down. */
  failedStarts = 0
  /** Settings, as processor.setting=value, of every process that starts from now on. */
  settings = []
  #options
  #laws
  #keeping

  /** `wasBadSince(ms)`: whether anything that a process needs to start was down since then. */
  constructor(options, laws) {
    this.#options = options
    this.#laws = laws
    this.#keeping = setInterval(() => this.#keep(), 200)
  }

  /** Where the local copies of task state of a member lie. */
  static stateDirectory(member) {
    return join(member.folder, 'data', 'kafka-state')
  }

  add(name, processors) {
    const folder = join(this.#options.folder, name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'wellspring.yaml'),
      `kafka:\n  sessionTimeoutSeconds: ${this.#options.sessionTimeoutSeconds}\nrun:\n  drainSeconds: ${drainSeconds}\n  verifierThreads: 1\n`,
    )
    const member = new Member(name, processors, folder)
    this.members.push(member)
    this.start(member)
    return member
  }

  start(member) {
    const { command, place, url, random } = this.#options
    const windows = this.#options.windowed
      .filter((processor) => member.processors.includes(processor))
      .flatMap((processor) => [
        '--set',
        `${processor}.maxInFlight=${windowSizes[Math.floor(random() * windowSizes.length)]}`,
      ])
    const settings = this.settings
      .filter((setting) => member.processors.includes(setting.split('.')[0]))
      .flatMap((setting) => ['--set', setting])
    const run = start(
      ['run', ...member.processors, ...place, '--data', join(member.folder, 'data'), '--json', ...windows, ...settings],
      { command, folder: member.folder, environment: { OPENAI_BASE_URL: url() } },
    )
    Object.assign(member, { run, state: 'starting', startedAtMs: Date.now(), restartAtMs: undefined })
    member.lives += 1
    void run.firstLine.then(() => {
      if (member.run === run && member.state === 'starting') member.state = 'running'
    })
    run.done = run.ended.then((end) => this.#ended(member, run, end))
  }

  /** A member in one of these states, at random; undefined where there is none. */
  pick(states) {
    const fit = this.members.filter(({ state }) => states.includes(state))
    return fit[Math.floor(this.#options.random() * fit.length)]
  }

  /** kill -9, and a restart after a while where one is wanted. */
  async kill(member, restartAfterMilliseconds) {
    const { run } = member
    run.wanted = 'SIGKILL'
    member.restartAtMs = undefined
    run.child.kill('SIGKILL')
    await run.done
    if (restartAfterMilliseconds !== undefined) member.restartAtMs = Date.now() + restartAfterMilliseconds
  }

  stop(member) {
    member.wasState = member.state
    member.state = 'stopped'
    member.run.child.kill('SIGSTOP')
  }

  resume(member) {
    member.state = member.wasState
    member.run.child.kill('SIGCONT')
  }

  /** SIGTERM: what is finished is committed, what is in flight is waited for, the groups are left. */
  async leave(member) {
    const { run } = member
    const wasState = member.state
    member.state = 'leaving'
    member.restartAtMs = undefined
    if (wasState === 'down') return void (member.state = 'down')
    run.wanted = wasState === 'starting' ? 'any' : 130
    const sentAtMs = Date.now()
    run.child.kill('SIGTERM')
    const force = setTimeout(() => {
      this.#laws.expect(
        'a process that is told to leave does so',
        false,
        `${member.name} runs ${longestLeaveMilliseconds / 1000} s after SIGTERM: ${waitingIn(run)}`,
      )
      run.wanted = 'any'
      run.child.kill('SIGKILL')
    }, longestLeaveMilliseconds)
    await run.done
    clearTimeout(force)
    this.#laws.expect('a process that is told to leave does so', true)
    return Date.now() - sentAtMs
  }

  /** The last state that a member told of itself; undefined where it told none. */
  static statusOf(member) {
    try {
      return JSON.parse(member.run.lastLine)
    } catch {
      return undefined
    }
  }

  close() {
    clearInterval(this.#keeping)
  }

  /** Waits until all members run. @throws Error after a minute and a half */
  async allRunning() {
    const giveUpAtMs = Date.now() + 90_000
    while (!this.members.every(({ state }) => state === 'running')) {
      const missing = this.members.filter(({ state }) => state !== 'running')
      if (Date.now() > giveUpAtMs)
        throw new Error(
          `not running: ${missing.map(({ name, state, run }) => `${name} (${state}): ${run.stderr.trim().split('\n').at(-1)}`).join('; ')}`,
        )
      await pause(100)
    }
  }

  #keep() {
    for (const member of this.members)
      if (member.state === 'down' && member.restartAtMs !== undefined && Date.now() >= member.restartAtMs)
        this.start(member)
  }

  #ended(member, run, { code, signal }) {
    writeFileSync(join(member.folder, `life-${member.lives}.err`), run.stderr)
    const phase = member.state
    member.state = 'down'
    const { wanted } = run
    const told = run.stderr.trim().split('\n')
    const complaint = told.find((line) => /Warning|a bug|wellspring: /.test(line))
    const end = `${member.name} (life ${member.lives}) ended with ${signal ?? code}: ${told.slice(-3).join(' | ')}`
    if (wanted === 'any') return
    // A kill may hit one that has said what was down and is about to end by itself.
    const endsByItself = wanted === undefined || (wanted === 'SIGKILL' && complaint !== undefined)
    if (endsByItself && phase === 'starting' && this.#options.wasBadSince(member.startedAtMs)) {
      this.failedStarts += 1
      const fault = told.find((line) => /Warning|a bug/.test(line))
      this.#laws.expect('no process complains', fault === undefined, () => `${member.name}: ${fault}`)
      // What it needs was down: whoever keeps it starts it again.
      if (wanted === undefined) member.restartAtMs = Date.now() + restartMilliseconds
      return
    }
    const ends = wanted === 'SIGKILL' ? signal === 'SIGKILL' : code === wanted
    this.#laws.expect('every process ends as it should', ends, () => `expected ${wanted ?? 'it to go on'}: ${end}`)
    this.#laws.expect('no process complains', complaint === undefined, () => `${member.name}: ${complaint}`)
    if (wanted === undefined) member.restartAtMs = Date.now() + restartMilliseconds
  }
}

/** What the processors of a run wait for, as it told last. */
export function waitingIn(run) {
  try {
    const { processors } = JSON.parse(run.lastLine)
    return (
      processors
        .filter(({ waiting, backlog, inFlight }) => waiting !== undefined || backlog + inFlight > 0)
        .map(
          ({ name, waiting, backlog, inFlight, uncommitted }) =>
            `${name}: ${backlog} behind, ${inFlight} in flight, ${uncommitted} uncommitted, waits for ${waiting}`,
        )
        .join('; ') || 'nothing waits'
    )
  } catch {
    return 'it told nothing'
  }
}
