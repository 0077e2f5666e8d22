/** What the engine's metrics say of a stream: age, commits, rebalances, work given up, and what the corpus has come to over restarts. */
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openCorpusMetrics } from '../../engine/corpus-metrics.ts'
import { Metrics } from '../../engine/metrics.ts'
import type { AssignmentListener } from '../../topics/log.ts'
import { asking, eventually, Gates, handingOn, HeldModels, inputs, Rig, seeds } from './rig.ts'

let rig: Rig
let gates: Gates
let metrics: Metrics
beforeEach(async () => {
  rig = await Rig.open()
  gates = new Gates()
  metrics = new Metrics()
})
afterEach(() => rig.close())

/** The value of the only sample whose line matches. */
async function valueOf(sample: RegExp, from = metrics): Promise<number> {
  const { text } = await from.text()
  const lines = text.split('\n').filter((line) => sample.test(line))
  expect(lines, String(sample)).toHaveLength(1)
  return Number(lines[0]?.split(' ').at(-1))
}

it('begins every counter that an alert watches at 0', async () => {
  await rig.start(asking(['a']), { metrics })
  for (const sample of [
    /^wellspring_dead_letters_total\{processor="ask",code="CONTEXT_TOO_LONG"\}/,
    /^wellspring_discards_total\{processor="ask",reason="unwanted"\}/,
    /^wellspring_commit_failures_total\{processor="ask",reason="unreachable"\}/,
    /^wellspring_rebalances_total\{processor="ask"\}/,
    /^wellspring_stopped_tasks\{processor="ask"\}/,
  ])
    expect(await valueOf(sample)).toBe(0)
})

it('tells the age of the oldest record that is not committed, and 0 when all are', async () => {
  await rig.add(inputs, seeds(2))
  const runtime = await rig.start(handingOn(gates), { metrics })
  await gates.begins('seed-0', 'seed-1')
  gates.open('seed-1')
  await rig.watch.finished(1)
  const writtenMs = (await rig.stored('inputs'))[0]?.timestampMs ?? NaN
  const atLeast = (Date.now() - writtenMs) / 1000
  runtime.status()
  const age = await valueOf(/^wellspring_watermark_age_seconds/)
  expect(age).toBeGreaterThanOrEqual(atLeast)
  expect(age).toBeLessThanOrEqual((Date.now() - writtenMs) / 1000)
  gates.openAll()
  await rig.watch.finished(2)
  await eventually(() => runtime.status()[0]?.uncommitted === 0)
  expect(await valueOf(/^wellspring_watermark_age_seconds/)).toBe(0)
  expect(await valueOf(/^wellspring_commits_total/)).toBe(rig.watch.commits.length)
})

it('counts a record that is given up when the run drains, and one whose task moves, by why', async () => {
  let listener!: AssignmentListener
  const join = rig.log.join.bind(rig.log)
  rig.log.join = (group, given) => {
    listener = given
    return join(group, given)
  }
  await rig.add(inputs, seeds(2))
  const models = new HeldModels()
  const runtime = await rig.start(asking(['a']), { metrics, models })
  await models.asked('seed-0/a', 'seed-1/a')
  await listener.lost(0)
  expect(await valueOf(/^wellspring_work_abandoned_total\{processor="ask",reason="moved"\}/)).toBe(2)
  await turn()
  listener.gained(0)
  expect(await valueOf(/^wellspring_rebalances_total\{processor="ask"\}/)).toBe(2)
  await eventually(() => models.requests.length === 4)
  await runtime.drain(AbortSignal.abort())
  expect(await valueOf(/^wellspring_work_abandoned_total\{processor="ask",reason="drained"\}/)).toBe(2)
})

it('tells what the corpus has made and spent since it began, whoever did it and whichever process is asked', async () => {
  await rig.add(inputs, seeds(3))
  const models = new HeldModels()
  const first = await rig.start(asking(['a']), { models })
  await models.asked('seed-0/a', 'seed-1/a', 'seed-2/a')
  models.answer('seed-0/a')
  models.answer('seed-1/a', 'unwanted')
  await rig.watch.finished(2)
  await first.drain(AbortSignal.abort())
  await rig.crash()

  const again = new HeldModels()
  await rig.start(asking(['a']), { models: again })
  const failures: unknown[] = []
  const close = await openCorpusMetrics({
    ...{ log: rig.log, metrics, topicNames: ['outputs', 'more-outputs'] },
    onFailure: (error) => failures.push(error),
  })
  expect(await valueOf(/^wellspring_corpus_records_total\{topic="more-outputs"\}/)).toBe(0)
  expect(await valueOf(/^wellspring_corpus_records_total\{topic="outputs"\}/)).toBe(1)
  await again.asked('seed-2/a')
  again.answer('seed-2/a')
  await eventually(async () => (await valueOf(/^wellspring_corpus_records_total\{topic="outputs"\}/)) === 2)
  expect(await valueOf(/^wellspring_corpus_finished_total\{processor="ask"\}/)).toBe(3)
  expect(await valueOf(/^wellspring_corpus_discards_total\{processor="ask",reason="unwanted"\}/)).toBe(1)
  expect(await valueOf(/^wellspring_work_in_progress/)).toBe(-1) // The discarded one left; nobody had counted it in.
  const spent = (outcome: string) =>
    new RegExp(`^wellspring_spend_tokens\\{role="solver",model="model",outcome="${outcome}",type="prompt"\\}`)
  expect(await valueOf(spent('kept'))).toBe(20)
  expect(await valueOf(spent('discarded'))).toBe(10)
  expect(await valueOf(/^wellspring_spend_cost\{role="solver",model="model",outcome="kept",currency="USD"\}/)).toBe(0.5)
  expect(failures).toEqual([])
  await close()
})
