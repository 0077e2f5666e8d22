import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planCut, startJanitor } from '../../topics/janitor.ts'
import { LogError, type Log, type ReadResult } from '../../topics/log.ts'

describe('planCut', () => {
  it('cuts at the lowest position of all groups', () => {
    expect(planCut({ start: 0, positions: [8, 5, 9], firstYoung: 10 })).toBe(5)
  })

  it('cuts no record that is young', () => {
    expect(planCut({ start: 0, positions: [8], firstYoung: 3 })).toBe(3)
  })

  it('cuts nothing while a group has no progress, while nobody consumes, and where nothing is left to cut', () => {
    expect(planCut({ start: 0, positions: [8, undefined], firstYoung: 10 })).toBeUndefined()
    expect(planCut({ start: 0, positions: [], firstYoung: 10 })).toBeUndefined()
    expect(planCut({ start: 5, positions: [5], firstYoung: 10 })).toBeUndefined()
    expect(planCut({ start: 7, positions: [5], firstYoung: 10 })).toBeUndefined()
  })

  it('never cuts what a group may still read', () => {
    const offset = fc.nat({ max: 100 })
    fc.assert(
      fc.property(offset, fc.array(fc.option(offset, { nil: undefined })), offset, (start, positions, firstYoung) => {
        const cut = planCut({ start, positions, firstYoung })
        if (cut === undefined) return true
        return (
          cut > start && cut <= firstYoung && positions.every((position) => position !== undefined && cut <= position)
        )
      }),
    )
  })
})

/** A log of one partition whose records were written at the given times; only what the janitor calls. */
function logOf(timesMs: readonly number[]): { log: Log; calls: string[]; reads: number[] } {
  const calls: string[] = []
  const reads: number[] = []
  const log = {
    describeTopics: () =>
      Promise.resolve([
        {
          name: 'rollouts',
          partitions: 1,
          compacted: false,
          startOffsets: [0],
          endOffsets: [timesMs.length],
          records: 0,
          bytes: 0,
        },
      ]),
    progress: () =>
      Promise.resolve([{ group: 'verify', task: 0, sequence: 1, value: Buffer.from(String(timesMs.length)) }]),
    read: ({ offset }: { offset: number }): Promise<ReadResult> => {
      reads.push(offset)
      const timestampMs = timesMs[offset] ?? 0
      return Promise.resolve({
        records: [{ topic: 'rollouts', partition: 0, key: '', value: new Uint8Array(), offset, timestampMs }],
        nextOffset: offset + 1,
        startOffset: 0,
        endOffset: timesMs.length,
      })
    },
    deleteBefore: ({ offset }: { offset: number }) => Promise.resolve(void calls.push(`delete below ${offset}`)),
    maintain: () => Promise.resolve(void calls.push('maintain')),
  }
  return { log: log as unknown as Log, calls, reads }
}

const positionsOf = (progress: Uint8Array): Map<string, number> =>
  new Map([['rollouts', Number(Buffer.from(progress).toString())]])

describe('startJanitor', () => {
  it('cuts exactly the records that are older than asked, and reads few to find them', async () => {
    const count = 1000
    for (const old of [0, 1, 2, 499, 999, 1000]) {
      const { log, calls, reads } = logOf(
        Array.from({ length: count }, (_, index) => (index < old ? index : 1_000_000 + index)),
      )
      const consumers = [{ log, group: 'verify', inputs: ['rollouts'] }]
      const janitor = startJanitor({
        log,
        topics: ['rollouts'],
        consumers,
        positionsOf,
        keepSeconds: 1,
        now: () => 1_001_000,
        onError: (error) => {
          throw error
        },
      })
      await janitor.stop()
      expect(calls.filter((call) => call !== 'maintain')).toEqual(old === 0 ? [] : [`delete below ${old}`])
      expect(reads.length).toBeLessThan(15)
    }
  })

  it('leaves topics alone that are not transient or that nobody reads', async () => {
    const { log, calls } = logOf([0, 0, 0])
    for (const [topics, inputs] of [
      [[], ['rollouts']],
      [['rollouts'], ['problems']],
    ] as const) {
      const janitor = startJanitor({
        log,
        topics,
        consumers: [{ log, group: 'verify', inputs }],
        positionsOf,
        keepSeconds: 1,
        onError: (error) => {
          throw error
        },
      })
      await janitor.stop()
    }
    expect(calls.filter((call) => call !== 'maintain')).toEqual([])
  })

  it('reports a failed round and tries again', async () => {
    const { log, calls } = logOf([0])
    const errors: unknown[] = []
    const failing = { ...log, deleteBefore: () => Promise.reject(new LogError('full', 'no space')) } as Log
    let triedAgain: () => void = () => undefined
    const tried = new Promise<void>((resolve) => (triedAgain = resolve))
    const janitor = startJanitor({
      log: failing,
      topics: ['rollouts'],
      consumers: [{ log, group: 'verify', inputs: ['rollouts'] }],
      positionsOf,
      keepSeconds: 1,
      everySeconds: 0.001,
      onError: (error) => {
        errors.push(error)
        if (errors.length === 2) triedAgain()
      },
    })
    await tried
    await janitor.stop()
    expect(errors).toMatchObject([{ code: 'full' }, { code: 'full' }])
    expect(calls).toEqual([])
  })
})
