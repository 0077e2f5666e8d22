/**
 * What the server holds in memory of a corpus: for each problem some numbers, the text it is searched by and where its records lie. The records
 * themselves stay in the log. Records may come in any order; a problem that is named before it is read is known by its id alone.
 */
import { OffsetIndex } from '../../exports/offset-index.ts'
import type {
  ConceptList,
  Discard,
  Outcome,
  OutcomeResult,
  Problem,
  RecordTypes,
  Retraction,
} from '../../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../../topics/catalogue.ts'
import type { StoredRecord } from '../../topics/log.ts'
import { partitionOf } from '../../topics/partitioner.ts'
import { beginningOf } from '../beginning.ts'
import { statusOf, type Status } from '../ending.ts'
import { visible } from '../html.ts'
import { Column, Names } from './columns.ts'
import { Places } from './places.ts'
import { searchable, Texts } from './texts.ts'

/** A position in a topic. */
export interface Place {
  partition: number
  offset: number
}

/** What a list shows of a problem. */
export interface ProblemRow {
  id: string
  domain: string
  level: string
  source: string
  isHuman: boolean
  simulated: boolean
  createdAtMs: number
  status: Status
  /** `processor: rule` of the discard that ended it; empty where none did. */
  reason: string
  excerpt: string
  outcomes: { solver: string; result: OutcomeResult; passed: number; attempted: number }[]
  verdicts: number
  pairs: number
}

/** What problems are asked for by. Whatever is left out does not matter. */
export interface ProblemQuery {
  /** All of them stand in the text, or in the name of a rule that left something of the problem out; lower case. */
  words: readonly string[]
  domain?: string
  level?: string
  origin?: 'human' | 'synthetic'
  status?: Status
  reason?: string
  model?: string
  concept?: string
  minPassRate?: number
  maxPassRate?: number
  sort: 'newest' | 'oldest' | 'hardest' | 'easiest'
}

/** Where a concept was named: in how many lists, and in which first. */
export interface NamedConcept {
  concept: string
  namedIn: number
  first: ListedConcepts | undefined
}

/** A concept list, as far as it is held. */
export interface ListedConcepts {
  id: string
  seedId: string
  annotator: string
  source: string
}

/** A name with how many problems have it. */
interface NameCount {
  name: string
  count: number
}

/** Topics that only their keys are read of: the problem's id, or the record's own. */
export const topicsByProblem = [
  topics.acceptedProblems,
  topics.votedProblems,
  topics.testCases,
  topics.testRuns,
  topics.outcomes,
  topics.verdicts,
  topics.preferencePairs,
  topics.traces,
  topics.sftExamples,
] as const satisfies readonly Topic[]
const topicsById = [
  topics.seeds,
  topics.rationales,
  topics.concepts,
  topics.conceptLists,
] as const satisfies readonly Topic[]
/** Topics whose records are read. */
type DecodedTopic =
  | typeof topics.problems
  | typeof topics.outcomes
  | typeof topics.discards
  | typeof topics.retractions
  | typeof topics.conceptLists
export const decodedTopics: readonly DecodedTopic[] = [
  ...[topics.problems, topics.outcomes, topics.discards, topics.retractions, topics.conceptLists],
]
/** Topics of which this index takes something in. */
export const indexedTopics: readonly Topic[] = [
  ...new Set<Topic>([topics.problems, ...topicsByProblem, ...topicsById, ...decodedTopics]),
]

const results: readonly OutcomeResult[] = ['kept', 'too_easy', 'unsolved', 'abandoned']
/** Topics in which a problem goes by its own id. */
const problemTopics: ReadonlySet<string> = new Set([topics.problems, topics.screenedProblems, topics.acceptedProblems].map(({ name }) => name)) // prettier-ignore

const isRead = 1
const isHuman = 2
const isSimulated = 4
const isRetracted = 8
const hasLeft = 16

const excerptCharacters = 240
/** Counts of a corpus that grows are made anew after so long. */
const countedForMs = 3000
/** Ids are shorter by far; one that is not is cut, and leads nowhere. */
const mostIdCharacters = 1000

/** The index over one corpus. */
export class CorpusIndex {
  readonly #numbers = new OffsetIndex()
  readonly #flags = Column.bytes()
  readonly #places = Column.numbers()
  readonly #createdAtMs = Column.numbers()
  readonly #domains = Column.integers()
  readonly #levels = Column.integers()
  readonly #sources = Column.integers()
  readonly #excerptStarts = Column.numbers()
  readonly #conceptStarts = Column.integers()
  readonly #conceptCounts = Column.shorts()
  readonly #conceptNumbers = Column.integers()
  /** Reason of the discard that ended the problem. */
  readonly #endReasons = Column.integers()
  readonly #lastDiscards = Column.integers()
  readonly #discards = {
    places: Column.numbers(),
    reasons: Column.integers(),
    problems: Column.integers(),
    before: Column.integers(),
  }
  readonly #lastOutcomes = Column.integers()
  readonly #outcomes = {
    ...{ solvers: Column.integers(), results: Column.bytes(), passed: Column.shorts(), attempted: Column.shorts() },
    ...{ problems: Column.integers(), before: Column.integers() },
  }
  /** By model: 1 for each problem that it had a part in. */
  readonly #modelProblems = new Map<number, Column>()
  /** Problems in the order of their topic. */
  readonly #order = Column.integers()
  readonly #texts = new Texts()
  readonly #excerpts: Buffer[] = []
  #excerptUsed = 0
  readonly #byProblem = new Map<string, Places>(
    topicsByProblem.map(({ name, partitions }) => [name, new Places(partitions)]),
  )
  readonly #byId = new Map<string, OffsetIndex>(topicsById.map(({ name }) => [name, new OffsetIndex()]))
  readonly #lists: ListedConcepts[] = []
  readonly #namedIn = new Map<string, number[]>()
  readonly #retractions = new Map<number, Place>()
  /** By problem: dead letters that were not put back, by `partition/offset`. */
  readonly #deadLetters = new Map<number, Map<string, Place>>()
  readonly #problemsOfLetters = new Map<string, number>()
  /** Discards of records that were not read yet. */
  #early: { discard: Discard; at: Place }[] = []
  #known = 0
  /** Records that were taken in: counts of before are old. */
  #changes = 0
  readonly #counted = new Map<string, { changes: number; atMs: number; counts: NameCount[] }>()
  #simulated = 0

  readonly domains = new Names()
  readonly levels = new Names()
  readonly sources = new Names()
  readonly models = new Names()
  readonly concepts = new Names()
  /** `processor: rule` */
  readonly reasons = new Names()

  /** Problems that were read. */
  get size(): number {
    return this.#order.length
  }

  /** How many of them are simulated. */
  get simulated(): number {
    return this.#simulated
  }

  /** Bytes of memory outside of the heap, without names and concept lists. */
  get byteLength(): number {
    const columns = [
      ...[
        this.#flags,
        this.#places,
        this.#createdAtMs,
        this.#domains,
        this.#levels,
        this.#sources,
        this.#excerptStarts,
      ],
      ...[
        this.#conceptStarts,
        this.#conceptCounts,
        this.#conceptNumbers,
        this.#endReasons,
        this.#lastDiscards,
        this.#order,
      ],
      ...[
        ...Object.values(this.#discards),
        ...Object.values(this.#outcomes),
        ...this.#modelProblems.values(),
        this.#lastOutcomes,
      ],
    ]
    const sizes = [...columns, ...this.#byProblem.values(), this.#texts]
    return (
      sizes.reduce((sum, { byteLength }) => sum + byteLength, 0) +
      this.#excerpts.reduce((sum, { length }) => sum + length, 0)
    )
  }

  /** The number of a problem, by which all else is asked; undefined for an id that is no problem's. */
  find(id: string): number | undefined {
    const number = this.#numbers.get(id)
    return number !== undefined && (this.#flags.get(number) & isRead) !== 0 ? number : undefined
  }

  /** Where a problem lies. */
  placeOf(problem: number): Place {
    return placeIn(topics.problems, this.#places.get(problem))
  }

  /** Where the problem's records of a topic lie. */
  placesOf(topic: Topic, id: string, problem: number): Place[] {
    const partition = partitionOf(id, topic.partitions)
    return (this.#byProblem.get(topic.name)?.offsetsOf(partition, problem) ?? []).map((offset) => ({
      partition,
      offset,
    }))
  }

  /** Where a seed, a combination, a rationale or a concept list lies. */
  placeById(topic: Topic, id: string): Place | undefined {
    const place = this.#byId.get(topic.name)?.get(id)
    return place === undefined ? undefined : placeIn(topic, place)
  }

  /** Where discards lie of the problem, or of something that was made of it. */
  discardsOf(problem: number): Place[] {
    const places: Place[] = []
    for (let next = this.#lastDiscards.get(problem); next > 0; next = this.#discards.before.get(next - 1))
      places.push(placeIn(topics.discards, this.#discards.places.get(next - 1)))
    return places.reverse()
  }

  retractionOf(problem: number): Place | undefined {
    return this.#retractions.get(problem)
  }

  /** Dead letters of the problem that were not put back. */
  deadLettersOf(problem: number): Place[] {
    return [...(this.#deadLetters.get(problem)?.values() ?? [])]
  }

  /** Where concepts were named, within the first lists of the corpus. */
  namedConcepts(domain: string, concepts: readonly string[], firstLists = Infinity): NamedConcept[] {
    return concepts.map((concept) => {
      const lists = (this.#namedIn.get(`${domain}/${concept}`) ?? []).filter((list) => list < firstLists)
      return { concept, namedIn: lists.length, first: this.#lists[lists[0] ?? -1] }
    })
  }

  /** Takes a raw record in, of a topic that goes by its key. */
  addKey(topic: Topic, { key, partition, offset }: StoredRecord): void {
    this.#byId.get(topic.name)?.set(key, offset * topic.partitions + partition)
    this.#byProblem.get(topic.name)?.add(partition, offset, this.#numberOf(key))
  }

  /** Takes a record in. */
  add<Kind extends RecordKind>(topic: Topic<Kind>, record: RecordTypes[Kind], at: Place): void {
    this.#changes++
    const one: RecordTypes[RecordKind] = record
    if (topic.name === topics.problems.name) this.#addProblem(one as Problem, at)
    else if (topic.name === topics.outcomes.name) this.#addOutcome(one as Outcome)
    else if (topic.name === topics.discards.name) this.#addDiscard(one as Discard, at)
    else if (topic.name === topics.retractions.name) this.#addRetraction(one as Retraction, at)
    else if (topic.name === topics.conceptLists.name) this.#addConceptList(one as ConceptList)
  }

  /** Takes in that a record became a dead letter. `topic` is that of the record. */
  addDeadLetter(topic: Topic | undefined, key: string, place: Place): void {
    if (!topic || !(topic.key === 'problemId' || problemTopics.has(topic.name))) return
    const problem = this.#numberOf(key)
    const letter = `${place.partition}/${place.offset}`
    this.#problemsOfLetters.set(letter, problem)
    const letters = this.#deadLetters.get(problem)
    if (letters) letters.set(letter, place)
    else this.#deadLetters.set(problem, new Map([[letter, place]]))
  }

  /** Takes in that a dead letter was put back; it goes by `partition/offset`. */
  removeDeadLetter(letter: string): void {
    const problem = this.#problemsOfLetters.get(letter)
    if (problem === undefined) return
    this.#problemsOfLetters.delete(letter)
    const letters = this.#deadLetters.get(problem)
    letters?.delete(letter)
    if (letters?.size === 0) this.#deadLetters.delete(problem)
  }

  /** Tries again what named a record that was not read yet. */
  settle(): void {
    const early = this.#early
    this.#early = []
    for (const { discard, at } of early) this.#addDiscard(discard, at)
  }

  row(problem: number): ProblemRow {
    const flags = this.#flags.get(problem)
    const [id = '', excerpt = ''] = this.#excerptOf(problem)
    return {
      ...{ id, excerpt },
      domain: this.domains.nameOf(this.#domains.get(problem)),
      level: this.levels.nameOf(this.#levels.get(problem)),
      source: this.sources.nameOf(this.#sources.get(problem)),
      isHuman: (flags & isHuman) !== 0,
      simulated: (flags & isSimulated) !== 0,
      createdAtMs: this.#createdAtMs.get(problem),
      status: this.#statusOf(problem),
      reason: this.reasons.nameOf(this.#endReasons.get(problem)),
      outcomes: this.#outcomesOf(problem).map((index) => ({
        solver: this.models.nameOf(this.#outcomes.solvers.get(index)),
        result: this.#resultAt(index),
        passed: this.#outcomes.passed.get(index),
        attempted: this.#outcomes.attempted.get(index),
      })),
      verdicts: this.#countOf(topics.verdicts, problem),
      pairs: this.#countOf(topics.preferencePairs, problem),
    }
  }

  /** The numbers of the problems that a query asks for, in its order. */
  search(query: ProblemQuery): Uint32Array {
    const known = this.#known
    const wanted = new Uint8Array(known)
    const flags = this.#flags.view(known)
    for (let problem = 0; problem < known; problem++) wanted[problem] = (flags[problem] ?? 0) & isRead
    const keep = (column: Column, names: Names, name: string | undefined): void => {
      if (name === undefined) return
      const number = names.find(name) ?? -1
      const numbers = column.view(known)
      for (let problem = 0; problem < known; problem++) if (numbers[problem] !== number) wanted[problem] = 0
    }
    keep(this.#domains, this.domains, query.domain)
    keep(this.#levels, this.levels, query.level)
    if (query.origin !== undefined) {
      const origin = query.origin === 'human' ? isHuman : 0
      for (let problem = 0; problem < known; problem++)
        if (((flags[problem] ?? 0) & isHuman) !== origin) wanted[problem] = 0
    }
    const { reason, model, concept, minPassRate, maxPassRate } = query
    if (reason !== undefined) keepOnly(wanted, this.#withReasons(new Set([this.reasons.find(reason) ?? -1])))
    if (model !== undefined) keepOnly(wanted, this.#withModel(this.models.find(model) ?? -1))
    if (concept !== undefined) keepOnly(wanted, this.#withConcept(this.concepts.find(concept) ?? -1))
    if (minPassRate !== undefined || maxPassRate !== undefined)
      keepOnly(wanted, this.#withPassRate(minPassRate ?? 0, maxPassRate ?? 1))
    if (query.status !== undefined)
      for (let problem = 0; problem < known; problem++)
        if (wanted[problem] === 1 && this.#statusOf(problem) !== query.status) wanted[problem] = 0
    // Long words are rarer: those that follow are looked for in fewer texts.
    const words = [...query.words].sort((a, b) => b.length - a.length)
    for (const one of words) keepOnly(wanted, this.#withWords(one, wanted))
    return this.#inOrder(wanted, query.sort)
  }

  /** How many problems have a name in a column of theirs, most first. May be a few seconds old while the corpus grows. */
  counts(of: 'domains' | 'levels' | 'reasons' | 'models' | 'status'): NameCount[] {
    const kept = this.#counted.get(of)
    const nowMs = performance.now()
    if (kept && (kept.changes === this.#changes || nowMs - kept.atMs < countedForMs)) return kept.counts
    const counts = this.#count(of)
    this.#counted.set(of, { changes: this.#changes, atMs: nowMs, counts })
    return counts
  }

  #count(of: 'domains' | 'levels' | 'reasons' | 'models' | 'status'): NameCount[] {
    const sorted = (counts: Iterable<readonly [string, number]>): NameCount[] =>
      [...counts]
        .map(([name, count]) => ({ name, count }))
        .filter(({ name, count }) => name !== '' && count > 0)
        .sort((a, b) => b.count - a.count)
    const byNumber = (column: Column, length: number, names: Names): NameCount[] => {
      const numbers = column.view(length)
      const counts: number[] = []
      for (let index = 0; index < length; index++) {
        const number = numbers[index] ?? 0
        counts[number] = (counts[number] ?? 0) + 1
      }
      return sorted(counts.flatMap((count, number) => [[names.nameOf(number), count] as const]))
    }
    switch (of) {
      case 'domains':
        return byNumber(this.#domains, this.#known, this.domains)
      case 'levels':
        return byNumber(this.#levels, this.#known, this.levels)
      case 'reasons':
        return byNumber(this.#discards.reasons, this.#discards.reasons.length, this.reasons)
      case 'models':
        return sorted([...this.#modelProblems].map(([model, problems]) => [this.models.nameOf(model), problems.sum()]))
      case 'status': {
        const counts = new Map<string, number>()
        for (let at = 0; at < this.#order.length; at++) {
          const status = this.#statusOf(this.#order.get(at))
          counts.set(status, (counts.get(status) ?? 0) + 1)
        }
        return sorted(counts)
      }
    }
  }

  #numberOf(id: string): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const number = this.#known++
    this.#numbers.set(id, number)
    this.#flags.set(number, 0)
    return number
  }

  #addProblem(problem: Problem, at: Place): void {
    const number = this.#numberOf(problem.id)
    const flags = this.#flags.get(number)
    // Taken in twice: the same record.
    if ((flags & isRead) !== 0) return
    if (problem.simulated) this.#simulated++
    this.#flags.set(
      number,
      flags | isRead | (problem.origin === 'human' ? isHuman : 0) | (problem.simulated ? isSimulated : 0),
    )
    this.#places.set(number, at.offset * topics.problems.partitions + at.partition)
    this.#createdAtMs.set(number, problem.createdAtMs)
    this.#domains.set(number, this.domains.numberOf(problem.domain))
    this.#levels.set(number, this.levels.numberOf(problem.level))
    this.#sources.set(number, this.sources.numberOf(problem.source))
    this.#conceptStarts.set(number, this.#conceptNumbers.length)
    this.#conceptCounts.set(number, Math.min(problem.concepts.length, 65_535))
    for (const concept of problem.concepts) this.#conceptNumbers.push(this.concepts.numberOf(concept))
    for (const { model } of problem.calls) this.#addModel(number, model)
    this.#order.push(number)
    const { id, concepts, source, sourceId, statement } = problem
    this.#texts.add(number, searchable([id, ...concepts, source, sourceId, statement].join(' \u0001 ')))
    this.#addExcerpt(number, `${id.slice(0, mostIdCharacters)}\0${excerptOf(statement)}\0`)
  }

  #addExcerpt(problem: number, text: string): void {
    const bytes = Buffer.from(text)
    let chunk = this.#excerpts.at(-1)
    if (!chunk || this.#excerptUsed + bytes.length > chunk.length) {
      chunk = Buffer.alloc(excerptChunkBytes)
      this.#excerpts.push(chunk)
      this.#excerptUsed = 0
    }
    this.#excerptStarts.set(problem, (this.#excerpts.length - 1) * excerptChunkBytes + this.#excerptUsed)
    bytes.copy(chunk, this.#excerptUsed)
    this.#excerptUsed += bytes.length
  }

  /** Id and excerpt. */
  #excerptOf(problem: number): string[] {
    const start = this.#excerptStarts.get(problem)
    const chunk = this.#excerpts[Math.floor(start / excerptChunkBytes)]
    const from = start % excerptChunkBytes
    const end = chunk?.indexOf(0, chunk.indexOf(0, from) + 1)
    return chunk?.toString('utf8', from, end).split('\0') ?? []
  }

  #addOutcome({ problemId, solver, result, passed, attempted }: Outcome): void {
    const problem = this.#numberOf(problemId)
    const model = this.#addModel(problem, solver)
    // The last one of a solver stands, as after a replay under other rules.
    const known = this.#outcomesOf(problem).find((index) => this.#outcomes.solvers.get(index) === model)
    const index = known ?? this.#outcomes.before.push(this.#lastOutcomes.get(problem))
    if (known === undefined) this.#lastOutcomes.set(problem, index + 1)
    this.#outcomes.problems.set(index, problem)
    this.#outcomes.solvers.set(index, model)
    this.#outcomes.results.set(index, results.indexOf(result))
    this.#outcomes.passed.set(index, Math.min(passed, 65_535))
    this.#outcomes.attempted.set(index, Math.min(attempted, 65_535))
  }

  #addDiscard(discard: Discard, at: Place): void {
    const problem = this.#problemOf(discard)
    if (problem === 'none') return
    if (problem === undefined) {
      this.#early.push({ discard, at })
      return
    }
    const reason = this.reasons.numberOf(`${discard.processor}: ${discard.reason}`)
    const { places, reasons, problems, before } = this.#discards
    places.push(at.offset * topics.discards.partitions + at.partition)
    reasons.push(reason)
    problems.push(problem)
    this.#lastDiscards.set(problem, before.push(this.#lastDiscards.get(problem)) + 1)
    for (const { model } of discard.calls) this.#addModel(problem, model)
    if (!discard.leftStream) return
    this.#flags.set(problem, this.#flags.get(problem) | hasLeft)
    this.#endReasons.set(problem, reason)
  }

  /** The problem that a discard is about: undefined where its record was not read yet, `none` for what comes before problems. */
  #problemOf({ topic, recordId, partition, offset }: Discard): number | undefined | 'none' {
    if (problemTopics.has(topic)) return this.#numberOf(recordId)
    const places = this.#byProblem.get(topic)
    return places ? places.problemAt(partition, offset) : 'none'
  }

  #addRetraction({ problemId }: Retraction, at: Place): void {
    const problem = this.#numberOf(problemId)
    this.#retractions.set(problem, at)
    this.#flags.set(problem, this.#flags.get(problem) | isRetracted)
  }

  #addConceptList({ id, parentIds, annotator, source, domain, concepts }: ConceptList): void {
    const number = this.#lists.push({ id, seedId: parentIds[0] ?? '', annotator, source }) - 1
    for (const concept of new Set(concepts)) {
      const key = `${domain}/${concept}`
      const lists = this.#namedIn.get(key)
      if (lists) lists.push(number)
      else this.#namedIn.set(key, [number])
    }
  }

  #addModel(problem: number, name: string): number {
    const model = this.models.numberOf(name)
    let problems = this.#modelProblems.get(model)
    if (!problems) this.#modelProblems.set(model, (problems = Column.bytes()))
    problems.set(problem, 1)
    return model
  }

  #outcomesOf(problem: number): number[] {
    const indexes: number[] = []
    for (let next = this.#lastOutcomes.get(problem); next > 0; next = this.#outcomes.before.get(next - 1))
      indexes.push(next - 1)
    return indexes.reverse()
  }

  #resultAt(index: number): OutcomeResult {
    return results[this.#outcomes.results.get(index)] ?? 'abandoned'
  }

  #countOf(topic: Topic, problem: number): number {
    return this.#byProblem.get(topic.name)?.count(problem) ?? 0
  }

  #statusOf(problem: number): Status {
    const flags = this.#flags.get(problem)
    return statusOf({
      isRetracted: (flags & isRetracted) !== 0,
      hasLeft: (flags & hasLeft) !== 0,
      results:
        this.#lastOutcomes.get(problem) === 0 ? [] : this.#outcomesOf(problem).map((index) => this.#resultAt(index)),
      isDead: this.#deadLetters.has(problem),
    })
  }

  #withReasons(numbers: ReadonlySet<number>): Uint8Array {
    const found = new Uint8Array(this.#known)
    const { length } = this.#discards.reasons
    const [reasons, problems] = [this.#discards.reasons.view(length), this.#discards.problems.view(length)]
    for (let index = 0; index < length; index++) if (numbers.has(reasons[index] ?? 0)) found[problems[index] ?? 0] = 1
    return found
  }

  #withModel(model: number): Uint8Array {
    const problems = this.#modelProblems.get(model)
    const found = new Uint8Array(this.#known)
    const numbers = problems?.view(this.#known)
    for (let problem = 0; numbers && problem < this.#known; problem++) found[problem] = numbers[problem] ?? 0
    return found
  }

  #withConcept(concept: number): Uint8Array {
    const found = new Uint8Array(this.#known)
    const concepts = this.#conceptNumbers.view(0)
    const [starts, counts] = [this.#conceptStarts.view(this.#known), this.#conceptCounts.view(this.#known)]
    for (let problem = 0; problem < this.#known; problem++) {
      const start = starts[problem] ?? 0
      const end = start + (counts[problem] ?? 0)
      for (let index = start; index < end; index++) if (concepts[index] === concept) found[problem] = 1
    }
    return found
  }

  /** Problems one of whose solvers has a pass rate within these bounds. */
  #withPassRate(min: number, max: number): Uint8Array {
    const found = new Uint8Array(this.#known)
    const { length } = this.#outcomes.problems
    const [passed, attempted] = [this.#outcomes.passed.view(length), this.#outcomes.attempted.view(length)]
    for (let index = 0; index < length; index++) {
      const rate = (passed[index] ?? 0) / (attempted[index] ?? 0)
      if (rate >= min && rate <= max) found[this.#outcomes.problems.get(index)] = 1
    }
    return found
  }

  #withWords(words: string, wanted: Uint8Array): Uint8Array {
    const found = this.#withReasons(
      new Set([...this.reasons.entries()].filter(([, name]) => name.includes(words)).map(([number]) => number)),
    )
    this.#texts.find(words, wanted, (problem) => {
      found[problem] = 1
    })
    return found
  }

  #inOrder(wanted: Uint8Array, sort: ProblemQuery['sort']): Uint32Array {
    const { length } = this.#order
    const order = this.#order.view(length)
    const found = new Uint32Array(length)
    let count = 0
    for (let at = 0; at < length; at++) {
      const problem = order[sort === 'newest' ? length - 1 - at : at] ?? 0
      if (wanted[problem] === 1) found[count++] = problem
    }
    const all = found.subarray(0, count)
    if (sort === 'newest' || sort === 'oldest') return all
    const rates = new Float64Array(this.#known).fill(sort === 'hardest' ? 2 : -1)
    const { passed, attempted, problems } = this.#outcomes
    for (let index = 0; index < problems.length; index++)
      if (attempted.get(index) > 0) rates[problems.get(index)] = passed.get(index) / attempted.get(index)
    const sign = sort === 'hardest' ? 1 : -1
    // Problems without attempts come last.
    return all.sort((a, b) => sign * ((rates[a] ?? 0) - (rates[b] ?? 0)))
  }
}

const excerptChunkBytes = 4 << 20

function excerptOf(statement: string): string {
  const line = visible(statement.slice(0, 4 * excerptCharacters))
    .replace(/[\s\0]+/g, ' ')
    .trim()
  return line.length > excerptCharacters ? `${beginningOf(line, excerptCharacters)} ...` : line
}

function placeIn({ partitions }: Topic, place: number): Place {
  return { partition: place % partitions, offset: Math.floor(place / partitions) }
}

function keepOnly(wanted: Uint8Array, found: Uint8Array): void {
  for (let problem = 0; problem < wanted.length; problem++) if (found[problem] !== 1) wanted[problem] = 0
}
