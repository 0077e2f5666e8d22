/**
 * The worker thread of the verifier pool: one task at a time, plain data in and out. It marks when each step of a task
 * begins, so that the pool can end a thread that is stuck in one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import { ProgramJudge } from './judge.ts'
import { compareMath, extractAnswer, groupAnswers, majority } from './math.ts'
import type { ProgramRequest, ProgramResult } from './program.ts'
import type { SandboxLaunch } from './sandbox.ts'

/** What the pool hands to every thread: by slot, when the running step began (ms since 1970) and which one it is. */
export interface WorkerData {
  readonly startedMs: Float64Array
  readonly step: Int32Array
  /** By slot, which program of its parcel is running; -1 before the first. */
  readonly place: Int32Array
  /** By slot and place, the number of the program that was called off there: a thread that is still starting hears no message. */
  readonly calledOff: Int32Array
  /** Places of a slot. */
  readonly programsPerParcel: number
  /** After this long a thread hands over what it has done of a parcel, and begins no more of it. */
  readonly parcelMs: number
  /** How many threads there are. */
  readonly threads: number
  /** How many threads have closed their sandbox. */
  readonly closed: Int32Array
  /** The name of the broadcast channel: the pool calls programs off by their numbers, threads send ParcelNews. */
  readonly channel: string
  /** How sandboxes are started; absent while the pool has not looked: then tasks say it. */
  readonly launch?: SandboxLaunch
}

/** One answer, or a completion that holds one, against a reference. */
export type MathRequest = { readonly reference: string; readonly extract?: 'boxed' | 'lenient' } & (
  { readonly answer: string } | { readonly completion: string }
)

/** What was concluded of an answer: `reason` is `equal`, `different`, or why there is no answer or no decision. */
export type MathVerdict = ReturnType<typeof compareMath>

/** Many answers, or completions that hold one each, to be grouped by equality. */
export type VoteRequest = { readonly extract?: 'boxed' | 'lenient' } & (
  { readonly answers: readonly string[] } | { readonly completions: readonly string[] }
)

/** How answers group; every number is a position in the request. */
export interface VoteResult {
  /** Classes of equal answers, largest first, then by first member. */
  readonly groups: readonly { readonly representative: string; readonly members: readonly number[] }[]
  /** Answers that cannot be read. */
  readonly undecided: readonly number[]
  /** The same with the reasons. */
  readonly unplaced: readonly { readonly member: number; readonly reason: string }[]
  /** Completions without an answer. */
  readonly missing: readonly number[]
  /** The largest class, its lead over the second, and whether there is none (a tie); absent without answers. */
  readonly majority?: {
    readonly representative: string
    readonly count: number
    readonly margin: number
    readonly tie: boolean
  }
}

/** What a thread is asked; `slot` is the pool's place for it in the shared clocks. */
export type WorkerTask = { readonly slot: number } & (
  | { readonly kind: 'math-compare'; readonly requests: readonly MathRequest[] }
  | { readonly kind: 'math-vote'; readonly request: VoteRequest }
  | {
      readonly kind: 'programs'
      readonly programs: readonly { readonly number: number; readonly request: ProgramRequest }[]
      readonly launch?: SandboxLaunch
    }
  | { readonly kind: 'close' }
)

/** The results of a parcel's first programs (perhaps not of all), and how long they took. */
export interface ParcelResult {
  readonly results: readonly ProgramResult[]
  readonly milliseconds: number
}

/** Sent while one program takes its time: what its parcel has done before it, and what this thread gives back. */
export interface ParcelNews {
  readonly slot: number
  /** The number of the parcel's first program. */
  readonly first: number
  readonly results: readonly ProgramResult[]
  /** The place from which on the parcel's programs are given back. */
  readonly backFrom: number
}

// Piscina hands over [its own data, ours], or ours alone.
const shared = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkerData
let judge: ProgramJudge | undefined
let running: number | undefined
let closed = false
let turn: Promise<unknown> = Promise.resolve()
/** Parcels whose turn has not come. */
const waiting = new Set<Parcel>()
/** Whether the parcel at work takes longer than parcels should. */
let isLate = false

/** A lane runs one program at a time; the next one waits here, so that it starts without a word from the pool. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work)
  turn = mine.catch(() => undefined)
  return mine
}

const channel = new BroadcastChannel(shared.channel)
channel.onmessage = ({ data }: { data: unknown }) => {
  if (data === running) judge?.cancel()
}
channel.unref()

/** Serves one task of the pool. A throw is a fault of ours; the pool hands the task to a thread again. */
export default async function serve(
  task: WorkerTask,
): Promise<readonly MathVerdict[] | VoteResult | ParcelResult | undefined> {
  const begin = stepper(task.slot)
  switch (task.kind) {
    case 'math-compare':
      return task.requests.map((request) => {
        begin()
        return compareMath(request, { extract: request.extract ?? 'boxed' })
      })
    case 'math-vote':
      begin()
      return vote(task.request)
    case 'programs':
      return judgeInTurn(task, begin)
    case 'close':
      // Waited for, so that the sandbox's process is reaped: nobody could once this thread has ended.
      await inTurn(async () => {
        if (closed) return
        closed = true
        await judge?.close()
        Atomics.add(shared.closed, 0, 1)
      })
      // A thread that is done first must not take a slower one's turn to close.
      while (Atomics.load(shared.closed, 0) < shared.threads) await delay(2)
      return undefined
  }
}

type Parcel = Extract<WorkerTask, { kind: 'programs' }>

/** Judges a parcel when its turn comes. While the lane is late with another one, its programs are others' to judge. */
async function judgeInTurn(parcel: Parcel, begin: () => void): Promise<ParcelResult> {
  waiting.add(parcel)
  if (isLate) giveBack(parcel)
  return inTurn(async () =>
    waiting.delete(parcel) ? judgeParcel(parcel, begin) : Promise.resolve({ results: [], milliseconds: 0 }),
  )
}

function giveBack(parcel: Parcel): void {
  waiting.delete(parcel)
  tell(parcel, [], 0)
}

function tell({ slot, programs }: Parcel, results: readonly ProgramResult[], backFrom: number): void {
  channel.postMessage({ slot, first: programs[0]?.number ?? 0, results, backFrom } satisfies ParcelNews)
}

async function judgeParcel(parcel: Parcel, begin: () => void): Promise<ParcelResult> {
  const { slot, programs, launch } = parcel
  const { place, calledOff, programsPerParcel, parcelMs } = shared
  judge ??= new ProgramJudge(launchOf(launch))
  const started = performance.now()
  const results: ProgramResult[] = []
  const late = setTimeout(() => {
    isLate = true
    if (programs.length > 1) tell(parcel, results, results.length + 1)
    for (const other of waiting) giveBack(other)
  }, parcelMs)
  try {
    for (const [index, { number, request }] of programs.entries()) {
      if (isLate) break
      place[slot] = index
      running = number
      const isCalledOff = (): boolean => calledOff[slot * programsPerParcel + index] === number
      results.push(await judge.judge(request, begin, isCalledOff))
    }
  } finally {
    clearTimeout(late)
    isLate = false
  }
  return { results, milliseconds: performance.now() - started }
}

function launchOf(given: SandboxLaunch | undefined): SandboxLaunch {
  const launch = shared.launch ?? given
  if (!launch) throw new Error('a program came before anyone said how sandboxes are started')
  return launch
}

function vote(request: VoteRequest): VoteResult {
  const positions: number[] = []
  const answers: string[] = []
  const missing: number[] = []
  if ('answers' in request) {
    for (const [index, answer] of request.answers.entries()) {
      positions.push(index)
      answers.push(answer)
    }
  } else {
    for (const [index, completion] of request.completions.entries()) {
      const found = extractAnswer(completion, request.extract ?? 'boxed')
      if ('answer' in found) {
        positions.push(index)
        answers.push(found.answer)
      } else missing.push(index)
    }
  }
  const at = (index: number): number => positions[index] ?? index
  const found = groupAnswers(answers)
  const groups = found.groups
    .map(({ representative, members }) => ({ representative, members: members.map(at) }))
    .sort((left, right) => right.members.length - left.members.length)
  const winner = majority(found.groups)
  const unplaced = found.unplaced.map(({ member, reason }) => ({ member: at(member), reason }))
  return {
    ...{ groups, undecided: unplaced.map(({ member }) => member), unplaced, missing },
    ...(winner === undefined ? {} : { majority: winner }),
  }
}

/** Marks the beginning of a task's next step in the shared clocks. */
function stepper(slot: number): () => void {
  const { startedMs, step } = shared
  let next = 0
  return () => {
    step[slot] = next
    startedMs[slot] = Date.now()
    next += 1
  }
}
