/** Problems that were retracted: nothing that was made of them is exported. */
import { topics } from '../topics/catalogue.ts'
import { LogError } from '../topics/log.ts'
import { decoded, storedRecords, type Corpus } from '../topics/reading.ts'
import type { Retraction } from '../schemas/generated.ts'
import { MissingRecordError } from './lookup.ts'

/** The table `retractions`, as far as it was read. */
export class RetractedProblems {
  readonly #corpus: Corpus
  readonly #ids = new Set<string>()
  readonly #next: number[] = Array.from({ length: topics.retractions.partitions }, () => 0)

  constructor(corpus: Corpus) {
    this.#corpus = corpus
  }

  /** The next offset of each partition. */
  get next(): readonly number[] {
    return this.#next
  }

  has(problemId: string): boolean {
    return this.#ids.has(problemId)
  }

  /** Whether the corpus has the table at all: one that an earlier release made on Kafka may lack it. */
  async isThere(): Promise<boolean> {
    try {
      await this.#corpus.log.offsets(topics.retractions.name, 0)
      return true
    } catch (error) {
      if (error instanceof LogError && error.code === 'unknown_topic') return false
      throw error
    }
  }

  /**
   * Reads what has come since. @returns the retractions that lie at these offsets or behind them
   * @throws MissingRecordError where one cannot be read
   */
  async readOn(from: readonly number[] = this.#next.slice()): Promise<Retraction[]> {
    const since: Retraction[] = []
    if (!(await this.isThere())) return since
    for (const partition of this.#next.keys()) {
      for await (const stored of storedRecords(
        this.#corpus.log,
        topics.retractions.name,
        partition,
        this.#next[partition],
      )) {
        this.#next[partition] = stored.offset + 1
        const retraction = await decoded(this.#corpus.codec, topics.retractions, stored)
        // Whatever it retracts would be trained on.
        if (!retraction)
          throw new MissingRecordError(
            `${topics.retractions.name}/${partition} offset ${stored.offset} is no ${topics.retractions.kind}`,
          )
        this.#ids.add(retraction.problemId)
        if (stored.offset >= (from[partition] ?? 0)) since.push(retraction)
      }
    }
    return since
  }
}

/** A line of the file that lists retractions. */
export function retractionLine(retraction: Retraction): object {
  const { problemId, domain, reason, evidence, by, createdAtMs, simulated } = retraction
  const retractedAt = new Date(createdAtMs).toISOString()
  return { problem_id: problemId, domain, reason, evidence, by, retracted_at: retractedAt, simulated }
}
