/** A small corpus that names positions in every way there is, and what a log holds in words that no position or schema id comes into. */
import avro from 'avsc'
import { changelogSubject } from '../../../engine/task/changelog.ts'
import { fromDistances, toDistances } from '../../../engine/progress.ts'
import { emptyCounts } from '../../../engine/counts.ts'
import { groupOf } from '../../../engine/runtime.ts'
import { processors } from '../../../processors/index.ts'
import { schemaTexts, type RecordTypes } from '../../../schemas/generated.ts'
import {
  deadLetters,
  topicNamed,
  topics,
  topicSpecifications,
  type RecordKind,
  type Topic,
} from '../../../topics/catalogue.ts'
import { RecordCodec, schemaIdOf, UndecodableError } from '../../../topics/codec.ts'
import type { Group, Log, OpenTask, OutgoingRecord, StateChange, StoredRecord } from '../../../topics/log.ts'
import { partitionOf } from '../../../topics/partitioner.ts'
import * as make from '../../processors/records.ts'

export const groups: Group[] = processors.map(groupOf)

/** @throws Error where no processor is called so */
export function groupNamed(name: string): Group {
  const group = groups.find((one) => one.name === name)
  if (!group) throw new Error(`no group ${name}`)
  return group
}

/** Joins a group and works on its tasks as their owner. */
export async function withTasks(
  log: Log,
  group: Group,
  work: (open: (task: number) => Promise<OpenTask>) => Promise<void>,
): Promise<void> {
  const gained = new Set<number>()
  let look = (): void => undefined
  const membership = await log.join(group, {
    gained: (task) => {
      gained.add(task)
      look()
    },
    lost: () => undefined,
    failed: (error) => {
      throw error
    },
  })
  while (gained.size < group.tasks) await new Promise<void>((resolve) => (look = resolve))
  const opened: OpenTask[] = []
  await work(async (task) => {
    const open = await membership.open(task)
    opened.push(open)
    return open
  })
  for (const open of opened) await open.close()
  await membership.leave()
}

/** All records of a partition. */
export async function readPartition(log: Log, topic: string, partition: number): Promise<StoredRecord[]> {
  const { start, end } = await log.offsets(topic, partition)
  const all: StoredRecord[] = []
  for (let offset = start; offset < end;) {
    const { records, nextOffset } = await log.read(
      { topic, partition, offset },
      { maxBytes: 1 << 20, maxWaitSeconds: 5 },
    )
    all.push(...records)
    if (nextOffset <= offset) throw new Error(`${topic}/${partition} gives nothing from ${offset} on`)
    offset = nextOffset
  }
  return all
}

const problemIds = ['problem-1', 'problem-2', 'problem-3', 'problem-4', 'problem-5']
const attempts = 8
const firstAppendMs = Date.UTC(2020, 0)
const betweenAppendsMs = 30 * 86_400_000

/**
 * Fills an empty log: ordinary records, positions in outcomes, requests for tests and their answers, discards (some of records that are cut), plans, dead letters and their
 * marks; progress with unfinished records and kept calls; tables with repeated keys; records of an older schema, and of none.
 */
export class CorpusWriter {
  readonly #log: Log
  readonly #codec: RecordCodec
  #appends = 0

  constructor(log: Log) {
    this.#log = log
    this.#codec = new RecordCodec(log.schemas)
  }

  async write(): Promise<void> {
    await this.#log.ensureTopics(topicSpecifications(), groups)
    for (const topic of Object.values(topics) as Topic[]) await this.#codec.prepare(topic.name, topic.kind)
    await this.#moveStarts()
    await this.#put(
      topics.seeds,
      [1, 2, 3].map((number) => make.seed({ id: `seed-${number}` })),
    )
    await this.#put(topics.conceptLists, [make.conceptList(), make.conceptList({ id: 'concept-list-2' })])
    await this.#put(
      topics.ledger,
      [1, 2, 3].map((sequence) => ledgerEntry('roll-out', 0, sequence)),
    )
    await this.#put(
      topics.ledger,
      [1, 2].map((sequence) => ledgerEntry('teach', 1, sequence)),
    )
    await this.#put(
      topics.problems,
      problemIds.map((id) => make.problem({ id })),
    )
    await this.#put(
      topics.testCases,
      problemIds.map((problemId) => make.testCases({ id: `test-cases-${problemId}`, problemId })),
    )
    await this.#writeScreened()
    await this.#writeVerdicts()
    await this.#writeDeadLetters()
    await this.#writeTasks()
  }

  /** No partition begins at 0, as where retention has been: no offset is the same on a log that it is copied to. */
  async #moveStarts(): Promise<void> {
    const kept = topicSpecifications().filter(({ compacted }) => !compacted)
    const places = kept.flatMap(({ name, partitions }) =>
      Array.from({ length: partitions }, (_, at) => ({ topic: name, partition: at })),
    )
    await this.#append(
      places.flatMap((place) =>
        Array.from({ length: 1 + place.partition }, () => ({ ...place, key: 'cut', value: Buffer.of(1) })),
      ),
    )
    for (const place of places) {
      const { end } = await this.#log.offsets(place.topic, place.partition)
      await this.#log.deleteBefore({ ...place, offset: end })
    }
  }

  /** Discards of screened problems, some of which are then cut. */
  async #writeScreened(): Promise<void> {
    const topic = topics.screenedProblems
    const ids = Array.from({ length: 40 }, (_, number) => `problem-screened-${number}`)
    await this.#put(
      topic,
      ids.map((id) => make.problem({ id })),
    )
    for (let partition = 0; partition < topic.partitions; partition++) {
      const stored = await readPartition(this.#log, topic.name, partition)
      await this.#put(
        topics.discards,
        stored.map(({ key, offset }) => discard(`discard-${key}`, key, topic.name, partition, offset)),
      )
      if (stored.length > 2)
        await this.#log.deleteBefore({ topic: topic.name, partition, offset: (stored[0]?.offset ?? 0) + 2 })
    }
  }

  async #writeVerdicts(): Promise<void> {
    const { verdicts, outcomes } = topics
    for (let attempt = 0; attempt < attempts; attempt++) {
      const records = problemIds.map((problemId) =>
        make.verdict({ id: `verdict-${problemId}-${attempt}`, problemId, attempt, text: `${problemId} `.repeat(50) }),
      )
      if (attempt === 3) await this.#putOlder(records)
      else await this.#put(verdicts, records)
    }
    for (const problemId of problemIds.slice(0, 4)) {
      const counted = (await this.#verdictsOf(problemId)).map(({ id, partition, offset }) => ({
        ...{ verdictId: id, partition, offset, verdict: 'passed' as const, valid: true, recomputed: false },
      }))
      await this.#put(outcomes, [make.outcome({ id: `outcome-${problemId}`, problemId, verdicts: counted })])
      const passed = counted.map(({ verdictId, partition, offset }) => ({ verdictId, partition, offset }))
      await this.#put(topics.testRequests, [make.testRequest({ problemId, verdicts: passed })])
      await this.#put(topics.furtherTests, [make.furtherTests({ problemId, verdicts: passed })])
    }
  }

  async #verdictsOf(problemId: string): Promise<{ id: string; partition: number; offset: number }[]> {
    const partition = partitionOf(problemId, topics.verdicts.partitions)
    const stored = await readPartition(this.#log, topics.verdicts.name, partition)
    for (const { value } of stored) await this.#codec.learn(value)
    return stored
      .filter(({ key }) => key === problemId)
      .map(({ offset, value }) => ({ id: this.#codec.decode('verdict', value).id, partition, offset }))
  }

  /** Writes verdicts as an earlier release did, whose schema lacked a field. */
  async #putOlder(records: readonly RecordTypes['verdict'][]): Promise<void> {
    const schema = JSON.parse(schemaTexts.verdict) as { fields: { name: string }[] }
    schema.fields = schema.fields.filter(({ name }) => name !== 'detail')
    const text = JSON.stringify(schema)
    const type = avro.Type.forSchema(schema as avro.Schema)
    const id = await this.#log.schemas.idOf(topics.verdicts.name, text)
    const head = Buffer.alloc(5)
    head.writeUInt32BE(id, 1)
    await this.#append(
      records.map((record) => ({
        ...placeOf(topics.verdicts, record),
        value: Buffer.concat([head, type.toBuffer(record)]),
      })),
    )
  }

  async #writeDeadLetters(): Promise<void> {
    const request = (number: number): OutgoingRecord =>
      this.#encoded(
        topics.rolloutRequests,
        make.rolloutRequest({ id: `rollout-request-${number}`, problemId: 'problem-1' }),
      )
    const ours = [request(1), request(2), request(3)]
    // What nobody can read: bytes of others, bytes that look like a record, a record that is cut off, a record of another topic.
    const poison = (value: Buffer): OutgoingRecord => ({ ...request(0), key: 'problem-1', value })
    const unknownId = Buffer.from([0, 0, 0, 0x27, 0x0f, 1, 2, 3])
    const strays = [
      poison(Buffer.from('no record')),
      poison(unknownId),
      poison(Buffer.from(request(4).value).subarray(0, 12)),
      poison(Buffer.from(this.#encoded(topics.seeds, make.seed()).value)),
      poison(Buffer.alloc(0)),
    ]
    await this.#append([...ours, ...strays])
    const { partition } = request(1)
    const letters = (await readPartition(this.#log, topics.rolloutRequests.name, partition)).map(
      ({ topic, key, value, offset }): OutgoingRecord => ({
        topic: deadLetters.name,
        partition,
        key,
        value,
        headers: {
          '__connect.errors.topic': topic,
          '__connect.errors.partition': String(partition),
          '__connect.errors.offset': String(offset),
          '__connect.errors.stage': 'roll-out',
        },
      }),
    )
    await this.#append(letters)
    const [, second] = await readPartition(this.#log, deadLetters.name, partition)
    if (!second) throw new Error('no dead letter')
    const mark = { 'wellspring.redriven': `${partition}/${second.offset}` }
    await this.#append([
      { ...request(2), headers: { 'wellspring.redriven-for': 'roll-out' } },
      { topic: deadLetters.name, partition, key: second.key, value: Buffer.alloc(0), headers: mark },
    ])
  }

  async #writeTasks(): Promise<void> {
    const plan = groupNamed('plan-rollouts')
    const positions = new Map<number, { verdicts: RecordTypes['rollout-plan']['solvers'][number]['verdicts'] }>()
    for (const [attempt, { id, partition, offset }] of (await this.#verdictsOf('problem-5')).entries()) {
      const verdict = {
        attempt,
        verdictId: id,
        partition,
        offset,
        verdict: 'failed' as const,
        valid: true,
        again: false,
        tokens: 0,
        tests: [],
        probes: [],
      }
      positions.set(partition, { verdicts: [...(positions.get(partition)?.verdicts ?? []), verdict] })
    }
    const closed: RecordTypes['rollout-plan'] = {
      testCases: null,
      ...{ testsAsked: false, runs: null },
      solvers: [{ solver: 'solver-model', requested: 8, closed: true, unverifiable: 0, verdicts: [] }],
    }
    await this.#commitTasks(plan, async (task) => {
      const { verdicts } = positions.get(task) ?? { verdicts: [] }
      const open: RecordTypes['rollout-plan'] = {
        testCases: make.testCases(),
        ...{ testsAsked: false, runs: null },
        solvers: [{ solver: 'solver-model', requested: 8, closed: false, unverifiable: 0, verdicts }],
      }
      return [
        await this.#entry(plan, 's:problem-5', 'rollout-plan', open),
        ...(await Promise.all(
          ['a', 'b', 'c'].map((name) => this.#entry(plan, `s:problem-closed-${name}`, 'rollout-plan', closed)),
        )),
      ]
    })
    const solve = groupNamed('roll-out')
    await this.#commitTasks(solve, async (task) => {
      const [first] = await readPartition(this.#log, topics.rolloutRequests.name, task)
      if (!first) return []
      const kept = { result: JSON.stringify({ text: 'It is 4.' }), keptAtMs: 7, role: 'voter' }
      return [await this.#entry(solve, `c:rollout-requests/${first.offset}/completion`, 'kept-call', kept)]
    })
  }

  /** Two commits of every task: the first record of each input is left unfinished, the last was never admitted. */
  async #commitTasks(group: Group, stateOf: (task: number) => Promise<StateChange[]>): Promise<void> {
    await this.#codec.prepare(changelogSubject(group.name, 'progress'), 'progress')
    await withTasks(this.#log, group, async (open) => {
      for (let task = 0; task < group.tasks; task++) {
        const inputs = await Promise.all(
          group.inputs.map(async (topic) => {
            const offsets = (await readPartition(this.#log, topic, task)).map(({ offset }) => offset)
            const nextOffset = offsets.at(-1) ?? (await this.#log.offsets(topic, task)).end
            return { topic, nextOffset, unfinished: toDistances(offsets.slice(0, 1).filter((one) => one < nextOffset)) }
          }),
        )
        const opened = await open(task)
        const state = await stateOf(task)
        for (const [sequence, changes] of [
          [1, state],
          [2, []],
        ] as const) {
          const progress = {
            sequence,
            inputs,
            counts: { ...emptyCounts(), finished: 5, emitted: { verdicts: 2 } },
            committedAtMs: 9,
          }
          const value = this.#codec.encode(changelogSubject(group.name, 'progress'), 'progress', progress)
          await opened.commit({ sequence, outputs: [], state: changes, progress: value })
        }
      }
    })
  }

  async #entry<Kind extends RecordKind>(
    group: Group,
    key: string,
    kind: Kind,
    value: RecordTypes[Kind],
  ): Promise<StateChange> {
    const subject = changelogSubject(group.name, kind)
    await this.#codec.prepare(subject, kind)
    return { key, value: this.#codec.encode(subject, kind, value) }
  }

  #encoded<Kind extends RecordKind>(topic: Topic<Kind>, record: RecordTypes[Kind]): OutgoingRecord {
    return { ...placeOf(topic, record), value: this.#codec.encode(topic.name, topic.kind, record) }
  }

  async #put<Kind extends RecordKind>(topic: Topic<Kind>, records: readonly RecordTypes[Kind][]): Promise<void> {
    await this.#append(records.map((record) => this.#encoded(topic, record)))
  }

  async #append(records: readonly OutgoingRecord[]): Promise<void> {
    // In two appends: on Kafka offsets have holes where a transaction ends.
    const half = Math.ceil(records.length / 2)
    for (const part of [records.slice(0, half), records.slice(half)]) {
      if (part.length === 0) continue
      // Weeks between them, as where a corpus grew for long.
      const timestampMs = firstAppendMs + this.#appends * betweenAppendsMs
      const dated = part.map((record) => ({ ...record, timestampMs }))
      await this.#log.append(dated, `test-${this.#appends++}`)
    }
  }
}

function placeOf<Kind extends RecordKind>(
  topic: Topic<Kind>,
  record: RecordTypes[Kind],
): Omit<OutgoingRecord, 'value'> {
  const key = topic.keyOf(record)
  return { topic: topic.name, partition: partitionOf(key, topic.partitions), key }
}

function ledgerEntry(processor: string, task: number, sequence: number): RecordTypes['ledger-entry'] {
  return { processor, task, sequence, counts: { ...emptyCounts(), finished: sequence }, committedAtMs: sequence }
}

function discard(
  id: string,
  recordId: string,
  topic: string,
  partition: number,
  offset: number,
): RecordTypes['discard'] {
  return {
    ...{ id, parentIds: [recordId], domain: 'math', recipe: 'recipe', createdAtMs: 0, simulated: false },
    ...{ processor: 'judge-problem', reason: 'bad', evidence: 'bad', recordId, topic, partition, offset, calls: [] },
    ...{ concepts: [], leftStream: false },
  }
}

/** What a log holds, by topic, partition and task; a position is told as the number of its record in its partition. */
export async function contentOf(log: Log): Promise<Record<string, unknown>> {
  const codec = new RecordCodec(log.schemas)
  const places = new Map<string, StoredRecord[]>()
  for (const { name, partitions, compacted } of topicSpecifications())
    for (let partition = 0; partition < partitions; partition++) {
      const stored = await readPartition(log, name, partition)
      // A table may be compacted at any time: the last record of a key is what it holds.
      const isLast = ({ key }: StoredRecord, at: number): boolean =>
        !stored.slice(at + 1).some((one) => one.key === key)
      places.set(`${name}/${partition}`, compacted ? stored.filter(isLast) : stored)
    }
  const told = (topic: string, partition: number, offset: number): string => {
    const number = places.get(`${topic}/${partition}`)?.findIndex((one) => one.offset === offset) ?? -1
    return number < 0 ? 'gone' : `${topic}/${partition}#${number}`
  }
  const content: Record<string, unknown> = {}
  for (const [place, stored] of places) {
    content[place] = await Promise.all(
      stored.map(async ({ topic, partition, key, value, timestampMs, headers = {} }) => {
        const origin = topicNamed(headers['__connect.errors.topic'] ?? topic)
        const letter = headers['__connect.errors.offset']
        const redriven = headers['wellspring.redriven']?.split('/').map(Number)
        return {
          key,
          timestampMs,
          headers: {
            ...headers,
            ...(letter !== undefined && {
              '__connect.errors.offset': told(
                origin?.name ?? '',
                Number(headers['__connect.errors.partition']),
                Number(letter),
              ),
            }),
            ...(redriven && { 'wellspring.redriven': told(deadLetters.name, redriven[0] ?? 0, redriven[1] ?? 0) }),
          },
          ...(await valueOf(log, codec, origin?.kind, value, (of, at, offset) => told(of, at, offset))),
          partition,
        }
      }),
    )
  }
  for (const group of groups) {
    const tasks = (await log.progress(group.name)).map(({ task }) => task)
    if (tasks.length === 0) continue
    await withTasks(log, group, async (open) => {
      for (const task of tasks) {
        const { state, progress } = await open(task)
        await codec.learn(progress?.value ?? new Uint8Array())
        const { inputs, counts, committedAtMs } = codec.decode('progress', progress?.value ?? new Uint8Array())
        content[`${group.name} task ${task}`] = {
          ...{ counts, committedAtMs },
          inputs: inputs.map(({ topic, nextOffset, unfinished }) => ({
            topic,
            below: places.get(`${topic}/${task}`)?.filter(({ offset }) => offset < nextOffset).length,
            unfinished: fromDistances(unfinished).map((offset) => told(topic, task, offset)),
          })),
          state: await Promise.all(
            [...state.entries()].map(async ({ key, value }) => {
              const [, topic = '', offset, purpose] = /^c:(.+)\/(\d+)\/(.+)$/.exec(key) ?? []
              const kind = purpose === undefined ? 'rollout-plan' : 'kept-call'
              return {
                key: purpose === undefined ? key : `c:${told(topic, task, Number(offset))}/${purpose}`,
                ...(await valueOf(log, codec, kind, value, told)),
              }
            }),
          ),
        }
      }
    })
  }
  return content
}

/** A value as its record and the schema that it was written with; bytes where it is none. */
async function valueOf(
  log: Log,
  codec: RecordCodec,
  kind: RecordKind | undefined,
  value: Uint8Array,
  told: (topic: string, partition: number, offset: number) => string,
): Promise<object> {
  await codec.learn(value)
  const bytes = Buffer.from(value).toString('base64')
  try {
    const record = kind && codec.decode(kind, value)
    if (!record) return { bytes }
    const schema = JSON.parse(await log.schemas.schemaOf(schemaIdOf(value) ?? 0)) as unknown
    const verdictsTold = (verdicts: readonly { partition: number; offset: number }[]): object[] =>
      verdicts.map((one) => ({ ...one, offset: told(topics.verdicts.name, one.partition, one.offset) }))
    if (kind === 'discard') {
      const { topic, partition, offset } = record as RecordTypes['discard']
      return { record: { ...record, offset: told(topic, partition, offset) }, schema }
    }
    if (kind === 'outcome' || kind === 'test-request' || kind === 'further-tests') {
      const { verdicts } = record as RecordTypes['outcome' | 'test-request' | 'further-tests']
      return { record: { ...record, verdicts: verdictsTold(verdicts) }, schema }
    }
    if (kind === 'rollout-plan') {
      const { solvers } = record as RecordTypes['rollout-plan']
      return {
        record: { ...record, solvers: solvers.map((one) => ({ ...one, verdicts: verdictsTold(one.verdicts) })) },
        schema,
      }
    }
    return { record, schema }
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error
    // Schema ids differ from log to log; the body does not.
    return {
      undecodable: schemaIdOf(value) === undefined ? bytes : Buffer.from(value).subarray(5).toString('base64'),
    }
  }
}
