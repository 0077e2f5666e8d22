/** What a record leaves behind, as records of the log: emissions, discards, dead letters; and what is told of it. */
import type { RecordTypes } from '../../schemas/generated.ts'
import { deadLetters, topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import type { RecordCodec } from '../../topics/codec.ts'
import { sizeOf, type OutgoingRecord, type StoredRecord } from '../../topics/log.ts'
import { partitionOf } from '../../topics/partitioner.ts'
import { completeRecord, discardEvidence, type EquippedProcessor, type RecordContext } from '../context.ts'
import { beginningOfHeader, deadLetterHeaders, redrivenHeader } from '../copy/positions.ts'
import { correlationOf } from '../correlation.ts'
import { InvalidRecordError } from '../errors.ts'
import { recordId } from '../ids.ts'
import type { MadeRecord, RecordReport } from '../ports.ts'
import type { Discard, Emission, Failure } from '../processor.ts'
import { epochMs } from '../reports.ts'
import { problemOf, type Entry, type Output } from './entry.ts'

/** Of a record that no log takes its dead letter holds the beginning. */
const beginningBytes = 64 << 10
const beginningCharacters = 1000

export class Outputs {
  readonly #number: number
  readonly #name: string
  readonly #equipped: EquippedProcessor
  readonly #codec: RecordCodec
  readonly #maxRecordBytes: number

  constructor(number: number, equipped: EquippedProcessor, codec: RecordCodec, maxRecordBytes: number) {
    this.#number = number
    this.#name = equipped.declaration.name
    this.#equipped = equipped
    this.#codec = codec
    this.#maxRecordBytes = maxRecordBytes
  }

  /** @throws InvalidRecordError OUTPUT_TOO_LARGE; TypeError where it does not fit its schema */
  encode(emission: Emission, context: Pick<RecordContext, 'calls' | 'recipe'>): Output {
    const { topic } = emission
    const record = completeRecord(this.#equipped, emission, context)
    const value = this.#codec.encode(topic.name, topic.kind, record)
    if (value.byteLength > this.#maxRecordBytes) {
      throw new InvalidRecordError(
        'OUTPUT_TOO_LARGE',
        `a ${topic.kind} of ${value.byteLength} bytes is over the limit of ${this.#maxRecordBytes}`,
      )
    }
    const key = topic.keyOf(record)
    return {
      topic: topic.name,
      record: { topic: topic.name, partition: partitionOf(key, topic.partitions), key, value },
      made: madeOf(topic, record),
      recipe: (record as { recipe: string }).recipe,
    }
  }

  /** The record of a discard. */
  discardOf(entry: Entry, { discard, evidence }: Discard, recipe: string): Emission {
    const { id, domain, concepts } = entry.record as { id: string; domain: string; concepts?: string[] }
    const { topic, partition, offset } = entry.stored
    return {
      topic: topics.discards,
      draft: {
        id: recordId('discard', [id], `${recipe}/${this.#name}`, 0),
        parentIds: [id],
        domain,
        processor: this.#name,
        reason: discard,
        evidence: discardEvidence(evidence),
        recordId: id,
        topic,
        partition,
        offset,
        concepts: concepts ?? [],
        leftStream: this.#equipped.declaration.onSpine.includes(entry.input),
      } as never,
    }
  }

  /** The dead letter of a record, with its cause and its original bytes, and what its processor emits instead of it. */
  buried(entry: Entry, failure: Failure): Output[] {
    const letter: Output = { topic: deadLetters.name, record: this.#letterOf(entry.stored, failure), recipe: '' }
    const instead = this.#equipped.declaration.onFailure.emitInstead?.[entry.input]
    if (!instead || failure.code === 'RECORD_UNDECODABLE') return [letter]
    const emission = instead(entry.record, failure, this.#equipped.emit)
    return [letter, this.encode(emission, { calls: [], recipe: this.#equipped.recipe() })]
  }

  #letterOf(stored: StoredRecord, failure: Failure): OutgoingRecord {
    const { topic, partition, offset, key, value } = stored
    const { [redrivenHeader]: _, ...own } = stored.headers ?? {}
    const cause = {
      [deadLetterHeaders.topic]: topic,
      [deadLetterHeaders.partition]: String(partition),
      [deadLetterHeaders.offset]: String(offset),
      '__connect.errors.stage': this.#name,
      '__connect.errors.exception.class.name': failure.code,
      '__connect.errors.exception.message': discardEvidence(failure.message),
    }
    const place = { topic: deadLetters.name, partition: partition % deadLetters.partitions }
    const whole: OutgoingRecord = { ...place, key, value, headers: { ...own, ...cause } }
    if (sizeOf(whole) <= this.#maxRecordBytes) return whole
    return {
      ...place,
      key: key.slice(0, beginningCharacters),
      value: value.subarray(0, beginningBytes),
      headers: { ...cause, [beginningOfHeader]: String(sizeOf(stored)) },
    }
  }

  /** What is told of a record; undefined where nobody listens. */
  reportOf(
    entry: Entry,
    outcome: RecordReport['outcome'],
    outputs: readonly Output[],
    reason?: string,
    message?: string,
  ): RecordReport | undefined {
    const { tracing, logger, simulated } = this.#equipped
    if (!tracing && !logger.writes(outcome === 'dead-lettered' ? 'warn' : 'debug')) return undefined
    const { topic, partition, offset } = entry.stored
    return {
      ...{ processor: this.#name, task: this.#number, topic, partition, offset, simulated },
      record: entry.record as unknown as RecordReport['record'],
      problem: problemOf(entry),
      ...{ outcome, reason, message, calls: entry.timed, tries: entry.tries },
      made: outputs.flatMap(({ made }) => (made ? [made] : [])),
      ...{ startedAtMs: entry.admittedAtMs, endedAtMs: epochMs() },
    }
  }
}

function madeOf(topic: Topic, record: RecordTypes[RecordKind]): MadeRecord {
  const made = record as unknown as Readonly<Record<string, unknown>> & { id?: string; parentIds?: string[] }
  return { topic: topic.name, id: made.id ?? '', parentIds: made.parentIds ?? [], problem: correlationOf(made) }
}
