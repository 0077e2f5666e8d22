/** What became of a problem, and why: as a status, and in a sentence. */
import type { Discard, Outcome, OutcomeResult, Retraction } from '../schemas/generated.ts'
import { counted } from './format.ts'

export const statuses = [
  'kept',
  'too_easy',
  'unsolved',
  'abandoned',
  'discarded',
  'failed',
  'retracted',
  'in_progress',
] as const
export type Status = (typeof statuses)[number]

/** How a reader knows each. */
export const statusNames: Readonly<Record<Status, string>> = {
  kept: 'kept',
  too_easy: 'too easy',
  unsolved: 'unsolved',
  abandoned: 'abandoned',
  discarded: 'discarded',
  failed: 'failed',
  retracted: 'retracted',
  in_progress: 'in progress',
}

/** With several solvers a problem is what its best outcome says, in this order. */
const byWorth: readonly OutcomeResult[] = ['kept', 'too_easy', 'unsolved', 'abandoned']

interface Facts {
  isRetracted: boolean
  /** Whether a discard ended it before it had an outcome. */
  hasLeft: boolean
  results: readonly OutcomeResult[]
  /** Whether a record of it is among the dead letters. */
  isDead: boolean
}

export function statusOf({ isRetracted, hasLeft, results, isDead }: Facts): Status {
  if (isRetracted) return 'retracted'
  const best = byWorth.find((result) => results.includes(result))
  if (best) return best
  if (hasLeft) return 'discarded'
  return isDead ? 'failed' : 'in_progress'
}

/** A record that could not be processed. */
export interface DeadLetter {
  processor: string
  code: string
  message: string
}

/** What is known of a problem's way. */
export interface Way {
  retraction: Retraction | undefined
  discards: readonly Discard[]
  outcomes: readonly Outcome[]
  deadLetters: readonly DeadLetter[]
  isAccepted: boolean
  hasChecks: boolean
  verdicts: number
  pairs: number
}

export function statusOfWay({ retraction, discards, outcomes, deadLetters }: Way): Status {
  return statusOf({
    isRetracted: retraction !== undefined,
    hasLeft: discards.some(({ leftStream }) => leftStream),
    results: outcomes.map(({ result }) => result),
    isDead: deadLetters.length > 0,
  })
}

/** Why the problem is kept or not, in one sentence. */
export function reasonOf(way: Way): string {
  const { retraction, discards, outcomes, deadLetters } = way
  const status = statusOfWay(way)
  switch (status) {
    case 'retracted':
      return `Retracted by ${retraction?.by} as ${retraction?.reason} (${retraction?.evidence}): exports leave out all that was made of it.`
    case 'discarded': {
      const end = discards.find(({ leftStream }) => leftStream)
      return `Discarded by ${end?.processor} as ${end?.reason}: ${end?.evidence}.`
    }
    case 'failed':
      return `Failed in ${deadLetters[0]?.processor} (${deadLetters[0]?.code}): ${deadLetters[0]?.message}. It waits among the dead letters.`
    case 'in_progress':
      return progressOf(way)
    case 'kept':
      return `Kept: ${attemptsOf(outcomes, 'kept')}. ${pairsOf(way)}`
    case 'too_easy':
      return `Too easy: ${attemptsOf(outcomes, 'too_easy')}, so it teaches little and no pair is made of it.`
    case 'unsolved':
      return `Unsolved: ${attemptsOf(outcomes, 'unsolved')}, so there is nothing to choose.`
    case 'abandoned':
      return `Abandoned: ${attemptsOf(outcomes, 'abandoned')}.`
  }
}

function progressOf({ isAccepted, hasChecks, verdicts }: Way): string {
  if (verdicts > 0) return `In progress: ${counted(verdicts, 'attempt')} verified so far, no outcome yet.`
  if (hasChecks) return 'In progress: its checks are made, and attempts at it are under way.'
  if (isAccepted) return 'In progress: accepted; its checks are being made.'
  return 'In progress: not screened and judged yet.'
}

function attemptsOf(outcomes: readonly Outcome[], result: OutcomeResult): string {
  return outcomes
    .filter((outcome) => outcome.result === result)
    .map((outcome) => `${outcome.solver} ${countsOf(outcome)}`)
    .join('; ')
}

function countsOf({ result, reason, passed, attempted, unverifiable, spared, setAside }: Outcome): string {
  if (reason === 'no_test_left')
    return `made ${counted(attempted, 'attempt')}, most of which agree with one another and with no test`
  const aside = setAside.length > 0 ? `, with ${counted(setAside.length, 'test')} set aside` : ''
  const left = spared > 0 ? ` (${formatSpared(spared)})` : ''
  if (result === 'abandoned')
    return `made ${counted(attempted, 'attempt')} that could be verified and ${unverifiable} that could not, which are too few`
  return `passed ${passed === 0 ? 'none' : passed} of ${counted(attempted, 'attempt')}${aside}${left}`
}

function formatSpared(spared: number): string {
  return `${counted(spared, 'more was', 'more were')} not asked for, as they could not have changed that`
}

function pairsOf({ pairs, discards }: Way): string {
  if (pairs > 0) return `${counted(pairs, 'preference pair')} ${pairs === 1 ? 'was' : 'were'} made of the attempts.`
  const none = discards.find(({ topic, leftStream }) => !leftStream && topic === 'outcomes')
  return none
    ? `No pair was made: ${none.processor} found ${none.reason} (${none.evidence}).`
    : 'Its pairs are being made.'
}
