/** A processor that does nothing but pass records on: what is left is the engine and the log. */
import type { Inference, Verification } from '../engine/ports.ts'
import { Metrics } from '../engine/metrics.ts'
import { defineProcessor, type Processor } from '../engine/processor.ts'
import { Runtime } from '../engine/runtime.ts'
import type { TaskLimits } from '../engine/task/limits.ts'
import type { Seed } from '../schemas/generated.ts'
import type { Topic } from '../topics/catalogue.ts'
import type { Log } from '../topics/log.ts'

export interface PassOn {
  input: Topic<'seed'>
  output: Topic<'seed'>
  processor: Processor
}

/** The processor with its topics. @param stamp replaces fields of what is passed on */
export function passOn(partitions: number, stamp: Partial<Seed> = {}): PassOn {
  const seedTopic = (name: string): Topic<'seed'> => ({
    ...{ name, kind: 'seed', key: 'id', partitions, retention: 'kept' },
    keyOf: ({ id }) => id,
  })
  const [input, output] = [seedTopic('bench-in'), seedTopic('bench-out')]
  const processor = defineProcessor({
    name: 'no-operation',
    summary: 'Passes every record on.',
    version: 1,
    inputs: { seeds: input },
    tables: {},
    outputs: { seed: output },
    roles: [],
    settings: {},
    metrics: {},
    discards: [],
    onSpine: [],
    onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
    // A turn of the event loop's microtasks, as every real processor takes at least one.
    process: { seeds: async (seed, { emit }) => Promise.resolve(emit.seed({ ...seed, ...stamp })) },
  })
  return { input, output, processor }
}

export function seedRecord(number: number, statement: string): Seed {
  return {
    id: `seed-${number.toString(16).padStart(24, '0')}`,
    parentIds: [],
    domain: 'math',
    recipe: 'bench',
    createdAtMs: 1_700_000_000_000 + number,
    simulated: false,
    source: 'bench',
    sourceId: String(number),
    statement,
    checks: null,
    publishedAt: null,
  }
}

/** A runtime of processors that call no model and verify nothing. */
export function runtimeOf(log: Log, declaration: Processor, limits: Partial<TaskLimits> = {}): Runtime {
  return new Runtime({
    log,
    processors: [{ declaration, config: {}, limits }],
    inference: { modelsOf: () => [] } as unknown as Inference,
    verification: {} as Verification,
    metrics: new Metrics(),
    simulated: true,
  })
}
