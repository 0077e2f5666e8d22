/** An export into a folder: what the corpus holds now, or on and on as it grows. */
import type { Corpus } from '../topics/reading.ts'
import { cardJson, cardName, readme, readmeName, type Card } from './card.ts'
import { ExportFolder, type Shard } from './folder.ts'
import { jsonLine } from './json-line.ts'
import type { Positions } from './position.ts'
import { cellsFor, columnsFor, describeRequest, sortOf, type ExportRequest } from './request.ts'
import { readRecipes } from '../engine/recipes.ts'
import { countSeen, RowSource, type Seen } from './rows.ts'
import { topics } from '../topics/catalogue.ts'
import { splitOf } from './split.ts'
import { count, type Tally } from './tally.ts'
import { formatPosition } from './position.ts'

export interface FolderExport {
  directory: string
  request: ExportRequest
  shardRows: number | undefined
  /** Where an earlier export ended: only what came later is exported. */
  since: Positions | undefined
  /** Go on as the corpus grows, until the signal aborts. */
  follow: boolean
  /** Ends a run that follows, whole; one that does not follow is left to be gone on with. */
  signal: AbortSignal
  onShard: (shard: Shard) => void
  now: () => Date
}

/** How a run ended. */
export interface FolderReport {
  /** All rows of the folder. */
  tally: Tally
  /** Those of this run. */
  newRows: number
  newSimulated: number
  newRetracted: number
  /** What this run has read. */
  seen: Seen
  /** Whether a run before had read some of the corpus. */
  isContinued: boolean
  shards: readonly Shard[]
  positions: Positions
  /** Retractions that came after rows of this folder were written, in this run. */
  retractions: number
  /** The first record that gave no rows because it cannot be read, and how many there are in this run. */
  unreadable: { first: string; records: number } | undefined
  isInterrupted: boolean
}

const checkpointSeconds = 1
const waitSeconds = 5

/** @throws FolderError */
export async function exportToFolder(corpus: Corpus, options: FolderExport): Promise<FolderReport> {
  const { directory, request, since, signal } = options
  const source = new RowSource(corpus, request)
  const folder = await ExportFolder.open(directory, {
    name: request.sort,
    fileType: request.fileType,
    columns: columnsFor(request),
    shardRows: options.shardRows,
    request: {
      ...describeRequest(request),
      ...(options.shardRows !== undefined && { shard_rows: options.shardRows }),
      ...(since && { since: formatPosition(since) }),
    },
    start: {
      next: since?.[source.topic.name] ?? source.start(),
      retractions: since?.[topics.retractions.name],
    },
  })
  try {
    return await new Run(corpus, source, folder, options).run(signal)
  } finally {
    await folder.close()
  }
}

class Run {
  readonly #corpus: Corpus
  readonly #source: RowSource
  readonly #folder: ExportFolder
  readonly #options: FolderExport
  readonly #before: Tally
  #retractions = 0
  readonly #seen: Seen = { records: 0, excluded: 0, retracted: 0 }
  readonly #isContinued: boolean
  #unreadable: FolderReport['unreadable']
  #checkpointedAtMs = performance.now()
  /** Whether anything was read since the last checkpoint. */
  #isDirty = false

  constructor(corpus: Corpus, source: RowSource, folder: ExportFolder, options: FolderExport) {
    this.#corpus = corpus
    this.#source = source
    this.#folder = folder
    this.#options = options
    this.#before = structuredClone(folder.tally)
    this.#isContinued = folder.next.some((offset) => offset > 0)
  }

  async run(signal: AbortSignal): Promise<FolderReport> {
    const { follow } = this.#options
    const folder = this.#folder
    await this.#takeInRetractions()
    let ends = await this.#endsToRead()
    for (;;) {
      await this.#readTo(ends, signal)
      if (!follow || signal.aborted) break
      if (this.#isDirty) await this.#checkpoint()
      await this.#source.waitForMore(folder.next, waitSeconds, signal)
      if (signal.aborted) break
      await this.#takeInRetractions()
      ends = await this.#source.ends()
    }
    const isInterrupted = signal.aborted && !follow
    if (isInterrupted) await this.#checkpoint()
    else this.#tell(await folder.complete())
    await this.#writeCard()
    const { tally } = folder
    return {
      ...{ tally, shards: folder.shards, positions: this.#source.positions(folder.next), isInterrupted },
      newRows: tally.rows - this.#before.rows,
      newSimulated: tally.simulated - this.#before.simulated,
      newRetracted: tally.retracted - this.#before.retracted,
      ...{ seen: this.#seen, isContinued: this.#isContinued },
      retractions: this.#retractions,
      unreadable: this.#unreadable,
    }
  }

  /** A sample is drawn once, from what there was when it was first asked for. */
  async #endsToRead(): Promise<number[]> {
    const { request } = this.#options
    const ends = await this.#source.ends()
    if (!request.sample) return ends
    this.#folder.sample ??= { ends, last: await this.#source.drawSample(this.#folder.next, ends) }
    this.#source.keepSample(this.#folder.sample.last)
    return this.#folder.sample.ends
  }

  async #readTo(ends: readonly number[], signal: AbortSignal): Promise<void> {
    const { request } = this.#options
    const { next, tally } = this.#folder
    for await (const read of this.#source.read(next, ends)) {
      const { partition, nextOffset, rows, retracted, unreadable } = read
      countSeen(this.#seen, read)
      for (const row of rows) {
        const split = this.#splitOf(row.facts.problem_id)
        const cells = cellsFor(request, row, { index: tally.rows, split })
        await this.#folder.append(split, jsonLine(cells))
        count(tally, row, split)
      }
      tally.retracted += retracted
      if (unreadable !== undefined) {
        tally.unreadable++
        this.#unreadable ??= { first: unreadable, records: 0 }
        this.#unreadable.records++
      }
      next[partition] = nextOffset
      this.#isDirty = true
      if (this.#folder.hasFull || this.#isCheckpointDue()) await this.#checkpoint()
      if (signal.aborted) return
    }
  }

  #splitOf(problemId: string): string {
    return splitOf(problemId, this.#options.request.shares)
  }

  async #takeInRetractions(): Promise<void> {
    const { tally } = this.#folder
    const from = this.#folder.retractionsNext
    const retractions = await this.#source.retracted.readOn(from)
    // What was left out from the first needs no telling, but to those who have rows of an earlier export.
    const isListed =
      from !== undefined && (this.#options.since !== undefined || (tally.rows > 0 && retractions.length > 0))
    await this.#folder.listRetractions(retractions, this.#source.retracted.next, isListed)
    if (isListed) this.#retractions += retractions.length
  }

  #isCheckpointDue(): boolean {
    return performance.now() - this.#checkpointedAtMs >= checkpointSeconds * 1000
  }

  async #checkpoint(): Promise<void> {
    const shards = await this.#folder.checkpoint()
    this.#checkpointedAtMs = performance.now()
    this.#isDirty = false
    this.#tell(shards)
    if (shards.length > 0) await this.#writeCard()
  }

  #tell(shards: readonly Shard[]): void {
    for (const shard of shards) this.#options.onShard(shard)
  }

  async #writeCard(): Promise<void> {
    const { request, since, now } = this.#options
    const { tally, shards, next } = this.#folder
    const recipes = [...(await readRecipes(this.#corpus)).values()]
    const card: Card = {
      ...{ request, tally, shards, positions: this.#source.positions(next), now: now() },
      recipes: recipes.sort((a, b) => a.processor.localeCompare(b.processor) || a.committedAtMs - b.committedAtMs),
      since: since && formatPosition(since),
    }
    await this.#folder.writeBeside(cardName, `${JSON.stringify(cardJson(card), undefined, 2)}\n`)
    await this.#folder.writeBeside(readmeName, readme(card))
    const splits = [...new Set(shards.map(({ split }) => split))].sort()
    const side = request.format.sideFiles?.({ sort: request.sort, shape: sortOf(request).shape, splits }) ?? []
    for (const { name, content } of side) await this.#folder.writeBeside(name, content)
  }
}
