/** 100,000 problems, listed and searched: every page within 300 ms. */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Corpus } from '../../topics/reading.ts'
import { newFolder, removeFolders } from '../cli/command.ts'
import { newCorpus } from '../exports/corpus.ts'
import { manyId, manyStatement, writeManyProblems } from '../pages/corpora.ts'
import { serveCorpus, type Served } from '../pages/serving.ts'
import { requireOrSkip } from '../requirements.ts'
import { chromiumAdvice, hasChromium, launch, openPage } from './chromium.ts'

const problems = 100_000
const mostMilliseconds = 300

describe.runIf(requireOrSkip(chromiumAdvice, hasChromium))(`${problems} problems`, () => {
  let corpus: Corpus
  let served: Served
  let browser: Browser

  beforeAll(async () => {
    corpus = await newCorpus(join(newFolder(), 'data'))
    await writeManyProblems(corpus, problems)
    const [startedAtMs, before] = [performance.now(), process.cpuUsage()]
    served = await serveCorpus(corpus)
    const seconds = (performance.now() - startedAtMs) / 1000
    const processorSeconds = process.cpuUsage(before).user / 1e6
    const bytes = Math.round(served.index.byteLength / problems)
    console.log(
      `${problems} problems read in ${seconds.toFixed(1)} s (processor: ${processorSeconds.toFixed(1)} s); ${bytes} bytes of columns and texts for each`,
    )
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    await corpus?.log.close()
    removeFolders()
  })

  const pages: [string, string][] = [
    ['the first page', '/'],
    ['the last page', '/?page=2000'],
    ['a page by difficulty', '/?sort=hardest&page=700'],
    ['a word of one problem', '/?q=77777'],
    ['a word that is nowhere', '/?q=quillaban'],
    ['a word that is everywhere', '/?q=many'],
    ['several words and a phrase', '/?q=tank+%22units+while+another%22+concept+minutes'],
    ['part of an id', `/?q=${manyId(4242)}`],
    [
      'all filters at once',
      '/?domain=math&level=AIME&origin=synthetic&status=kept&model=writer-1&from=10&to=40&sort=easiest&q=train',
    ],
    ['a concept', '/?concept=concept+123'],
    ['a rule', '/?reason=screen-problem%3A+cut-off'],
    ['a rule as a word', '/?q=near-duplicate'],
    ['a problem', `/problems/${manyId(77_777)}`],
  ]

  test.each(pages)('%s comes within 300 ms', async (name, path) => {
    // The best of three, in time of the processor: others may be at work on this machine. The client's share is in it.
    const rounds: { wall: number; processor: number }[] = []
    for (let round = 0; round < 3; round++) {
      const [startedAtMs, before] = [performance.now(), process.cpuUsage()]
      const { status } = await served.get(path)
      const { user, system } = process.cpuUsage(before)
      rounds.push({ wall: performance.now() - startedAtMs, processor: (user + system) / 1000 })
      expect(status).toBe(200)
    }
    const best = (of: 'wall' | 'processor'): number => Math.min(...rounds.map((round) => round[of]))
    console.log(`${name}: ${best('wall').toFixed(0)} ms, of which the processor took ${best('processor').toFixed(0)}`)
    expect(best('processor')).toBeLessThan(mostMilliseconds)
  })

  test('a browser finds one of them, and its page', async () => {
    const { page, context, faults } = await openPage(browser, served.origin)
    await page.goto(`${served.origin}/`)
    await page.locator('input[type=search]').fill('"number 77777 "')
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=/)
    expect(await page.locator('[role=status]').innerText()).toMatch(/^1 of 100,000 problems/)
    await page.locator('a.title').click()
    expect(await page.locator('.statement').innerText()).toContain(manyStatement(77_777).slice(0, 40))
    expect(faults).toEqual([])
    await context.close()
  })
})
