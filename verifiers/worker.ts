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
  /** By slot, the number of the job that was called off there last: a thread that is still starting hears no message. */
  readonly calledOff: Int32Array
  /** How many threads there are. */
  readonly threads: number
  /** How many threads have closed their sandbox. */
  readonly closed: Int32Array
  /** The name of the broadcast channel on which the pool calls jobs off: each message is a job's number. */
  readonly channel: string
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

/** What a thread is asked. `job` is the task's number, `slot` the pool's place for it in the shared clocks. */
export type WorkerTask = { readonly job: number; readonly slot: number } & (
  | { readonly kind: 'math-compare'; readonly requests: readonly MathRequest[] }
  | { readonly kind: 'math-vote'; readonly request: VoteRequest }
  | { readonly kind: 'program'; readonly launch: SandboxLaunch; readonly request: ProgramRequest }
  | { readonly kind: 'close' }
)

// Piscina hands over [its own data, ours], or ours alone.
const shared = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkerData
let judge: ProgramJudge | undefined
let running: number | undefined
let closed = false
let turn: Promise<unknown> = Promise.resolve()

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
): Promise<readonly MathVerdict[] | VoteResult | ProgramResult | undefined> {
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
    case 'program':
      return inTurn(() => {
        running = task.job
        judge ??= new ProgramJudge(task.launch)
        return judge.judge(task.request, begin, () => shared.calledOff[task.slot] === task.job)
      })
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
  return { groups, undecided: found.undecided.map(at), missing, ...(winner === undefined ? {} : { majority: winner }) }
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
