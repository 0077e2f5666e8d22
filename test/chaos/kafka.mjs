// Chaos on Kafka: the stream in several processes, and faults at random moments. Then the work is finished, and everything is read with
// read_committed and held against the laws: nothing lost, nothing twice, no committed call made again, nothing stuck.
//   node test/chaos/kafka.mjs --minutes 5                          one broker, faults for five minutes
//   node test/chaos/kafka.mjs --kills 50 --others 10 --seeds 1,2,3 so many of each kind, one run a seed, and a table of the figures
//   node test/chaos/kafka.mjs --nodes 3 --spine small              leaders move in the middle of sends
//   node test/chaos/kafka.mjs --break fence                        a broken engine (--break help lists them): must be caught
// Exits with 1 when a law is broken; the folder is kept then, and named.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import kafkajs from 'kafkajs'
import { processors } from '../../dist/processors/index.js'
import { topics } from '../../dist/topics/catalogue.js'
import { openKafkaLog } from '../../dist/topics/kafka/log.js'
import { startCluster } from '../../dist/scripts/kafka/cluster.js'
import { freePorts } from '../../dist/scripts/kafka/ports.js'
import { startRegistry } from '../../dist/scripts/kafka/registry.js'
import { Corpus, deadLettersOf, KafkaSource } from './corpus.mjs'
import { breaks, copyEngine } from './engines.mjs'
import { Faults, kinds } from './faults.mjs'
import { Fleet, waitingIn } from './fleet.mjs'
import { checkCommittedRepeats, checkFiles, checkStates, checkTransactions, classesOfRepeats } from './kafka-laws.mjs'
import { checkCorpus, checkDone, checkSpent, CommittedCalls, Laws, openWork, Requests } from './laws.mjs'
import { Proxy } from './proxy.mjs'
import { numberedProblem } from './seeds.mjs'
import {
  complete,
  humanProblems,
  ingest,
  poisonRecords,
  randomFrom,
  RequestLog,
  say,
  start,
  startSimulator,
} from './stage.mjs'
import { readOptions, refuseUsage } from '../../dist/scripts/options.js'

const program = {
  call: 'npm run chaos:kafka',
  about: 'The stream on Kafka in several processes, with faults at random moments; ends with 1 where a law is broken.',
}
const options = readOptions(program, {
  seed: { type: 'string', default: String(Date.now() % 100_000), doc: 'of the faults and of the endpoint' },
  seeds: { type: 'string', doc: 'several, with commas: a run each and a table of the figures' },
  figures: { type: 'string', doc: 'file for the figures of a run, as JSON' },
  minutes: { type: 'string', default: '3', doc: 'of faults' },
  kills: { type: 'string', doc: 'so many kills instead' },
  others: { type: 'string', doc: 'so many of each other fault' },
  faults: { type: 'string', default: kinds.join(','), doc: 'the kinds' },
  gap: { type: 'string', default: '5', doc: 'seconds between the beginnings of two faults, in the mean' },
  nodes: { type: 'string', default: '1', doc: 'brokers' },
  'kafka-version': { type: 'string', default: '4.1.1', doc: 'release of Kafka' },
  processes: { type: 'string', default: '3', doc: 'of the stream' },
  spine: { type: 'string', default: 'whole', doc: 'whole, or small: from problems to pairs' },
  speed: { type: 'string', default: '10', doc: 'of the simulated endpoint' },
  'work-in-progress': { type: 'string', default: '24', doc: 'of the sampler' },
  settle: { type: 'string', default: '60', doc: 'seconds after the last fault in which all work must be finished' },
  break: { type: 'string', doc: 'a broken engine that a law must catch; help lists them' },
  'limit-minutes': { type: 'string', default: '90', doc: 'after which a run counts as stuck' },
  keep: { type: 'boolean', default: false, doc: 'keep the folder' },
  trace: { type: 'boolean', default: false, doc: 'processes tell on stderr what becomes of their tasks' },
})
if (options.break === 'help') {
  for (const [name, { what }] of Object.entries(breaks)) say(`${name}: ${what}`)
  process.exit(0)
}
if (options.seeds !== undefined) process.exit(await runAll(options.seeds.split(',')))
const number = (name, text, lowest) => {
  const value = Number(text)
  if (!Number.isFinite(value) || value < lowest || text.trim() === '')
    refuseUsage(program, `--${name}: expected a number from ${lowest}, got ${text}`)
  return value
}
const seed = number('seed', options.seed, 0)
const minutes = number('minutes', options.minutes, 0)
const gapSeconds = number('gap', options.gap, 0)
const nodes = number('nodes', options.nodes, 1)
const processCount = number('processes', options.processes, 1)
const workInProgress = number('work-in-progress', options['work-in-progress'], 1)
const settleSeconds = number('settle', options.settle, 1)
const wantedKinds = options.faults.split(',').filter((kind) => kind !== 'answers' || nodes === 1)
for (const kind of wantedKinds)
  if (!kinds.includes(kind)) throw new Error(`--faults: there is no "${kind}", there are ${kinds.join(', ')}`)
const counts = options.kills !== undefined || options.others !== undefined
const sessionTimeoutSeconds = 6
const observeMilliseconds = 2000
const namespace = 'chaos'

const smallSpine = [
  'screen-problem',
  'judge-problem',
  'generate-test-cases',
  'vote-answer',
  'screen-answer',
  'plan-rollouts',
  'roll-out',
  'verify-rollout',
  'build-pairs',
]
if (!['whole', 'small'].includes(options.spine)) throw new Error('--spine: expected whole or small')
const isWhole = options.spine === 'whole'
const chosen = processors.filter(({ name }) => isWhole || smallSpine.includes(name))
const spine = chosen.map(({ name }) => name)

const root = mkdtempSync(join(tmpdir(), 'wellspring-chaos-kafka-'))
const startedAtMs = Date.now()
const deadlineAtMs = startedAtMs + 60_000 * number('limit-minutes', options['limit-minutes'], 0)
const random = randomFrom(seed)
const laws = new Laws()
const tell = (line) =>
  say(
    `${new Date().toISOString().slice(11, 21)} ${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(7)} s  ${line}`,
  )

/** One run after the other, each in a process of its own; then a table of them all. @returns the exit code */
async function runAll(seeds) {
  const folder = mkdtempSync(join(tmpdir(), 'wellspring-chaos-figures-'))
  const rest = process.argv
    .slice(2)
    .filter((part, index, parts) => part !== '--seeds' && parts[index - 1] !== '--seeds')
  const rows = []
  for (const seed of seeds) {
    const file = join(folder, `${seed}.json`)
    const parts = [fileURLToPath(import.meta.url), ...rest, '--seed', seed, '--figures', file]
    const child = spawn(process.execPath, parts, { stdio: 'inherit' })
    await new Promise((resolve) => child.once('close', resolve))
    if (existsSync(file)) rows.push(JSON.parse(readFileSync(file, 'utf8')))
    say('')
  }
  rmSync(folder, { recursive: true })
  const columns = {
    seed: ({ seed }) => seed,
    minutes: ({ seconds }) => (seconds / 60).toFixed(0),
    'kill -9': ({ faults }) => faults.kill ?? 0,
    'others of each kind': ({ faults }) =>
      Object.entries(faults)
        .filter(([kind]) => kind !== 'kill')
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', '),
    lives: ({ lives }) => lives,
    commits: ({ commits }) => commits,
    records: ({ records }) => records,
    'model calls': ({ repeats }) => repeats.calls,
    repeated: ({ repeats }) => repeats.repeats,
    'of these without an answer yet': ({ repeats }) => repeats.inFlight,
    'committed calls repeated': ({ repeatedCommitted }) => repeatedCommitted,
    lost: ({ lost }) => lost,
    doubled: ({ doubled }) => doubled,
    'all work finished after the last fault (s)': ({ settledSeconds }) => settledSeconds?.toFixed(0) ?? 'never',
    'every law holds': ({ holds }) => (holds ? 'yes' : 'no'),
  }
  say(`| ${Object.keys(columns).join(' | ')} |`)
  say(`|${' --- |'.repeat(Object.keys(columns).length)}`)
  for (const row of rows) {
    const cells = Object.values(columns).map((cell) => cell(row))
    say(`| ${cells.join(' | ')} |`)
  }
  return rows.length === seeds.length && rows.every(({ holds }) => holds) ? 0 : 1
}

/** The faults in their order: each kind as often as asked for, or in turns for as long as there is time. */
function* plan() {
  const shuffled = (list) => {
    for (let at = list.length - 1; at > 0; at -= 1) {
      const other = Math.floor(random() * (at + 1))
      ;[list[at], list[other]] = [list[other], list[at]]
    }
    return list
  }
  const others = wantedKinds.filter((kind) => kind !== 'kill')
  const times = (count, kind) => Array.from({ length: count }, () => kind)
  if (counts) {
    const otherCount = Number(options.others ?? 0)
    const killCount = wantedKinds.includes('kill') ? Number(options.kills ?? 0) : 0
    yield* shuffled([...times(killCount, 'kill'), ...others.flatMap((kind) => times(otherCount, kind))])
    return
  }
  const untilMs = Date.now() + 60_000 * minutes
  for (;;) {
    const killCount = wantedKinds.includes('kill') ? Math.max(1, Math.ceil(others.length / 2)) : 0
    for (const kind of shuffled([...times(killCount, 'kill'), ...others])) {
      if (Date.now() >= untilMs) return
      yield kind
    }
  }
}

/** Everything that runs, and what is seen of it. */
class Stage {
  sessionTimeoutSeconds = sessionTimeoutSeconds
  random = random
  spine = spine
  requests = new Requests()
  committed = new CommittedCalls()
  observations = 0
  fed = 0
  #observing
  #feeding

  async open() {
    const command = copyEngine(join(root, 'engine'), options.break, options.trace)
    this.command = command
    const version = options['kafka-version']
    const [proxyPort, port] = nodes === 1 ? await freePorts(2) : []
    this.cluster = await startCluster({
      directory: join(root, 'kafka'),
      version,
      nodes,
      ...(port && {
        ports: [port],
        // Clients come through the proxy.
        settings: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxyPort}` },
      }),
    })
    this.brokers = port ? [`127.0.0.1:${proxyPort}`] : this.cluster.bootstrapServers.split(',')
    if (port) {
      this.proxy = new Proxy(port)
      await this.proxy.listen(proxyPort)
    }
    this.registry = await startRegistry({ directory: join(root, 'registry') })
    this.requestLog = new RequestLog(join(root, 'requests.jsonl'))
    this.simulator = await startSimulator(root, {
      ...{ command, seed, speed: options.speed },
      requestLog: join(root, 'requests.jsonl'),
    })
    this.place = ['--kafka', this.brokers.join(','), '--registry', this.registry.url, '--namespace', namespace]
    await complete(['topics', 'apply', ...this.place], { command, folder: root })
    this.connection = { brokers: this.brokers, clientId: 'chaos' }
    this.logOptions = {
      connection: this.connection,
      registry: { url: this.registry.url },
      namespace,
      sessionTimeoutSeconds,
    }
    this.log = await openKafkaLog(this.logOptions)
    this.source = new KafkaSource(this.log)
    this.corpus = new Corpus(this.source)
    const human = humanProblems()
    if (isWhole) await this.ingest(human, 'seeds')
    await this.ingest(human.slice(0, 12), 'problems')
    await this.poison(0)
    this.faults = new Faults(this)
    this.fleet = new Fleet(
      {
        ...{ folder: root, command, place: this.place, url: () => this.simulator.url, random, sessionTimeoutSeconds },
        windowed: spine.filter((name) => chosen.find((one) => one.name === name).roles.length > 0),
        wasBadSince: (sinceMs) => this.faults.wasBadSince(sinceMs),
      },
      laws,
    )
    this.fleet.settings = [`sample-concepts.maxWorkInProgress=${workInProgress}`]
    // The first runs all; each other one two thirds of it, another part each: every processor runs in several.
    for (let index = 0; index < processCount; index += 1) {
      const length = index === 0 ? spine.length : Math.ceil((spine.length * 2) / 3)
      const from = processCount < 3 ? 0 : Math.round(((index - 1) / (processCount - 2)) * (spine.length - length))
      this.fleet.add(`process-${index + 1}`, index === 0 ? [...spine] : spine.slice(from, from + length))
    }
  }

  async ingest(lines, sort) {
    await ingest(lines, sort, { folder: root, command: this.command, place: this.place })
  }

  /** Bytes that are no record; tried until the log takes them. */
  async poison(ordinal) {
    for (;;) {
      try {
        return await this.log.append(poisonRecords(ordinal), `poison-${ordinal}`)
      } catch (error) {
        if (error.code !== 'unreachable') throw error
      }
    }
  }

  /** Reads what is committed now, and what the endpoint has seen. @returns the snapshot; undefined where the log is away */
  async observe() {
    this.#observing ??= this.#look().finally(() => (this.#observing = undefined))
    return await this.#observing
  }

  async #look() {
    let snapshot
    try {
      snapshot = await this.corpus.read()
    } catch (error) {
      if (error.code !== 'unreachable') throw error
      return undefined
    }
    const events = this.requestLog.events()
    this.requests.take(events)
    this.committed.take(this.corpus, snapshot, this.requests.all, events.length)
    this.observations += 1
    this.#feed(snapshot)
    return snapshot
  }

  /** The small spine has no source: problems come from outside, as many as keep it busy. */
  #feed(snapshot) {
    if (isWhole || this.isClosing || this.#feeding) return
    const open = openWork(this.corpus, snapshot, chosen).reduce((sum, { count }) => sum + count, 0)
    if (open > 4 * workInProgress) return
    const lines = Array.from({ length: Math.ceil(workInProgress / 2) }, () => numberedProblem((this.fed += 1)))
    this.#feeding = this.ingest(lines, 'problems')
      .catch((error) => tell(`feeding failed: ${error.message.slice(0, 200)}`))
      .finally(() => (this.#feeding = undefined))
  }

  /** Resolves when all partitions have all their replicas again. */
  async inSync() {
    if (nodes === 1) return
    const admin = new kafkajs.Kafka({ brokers: this.brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      for (;;) {
        const { topics } = await admin.fetchTopicMetadata()
        const behind = topics.flatMap(({ partitions }) => partitions.filter(({ isr }) => isr.length < nodes))
        if (behind.length === 0) return
        await pause(250)
      }
    } finally {
      await admin.disconnect()
    }
  }

  /** Faults until the plan is over, each when its resource is free; then waits until their causes are over. */
  async chaos() {
    await this.fleet.allRunning()
    tell(`${this.fleet.members.length} processes run ${spine.length} processors`)
    const observing = setInterval(() => this.observe().catch(this.#failed), observeMilliseconds)
    let poisoned = false
    const ends = []
    try {
      for (const kind of plan()) {
        await pause(1000 * -Math.log(1 - random()) * gapSeconds)
        await Promise.race([this.faults.room(kind), this.broken])
        if (Date.now() > deadlineAtMs) throw new Error('the time is up (--limit-minutes)')
        // What is committed before a fault must hold after it.
        await Promise.race([this.observe(), pause(3000)])
        const { fault, over } = this.faults.begin(kind)
        ends.push(over)
        await pause(0)
        tell(`${kind.padEnd(10)} ${fault.what}`)
        if (!poisoned && this.faults.made.length > 8) {
          poisoned = true
          ends.push(this.poison(1))
        }
      }
      await Promise.race([Promise.all(ends), this.broken])
    } finally {
      clearInterval(observing)
    }
    for (const { kind, what, error } of this.faults.made)
      laws.expect('every fault could be made', error === undefined, () => `${kind}: ${what}`)
  }

  /** Rejects when looking on fails for another reason than a log that is away. */
  broken = new Promise((_, reject) => (this.reject = reject))
  #failed = (error) => this.reject(error)

  /** No new work: whoever samples starts again with its goal reached. Then waits until nothing is open. */
  async settle() {
    const lastFaultMs = Math.max(startedAtMs, ...this.faults.made.map(({ endMs }) => endMs))
    this.isClosing = true
    this.fleet.settings = ['sample-concepts.problems=0']
    const sampling = this.fleet.members.filter(({ processors: own }) => own.includes('sample-concepts'))
    for (const member of this.fleet.members) if (member.state === 'down') this.fleet.start(member)
    await Promise.all(
      sampling.map(async (member) => {
        if (member.state === 'running') {
          await this.fleet.leave(member)
          this.fleet.start(member)
        } else if (member.state === 'starting') await this.fleet.kill(member, 0)
      }),
    )
    await this.#feeding
    await this.fleet.allRunning()
    tell('all processes run, nothing new comes')
    let doneAtMs
    let before
    for (;;) {
      const snapshot = await this.observe()
      const open = snapshot && openWork(this.corpus, snapshot, chosen)
      const total = snapshot && JSON.stringify([...snapshot.ends])
      if (open?.length === 0) {
        doneAtMs ??= Date.now()
        if (total === before) break
      } else doneAtMs = undefined
      before = total
      const seconds = (Date.now() - lastFaultMs) / 1000
      if (seconds > 4 * settleSeconds || Date.now() > deadlineAtMs) {
        const list = open?.map(({ processor, topic, task, count }) => `${processor} ${topic}/${task}: ${count}`)
        const told = this.fleet.members.map(({ name, run }) => `\n    ${name}: ${waitingIn(run)}`)
        laws.expect(
          'no task is stuck',
          false,
          `after ${seconds.toFixed(0)} s there is open: ${list?.join(', ')}${told.join('')}`,
        )
        return undefined
      }
      await pause(250)
    }
    const seconds = (doneAtMs - lastFaultMs) / 1000
    laws.expect(
      'no task is stuck',
      seconds <= settleSeconds,
      `work in progress reached zero ${seconds.toFixed(1)} s after the last fault, expected within ${settleSeconds} s`,
    )
    tell(`work in progress is zero, ${seconds.toFixed(1)} s after the last fault`)
    return seconds
  }

  /** Everything ends in order and is looked at: what lies in the log, whether it holds as it is, and what the endpoint was asked. */
  async check() {
    await Promise.all(this.fleet.members.map((member) => this.fleet.leave(member)))
    this.fleet.close()
    await checkTransactions(laws, this.connection, namespace, chosen)
    let snapshot = await this.observe()
    if (isWhole) {
      const before = this.#extent()
      tell('one process more runs all of it')
      const again = start(['up', '--problems', '0', ...this.place, '--data', join(root, 'again'), '--json'], {
        ...{ command: this.command, folder: root },
        environment: { OPENAI_BASE_URL: this.simulator.url },
      })
      const { code } = await again.ended
      snapshot = await this.observe()
      laws.expect(
        'a complete corpus stays as it is',
        code === 0 && this.#extent() === before,
        () =>
          `one process more ended with ${code}: ${again.stderr.trim().split('\n').slice(-2).join(' | ')}; records and calls before ${before}, after ${this.#extent()}`,
      )
    }
    this.requests.take(this.requestLog.events())
    checkCorpus(laws, this.corpus, snapshot, 'at the end')
    checkSpent(laws, snapshot, this.requests.all, new Set(this.committed.since.keys()), 'at the end')
    checkDone(laws, this.corpus, snapshot, chosen)
    checkCommittedRepeats(laws, this.requests.all, this.committed.since)
    for (const { processor, topic, partition, offset, code, message } of deadLettersOf(this.corpus))
      laws.expect(
        'no dead letter that a fault caused',
        code === 'RECORD_UNDECODABLE',
        () => `${processor} gave up ${topic}/${partition} offset ${offset}: ${code} ${message}`,
      )
    const made = this.corpus.of('outcomes').length
    laws.expect('something was made', made > 0 && this.corpus.of('verdicts').length > 0, 'no verdicts or no outcomes')
    checkFiles(laws, this.corpus, join(root, 'kafka', 'node-1', 'data'), namespace)
    tell('states, with local copies and without')
    const copies = [...this.fleet.members, ...this.fleet.former.slice(-2)]
    this.opened = await checkStates(laws, this.source, this.logOptions, chosen, [
      ['nobody', undefined],
      ...copies.map((member) => [member.name, Fleet.stateDirectory(member)]),
    ])
    return snapshot
  }

  /** How much there is of everything. */
  #extent() {
    const records = Object.values(topics).map(({ name }) => this.corpus.of(name).length)
    this.requests.take(this.requestLog.events())
    return `${records.reduce((sum, count) => sum + count, 0)} and ${[...this.requests.all.values()].flat().length}`
  }

  async close() {
    this.fleet?.close()
    for (const member of this.fleet?.members ?? []) member.run.child.kill('SIGKILL')
    await this.log?.close().catch(() => undefined)
    await this.simulator?.stop()
    this.proxy?.close()
    await this.registry?.stop()
    await this.cluster?.stop()
  }
}

/** @returns whether every law holds */
function report(stage, snapshot, settledSeconds) {
  say('')
  const made = stage.faults?.made ?? []
  for (const kind of kinds) {
    const own = made.filter((one) => one.kind === kind)
    if (own.length > 0) say(`  fault   ${kind}: ${own.length}`)
  }
  const fleet = stage.fleet
  const lives = fleet ? [...fleet.members, ...fleet.former].reduce((sum, member) => sum + member.lives, 0) : 0
  if (fleet) say(`  ${lives} lives of processes, ${fleet.failedStarts} starts that failed while something was down`)
  if (snapshot) {
    const classes = classesOfRepeats(stage.requests.all, made)
    const tasks = [...snapshot.progress.values()].flatMap((own) => [...own.values()])
    const commits = tasks.reduce((sum, { sequence }) => sum + sequence, 0)
    say(
      `  ${classes.calls} calls, ${classes.repeats} repeats: ${classes.inFlight} had no answer yet, ${classes.answered} were answered and not committed (${classes.withoutCrash} of them without a crash nearby)`,
    )
    say(
      `  ${commits} commits, ${stage.committed.since.size} calls seen committed in ${stage.observations} looks, ${stage.opened} tasks opened to compare states`,
    )
    say(
      `  records: ${['problems', 'test-cases', 'rollout-requests', 'verdicts', 'outcomes', 'preference-pairs', 'discards', 'dead-letters'].map((topic) => `${topic} ${stage.corpus.of(topic).length}`).join(', ')}`,
    )
    say(`  work in progress was zero ${settledSeconds?.toFixed(1)} s after the last fault`)
    if (options.figures !== undefined) writeFigures(stage, { lives, commits, repeats: classes, settledSeconds })
  }
  for (const { law, checked, violations } of laws.rows)
    say(
      `  ${violations.length === 0 ? 'holds ' : 'BROKEN'}  ${law}: ${checked} looked at${violations.length > 0 ? `, ${violations.length} broken` : ''}`,
    )
  for (const { law, violations } of laws.rows)
    for (const violation of violations.slice(0, 3)) say(`  ${law}: ${violation}`)
  return allHold()
}

const allHold = () => laws.rows.every(({ violations }) => violations.length === 0)

function writeFigures({ faults, corpus }, measured) {
  const broken = (which) =>
    laws.rows.filter(({ law }) => which(law)).reduce((sum, { violations }) => sum + violations.length, 0)
  const figures = {
    seed,
    seconds: (Date.now() - startedAtMs) / 1000,
    faults: Object.fromEntries(
      kinds
        .map((kind) => [kind, faults.made.filter((one) => one.kind === kind).length])
        .filter(([, count]) => count > 0),
    ),
    ...measured,
    records: Object.values(topics).reduce((sum, { name }) => sum + corpus.of(name).length, 0),
    repeatedCommitted: broken((law) => law === 'no finished and committed call is repeated'),
    lost: broken((law) => law.includes('->') || law.startsWith('every ')),
    doubled: broken((law) => law === 'no record twice' || law === 'no statement screened twice'),
    holds: allHold(),
  }
  writeFileSync(options.figures, JSON.stringify(figures))
}

const amount = counts
  ? `${options.kills ?? 0} kills, ${options.others ?? 0} of each other fault`
  : `${minutes} minutes of faults`
say(
  `seed ${seed}: ${amount} (${wantedKinds.join(', ')}), ${processCount} processes, Kafka ${options['kafka-version']} on ${nodes} node${nodes === 1 ? '' : 's'}${options.break ? `, broken: ${breaks[options.break]?.what}` : ''}, in ${root}`,
)
const stage = new Stage()
stage.broken.catch(() => {})
let holds
let snapshot
let settledSeconds
try {
  await stage.open()
  await stage.chaos()
  settledSeconds = await stage.settle()
  snapshot = await stage.check()
  holds = report(stage, snapshot, settledSeconds)
} catch (error) {
  // Such as a run that is stuck, or a corpus that can't be read: what was found until then tells more.
  laws.expect('the run comes to its end', false, error.stack ?? String(error))
  holds = report(stage, snapshot, settledSeconds)
} finally {
  await stage.close().catch((error) => say(`closing failed: ${error.message}`))
}
say(
  `\n${holds ? 'every law holds' : `BROKEN; see ${root}`} (seed ${seed}, ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s)`,
)
if (holds && !options.keep) rmSync(root, { recursive: true, force: true })
process.exit(holds ? 0 : 1)
