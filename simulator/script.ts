/** A script of what befalls the endpoint, and when: `hang@60s,recover@90s,restart@+60s/5s,restart@every10m`. */
import { LONGEST_TIMER_MS } from './clock.ts'

/** Something that befalls the endpoint; the times are simulated ones: divided by the speed. */
export interface ScriptedEvent {
  /** hang: nothing moves, nothing is answered. recover: it goes on. restart: it loses everything that is under way. */
  what: 'hang' | 'recover' | 'restart'
  /** Since the start; of one that repeats, the first time. */
  atSeconds: number
  /** Undefined: once. */
  everySeconds: number | undefined
  /** How long a restart takes; 0 for everything else. */
  awaySeconds: number
}

const RESTART_SECONDS = 2
const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }
const EVENT = /^(?<what>[a-z]+)@(?<from>\+|every)?(?<time>[^/]*)(?:\/(?<away>.*))?$/

/**
 * Reads a script: events with commas between them, each `name@time`. A time is a number with s, m or h, from the start; after `+`, from the event
 * before it in the text; after `every`, again and again. `/time` behind a restart is how long it takes, 2 s without it. Throws Error.
 */
export function parseScript(text: string): ScriptedEvent[] {
  const events: ScriptedEvent[] = []
  if (text.trim() === '') return events
  for (const part of text.split(',').map((one) => one.trim())) events.push(readEvent(part, events.at(-1)))
  return events
}

function readEvent(text: string, before: ScriptedEvent | undefined): ScriptedEvent {
  const fault = (expected: string): Error => new Error(`${JSON.stringify(text)}: expected ${expected}`)
  const seconds = (time: string): number => {
    const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([smh])$/.exec(time) ?? []
    if (number === undefined) throw fault(`a time such as 10s, 2m or 1h, got ${JSON.stringify(time)}`)
    return Number(number) * (SECONDS_OF_UNIT[unit] ?? 1)
  }
  const { what, from, time = '', away } = EVENT.exec(text)?.groups ?? {}
  if (what !== 'hang' && what !== 'recover' && what !== 'restart')
    throw fault('hang, recover or restart, @ and a time, such as restart@120s')
  if (away !== undefined && what !== 'restart') throw fault(`no "/": only a restart has a duration`)
  const awaySeconds = what !== 'restart' ? 0 : away === undefined ? RESTART_SECONDS : seconds(away)
  const given = seconds(time)
  if (from === '+' && before?.everySeconds !== undefined)
    throw fault(`a time from the start: the event before it repeats, "+" counts from one that happens once`)
  if (from === 'every' && given === 0) throw fault('a period of more than 0 s')
  if (from === 'every' && given <= awaySeconds)
    throw fault(`a period that is longer than the restart of ${awaySeconds} s, got one of ${given} s`)
  return {
    what,
    atSeconds: given + (from === '+' ? (before?.atSeconds ?? 0) : 0),
    everySeconds: from === 'every' ? given : undefined,
    awaySeconds,
  }
}

/** Calls `act` with each event when its time has come, those of the same moment in their order. @returns how to end it */
export function playScript(
  events: readonly ScriptedEvent[],
  speed: number,
  act: (event: ScriptedEvent) => void,
): () => void {
  const beganMs = performance.now()
  const agenda = events.map((event) => ({ event, dueMs: (1000 * event.atSeconds) / speed }))
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => {
    const [next] = agenda.toSorted((one, other) => one.dueMs - other.dueMs)
    if (next === undefined) return
    const leftMs = Math.max(0, next.dueMs - (performance.now() - beganMs))
    timer = setTimeout(
      () => {
        if (leftMs <= LONGEST_TIMER_MS) {
          const { event } = next
          if (event.everySeconds === undefined) agenda.splice(agenda.indexOf(next), 1)
          else next.dueMs += (1000 * event.everySeconds) / speed
          act(event)
        }
        wait()
      },
      Math.min(LONGEST_TIMER_MS, leftMs),
    )
  }
  wait()
  return () => clearTimeout(timer)
}
