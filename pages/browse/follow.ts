/** Reads a corpus into the index, and goes on as it grows. */
import { deadLetterHeaders, redrivenHeader } from '../../engine/copy/positions.ts'
import { deadLetters, topicNamed, topics, type Topic } from '../../topics/catalogue.ts'
import type { StoredRecord } from '../../topics/log.ts'
import type { Corpus } from '../../topics/reading.ts'
import { endsOf, recordOf } from '../read.ts'
import { decodedTopics, indexedTopics, topicsByProblem, type CorpusIndex } from './corpus-index.ts'

/** How far the reading is. */
export interface Progress {
  /** Records of the corpus when it was opened, as far as offsets tell. */
  total: number
  read: number
  /** Whether all that was there at the start has been read. */
  isCaughtUp: boolean
  unreadable: number
}

const readBytes = 1 << 20
const waitSeconds = 5

/** One reader of a corpus. */
export class Follower {
  readonly progress: Progress = { total: 0, read: 0, isCaughtUp: false, unreadable: 0 }
  readonly #corpus: Corpus
  readonly #index: CorpusIndex
  readonly #signal: AbortSignal

  constructor(corpus: Corpus, index: CorpusIndex, signal: AbortSignal) {
    this.#corpus = corpus
    this.#index = index
    this.#signal = signal
  }

  /**
   * Reads until the signal aborts: problems first, then everything else at once.
   * @param onCaughtUp is told once, when all that was there at the start has been read
   * @throws LogError
   */
  async run(onCaughtUp: () => void): Promise<void> {
    const all = await Promise.all(
      [...indexedTopics, deadLetters].map(async (topic) => ({ topic, ends: await endsOf(this.#corpus, topic) })),
    )
    this.progress.total = all.flatMap(({ ends }) => ends).reduce((sum, end) => sum + end, 0)
    const next = new Map(all.map(({ topic, ends }) => [topic.name, ends.map(() => 0)]))
    // Whatever else there is belongs to a problem: those that are known by name alone are listed nowhere.
    const inTurn = [topics.problems.name, ...topicsByProblem.map(({ name }) => name)]
    const turns = [...all].sort((a, b) => placeIn(inTurn, a.topic.name) - placeIn(inTurn, b.topic.name))
    for (const { topic, ends } of turns)
      for (const [partition, end] of ends.entries()) {
        const offsets = next.get(topic.name) ?? []
        while ((offsets[partition] ?? 0) < end && !this.#signal.aborted) {
          const before = offsets[partition] ?? 0
          offsets[partition] = await this.#read(topic, partition, before, 0)
          if (offsets[partition] === before) break
        }
      }
    if (this.#signal.aborted) return
    this.#index.settle()
    this.progress.isCaughtUp = true
    onCaughtUp()
    const settling = setInterval(() => this.#index.settle(), 1000)
    try {
      await Promise.all(
        all.flatMap(({ topic, ends }) =>
          ends.map(async (_, partition) => {
            let offset = next.get(topic.name)?.[partition] ?? 0
            while (!this.#signal.aborted) offset = await this.#read(topic, partition, offset, waitSeconds)
          }),
        ),
      )
    } finally {
      clearInterval(settling)
    }
  }

  async #read(topic: { name: string }, partition: number, offset: number, maxWaitSeconds: number): Promise<number> {
    const { records, nextOffset } = await this.#corpus.log.read(
      { topic: topic.name, partition, offset },
      { maxBytes: readBytes, maxWaitSeconds, signal: this.#signal },
    )
    for (const stored of records) await this.#take(topic.name, stored)
    this.progress.read += nextOffset - offset
    // Requests are answered between reads.
    await new Promise((resolve) => setImmediate(resolve))
    return nextOffset
  }

  async #take(name: string, stored: StoredRecord): Promise<void> {
    if (name === deadLetters.name) {
      const { [redrivenHeader]: redriven, [deadLetterHeaders.topic]: topicName } = stored.headers ?? {}
      if (redriven !== undefined) this.#index.removeDeadLetter(redriven)
      else this.#index.addDeadLetter(topicNamed(topicName ?? ''), stored.key, stored)
      return
    }
    const topic: Topic | undefined = indexedTopics.find((one) => one.name === name)
    if (!topic) return
    if (decodedTopics.some((one) => one.name === name)) {
      const record = await recordOf(this.#corpus, topic, stored)
      if (record === 'repeat') return
      if (record === undefined) this.progress.unreadable++
      else this.#index.add(topic, record, stored)
    }
    this.#index.addKey(topic, stored)
  }
}

function placeIn(order: readonly string[], name: string): number {
  const at = order.indexOf(name)
  return at < 0 ? order.length : at
}
