import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Metrics } from '../../engine/metrics.ts'
import type { CallOptions, Completion, CompletionRequest, Inference, Verification } from '../../engine/ports.ts'
import { groupOf, Runtime } from '../../engine/runtime.ts'
import { topicSpecifications } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import type { Log, OutgoingRecord } from '../../topics/log.ts'
import { asking, eventually, seeds, spreadInputs } from '../engine/rig.ts'
import { readAll } from '../topics/conformance.ts'
import { KafkaPlace } from './place.ts'

const outputs = { ...spreadInputs, name: 'spread-outputs' }
const processor = asking(['once'], { inputs: { inputs: spreadInputs }, outputs: { outputs } })

/** Models that take their time: log-normal, median 1 s, from milliseconds to most of a minute. */
class SlowModels implements Inference {
  readonly asked: string[] = []
  readonly finished = new Set<string>()
  inFlight = 0
  mostInFlight = 0
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  modelsOf(): ReturnType<Inference['modelsOf']> {
    return [{ model: 'slow', mode: 'chat', sampling: {} }]
  }

  slotsOf(): number {
    return 4000
  }

  complete(request: CompletionRequest, { requestId, signal }: CallOptions): Promise<Completion> {
    this.asked.push(requestId)
    this.inFlight += 1
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    const milliseconds = Math.min(60_000, 1000 * Math.exp(1.3 * this.#normal()))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.inFlight -= 1
        this.finished.add(requestId)
        resolve({
          text: 'done',
          reasoning: undefined,
          finishReason: 'stop',
          sampling: {},
          seed: undefined,
          model: 'slow',
          endpoint: 'slow',
          simulated: true,
          usage: { prompt: 1, cached: 0, completion: 1, reasoning: 0 },
          latencySeconds: milliseconds / 1000,
          requestId,
        })
      }, milliseconds)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        if (this.finished.has(requestId)) return
        this.inFlight -= 1
        reject(signal.reason as Error)
      })
    })
  }

  embed(): never {
    throw new TypeError('nobody embeds here')
  }

  score(): never {
    throw new TypeError('nobody scores here')
  }

  announce(): void {}

  #uniform(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return (this.#state + 1) / (2 ** 32 + 1)
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(this.#uniform())) * Math.cos(2 * Math.PI * this.#uniform())
  }
}

describe('a rebalance with 1,000 calls in flight in each task', () => {
  let place: KafkaPlace
  const open: { runtime: Runtime; log: Log }[] = []
  const inFlight = 1000
  const records = 3000

  beforeEach(async () => {
    place = await KafkaPlace.create()
  })
  afterEach(async () => {
    for (const { runtime, log } of open.splice(0)) {
      await runtime.drain(AbortSignal.abort())
      await log.close()
    }
    await place.remove()
  })

  async function start(models: Inference, metrics = new Metrics()): Promise<Runtime> {
    const log = await place.open()
    const runtime = new Runtime({
      log,
      processors: [{ declaration: processor, config: {}, limits: { maxInFlight: inFlight } }],
      inference: models,
      verification: {} as Verification,
      metrics,
      simulated: true,
    })
    open.push({ runtime, log })
    await runtime.start()
    return runtime
  }

  it(
    'repeats no finished call, keeps progress records small, and writes every output once',
    { timeout: 300_000 },
    async () => {
      const log = await place.open()
      const spread = [spreadInputs, outputs].map(({ name, partitions }) => ({ name, partitions, compacted: false }))
      await log.ensureTopics([...topicSpecifications(), ...spread], [groupOf(processor)])
      const codec = new RecordCodec(log.schemas)
      await codec.prepare(spreadInputs.name, 'seed')
      const all = seeds(records, (number) => ({ source: `key-${number}` }))
      const placed = all.map((seed, number): OutgoingRecord => ({
        topic: spreadInputs.name,
        partition: number % 2,
        key: seed.id,
        value: codec.encode(spreadInputs.name, 'seed', seed),
      }))
      await log.append(placed, 'all')

      const [first, second] = [new SlowModels(1), new SlowModels(2)]
      const metrics = new Metrics()
      const one = await start(first, metrics)
      await eventually(() => first.mostInFlight === 2 * inFlight && first.finished.size > 300)
      // A second process: one of the two tasks moves to it, with all that is finished and nothing that is not.
      const two = await start(second)
      const openIn = (runtime: Runtime): number | undefined => runtime.status()[0]?.openTasks
      await eventually(() => openIn(one) === 1 && openIn(two) === 1 && second.finished.size > 100)
      const moved = new Set(first.finished)
      // And back: the second process leaves in the middle of its work.
      const askedBefore = first.asked.length
      await two.drain(AbortSignal.abort())
      await eventually(() => openIn(one) === 2)
      const finishedInSecond = new Set(second.finished)
      await eventually(async () => first.finished.size + second.finished.size >= records && (await one.isComplete()))

      expect(second.asked.filter((id) => moved.has(id))).toEqual([])
      expect(first.asked.slice(askedBefore).filter((id) => finishedInSecond.has(id))).toEqual([])
      // Each process finishes a call once, and neither what the other finished.
      expect([...first.finished].filter((id) => second.finished.has(id))).toEqual([])
      expect(first.finished.size + second.finished.size).toBe(records)
      await codec.prepare(outputs.name, 'seed')
      const written: string[] = []
      for (const partition of [0, 1]) {
        for (const { value } of await readAll(log, { topic: outputs.name, partition, offset: 0 })) {
          await codec.learn(value)
          written.push(...codec.decode('seed', value).parentIds)
        }
      }
      expect(written.sort()).toEqual(all.map(({ id }) => id).sort())
      const { text } = await metrics.text()
      const bytes = Number(/^wellspring_progress_bytes\{[^}]*\} (\d+)/m.exec(text)?.[1])
      expect(bytes).toBeLessThan(4096)
      await log.close()
    },
  )
})
