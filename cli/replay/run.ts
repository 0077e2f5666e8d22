/** One replay: the processors run over stored records, into a log of its own, and their result is compared with what was there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Metrics } from '../../engine/metrics.ts'
import type { Inference, Verification } from '../../engine/ports.ts'
import { LayeredLog } from '../../engine/replay/layered-log.ts'
import { Runtime, type ConfiguredProcessor } from '../../engine/runtime.ts'
import { topics, topicSpecifications, type Topic } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import type { Log } from '../../topics/log.ts'
import { readTopic, type Corpus } from '../corpus.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { formatCount, note, sayJson } from '../terminal.ts'
import { writeReplayNote, type ReplayNote } from './folder.ts'
import { compareCorpora, type Ending, type Report } from './report.ts'

const pollMs = 100
const tellSeconds = 5

/** What several replays of one corpus have in common. */
export interface Replayed {
  corpus: Corpus
  /** Where the partitions of the stored topics ended when it began, by `topic/partition`. */
  snapshot: ReadonlyMap<string, number>
  /** Outcomes of the corpus then. */
  before: ReadonlyMap<string, Ending>
}

/** Where the partitions of these topics end now, by `topic/partition`. @throws LogError */
export async function endsOf(log: Log, stored: ReadonlySet<string>): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const { name, partitions } of Object.values(topics) as Topic[]) {
    if (!stored.has(name)) continue
    for (let partition = 0; partition < partitions; partition++)
      ends.set(`${name}/${partition}`, (await log.offsets(name, partition)).end)
  }
  return ends
}

/**
 * Replays a corpus into a folder, or goes on where the same replay was interrupted.
 * @param tellChanges whether each outcome that changed is told, as a line of JSON
 * @throws LogError, CommandError
 */
export async function replay(
  { corpus, snapshot, before }: Replayed,
  directory: string,
  made: ReplayNote,
  chosen: readonly ConfiguredProcessor[],
  tellChanges: boolean,
): Promise<Report> {
  const startedAtMs = performance.now()
  const { openEmbeddedLog } = await import('../../topics/embedded/log.ts')
  const own = await openEmbeddedLog({ directory, mode: 'owner' })
  try {
    writeReplayNote(directory, made)
    await own.ensureTopics(topicSpecifications())
    const log = new LayeredLog(own, corpus.log, new Set(made.stored), snapshot)
    const layered: Corpus = { log, codec: new RecordCodec(log.schemas) }
    await carryRecipes(corpus, own)
    const { solvers, simulated } = await attemptsOf(layered)
    const runtime = new Runtime({
      log,
      processors: chosen,
      inference: namesOnly(solvers),
      verification: noVerification,
      metrics: new Metrics(),
      simulated,
    })
    await toTheEnd(runtime)
    const told = await compareCorpora(corpus, layered, before, made.stored, (change) => {
      if (tellChanges) sayJson(change)
    })
    return { seconds: (performance.now() - startedAtMs) / 1000, ...told }
  } finally {
    await own.close()
  }
}

/** The rules behind what is stored lie beside those of what is derived anew. */
async function carryRecipes(from: Corpus, to: Log): Promise<void> {
  const { name, kind, keyOf } = topics.recipes
  const codec = new RecordCodec(to.schemas)
  await codec.prepare(name, kind)
  const records = []
  for await (const { record } of readTopic(from, topics.recipes))
    records.push({ topic: name, partition: 0, key: keyOf(record), value: codec.encode(name, kind, record) })
  if (records.length > 0) await to.append(records, 'replay/recipes')
}

/** Runs until nothing is left; Ctrl-C commits what is finished, and the same command goes on from there. */
async function toTheEnd(runtime: Runtime): Promise<void> {
  const stop = new AbortController()
  const interrupt = (): void => stop.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  let toldAtMs = performance.now()
  try {
    await runtime.start()
    const finished = (async () => {
      for (;;) {
        if (stop.signal.aborted)
          throw new CommandError(exitCodes.interrupted, 'interrupted; the same command goes on from here')
        const end = await runtime.end()
        if (end === 'complete') return
        if (end === 'stopped') throw new CommandError(exitCodes.ioError, stoppedText(runtime))
        if (performance.now() - toldAtMs > tellSeconds * 1000) {
          toldAtMs = performance.now()
          const left = runtime.status().reduce((sum, { backlog }) => sum + backlog, 0)
          note(`${formatCount(left)} records to go`)
        }
        await sleep(pollMs)
      }
    })()
    await Promise.race([finished, runtime.failed])
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    await runtime.drain(AbortSignal.timeout(30_000))
  }
}

function stoppedText(runtime: Runtime): string {
  return runtime.status().find(({ stopped }) => stopped !== undefined)?.stopped ?? 'a task stopped'
}

/** The solvers of the stored attempts, and whether they are simulated. */
async function attemptsOf(corpus: Corpus): Promise<{ solvers: string[]; simulated: boolean }> {
  const solvers = new Set<string>()
  let simulated = false
  for await (const { record } of readTopic(corpus, topics.verdicts)) {
    solvers.add(record.solver)
    simulated ||= record.simulated
  }
  return { solvers: [...solvers].sort(), simulated }
}

/** Models that can be named and not called. */
function namesOnly(solvers: readonly string[]): Inference {
  const refuse = (): never => {
    throw new TypeError('a replay calls no model')
  }
  return {
    modelsOf: (role) => (role === 'solver' ? solvers.map((model) => ({ model, mode: 'chat', sampling: {} })) : []),
    slotsOf: () => 0,
    complete: refuse,
    embed: refuse,
    score: refuse,
    // What a trainer serves makes no difference to what is stored.
    announce: () => {},
  }
}

const noVerification: Verification = new Proxy({} as Verification, {
  get: () => () => {
    throw new TypeError('a replay verifies nothing anew')
  },
})
