/** A few problems with all their records, gathered while the corpus is read: the same ones for the same corpus. */
import { LowestNumbers, sampleOrder } from '../../exports/sample.ts'
import type {
  ConceptList,
  Discard,
  Outcome,
  PreferencePair,
  Problem,
  Retraction,
  SftExample,
  TestCases,
  TestRuns,
  Trace,
  Verdict,
} from '../../schemas/generated.ts'
import { statusOfWay, type Status } from '../ending.ts'
import { wayOf, type Story } from '../story.ts'
import { compare } from './figures.ts'

/** So many problems are watched for each that is shown, so that each way to end has its sample. */
const watchedForEach = 8

type Gathered = { -readonly [Name in keyof Story]: Story[Name] } & {
  testCases: TestCases[]
  testRuns: TestRuns[]
  outcomes: Outcome[]
  verdicts: Verdict[]
  pairs: PreferencePair[]
  traces: Trace[]
  examples: SftExample[]
  discards: Discard[]
}

/** What was made of a problem, by its name in a story. */
export type SampledName = 'testCases' | 'testRuns' | 'outcomes' | 'verdicts' | 'pairs' | 'traces' | 'examples'
export type SampledRecord<Name extends SampledName> = Gathered[Name][number]

/** Problems that a report may show. */
export class Samples {
  readonly #count: number
  readonly #lowest: LowestNumbers
  readonly #stories = new Map<string, Gathered>()
  readonly #discardsByRecord = new Map<string, Gathered>()

  constructor(count: number) {
    this.#count = count
    this.#lowest = new LowestNumbers(Math.max(1, count * watchedForEach))
  }

  /** To be told of every problem before anything else. */
  addProblem(problem: Problem): void {
    if (this.#count === 0) return
    const order = sampleOrder('report', problem.id)
    this.#lowest.add(order)
    const highest = this.#lowest.highest()
    if (highest !== undefined && order > highest) return
    this.#stories.set(problem.id, {
      ...{
        problem,
        accepted: undefined,
        rationale: undefined,
        combination: undefined,
        concepts: [],
        retraction: undefined,
      },
      ...{
        testCases: [],
        testRuns: [],
        outcomes: [],
        verdicts: [],
        pairs: [],
        traces: [],
        examples: [],
        discards: [],
        deadLetters: [],
      },
    })
    if (this.#stories.size > 4 * this.#count * watchedForEach) this.#forget()
  }

  addAccepted(problem: Problem): void {
    const story = this.#stories.get(problem.id)
    if (story) story.accepted = problem
  }

  add<Name extends SampledName>(name: Name, record: SampledRecord<Name>): void {
    const story = this.#stories.get(record.problemId)
    if (!story) return
    ;(story[name] as (typeof record)[]).push(record)
    this.#discardsByRecord.set(record.id, story)
  }

  /** To be told after what was made of problems. */
  addDiscard(discard: Discard): void {
    const story = this.#stories.get(discard.recordId) ?? this.#discardsByRecord.get(discard.recordId)
    story?.discards.push(discard)
  }

  addRetraction(retraction: Retraction): void {
    const story = this.#stories.get(retraction.problemId)
    if (story) story.retraction = retraction
  }

  /** Those to be shown: one of each way to end in turn, the kept ones first and twice. */
  chosen(): Gathered[] {
    this.#forget()
    const groups = new Map<Status, Gathered[]>()
    const inOrder = [...this.#stories.values()].sort((a, b) => compareOrders(a.problem.id, b.problem.id))
    for (const story of inOrder) {
      const status = statusOfWay(wayOf(story))
      groups.set(status, [...(groups.get(status) ?? []), story])
    }
    const turns: readonly Status[] = [
      'kept',
      'discarded',
      'kept',
      'too_easy',
      'unsolved',
      'retracted',
      'abandoned',
      'failed',
      'in_progress',
    ]
    const chosen: Gathered[] = []
    while (chosen.length < this.#count && [...groups.values()].some((group) => group.length > 0))
      for (const status of turns) {
        const story = chosen.length < this.#count ? groups.get(status)?.shift() : undefined
        if (story) chosen.push(story)
      }
    return chosen.sort((a, b) => turns.indexOf(statusOfWay(wayOf(a))) - turns.indexOf(statusOfWay(wayOf(b))))
  }

  /** Problems that later ones have displaced. */
  #forget(): void {
    const highest = this.#lowest.highest()
    if (highest === undefined) return
    for (const id of this.#stories.keys()) if (sampleOrder('report', id) > highest) this.#stories.delete(id)
  }
}

function compareOrders(a: string, b: string): number {
  const [first, second] = [sampleOrder('report', a), sampleOrder('report', b)]
  return first < second ? -1 : first > second ? 1 : compare(a, b)
}

/** Concept lists, as far as the samples need them: which of the first so many lists name a concept. */
export class NamedConcepts {
  readonly #wanted: ReadonlySet<string>
  readonly #lists = new Map<string, { number: number; list: ConceptList }[]>()

  /** @param wanted `domain/concept` */
  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted
  }

  add(number: number, list: ConceptList): void {
    for (const concept of new Set(list.concepts)) {
      const key = `${list.domain}/${concept}`
      if (!this.#wanted.has(key)) continue
      this.#lists.set(key, [...(this.#lists.get(key) ?? []), { number, list }])
    }
  }

  /** Lists that name it among the first ones. */
  of(domain: string, concept: string, firstLists: number): ConceptList[] {
    return (this.#lists.get(`${domain}/${concept}`) ?? [])
      .filter(({ number }) => number < firstLists)
      .map(({ list }) => list)
  }
}
