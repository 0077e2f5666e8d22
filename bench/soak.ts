/**
 * Hours at the machine's full rate, with faults: a real `up` in a process of its own on two simulated endpoints that fail, hang and are
 * killed; kill -9 of the command every few minutes of the first third; then one long life, in which memory, descriptors, processes, disk, commit times and
 * delays of the event loop are measured. Each minute the committed log is read and every processor is balanced:
 * in = out + discarded + dead + in flight. At the end the work is finished and must balance with nothing in flight.
 * `npm run soak -- --for 1h [--seed N] [--kafka] [--json] [--out DIR] [--speed N] [--snapshots]`
 * Ends with 1 where a figure misses its goal, and keeps its folder then.
 */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openBeside, useCorpus, type Corpus } from '../cli/corpus.ts'
import { placeOf, type Place } from '../cli/place.ts'
import { formatBytes, formatCount, parseDuration } from '../cli/terminal.ts'
import { randomFrom } from '../curation/sampling.ts'
import { seedOf } from '../engine/ids.ts'
import { processors } from '../processors/index.ts'
import { startCluster } from '../scripts/kafka/cluster.ts'
import { freePorts } from '../scripts/kafka/ports.ts'
import { startRegistry } from '../scripts/kafka/registry.ts'
import { topics } from '../topics/catalogue.ts'
import { makeFolder } from '../topics/make-folder.ts'
import { Figures } from './figures.ts'
import { Commands, type Run } from './soak/commands.ts'
import { configurationOf, Endpoint } from './soak/endpoint.ts'
import { faultsOf, type Fault } from './soak/faults.ts'
import { bucketsOf, canMeter, descendantsOf, diskBytes, isLiving, quantileBetween, readProcess, type Buckets, type Living } from './soak/meter.ts' // prettier-ignore
import { ProbeFile, type Minute, type Readings } from './soak/readings.ts'
import { Reconciliation, type Balance } from './soak/reconciliation.ts'
import { tellTrends } from './soak/trends.ts'
import { readOptions, refuseUsage } from '../scripts/options.ts'

const program = {
  call: 'npm run soak',
  about:
    'Hours of the stream at full rate with faults, every record balanced; ends with 1 where a figure misses its goal.',
}
const values = readOptions(program, {
  for: { type: 'string', default: '1h', doc: 'how long: at least 60s, such as 15m or 1h' },
  seed: { type: 'string', default: '1', doc: 'of all that is drawn' },
  speed: { type: 'string', default: '1000', doc: 'of the simulated endpoints' },
  kafka: { type: 'boolean', default: false, doc: 'on Kafka: a broker and a registry are started in the folder' },
  out: { type: 'string', doc: 'folder for samples.jsonl and minutes.jsonl; kept' },
  snapshots: {
    type: 'boolean',
    default: false,
    doc: 'heap snapshots after the warm-up and at the end of the long life, into the folder; anonymous memory is not judged then',
  },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})
const forSeconds = parseDuration(values.for)
if (forSeconds === undefined || forSeconds < 60)
  refuseUsage(program, `--for: expected a time of at least 60s, such as 15m or 1h, got ${JSON.stringify(values.for)}`)
const seed = Number(values.seed)
if (!Number.isInteger(seed)) refuseUsage(program, `--seed: expected a whole number, got ${JSON.stringify(values.seed)}`)
if (!canMeter()) throw new Error('npm run soak reads /proc: it needs Linux')

/** The share of the time in which the command is killed; the rest is one long life. */
const killShare = 1 / 3
/** The share of the long life that is left out of the slopes. */
const warmUpShare = 1 / 4
const sampleSeconds = 5
const lookSeconds = 60
const drainSeconds = 10
/** So many looks in a row with nothing worked off: it stands still. */
const mostStandingLooks = 10

const folder = values.out === undefined ? mkdtempSync(join(tmpdir(), 'wellspring-soak-')) : resolve(values.out)
makeFolder(folder)
const probe = new URL('soak-probe.js', import.meta.url).href
const probePath = join(folder, 'probe.jsonl')
const random = randomFrom(seedOf('soak', seed))
const startedAtMs = Date.now()
const elapsedSeconds = (): number => (Date.now() - startedAtMs) / 1000
const note = (line: string): void => void process.stderr.write(`${line}\n`)
const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort())

const commands = new Commands(folder)
const probeFile = new ProbeFile(probePath)
const measured: Readings = { readings: [], held: [], minutes: [], endpoint: [] }
const seen = new Map<string, Living>()
const made: Record<Fault['what'], number> = { kill: 0, restart: 0, hang: 0 }
const complaints: string[] = []
let life = 0
let up: Run | undefined

const [metricsPort = 0, ...endpointPorts] = await freePorts(3)
const endpoints = endpointPorts.map(
  (port, index) =>
    new Endpoint(commands, `endpoint-${index}`, port, ['--speed', values.speed, '--seed', String(seed + port)]),
)
writeFileSync(join(folder, 'wellspring.yaml'), JSON.stringify(configurationOf(endpointPorts), null, 2))

async function startUp(place: readonly string[], extra: readonly string[] = []): Promise<void> {
  life++
  up = commands.start(
    [
      ...['up', '--json', ...place, '--metrics-port', String(metricsPort), ...extra],
      ...['--set', 'run.retentionSeconds=180', '--set', `run.drainSeconds=${drainSeconds}`],
      // Faults hold work up: enough of it is under way to keep the machine busy all the same.
      ...['--set', 'sample-concepts.maxWorkInProgress=1500'],
    ],
    { SOAK_PROBE: probePath, NODE_OPTIONS: `--import=${probe}` },
  )
  await up.firstLine
}

/** What the process wrote on stderr that no fault of this program explains. */
function complaintsOf({ stderr }: Run): string[] {
  return stderr.split('\n').filter((line) => /Warning|a bug|^wellspring: /.test(line))
}

function sample(): void {
  const pid = up?.child.pid
  const reading = pid === undefined ? undefined : readProcess(pid)
  if (pid === undefined || !reading) return
  const children = descendantsOf(pid)
  for (const child of children) seen.set(`${child.pid}/${child.startTicks}`, child)
  const hours = elapsedSeconds() / 3600
  const lines = probeFile.newLines().filter((line) => line.pid === pid)
  for (const { collected, atMs, heapUsed, external, arrayBuffers } of lines)
    if (collected) measured.held.push({ hours: (atMs - startedAtMs) / 3_600_000, life, heap: heapUsed, buffers: external + arrayBuffers }) // prettier-ignore
  const own = lines.at(-1)
  if (own) {
    measured.readings.push({
      ...{ hours, life, anonymous: reading.anonymous, heap: own.heapUsed, external: own.external + own.arrayBuffers },
      descriptors: Object.values(reading.descriptors).reduce((sum, count) => sum + count, 0),
      children: children.length,
      // A process that hardly gets a core has few of them.
      delayP99: Math.max(...lines.map((line) => line.delayP99)),
      delayMax: Math.max(...lines.map((line) => line.delayMax)),
    })
    appendFileSync(
      join(folder, 'samples.jsonl'),
      `${JSON.stringify({ ...measured.readings.at(-1), threads: reading.threads, kinds: reading.descriptors })}\n`,
    )
  }
  const living = endpoints[1]
  const endpointPid = living?.run?.child.pid
  const found = endpointPid === undefined ? undefined : readProcess(endpointPid)
  if (living && found) measured.endpoint.push({ hours, value: found.anonymous, life: living.life })
}

let bucketsBefore: { life: number; buckets: Buckets } | undefined

async function commitTimes(): Promise<{ commitP50: number; commitP99: number }> {
  const text = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { signal: AbortSignal.timeout(10_000) })
    .then((response) => response.text())
    .catch(() => '')
  const buckets = bucketsOf(text, 'wellspring_commit_seconds')
  const before = bucketsBefore?.life === life ? bucketsBefore.buckets : new Map<number, number>()
  bucketsBefore = { life, buckets }
  return { commitP50: quantileBetween(before, buckets, 0.5), commitP99: quantileBetween(before, buckets, 0.99) }
}

const transient = Object.values(topics).flatMap(({ name, retention }) => (retention === 'transient' ? [name] : []))
const outOf = (balances: readonly Balance[], processor: string): number =>
  balances.find((one) => one.processor === processor)?.out ?? 0

async function look(reconciliation: Reconciliation, corpus: Corpus): Promise<Minute> {
  const lookedAtMs = performance.now()
  const balances = await reconciliation.look(corpus)
  const described = corpus.log.kind === 'embedded' ? await corpus.log.describeTopics() : []
  const minute: Minute = {
    ...{ hours: elapsedSeconds() / 3600, life, balances, problems: outOf(balances, 'generate-problem') },
    disk: diskBytes(join(folder, values.kafka ? 'kafka' : 'data')),
    transientRecords: described
      .filter(({ name }) => transient.includes(name))
      .reduce((sum, { records }) => sum + records, 0),
    ...(await commitTimes()),
    lookSeconds: (performance.now() - lookedAtMs) / 1000,
  }
  measured.minutes.push(minute)
  appendFileSync(join(folder, 'minutes.jsonl'), `${JSON.stringify(minute)}\n`)
  const last = measured.readings.at(-1)
  const inFlight = balances.reduce((sum, one) => sum + one.inFlight, 0)
  const dead = balances.reduce((sum, one) => sum + one.dead, 0)
  note(
    [
      `${(elapsedSeconds() / 60).toFixed(1)} min`,
      `life ${life}`,
      `${formatCount(minute.problems)} problems`,
      `${formatCount(outOf(balances, 'verify-rollout'))} verdicts`,
      `${formatCount(reconciliation.records)} records balanced`,
      `${formatCount(inFlight)} in flight`,
      `${dead} dead`,
      `${formatBytes(last?.anonymous ?? 0)} memory`,
      `${formatBytes(last?.heap ?? 0)} heap`,
      `${last?.descriptors ?? 0} descriptors`,
      `${last?.children ?? 0} children`,
      `${formatBytes(minute.disk)} on disk`,
      `commit p99 ${minute.commitP99.toFixed(3)} s`,
      `loop p99 ${(last?.delayP99 ?? 0).toFixed(3)} s`,
      ...(reconciliation.violations.length > 0 ? [`${reconciliation.violations.length} VIOLATIONS`] : []),
    ].join(', '),
  )
  return minute
}

let fed = 0
/** Human problems, as anybody may bring them while the stream runs, and bytes that are no record. */
async function feed(place: readonly string[], corpus: Corpus): Promise<void> {
  const file = join(folder, 'human.jsonl')
  const lines = Array.from({ length: 10 }, () => {
    const number = ++fed
    const [a, b] = [1000 + 6 * number, 90 + 4 * number]
    const math = { domain: 'math', problem: `Find the remainder when ${a} is divided by ${b}.`, answer: String(a % b) }
    const code = { domain: 'code', problem: `Read a whole number n and print the product of n and ${b}.` }
    return JSON.stringify({ source: 'soak', ...(number % 2 === 0 ? math : code) })
  })
  writeFileSync(file, `${lines.join('\n')}\n`)
  await commands.complete(['ingest', file, '--as', 'problems', ...place])
  const poison = ['rollouts', 'traces'].map((topic) => ({
    ...{ topic, partition: fed % 12, key: `poison-${fed}` },
    value: Buffer.from(`no record ${fed}`),
  }))
  await corpus.log.append(poison, `poison-${fed}`)
}

async function make(fault: Fault, place: readonly string[]): Promise<void> {
  made[fault.what]++
  const endpoint = endpoints[fault.endpoint]
  if (fault.what === 'kill') {
    const before = up
    before?.child.kill('SIGKILL')
    await before?.ended
    if (before) complaints.push(...complaintsOf(before))
    await startUp(place)
  } else if (fault.what === 'restart') {
    await endpoint?.kill()
    await pause(fault.lastsSeconds * 1000)
    await endpoint?.start()
  } else {
    const child = endpoint?.run?.child
    child?.kill('SIGSTOP')
    await pause(fault.lastsSeconds * 1000)
    child?.kill('SIGCONT')
  }
}

/** Runs with its faults until the time is up. */
async function soak(
  seconds: number,
  place: Place,
  flags: readonly string[],
  reconciliation: Reconciliation,
): Promise<void> {
  const longLifeFrom = seconds * killShare
  const faults = faultsOf(seconds, longLifeFrom, random)
  let snapshotDue = longLifeFrom + (seconds - longLifeFrom) * warmUpShare
  const beginsAt = elapsedSeconds()
  const at = (): number => elapsedSeconds() - beginsAt
  let nextSample = 0
  let nextLook = 30
  const busy: Promise<void>[] = endpoints.map(() => Promise.resolve())
  let failure: Error | undefined
  while (at() < seconds && !ending.signal.aborted) {
    if (failure !== undefined) throw failure
    if (up?.child.exitCode !== null || up.child.signalCode !== null)
      throw new Error(
        `up has ended by itself (${up?.child.exitCode ?? up?.child.signalCode}): ${up?.stderr.slice(-2000)}`,
      )
    const due = faults[0]
    if (due && at() >= due.atSeconds) {
      faults.shift()
      if (due.what === 'kill') await make(due, flags)
      else {
        // One thing at a time befalls an endpoint.
        busy[due.endpoint] = (busy[due.endpoint] ?? Promise.resolve())
          .then(() => make(due, flags))
          .catch((error: unknown) => void (failure = error instanceof Error ? error : new Error(String(error))))
      }
    }
    if (at() >= nextSample) {
      sample()
      nextSample = at() + sampleSeconds
    }
    if (at() >= nextLook) {
      await useCorpus(place, openBeside, async (corpus) => {
        await look(reconciliation, corpus)
        await feed(flags, corpus)
      })
      nextLook += lookSeconds
    }
    if (values.snapshots && at() >= snapshotDue) {
      up?.child.kill('SIGUSR2')
      snapshotDue = Infinity
    }
    await pause(250)
  }
  await Promise.all(busy)
}

/** Waits until the command has ended, or nothing has become less for so long that it never will. Looks on: retention goes on, too. */
async function workedOff(place: Place, reconciliation: Reconciliation): Promise<Awaited<Run['ended']> | undefined> {
  const ended = up?.ended
  let least = Infinity
  for (let standing = 0; standing < mostStandingLooks; standing++) {
    const how = await Promise.race([ended, pause(1000 * lookSeconds, undefined, { ref: false })])
    if (how) return how
    const { balances } = await useCorpus(place, openBeside, (corpus) => look(reconciliation, corpus))
    const left = balances.reduce((sum, { inFlight }) => sum + inFlight, 0)
    if (left < least) standing = 0
    least = Math.min(least, left)
  }
  return undefined
}

const figures = new Figures(values.json)

/** A broker and a registry in the folder. */
async function startKafka(): Promise<{ flags: string[]; stop: () => Promise<void> }> {
  const report = note
  const cluster = await startCluster({ directory: join(folder, 'kafka'), report })
  const registry = await startRegistry({ directory: join(folder, 'registry'), report })
  return {
    flags: ['--kafka', cluster.bootstrapServers, '--registry', registry.url],
    stop: async () => {
      await registry.stop()
      await cluster.stop()
    },
  }
}

let passed = false
const kafka = values.kafka ? await startKafka() : undefined
try {
  const flags = ['--data', join(folder, 'data'), ...(kafka?.flags ?? ['--no-kafka']), '--config', join(folder, 'wellspring.yaml')] // prettier-ignore
  const flagOf = (name: string): string | undefined => flags[flags.indexOf(name) + 1]
  const place = await placeOf({
    data: join(folder, 'data'),
    config: join(folder, 'wellspring.yaml'),
    ...(kafka ? { kafka: flagOf('--kafka'), registry: flagOf('--registry') } : { kafka: false as const }),
  })
  for (const endpoint of endpoints) await endpoint.start()
  note(`soak of ${values.for}, seed ${seed}, in ${folder}`)
  if (kafka) await commands.complete(['topics', 'apply', ...flags.slice(0, -2)])
  await commands.complete(['ingest', fileURLToPath(new URL('../../examples/seeds.jsonl', import.meta.url)), '--as', 'seeds', ...flags]) // prettier-ignore
  await startUp(flags)
  const reconciliation = new Reconciliation(processors)
  await soak(forSeconds, place, flags, reconciliation)
  const soaked: Readings = { ...measured, minutes: [...measured.minutes] }
  const soakedSeconds = Math.min(forSeconds, elapsedSeconds())

  if (values.snapshots) {
    up?.child.kill('SIGUSR2')
    await pause(20_000)
  }
  up?.child.kill('SIGINT')
  const ended = await up?.ended
  if (up) complaints.push(...complaintsOf(up))
  figures.tell('exit code after SIGINT', ended?.code ?? -1, '130', ended?.code === 130)
  // What is left is worked off, at endpoints that are well again.
  for (const endpoint of endpoints) await endpoint.heal()
  await startUp(flags, ['--problems', '0'])
  const rest = await workedOff(place, reconciliation)
  figures.tell('exit code after working off what was left', rest?.code ?? -1, '0', rest?.code === 0)
  const last = await useCorpus(place, openBeside, (corpus) => look(reconciliation, corpus))
  for (const endpoint of endpoints) await endpoint.kill()
  // A child that is told to end takes a moment.
  await pause(2000)
  const left = [...seen.values()].filter(isLiving)

  const problemsPerHour = (last.problems / soakedSeconds) * 3600
  figures.tell('problems an hour', problemsPerHour, 'no goal', true)
  figures.tell('verdicts a second', outOf(last.balances, 'verify-rollout') / soakedSeconds, 'no goal', true)
  figures.tell(`faults: ${made.kill} times kill -9, ${made.restart} restarts and ${made.hang} hangs of an endpoint`, made.kill + made.restart + made.hang, '> 0', made.kill > 0 && made.restart > 0 && made.hang > 0) // prettier-ignore
  figures.tell('minutes at which every processor was balanced', measured.minutes.length, 'no goal', true)
  figures.tell('records balanced', reconciliation.records, 'no goal', true)
  figures.tell('records lost, made twice or counted wrongly', reconciliation.violations.length, '0', reconciliation.violations.length === 0) // prettier-ignore
  const open = reconciliation.openAtEnd()
  figures.tell('processors with anything left at the end', open.length, '0', open.length === 0)
  figures.tell(`processes of up that outlive it, of ${seen.size} seen`, left.length, '0', left.length === 0)
  figures.tell('complaints on stderr', complaints.length, '0', complaints.length === 0)
  const fromSeconds = soakedSeconds * (killShare + (1 - killShare) * warmUpShare)
  const hasSnapshots = values.snapshots
  tellTrends(figures, soaked, { fromSeconds, untilSeconds: soakedSeconds, problemsPerHour, hasSnapshots })
  for (const line of [...reconciliation.violations.slice(0, 20), ...open, ...complaints.slice(0, 20)]) note(`  ${line}`)
  for (const { command: name, pid } of left) note(`  still there: ${name} (${pid})`)
  note(`${'processor'.padEnd(22)}${['in', 'out', 'passed over', 'discarded', 'dead', 'in flight'].map((one) => one.padStart(12)).join('')}`) // prettier-ignore
  for (const one of last.balances.filter((balance) => balance.in > 0))
    note(`${one.processor.padEnd(22)}${[one.in, one.out, one.passedOver, one.discarded, one.dead, one.inFlight].map((count) => String(count).padStart(12)).join('')}`) // prettier-ignore
  passed = figures.missed === 0 && !ending.signal.aborted
  note(ending.signal.aborted ? 'verdict: interrupted' : passed ? 'verdict: every goal is met' : `verdict: ${figures.missed} goals are missed`) // prettier-ignore
} finally {
  commands.kill()
  await kafka?.stop()
  if (passed && values.out === undefined) rmSync(folder, { recursive: true, force: true })
  else note(`kept: ${folder}`)
  process.exitCode = passed ? 0 : 1
}
