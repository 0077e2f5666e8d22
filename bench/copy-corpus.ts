/** A corpus of any size for measurements of `wellspring copy`: valid records of every sort with true positions, and tasks with state. */
import { emptyCounts } from '../engine/counts.ts'
import { keptCallKey } from '../engine/copy/positions.ts'
import { hashOf, recordId, seedOf } from '../engine/ids.ts'
import { toDistances } from '../engine/progress.ts'
import { groupOf } from '../engine/runtime.ts'
import { changelogSubject } from '../engine/task/changelog.ts'
import { processors } from '../processors/index.ts'
import type { AttemptVerdict, CountedVerdict, ModelCall, RecordTypes } from '../schemas/generated.ts'
import { deadLetters, topics, topicSpecifications, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { RecordCodec } from '../topics/codec.ts'
import { openEmbeddedLog } from '../topics/embedded/log.ts'
import type { Group, Log, OutgoingRecord, StateChange } from '../topics/log.ts'
import { partitionOf } from '../topics/partitioner.ts'

const attempts = 8
const solver = 'bench-solver'
const appendBytes = 4 << 20
const recipe = 'copy-corpus'
const words =
  'let the sum of all integers such that every prime divides a square be found when two circles meet at a point and the line through both centres has length'.split(
    ' ',
  )

/** Writes records until there are at least so many. @returns how many there are */
export async function writeCopyCorpus(directory: string, records: number): Promise<number> {
  const log = await openEmbeddedLog({ directory, mode: 'owner' })
  try {
    await log.ensureTopics(topicSpecifications())
    const writer = new Writer(log)
    await writer.prepare()
    for (let number = 0; writer.records < records; number++)
      await writer.problem(number, writer.records > records - 3000)
    await writer.tasks()
    return writer.records
  } finally {
    await log.close()
  }
}

class Writer {
  readonly #log: Log
  readonly #codec: RecordCodec
  /** The next offset of each partition, by `topic/partition`. */
  readonly #ends = new Map<string, number>()
  readonly #plans = new Map<number, StateChange[]>()
  #random = 1
  #batch: OutgoingRecord[] = []
  #bytes = 0
  #appends = 0
  records = 0

  constructor(log: Log) {
    this.#log = log
    this.#codec = new RecordCodec(log.schemas)
  }

  async prepare(): Promise<void> {
    for (const topic of Object.values(topics) as Topic[]) await this.#codec.prepare(topic.name, topic.kind)
    for (const { name, state } of processors)
      for (const kind of ['progress', 'kept-call', ...(state ? [state.kind] : [])] as const)
        await this.#codec.prepare(changelogSubject(name, kind), kind)
  }

  /** The whole life of one problem. An open one has its verdicts and no outcome yet. */
  async problem(number: number, isOpen: boolean): Promise<void> {
    const statement = this.#text(60)
    const concepts = [this.#text(2), this.#text(2), this.#text(1)]
    const checks = { answer: String(number), tests: [], trusted: false }
    const level = 'AIME'
    const made = { domain: 'math', recipe, createdAtMs: 1_700_000_000_000 + number, simulated: true }
    const common = { ...made, origin: 'synthetic' as const, source: 'wellspring', concepts, level, statement }
    if (number % 20 === 0) {
      const seedId = recordId('seed', [], recipe, number)
      const seed = {
        ...made,
        id: seedId,
        parentIds: [],
        source: 'bench',
        sourceId: String(number),
        statement,
        checks: null,
      }
      await this.#put(topics.seeds, { ...seed, publishedAt: null })
      const listId = recordId('concept-list', [seedId], recipe, 0)
      const list = {
        ...made,
        id: listId,
        parentIds: [seedId],
        annotator: 'bench-annotator',
        source: 'bench',
        statement,
      }
      await this.#put(topics.conceptLists, { ...list, concepts, calls: [this.#call(listId)] })
      const vector = Array.from({ length: 64 }, () => Math.fround(this.#next() - 0.5))
      const concept = concepts[0] ?? ''
      const embeddingId = recordId('concept-embedding', [listId], recipe, 0)
      await this.#put(topics.conceptEmbeddings, {
        ...made,
        id: embeddingId,
        parentIds: [listId],
        concept,
        model: 'bench',
        vector,
      })
    }
    const conceptId = recordId('concept-combination', [], recipe, number)
    await this.#put(topics.concepts, {
      ...{ ...made, id: conceptId, parentIds: [], concepts, level, draw: 0, seed: seedOf(number) },
      ...{ sampler: 'cooccurrence', tableVersions: { 'concept-lists': Math.floor(number / 20) + 1 } },
      ...{ temperature: 0.2, widening: 0, guided: false, livePassRate: null },
    })
    const rationaleId = recordId('rationale', [conceptId], recipe, 0)
    const rationale = this.#text(120)
    await this.#put(topics.rationales, {
      ...{ ...made, id: rationaleId, parentIds: [conceptId], concepts, level, rationale, statement, seed: number },
      calls: [this.#call(rationaleId)],
    })
    const id = recordId('problem', [rationaleId], recipe, 0)
    const problem: RecordTypes['problem'] = {
      ...{ ...common, id, parentIds: [rationaleId], sourceId: '', publishedAt: null, contentHash: hashOf(statement) },
      ...{ rationale, checks: null, judgements: [], calls: [this.#call(id)] },
    }
    await this.#put(topics.problems, problem)
    await this.#put(topics.screenedProblems, problem)
    if (number % 10 === 9) return await this.#discard(topics.screenedProblems, id, id, 'bad', 'judge-problem')
    await this.#put(topics.acceptedProblems, problem)
    const testCasesId = recordId('test-cases', [id], recipe, 0)
    const testCases: RecordTypes['test-cases'] = {
      ...{ ...common, id: testCasesId, parentIds: [id], problemId: id, checks, votes: null, malformedTests: 0 },
      calls: Array.from({ length: attempts }, () => this.#call(testCasesId)),
    }
    await this.#put(topics.testCases, testCases)
    const counted: (CountedVerdict & AttemptVerdict)[] = []
    for (let attempt = 0; attempt < attempts; attempt++) counted.push(await this.#attempt(testCases, attempt))
    await this.#close(testCases, counted, isOpen, number)
    const traceId = recordId('trace', [id], recipe, 0)
    const about = { ...made, problemId: id, origin: common.origin, source: common.source, teacher: 'bench-teacher' }
    const text = this.#text(250)
    await this.#put(topics.traces, {
      ...{ ...about, id: traceId, parentIds: [id], statement, prompt: statement, text, reasoning: null },
      calls: [this.#call(traceId)],
    })
    const exampleId = recordId('sft-example', [traceId], recipe, 0)
    await this.#put(topics.sftExamples, {
      ...{ ...about, id: exampleId, parentIds: [traceId], prompt: statement, completion: text, tokens: 300 },
    })
  }

  async #attempt(testCases: RecordTypes['test-cases'], attempt: number): Promise<CountedVerdict & AttemptVerdict> {
    const { id, problemId, domain, createdAtMs, simulated, statement, checks } = testCases
    const made = { domain, recipe, createdAtMs, simulated, problemId, solver, attempt }
    const requestId = recordId('rollout-request', [id], recipe, attempt)
    const seed = seedOf(requestId)
    await this.#put(topics.rolloutRequests, { ...made, id: requestId, parentIds: [id], seed, statement, checks })
    const rolloutId = recordId('rollout', [requestId], recipe, 0)
    const text = this.#text(250)
    const calls = [this.#call(requestId)]
    const rollout = { ...made, id: rolloutId, parentIds: [requestId], statement, checks, text, reasoning: null, calls }
    await this.#put(topics.rollouts, rollout)
    const verdict = this.#next() < 0.4 ? ('passed' as const) : ('failed' as const)
    const verdictId = recordId('verdict', [rolloutId], recipe, 0)
    const { partition, offset } = await this.#put(topics.verdicts, {
      ...{
        ...made,
        id: verdictId,
        parentIds: [rolloutId],
        requestId,
        verdict,
        valid: true,
        extracted: '1',
        detail: null,
      },
      ...{
        reason: verdict === 'passed' ? 'equal' : 'different',
        tests: [],
        probes: [],
        text,
        reasoning: null,
        verifierSeconds: 0.01,
      },
      calls,
    })
    return {
      attempt,
      verdictId,
      partition,
      offset,
      verdict,
      valid: true,
      again: false,
      tokens: 1000,
      tests: [],
      probes: [],
      recomputed: false,
    }
  }

  async #close(
    testCases: RecordTypes['test-cases'],
    counted: (CountedVerdict & AttemptVerdict)[],
    isOpen: boolean,
    number: number,
  ): Promise<void> {
    const { id, problemId, domain, createdAtMs, simulated, origin, source, statement, concepts, level } = testCases
    const partition = partitionOf(problemId, topics.outcomes.partitions)
    const plans = this.#plans.get(partition) ?? []
    this.#plans.set(partition, plans)
    const verdicts = isOpen ? counted : []
    const plan: RecordTypes['rollout-plan'] = {
      testCases: isOpen ? testCases : null,
      ...{ testsAsked: false, runs: null },
      solvers: [{ solver, requested: attempts, closed: !isOpen, unverifiable: 0, verdicts }],
    }
    const subject = changelogSubject('plan-rollouts', 'rollout-plan')
    plans.push({ key: `s:${problemId}`, value: this.#codec.encode(subject, 'rollout-plan', plan) })
    if (isOpen) return
    const passed = counted.filter(({ verdict }) => verdict === 'passed')
    const failed = counted.filter(({ verdict }) => verdict === 'failed')
    const made = {
      domain,
      recipe,
      createdAtMs,
      simulated,
      problemId,
      origin,
      source,
      solver,
      statement,
      concepts,
      level,
    }
    const outcomeId = recordId('outcome', [id], recipe, solver)
    await this.#put(topics.outcomes, {
      ...{ ...made, id: outcomeId, parentIds: [id], result: passed.length === 0 ? 'unsolved' : 'kept' },
      ...{ attempted: attempts, passed: passed.length, invalid: 0, unverifiable: 0, tokens: 8000 },
      verdicts: counted.map(
        ({ attempt: _, again: __, tests: ___, probes: ____, tokens: _____, ...verdict }) => verdict,
      ),
      ...{ reason: '', spared: 0, behaviours: [], setAside: [], addedTests: [] },
    })
    const pairs = Math.min(passed.length, failed.length, 2)
    if (pairs === 0) await this.#discard(topics.outcomes, problemId, outcomeId, 'unsolved', 'build-pairs')
    for (let pair = 0; pair < pairs; pair++) {
      const [chosenVerdictId = '', rejectedVerdictId = ''] = [passed[pair]?.verdictId, failed[pair]?.verdictId]
      const parentIds = [outcomeId, chosenVerdictId, rejectedVerdictId]
      await this.#put(topics.preferencePairs, {
        ...{ ...made, id: recordId('preference-pair', parentIds, recipe, pair), parentIds, prompt: statement },
        ...{ passRate: passed.length / attempts, chosen: this.#text(250), rejected: this.#text(250) },
        ...{ chosenVerdictId, rejectedVerdictId },
      })
    }
    if (number % 97 === 0) await this.#deadLetter(problemId)
  }

  async #discard(topic: Topic, key: string, recordId_: string, reason: string, processor: string): Promise<void> {
    const partition = partitionOf(key, topic.partitions)
    const offset = (this.#ends.get(`${topic.name}/${partition}`) ?? 1) - 1
    const id = recordId('discard', [recordId_], recipe, 0)
    await this.#put(topics.discards, {
      ...{ id, parentIds: [recordId_], domain: 'math', recipe, createdAtMs: 0, simulated: true, processor, reason },
      ...{ evidence: 'bench', recordId: recordId_, topic: topic.name, partition, offset, calls: [] },
      ...{ concepts: [], leftStream: false },
    })
  }

  async #deadLetter(problemId: string): Promise<void> {
    const partition = partitionOf(problemId, deadLetters.partitions)
    const offset = (this.#ends.get(`rollout-requests/${partition}`) ?? 1) - 1
    const headers = {
      '__connect.errors.topic': 'rollout-requests',
      '__connect.errors.partition': String(partition),
      '__connect.errors.offset': String(offset),
      '__connect.errors.stage': 'roll-out',
    }
    await this.#add({ topic: deadLetters.name, partition, key: problemId, value: Buffer.from('not a record'), headers })
  }

  /** What every processor has: all is finished but the last records of each input; kept calls, plans. */
  async tasks(): Promise<void> {
    await this.#flush()
    for (const declaration of processors) await this.#tasksOf(groupOf(declaration))
  }

  async #tasksOf(group: Group): Promise<void> {
    const gained = new Set<number>()
    let look = (): void => undefined
    const membership = await this.#log.join(group, {
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
    for (let task = 0; task < group.tasks; task++) {
      const open = await membership.open(task)
      const inputs = group.inputs.map((topic) => {
        const end = this.#ends.get(`${topic}/${task}`) ?? 0
        const unfinished = end > 20 ? [end - 17, end - 12, end - 9] : []
        return { topic, nextOffset: Math.max(0, end - 5), unfinished }
      })
      const state: StateChange[] = group.name === 'plan-rollouts' ? (this.#plans.get(task) ?? []) : []
      if (group.name === 'vote-answer') {
        const kept = { result: JSON.stringify({ text: this.#text(200) }), keptAtMs: 1, role: 'voter' }
        const value = this.#codec.encode(changelogSubject(group.name, 'kept-call'), 'kept-call', kept)
        for (const { topic, unfinished } of inputs)
          for (const offset of unfinished) state.push({ key: keptCallKey(topic, offset, 'vote-0'), value })
      }
      const progress = this.#codec.encode(changelogSubject(group.name, 'progress'), 'progress', {
        ...{ sequence: 1, counts: { ...emptyCounts(), finished: 1000 + task }, committedAtMs: 1 },
        inputs: inputs.map((input) => ({ ...input, unfinished: toDistances(input.unfinished) })),
      })
      await open.commit({ sequence: 1, outputs: [], state, progress })
      await open.close()
    }
    await membership.leave()
  }

  async #put<Kind extends RecordKind>(
    topic: Topic<Kind>,
    record: RecordTypes[Kind],
  ): Promise<{ partition: number; offset: number }> {
    const key = topic.keyOf(record)
    const partition = partitionOf(key, topic.partitions)
    const value = this.#codec.encode(topic.name, topic.kind, record)
    return await this.#add({ topic: topic.name, partition, key, value })
  }

  async #add(record: OutgoingRecord): Promise<{ partition: number; offset: number }> {
    const { topic, partition, value } = record
    const place = `${topic}/${partition}`
    const offset = this.#ends.get(place) ?? 0
    this.#ends.set(place, offset + 1)
    this.#batch.push(record)
    this.#bytes += value.byteLength
    this.records++
    if (this.#bytes >= appendBytes) await this.#flush()
    return { partition, offset }
  }

  async #flush(): Promise<void> {
    if (this.#batch.length > 0) await this.#log.append(this.#batch, `copy-corpus/${this.#appends++}`)
    this.#batch = []
    this.#bytes = 0
  }

  /** Words that no compression makes nothing of. */
  #text(count: number): string {
    let text = ''
    for (let word = 0; word < count; word++) {
      const at = Math.floor(this.#next() * words.length)
      text += `${words[at] ?? ''} ${at % 3 === 0 ? Math.floor(this.#next() * 10_000) : ''}`
    }
    return text
  }

  #next(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return this.#random / 2 ** 32
  }

  #call(id: string): ModelCall {
    return {
      ...{ purpose: 'attempt', requestId: `${id}/attempt`, model: solver, endpoint: 'bench', promptVersion: 'bench' },
      modelVersion: '',
      ...{ temperature: 1, topP: null, maxTokens: null, seed: 1, promptTokens: 10, cachedTokens: 0 },
      ...{ completionTokens: 20, reasoningTokens: 0, latencySeconds: 0.1, finishReason: 'stop' },
    }
  }
}
