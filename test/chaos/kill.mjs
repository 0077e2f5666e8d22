// Kills the running stream at random moments, starts it again each time, and proves from the simulated endpoint's own request log and
// from the corpus that nothing was lost, made twice or paid twice: `npm run chaos -- --kills 20 --problems 150 --seed 7`.
// Two parts: `random` (kills, two drains and one hurried stop at random moments of a whole run) and `kept` (kills that land inside
// records of several calls, at a slow endpoint, so that finished votes and tests are kept and used again).
// Exits with 1 when a law is broken; the folder is kept then, and named.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Corpus, EmbeddedSource, withClient } from './corpus.mjs'
import { copyEngine } from './engines.mjs'
import {
  callerOf,
  callsNeeded,
  checkCorpus,
  checkDone,
  checkRepeats,
  checkSpent,
  committedCalls,
  Laws,
  requestsOf,
} from './laws.mjs'
import { problemsToVote } from './seeds.mjs'
import { humanProblems, ingest, poisonRecords, randomFrom, RequestLog, say, start, startSimulator } from './stage.mjs'
import { readOptions, refuseUsage } from '../../dist/scripts/options.js'

const program = {
  call: 'npm run chaos',
  about:
    'Kills the running stream at random moments and holds what is there against the laws; ends with 1 where one is broken.',
}
const options = readOptions(program, {
  kills: { type: 'string', default: '20', doc: 'of the random part; two drains and a hurried stop come on top' },
  problems: { type: 'string', default: '150', doc: 'of the random part' },
  seed: { type: 'string', default: String(Date.now() % 100_000), doc: 'of the moments and of the endpoint' },
  speed: { type: 'string', default: '25', doc: 'of the simulated endpoint' },
  part: { type: 'string', default: 'all', doc: 'random, kept or all' },
  window: {
    type: 'string',
    default: '1.2',
    doc: 'seconds in which a finished result may be lost; more is for machines that stall',
  },
  'limit-minutes': { type: 'string', default: '20', doc: 'after which a run counts as stuck' },
  break: { type: 'string', doc: 'a broken engine that a law must catch: recipe-after' },
  keep: { type: 'boolean', default: false, doc: 'keep the folder' },
})
const kills = Number(options.kills)
const problems = Number(options.problems)
const seed = Number(options.seed)
const windowSeconds = Number(options.window)
/** A second signal commits what is finished; only what was on its way from the endpoint may be lost. */
const hurryWindowSeconds = windowSeconds - 0.7
if (![kills, problems, seed, windowSeconds].every((value) => Number.isFinite(value) && value >= 0))
  refuseUsage(program, '--kills, --problems, --seed and --window: expected numbers from 0')

const root = mkdtempSync(join(tmpdir(), 'wellspring-chaos-'))
/** The command: as it was built, or a copy with a break. */
const command = options.break === undefined ? undefined : copyEngine(join(root, 'engine'), options.break)
const deadlineAtMs = Date.now() + 60_000 * Number(options['limit-minutes'])

/** Processors whose window changes from life to life, and its sizes. */
const windowed = [
  'extract-concepts',
  'generate-rationale',
  'judge-problem',
  'vote-answer',
  'plan-rollouts',
  'roll-out',
  'verify-rollout',
  'teach',
]
const windowSizes = [1, 2, 256, 256]

/** Puts bytes that are no record into the corpus. */
async function poison(data, ordinal) {
  await withClient(data, (log) => log.append(poisonRecords(ordinal), `poison-${ordinal}`))
}

/**
 * How long a process waited for a processor core while others had them, where Linux tells: a machine that is taken away from a process
 * cannot be held against its promises. What the process does with its own time still counts.
 */
class Starvation {
  #samples = []
  #timer
  constructor(pid) {
    const file = `/proc/${pid}/schedstat`
    const sample = () => {
      try {
        this.#samples.push({ atMs: Date.now(), waitedMs: Number(readFileSync(file, 'utf8').split(' ')[1]) / 1e6 })
      } catch {
        // Not Linux, or the process is gone.
      }
    }
    sample()
    this.#timer = setInterval(sample, 100)
  }
  /** Milliseconds waited in the last `spanMs`. */
  end(spanMs) {
    clearInterval(this.#timer)
    const last = this.#samples.at(-1)
    const first = this.#samples.findLast(({ atMs }) => atMs <= Date.now() - spanMs) ?? this.#samples[0]
    return last === undefined ? 0 : last.waitedMs - first.waitedMs
  }
}

/** The part that runs. */
let current

/** One part: a folder, an endpoint, lives of `up`, and what is found after each. */
class Part {
  constructor(name, goal) {
    this.name = name
    this.goal = goal
    this.laws = new Laws()
    this.stops = []
    current = this
    this.folder = join(root, name)
    mkdirSync(this.folder)
    this.data = join(this.folder, 'data')
    this.corpus = new Corpus(new EmbeddedSource(this.data))
    this.log = new RequestLog(join(this.folder, 'requests.jsonl'))
    this.reused = new Set()
    this.keptAtStops = 0
  }

  async open(speed) {
    this.simulator = await startSimulator(this.folder, {
      speed,
      seed,
      requestLog: join(this.folder, 'requests.jsonl'),
    })
  }

  async ingest(lines, sort) {
    await ingest(lines, sort, { folder: this.folder, place: ['--data', this.data] })
  }

  /** `windowOf`: records in flight in each task of a processor. */
  up(windowOf) {
    const windows = windowed.flatMap((processor) => ['--set', `${processor}.maxInFlight=${windowOf()}`])
    return start(['up', '--problems', String(this.goal), '--data', this.data, '--json', ...windows], {
      ...(command && { command }),
      folder: this.folder,
      environment: { OPENAI_BASE_URL: this.simulator.url },
    })
  }

  /** Runs `up` until `due` says so, then ends it in the way given. @returns whether it was still running then */
  async life(kind, due, windowOf = () => 256) {
    const run = this.up(windowOf)
    const over = run.ended.then((end) => ({ end }))
    const starvation = new Starvation(run.child.pid)
    const early = await Promise.race([over, due(run)])
    const atMs = Date.now()
    const starvedMs = starvation.end(2000 * windowSeconds)
    if (!early?.end) {
      if (kind === 'kill') run.child.kill('SIGKILL')
      else run.child.kill(kind === 'hurry' || this.stops.length % 2 === 0 ? 'SIGINT' : 'SIGTERM')
      if (kind === 'hurry') {
        // The second signal counts once the first is taken.
        await waitUntil(() => run.stderr.includes('draining'), run.ended)
        run.child.kill('SIGINT')
      }
    }
    const end = await run.ended
    const complete = early?.end !== undefined
    const expected = complete ? 0 : kind === 'kill' ? null : 130
    // A drain may find the work done: it ends as interrupted all the same.
    this.laws.expect(
      'every process ends as it should',
      end.code === expected,
      () =>
        `life ${this.stops.length + 1} (${kind}) ended with ${end.signal ?? end.code}, expected ${expected ?? 'SIGKILL'}: ${run.stderr.trim().split('\n').slice(-3).join(' | ')}`,
    )
    const complaint = run.stderr.split('\n').find((line) => /Warning|a bug|wellspring: /.test(line))
    this.laws.expect(
      'no process complains',
      complaint === undefined,
      () => `life ${this.stops.length + 1}: ${complaint}`,
    )
    const where = complete ? 'at the end' : `after stop ${this.stops.length + 1} (${kind})`
    const { snapshot, committed, kept, requests, eventCount } = await this.look(where)
    if (complete) return { complete: true, snapshot, requests }
    this.stops.push({ kind, atMs, starvedMs, eventCount, committed, kept })
    this.keptAtStops += kept.size
    say(
      `  ${where}: ${committed.size} calls committed, ${kept.size} of them kept, ${[...requests.values()].filter((all) => all.at(-1).endedAt >= atMs || !all.at(-1).end).length} were in flight, ${Math.round(starvedMs)} ms without a core`,
    )
    return { complete: false, snapshot, requests }
  }

  async look(where) {
    const snapshot = await this.corpus.read()
    checkCorpus(this.laws, this.corpus, snapshot, where)
    const events = await settledEvents(this)
    const requests = requestsOf(events)
    const { committed, kept } = committedCalls(this.corpus, snapshot, requests)
    checkSpent(this.laws, snapshot, requests, committed, where)
    return { snapshot, committed, kept, requests, eventCount: events.length }
  }

  /** After the last life: that everything is done, that another life finds nothing to do, and the repeats of the whole run. */
  async close(snapshot) {
    checkDone(this.laws, this.corpus, snapshot)
    const eventsBefore = this.log.events().filter(({ requestId }) => requestId !== null).length
    const again = this.up(() => 256)
    const end = await again.ended
    const { snapshot: after } = await this.look('after one more run')
    const events = this.log.events()
    const grown = [...after.ends]
      .filter(([place, offset]) => snapshot.ends.get(place) !== offset)
      .map(([place]) => place)
    this.laws.expect(
      'a complete corpus stays as it is',
      end.code === 0 &&
        grown.length === 0 &&
        events.filter(({ requestId }) => requestId !== null).length === eventsBefore,
      () =>
        `one more run ended with ${end.code}, made ${events.length - eventsBefore} request events and appended to ${grown.join(', ') || 'nothing'}`,
    )
    // Everything read afresh is what was read in pieces: nothing committed has changed or gone.
    const fresh = new Corpus(new EmbeddedSource(this.data))
    await fresh.read()
    for (const topic of [
      'concept-lists',
      'concepts',
      'rationales',
      'problems',
      'voted-problems',
      'test-cases',
      'verdicts',
      'outcomes',
      'preference-pairs',
      'traces',
      'sft-examples',
      'discards',
      'dead-letters',
    ]) {
      const placed = (corpus) =>
        JSON.stringify(
          corpus
            .of(topic)
            .map((one) => [one.partition, one.offset, one.id])
            .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
        )
      this.laws.expect(
        'what was committed stays',
        placed(fresh) === placed(this.corpus),
        `${topic} reads otherwise now than at the stops`,
      )
    }
    const requests = requestsOf(events, this.laws)
    const classes = checkRepeats(this.laws, requests, this.stops, { windowSeconds, hurryWindowSeconds })
    for (const { kept, eventCount } of this.stops) {
      for (const requestId of kept.keys())
        if (!requests.get(requestId).some(({ number }) => number >= eventCount)) this.reused.add(requestId)
    }
    await this.simulator.stop()
    return classes
  }
}

/** Waits until the endpoint has seen that its caller is gone: nothing is open and nothing more comes. @returns the events */
async function settledEvents(part) {
  const { origin } = new URL(part.simulator.url)
  let seen = -1
  for (;;) {
    await fetch(`${origin}/health`)
    const events = part.log.events()
    const open = [...requestsOf(events).values()].some((instances) => instances.at(-1).end === undefined)
    if (!open && events.length === seen) return events
    seen = events.length
    if (Date.now() > deadlineAtMs) throw new Error('the endpoint still has open requests of a process that is gone')
    await pause(50)
  }
}

async function waitUntil(holds, ended) {
  let over = false
  void ended.then(() => (over = true))
  while (!over && !holds()) {
    if (Date.now() > deadlineAtMs) throw new Error('the time is up (--limit-minutes); is the run stuck?')
    await pause(25)
  }
}

/** Kills, drains and a hurried stop at random moments of one run. */
async function randomPart() {
  const random = randomFrom(seed)
  const part = new Part('random', problems)
  const human = humanProblems()
  await part.open(Number(options.speed))
  await part.ingest(human, 'seeds')
  await part.ingest(human.slice(0, Math.ceil(problems / 8)), 'problems')
  await poison(part.data, 0)
  // Two drains and a hurried stop among the kills.
  const kinds = Array.from({ length: kills }, () => 'kill')
  for (const kind of ['drain', 'drain', 'hurry']) kinds.splice(1 + Math.floor(random() * kinds.length), 0, kind)
  say(`random: ${kinds.join(' ')}`)
  // About what the run will ask of the endpoint, rather too little: every stop must come before the end.
  const expectedEvents = 2 * (human.length * 2 + problems * 14)
  for (let number = 0; number < kinds.length;) {
    const before = part.log.events().length
    const share = Math.max(40, expectedEvents - 2 * requestsOf(part.log.events()).size) / (kinds.length - number + 1)
    const early = random() < 0.15
    // Early: while it starts and takes up its state. Else after so many events, and a moment more.
    const events = early ? 0 : 1 + Math.floor(random() * 1.6 * share)
    // Up to past the first commits, which come a second after the first results.
    const afterMs = Math.floor(random() * 1500)
    say(
      `  ${kinds[number]} ${number + 1} of ${kinds.length}: ${early ? '' : `${events} events and `}${afterMs} ms after the start`,
    )
    const { complete, snapshot } = await part.life(
      kinds[number],
      async (run) => {
        // A signal before the handlers are there ends any process: drains begin when the first call is out.
        const least = kinds[number] === 'kill' ? events : Math.max(events, 4)
        await waitUntil(() => part.log.events().length >= before + least, run.ended)
        await pause(afterMs)
        // A window of another size in each life: what was unfinished may not fit into the next one.
      },
      () => windowSizes[Math.floor(random() * windowSizes.length)],
    )
    if (complete) {
      part.laws.expect(
        'all stops came before the end',
        false,
        `only ${number} of ${kinds.length} stops were made; more --problems`,
      )
      return { part, classes: await part.close(snapshot) }
    }
    number += 1
    if (number === Math.ceil(kinds.length / 2)) await poison(part.data, 1)
  }
  return await finish(part)
}

/**
 * Stops that land inside records of several calls: each comes when one has some finished so long ago that they are kept, and others
 * open. Then stops that land among the attempts at one problem, the second with a window of one: what is unfinished has to wait for it.
 */
async function keptPart() {
  const part = new Part('kept', 0)
  await part.open(2)
  await part.ingest(problemsToVote, 'problems')
  const longAgoMs = windowSeconds * 1000 + 300
  const plan = [
    { kind: 'kill', due: (events) => isWithin(events, callsNeeded, longAgoMs) },
    { kind: 'hurry', due: (events) => isWithin(events, callsNeeded, longAgoMs) },
    { kind: 'kill', due: (events) => isWithin(events, ['roll-out'], longAgoMs) },
    { kind: 'hurry', due: (events) => isWithin(events, ['roll-out'], 0, 4), window: 1 },
  ]
  for (const { kind, due, window } of plan) {
    const before = part.log.events().length
    const { complete, snapshot } = await part.life(
      kind,
      (run) => waitUntil(() => due(part.log.events().slice(before)), run.ended),
      () => window ?? 256,
    )
    if (complete) {
      part.laws.expect(
        'all stops came before the end',
        false,
        `only ${part.stops.length} of ${plan.length} stops were made`,
      )
      return { part, classes: await part.close(snapshot) }
    }
  }
  const result = await finish(part)
  const { laws } = part
  const requests = requestsOf(part.log.events())
  laws.expect('kept calls are used again', part.reused.size > 0, 'no call was kept at a stop and used afterwards')
  // A record with k calls kept at a stop asks for the others alone.
  for (const { kept, eventCount } of part.stops) {
    const keptOf = new Map()
    for (const requestId of kept.keys())
      keptOf.set(
        callerOf(requestId).recordId + callerOf(requestId).processor,
        (keptOf.get(callerOf(requestId).recordId + callerOf(requestId).processor) ?? 0) + 1,
      )
    const askedOf = new Map()
    for (const [requestId, instances] of requests) {
      const { recordId, processor } = callerOf(requestId)
      if (instances.some(({ number }) => number >= eventCount))
        askedOf.set(recordId + processor, (askedOf.get(recordId + processor) ?? 0) + 1)
    }
    for (const requestId of kept.keys()) {
      const { recordId, processor } = callerOf(requestId)
      const needed = callsNeeded[processor]
      if (needed === undefined) continue
      const [had, asked] = [keptOf.get(recordId + processor), askedOf.get(recordId + processor) ?? 0]
      laws.expect(
        'kept calls are used again',
        asked >= needed.least - had && asked <= needed.most - had,
        () =>
          `${recordId}: ${had} of ${needed.least} to ${needed.most} calls were kept, ${asked} were asked for afterwards`,
      )
    }
  }
  return result
}

/** Whether by these events one of the processors has at least so many calls that finished so long ago that they must be committed by now, and others of the same record (or of any, where each record has one) are open. */
function isWithin(events, processors, agoMs, least = 1) {
  const records = new Map()
  for (const [requestId, instances] of requestsOf(events)) {
    const { recordId, processor } = callerOf(requestId)
    if (!(Array.isArray(processors) ? processors.includes(processor) : processor in processors)) continue
    const key = Array.isArray(processors) ? processor : `${recordId} ${processor}`
    const record = records.get(key) ?? { old: 0, open: 0 }
    records.set(key, record)
    const last = instances.at(-1)
    if (last.end === undefined) record.open += 1
    else if (last.end === 'finished' && Date.now() - last.endedAt > agoMs) record.old += 1
  }
  return [...records.values()].some(({ old, open }) => old >= least && open > 0)
}

async function finish(part) {
  const { snapshot } = await part.life('none', (run) => waitUntil(() => false, run.ended))
  const made = part.corpus.of('verdicts').length
  part.laws.expect(
    'something was made',
    made > 0 && part.corpus.of('outcomes').length > 0,
    'no verdicts or no outcomes',
  )
  return { part, classes: await part.close(snapshot) }
}

function report({ part, classes }) {
  const rows = part.laws.rows
  const broken = rows.filter(({ violations }) => violations.length > 0)
  say(`\n${part.name}: ${part.stops.map(({ kind }) => kind).join(' ')}`)
  if (classes)
    say(
      `  ${classes.calls} calls, ${classes.repeats} repeats: ${classes.inFlight} were in flight at a stop, ${classes.finishedInWindow} finished just before (the longest ${classes.longestLostMs} ms, ${Math.round(classes.longestLostWithCoreMs)} ms without the time that the process had no core)`,
    )
  say(`  ${part.keptAtStops} calls were kept at stops, ${part.reused.size} of them never asked for again`)
  say(
    `  records: ${['problems', 'test-cases', 'rollout-requests', 'verdicts', 'outcomes', 'preference-pairs', 'discards', 'dead-letters'].map((topic) => `${topic} ${part.corpus.of(topic).length}`).join(', ')}`,
  )
  for (const { law, checked, violations } of rows)
    say(
      `  ${violations.length === 0 ? 'holds ' : 'BROKEN'}  ${law}: ${checked} looked at${violations.length > 0 ? `, ${violations.length} broken` : ''}`,
    )
  for (const { law, violations } of broken)
    for (const violation of violations.slice(0, 5)) say(`  ${law}: ${violation}`)
  return broken.length === 0
}

const startedAtMs = Date.now()
say(`seed ${seed}: ${kills} kills, ${problems} problems, a window of ${windowSeconds} s, in ${root}`)
let holds = true
try {
  if (options.part !== 'kept') holds = report(await randomPart()) && holds
  if (options.part !== 'random') holds = report(await keptPart()) && holds
} catch (error) {
  // Such as a run that is stuck, or a corpus that can't be read: what was found until then tells more.
  holds = false
  say(`BROKEN ${error.message}`)
  if (current) report({ part: current, classes: undefined })
}
say(
  `\n${holds ? 'every law holds' : `BROKEN; see ${root}`} (seed ${seed}, ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s)`,
)
if (holds && !options.keep) rmSync(root, { recursive: true, force: true })
process.exit(holds ? 0 : 1)
