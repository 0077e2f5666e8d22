import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Budget, Grants, type BudgetLimit } from '../../engine/budget.ts'
import type { PaidCall } from '../../engine/expenses.ts'
import type { BudgetClaim } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { asking, eventually, HeldModels, inputs, Rig, seeds } from './rig.ts'

const claim = fc.record({
  id: fc.integer({ min: 0, max: 30 }).map(String),
  unit: fc.constantFrom('tokens', 'USD'),
  limit: fc.constantFrom(100, 100, 100, 250),
  amount: fc.integer({ min: -40, max: 60 }),
  spentBefore: fc.constantFrom(0, 0, 0, 30),
  claimedAtMs: fc.constant(0),
})

describe('claims', () => {
  it('never come to more than the limit, whatever is asked for and given back', () => {
    fc.assert(
      fc.property(fc.array(claim), (claims) => {
        const grants = new Grants('tokens')
        for (const one of claims) {
          grants.add({ ...one, limit: 100 })
          expect(grants.total).toBeGreaterThanOrEqual(0)
          expect(grants.total).toBeLessThanOrEqual(100)
        }
      }),
    )
  })

  it('are granted alike by all that read them, also where the limits differ, and each once', () => {
    fc.assert(
      fc.property(fc.array(claim), (claims) => {
        const [one, other] = [new Grants('tokens'), new Grants('tokens')]
        for (const each of claims) one.add(each)
        for (const each of claims) {
          other.add(each)
          other.add(each)
        }
        expect(other.total).toBe(one.total)
        for (const { id } of claims) expect(other.of(id)).toBe(one.of(id))
      }),
    )
  })

  it('count what was spent without any', () => {
    const grants = new Grants('USD')
    const given: BudgetClaim = { id: 'a', unit: 'USD', limit: 100, amount: 50, spentBefore: 70, claimedAtMs: 0 }
    grants.add(given)
    expect(grants.of('a')).toBe(30)
  })
})

const call = (tokens: number, dollars = 0): PaidCall => ({
  ...{ role: 'solver', model: 'model', endpoint: 'box', latencySeconds: 1, cost: { amount: dollars, currency: 'USD' } },
  usage: { prompt: 0, cached: 0, completion: tokens, reasoning: 0 },
})

describe('a budget', () => {
  let rig: Rig
  const open: Budget[] = []
  beforeEach(async () => {
    rig = await Rig.open()
  })
  afterEach(async () => {
    for (const budget of open.splice(0)) await budget.close()
    await rig.close()
  })

  async function process(name: string, limit: BudgetLimit): Promise<Budget> {
    const onFailure = (error: unknown): never => {
      throw error
    }
    const budget = await Budget.open({ log: rig.log, limit, softShare: 0.8, processId: name, onFailure })
    open.push(budget)
    return budget
  }

  /** Makes calls, so many at once, until the budget is used up. @returns what they cost */
  async function spendAll(budget: Budget, name: string, lanes: number, costOf: () => PaidCall): Promise<number> {
    let spent = 0
    let calls = 0
    const stop = new AbortController()
    const lane = async (): Promise<void> => {
      for (;;) {
        calls += 1
        const id = `${name}/${calls}`
        for (;;) {
          const wait = budget.enter(id, [stop.signal])
          if (!wait) break
          await wait
        }
        await new Promise<void>((resolve) => setImmediate(resolve))
        const paid = costOf()
        spent += paid.usage.completion
        budget.spend(paid)
        budget.leave(id)
      }
    }
    const running = Promise.allSettled(Array.from({ length: lanes }, lane))
    await eventually(() => budget.status.isUsedUp)
    stop.abort()
    await running
    return spent
  }

  it('is kept by three processes together: beyond it goes at most what was in flight', async () => {
    const limit = { amount: 20_000, unit: 'tokens' }
    const most = 200
    let seed = 1
    const costOf = (): PaidCall => call((seed = (seed * 7919) % most))
    const spent = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => spendAll(await process(name, limit), name, 8, costOf)),
    )
    const total = spent.reduce((sum, one) => sum + one, 0)
    expect(total).toBeGreaterThan(0.9 * limit.amount)
    expect(total).toBeLessThanOrEqual(limit.amount + 3 * 8 * most)
  })

  it('gives back what is left at the end, and counts as spent what a dead process had taken', async () => {
    const limit = { amount: 1000, unit: 'tokens' }
    const ended = await process('ended', limit)
    await ended.enter('x', [])
    await eventually(() => ended.status.reserved > 0)
    await ended.close()
    open.splice(0)
    expect((await rig.recordsOf(topics.budgetClaims)).map(({ amount }) => Math.sign(amount))).toEqual([1, -1])

    const dead = await Budget.open({
      ...{ log: rig.log, limit, softShare: 0.8, processId: 'dead' },
      onFailure: () => {},
    })
    await dead.enter('x', [])
    await eventually(() => dead.status.reserved > 0)
    const { reserved } = dead.status
    const next = await process('next', limit)
    expect(next.status.reserved).toBe(reserved)
    const spent = await spendAll(next, 'next', 1, () => call(1))
    expect(spent).toBe(limit.amount - reserved)
  })

  it('waits for its share, and ends the wait where the work ends', async () => {
    const budget = await process('a', { amount: 10, unit: 'tokens' })
    await spendAll(budget, 'a', 1, () => call(10))
    const stop = new AbortController()
    const wait = budget.enter('late', [stop.signal])
    expect(budget.why).toBe('the budget of 10 tokens is used up')
    stop.abort(new Error('over'))
    await expect(wait).rejects.toThrow('over')
  })

  it('in a currency counts what calls cost in it', async () => {
    const budget = await process('a', { amount: 1, unit: 'USD' })
    const tokens = await spendAll(budget, 'a', 1, () => call(1, 0.1))
    expect(tokens).toBe(10)
  })

  it('begins less new work as its end nears', async () => {
    const budget = await process('a', { amount: 1000, unit: 'tokens' })
    expect(budget.share).toBe(1)
    await spendAll(budget, 'a', 1, () => call(10))
    expect(budget.share).toBe(0)
  })

  it('holds the calls of a stream, and nothing that was paid for is lost when it ends', async () => {
    const models = new HeldModels()
    // A call of the rig costs 13 tokens: two go beyond the budget, and the second is in flight by then.
    const budget = await process('a', { amount: 20, unit: 'tokens' })
    const runtime = await rig.start(asking(['a']), { models, budget })
    await rig.add(inputs, seeds(1))
    await models.asked('seed-0/a')
    await eventually(() => models.sent.size === 1)
    models.answer('seed-0/a')
    await rig.watch.finished(1)
    await rig.add(inputs, seeds(3).slice(1))
    await models.asked('seed-1/a', 'seed-2/a')
    await eventually(() => models.sent.size === 2)
    const [, second = ''] = models.sent
    models.answer(second)
    await eventually(() => budget.status.isUsedUp)
    await runtime.drain(AbortSignal.timeout(60_000))
    expect(models.sent.size).toBe(2)
    expect(await rig.spending()).toMatchObject({ kept: { calls: 2, promptTokens: 20, completionTokens: 6 } })
    expect(await rig.progressOf('ask')).toMatchObject({ counts: { finished: 2 } })
  })
})
