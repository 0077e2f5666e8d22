/** What a run says of itself while it goes on and at its end, of what its tasks here know. */
import { describe, expect, test } from 'vitest'
import { headline, waitingLines } from '../../cli/screen.ts'
import { endLines } from '../../cli/up.ts'
import { emptyCounts } from '../../engine/counts.ts'
import { groupOf, type ProcessorStatus } from '../../engine/runtime.ts'
import { processors } from '../../processors/index.ts'

/** A processor whose tasks are all open, or as many as are told. */
function statusOf(name: string, more: Partial<ProcessorStatus> = {}): ProcessorStatus {
  const declaration = processors.find((one) => one.name === name)
  if (!declaration) throw new Error(`no processor is called ${name}`)
  return {
    ...{ name, openTasks: groupOf(declaration).tasks, inFlight: 0, uncommitted: 0, backlog: 0, counts: emptyCounts() },
    ...{ waiting: undefined, stopped: undefined, source: undefined, remark: undefined },
    ...more,
  }
}

const everything = processors.map(({ name }) => name)

describe('the end of a run', () => {
  const linesOf = (statuses: ProcessorStatus[], how: 'interrupted' | 'time' = 'interrupted'): string[] =>
    endLines({ how, exitCode: 130, statuses, simulated: false, seconds: 2 }, '')

  test.each([
    ['no processor had started', []],
    ['no task was open', everything.map((name) => statusOf(name, { openTasks: 0 }))],
  ])('tells no counts where %s', (_, statuses) => {
    for (const how of ['interrupted', 'time'] as const) {
      const [, ...lines] = linesOf(statuses, how)
      expect(lines).toEqual(['no task was open here: nothing was made'])
    }
  })

  test('names what the stream is there for where all of it ran', () => {
    expect(linesOf(everything.map((name) => statusOf(name)))).toContain(
      'made: 0 synthetic problems, 0 problems with checks (human ones included), 0 verdicts, 0 preference pairs, 0 SFT rows',
    )
  })

  test('names what the chosen processors make, and nothing else', () => {
    const counts = { ...emptyCounts(), emitted: { rollouts: 1200, verdicts: 7 } }
    expect(linesOf([statusOf('roll-out', { counts }), statusOf('verify-rollout')])).toContain(
      'made: 1,200 rollouts, 7 verdicts, 0 test runs',
    )
  })

  test('says so where some tasks were not open, whose counts are not known', () => {
    expect(linesOf([statusOf('build-pairs', { openTasks: 5 }), statusOf('build-sft', { openTasks: 0 })])).toContain(
      'made by the 5 of 24 tasks that were open here: 0 preference pairs',
    )
  })
})

describe('the headline of a start', () => {
  const of = (isShared: boolean): string =>
    headline(
      [statusOf('roll-out', { openTasks: 0 })],
      { simulated: false, isShared },
      { ...{ seconds: 3, tokensPerSecond: 0 }, budget: undefined },
    )

  test('waits for a share of the work where processes share it out', () => {
    expect(of(true)).toBe('3s, starting: waiting for a share of the work, and reading how far it had come')
  })

  test('waits for nobody in a folder, which has one owner', () => {
    expect(of(false)).toBe('3s, starting: reading how far it had come')
  })
})

describe('waiting', () => {
  const waiting = (name: string, reason: string): ProcessorStatus => statusOf(name, { waiting: reason })

  test('is a line for each reason, whatever Kafka failed at', () => {
    const refused = '(Connection error: connect ECONNREFUSED 127.0.0.1:9092)'
    expect(
      waitingLines([
        waiting('extract-concepts', `Kafka failed reading seeds/3 ${refused}`),
        statusOf('embed-concepts'),
        waiting('roll-out', 'http://127.0.0.1:8000/v1 is down'),
        waiting('teach', `Kafka failed committing teach/0 ${refused}`),
        waiting('vote-answer', `Kafka failed reading accepted-problems/0 ${refused}`),
        waiting('build-sft', `Kafka failed reading traces/0 ${refused}`),
        waiting('build-pairs', 'Kafka failed reading outcomes/0 (REQUEST_TIMED_OUT)'),
      ]),
    ).toEqual([
      `extract-concepts, teach and 2 others wait: Kafka failed reading seeds/3 ${refused}`,
      'roll-out waits: http://127.0.0.1:8000/v1 is down',
      'build-pairs waits: Kafka failed reading outcomes/0 (REQUEST_TIMED_OUT)',
    ])
  })

  test('names two and three in full', () => {
    const names = ['roll-out', 'teach', 'vote-answer']
    expect(waitingLines(names.map((name) => waiting(name, 'down')))).toEqual([
      'roll-out, teach and vote-answer wait: down',
    ])
    expect(waitingLines(names.slice(1).map((name) => waiting(name, 'down')))).toEqual([
      'teach and vote-answer wait: down',
    ])
  })
})
