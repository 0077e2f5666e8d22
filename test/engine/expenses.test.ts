import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TransientError } from '../../engine/errors.ts'
import type { ExpenseSums } from '../../engine/expenses.ts'
import { asking, HeldModels, inputs, Rig, seeds } from './rig.ts'

/** So many answers; see HeldModels for what one costs. */
const answers = (calls: number): Partial<ExpenseSums> => ({
  ...{ calls, estimatedCalls: 0, promptTokens: 10 * calls, cachedTokens: 4 * calls, completionTokens: 3 * calls },
  ...{ reasoningTokens: calls, callSeconds: calls / 2, cost: calls / 4 },
})

/** So many tries that came to nothing. */
const wasted = (calls: number): Partial<ExpenseSums> => ({
  ...{ calls, estimatedCalls: calls, promptTokens: 10 * calls, completionTokens: 0, callSeconds: calls / 2 },
  cost: calls / 4,
})

describe('expense', () => {
  let rig: Rig
  let models: HeldModels
  beforeEach(async () => {
    rig = await Rig.open()
    models = new HeldModels()
  })
  afterEach(() => rig.close())

  async function answer(requestId: string, text?: string): Promise<void> {
    await models.asked(requestId)
    models.answer(requestId, text)
  }

  it('is kept with a record that is passed on', async () => {
    await rig.add(inputs, seeds(2))
    await rig.start(asking(['a', 'b']), { models })
    for (const id of ['seed-0/a', 'seed-0/b', 'seed-1/a', 'seed-1/b']) await answer(id)
    await rig.watch.finished(2)
    expect(await rig.spending()).toEqual({ kept: answers(4) })
  })

  it('is unfinished while its record is, and has the outcome of the record then', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['a', 'b']), { models })
    await answer('seed-0/a')
    await rig.watch.committed(1)
    expect(await rig.spending()).toEqual({ unfinished: answers(1) })
    await answer('seed-0/b', 'unwanted')
    await rig.watch.finished(1)
    expect(await rig.spending()).toEqual({ discarded: answers(2) })
  })

  it('goes on over a restart without counting a call twice', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['a', 'b']), { models })
    await answer('seed-0/a')
    await rig.watch.committed(1)
    await models.asked('seed-0/b')
    await rig.crash()
    models = new HeldModels()
    await rig.start(asking(['a', 'b']), { models })
    await answer('seed-0/b')
    await rig.watch.finished(1)
    expect(await rig.spending()).toEqual({ kept: answers(2) })
    expect(await rig.ledgerOf('ask')).toMatchObject({ counts: { calls: 2, promptTokens: 20, completionTokens: 6 } })
  })

  it('is wasted where a try brings nothing, and where the record becomes a dead letter', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['a', 'b']), { models })
    await answer('seed-0/a')
    for (let attempt = 0; attempt < 3; attempt++) {
      await models.asked('seed-0/b')
      models.fail('seed-0/b', new TransientError('CONNECTION_LOST', 'it broke off'))
    }
    await rig.watch.finished(1)
    const { wasted: all, ...others } = await rig.spending()
    expect(others).toEqual({})
    expect(all).toMatchObject({ calls: 4, estimatedCalls: 3, promptTokens: 40, completionTokens: 3, cost: 1 })
  })

  it('counts a call that is aborted at the end of a drain', async () => {
    await rig.add(inputs, seeds(1))
    const runtime = await rig.start(asking(['a']), { models })
    await models.asked('seed-0/a')
    await runtime.drain(AbortSignal.abort())
    expect(await rig.spending()).toMatchObject({ wasted: wasted(1) })
  })

  it('counts what is wasted although nothing is ever finished', async () => {
    await rig.add(inputs, seeds(1))
    await rig.start(asking(['a']), { models })
    await models.asked('seed-0/a')
    models.fail('seed-0/a', new TransientError('ENDPOINT_TIMEOUT', 'no answer'))
    await rig.watch.committed(1)
    expect(await rig.spending()).toMatchObject({ wasted: wasted(1) })
  })

  it('adds up to every call that was answered or wasted, however records end and whenever the process dies', async () => {
    const ending = fc.constantFrom('kept', 'unwanted', 'dead')
    await fc.assert(
      fc.asyncProperty(fc.array(ending, { minLength: 1, maxLength: 5 }), fc.nat(4), async (endings, crashAfter) => {
        const own = await Rig.open()
        try {
          await own.add(inputs, seeds(endings.length))
          let held = new HeldModels()
          await own.start(asking(['a', 'b']), { models: held })
          let calls = 0
          for (const [number, how] of endings.entries()) {
            const [a, b] = [`seed-${number}/a`, `seed-${number}/b`]
            await held.asked(a)
            held.answer(a)
            calls += 1
            await own.watch.until(() => (own.watch.commits.at(-1)?.progress.counts.calls ?? 0) >= calls)
            if (number === crashAfter) {
              await own.crash()
              held = new HeldModels()
              await own.start(asking(['a', 'b']), { models: held })
            }
            for (let attempt = 0; attempt < (how === 'dead' ? 3 : 1); attempt++) {
              await held.asked(b)
              if (how === 'dead') held.fail(b, new TransientError('CONNECTION_LOST', 'it broke off'))
              else held.answer(b, how)
            }
            if (how !== 'dead') calls += 1
            await own.watch.finished(number + 1)
          }
          const of = (how: string): number => endings.filter((one) => one === how).length
          const found = await own.spending()
          expect(found.kept?.calls ?? 0).toBe(2 * of('kept'))
          expect(found.discarded?.calls ?? 0).toBe(2 * of('unwanted'))
          expect(found.wasted?.calls ?? 0).toBe(4 * of('dead'))
          expect(found.unfinished).toBeUndefined()
        } finally {
          await own.close()
        }
      }),
      { numRuns: 12 },
    )
  })
})
