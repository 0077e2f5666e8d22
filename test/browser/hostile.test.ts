/** Texts of models that try to harm their reader, in every field, on the pages of `browse` and in the report. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readForReport } from '../../pages/report/read-corpus.ts'
import { reportPage } from '../../pages/report/report-page.ts'
import { processors } from '../../processors/index.ts'
import type { Corpus } from '../../topics/reading.ts'
import { newFolder, removeFolders } from '../cli/command.ts'
import { newCorpus } from '../exports/corpus.ts'
import { attacks, writeHostileProblems } from '../pages/corpora.ts'
import { serveCorpus, type Served } from '../pages/serving.ts'
import { processorMillisecondsOf } from '../processor-time.ts'
import { requireOrSkip } from '../requirements.ts'
import { chromiumAdvice, expectInFrame, hasChromium, launch, openPage, unfold } from './chromium.ts'

describe.runIf(requireOrSkip(chromiumAdvice, hasChromium))('a hostile corpus', () => {
  let corpus: Corpus
  let served: Served
  let browser: Browser
  let report = ''
  let ids: string[] = []

  beforeAll(async () => {
    const folder = newFolder()
    corpus = await newCorpus(join(folder, 'data'))
    ids = await writeHostileProblems(corpus)
    served = await serveCorpus(corpus, { name: attacks['script'] ?? '' })
    const reading = await readForReport(corpus, { samples: 20, onProgress: () => {} })
    writeFileSync(join(folder, 'report.html'), reportPage(reading, { name: attacks['attribute'] ?? '', processors }))
    report = pathToFileURL(join(folder, 'report.html')).href
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    await corpus?.log.close()
    removeFolders()
  })

  async function expectHarmless(url: string, origin: string): Promise<void> {
    const { page, context, faults } = await openPage(browser, origin, { width: 768 })
    const startedAtMs = performance.now()
    await page.goto(url)
    await expectInFrame(page)
    await unfold(page)
    await expectInFrame(page)
    // Whatever waits for the pointer or the focus meets it.
    for (const element of await page
      .locator('summary, bdi, pre, .prose')
      .all()
      .then((all) => all.slice(0, 40))) {
      await element.dispatchEvent('mouseover')
      await element.dispatchEvent('focus')
    }
    expect(faults).toEqual([])
    expect(
      await page
        .locator(
          'script, iframe, img, base, object, embed, link:not([rel=stylesheet]), main form:not(.search), meta[http-equiv=refresh]',
        )
        .count(),
    ).toBe(0)
    const attributes: unknown = await page.evaluate(
      `[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes].map(({ name }) => name)).filter((name) => name.startsWith('on') || name === 'style')`,
    )
    expect(attributes).toEqual([])
    // No invisible character steers what is read.
    const text: unknown = await page.evaluate('document.documentElement.textContent')
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200f]/)
    expect(performance.now() - startedAtMs).toBeLessThan(60_000)
    await context.close()
  }

  test.each(Object.keys(attacks))('a problem of %s harms nothing', async (name) => {
    const id = ids.find((one) => one.startsWith(`problem-${name}-`)) ?? ''
    await expectHarmless(`${served.origin}/problems/${encodeURIComponent(id)}?whole=1`, served.origin)
  })

  test('the list of them harms nothing', async () => {
    await expectHarmless(`${served.origin}/`, served.origin)
    await expectHarmless(
      `${served.origin}/?q=${encodeURIComponent(attacks['attribute'] ?? '')}&domain=${encodeURIComponent(attacks['script'] ?? '')}`,
      served.origin,
    )
  })

  test('the records that they come from harm nothing', async () => {
    for (const kind of ['seed', 'concept-list', 'concept-combination', 'rationale'])
      for (const name of Object.keys(attacks)) {
        const { status } = await served.get(`/records/${kind}-${name}`)
        expect(status).toBe(200)
      }
    await expectHarmless(`${served.origin}/records/seed-closing`, served.origin)
    await expectHarmless(`${served.origin}/records/rationale-script`, served.origin)
  })

  test('a report on them harms nothing', async () => {
    await expectHarmless(report, 'file:')
  })

  test('no text keeps the server busy', async () => {
    for (const id of ids) {
      // The server is in this process.
      const spent = await processorMillisecondsOf(async () => {
        const { status } = await served.get(`/problems/${encodeURIComponent(id)}?whole=1`)
        expect(status, id.slice(0, 20)).toBe(200)
      })
      expect(spent, id.slice(0, 20)).toBeLessThan(2000)
    }
  })
})
