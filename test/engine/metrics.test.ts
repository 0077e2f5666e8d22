/** Metrics of a process: labels are bounded, counters of the corpus never fall, a scrape looks at what is only looked at. */
import { describe, expect, it } from 'vitest'
import { mostLabelValues, otherValue } from '../../engine/metric-table.ts'
import { counter, Metrics } from '../../engine/metrics.ts'

/** The samples of one metric: labels and value. */
async function samples(metrics: Metrics, name: string): Promise<string[]> {
  const { text } = await metrics.text()
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

describe('a label that takes names nobody can count beforehand', () => {
  it('takes a hundred of them; what comes after goes by `other`, and is counted', async () => {
    const metrics = new Metrics()
    const calls = { role: 'solver', endpoint: 'box', outcome: 'completed' }
    for (let version = 0; version < mostLabelValues + 50; version++)
      metrics.llmRequests.inc({ ...calls, model: `solver@${version}` })
    metrics.llmRequests.inc({ ...calls, model: 'solver@0' })
    const found = await samples(metrics, 'wellspring_llm_requests_total')
    expect(found).toHaveLength(mostLabelValues + 1)
    expect(found.find((line) => line.includes(`model="${otherValue}"`))).toMatch(/ 50$/)
    expect(found.find((line) => line.includes('model="solver@0"'))).toMatch(/ 2$/)
  })

  it('is bounded in metrics that processors declare, too', async () => {
    const metrics = new Metrics()
    const { weighedTotal } = metrics.declared('weigh-problem', {
      weighedTotal: counter('Weighed.', { level: 'named' }),
    })
    for (let level = 0; level < 2 * mostLabelValues; level++) weighedTotal.inc({ level: String(level) }, 3)
    const found = await samples(metrics, 'wellspring_weigh_problem_weighed_total')
    expect(found).toHaveLength(mostLabelValues + 1)
    expect(found.find((line) => line.includes('level="other"'))).toMatch(/ 300$/)
  })
})

describe('a counter that a processor declares', () => {
  const weighed = (metrics: Metrics, declaration: ReturnType<typeof counter>): Promise<string[]> => {
    metrics.declared('weigh-problem', { weighedTotal: declaration })
    return samples(metrics, 'wellspring_weigh_problem_weighed_total')
  }

  it('tells 0 from the start for every combination of what its labels may say', async () => {
    const labels = { domain: ['math', 'code'], scale: ['light', 'heavy'] }
    expect(await weighed(new Metrics(), counter('Weighed.', labels))).toEqual(
      ['math', 'code'].flatMap((domain) =>
        ['light', 'heavy'].map(
          (scale) => `wellspring_weigh_problem_weighed_total{domain="${domain}",scale="${scale}"} 0`,
        ),
      ),
    )
  })

  it('tells nothing beforehand where a label takes names', async () => {
    const labels = { domain: ['math', 'code'], model: 'named' } as const
    expect(await weighed(new Metrics(), counter('Weighed.', labels))).toEqual([])
  })
})

it('a counter of the whole corpus is set to its total, and never falls', async () => {
  const metrics = new Metrics()
  const topic = { topic: 'problems' }
  for (const total of [7, 12, 9, 12]) metrics.corpusRecords.set(topic, total)
  expect(await samples(metrics, 'wellspring_corpus_records_total')).toEqual([
    'wellspring_corpus_records_total{topic="problems"} 12',
  ])
})

it('a gauge that is reset forgets what is not set again', async () => {
  const metrics = new Metrics()
  metrics.llmInFlight.set({ endpoint: 'gone' }, 3)
  metrics.llmInFlight.reset()
  metrics.llmInFlight.set({ endpoint: 'box' }, 1)
  expect(await samples(metrics, 'wellspring_llm_inflight')).toEqual(['wellspring_llm_inflight{endpoint="box"} 1'])
})

it('looks before every scrape; what cannot be looked at costs the others nothing', async () => {
  const metrics = new Metrics()
  let looks = 0
  metrics.beforeScrape(() => Promise.reject(new Error('away')))
  metrics.beforeScrape(async () => {
    await Promise.resolve()
    metrics.verifierThreads.set({}, ++looks)
  })
  await metrics.text()
  expect(await samples(metrics, 'wellspring_verifier_threads')).toEqual(['wellspring_verifier_threads 2'])
})
