/** The pages of `browse` and the report, over a corpus that a real run has made, in a real browser. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endAll, newFolder, removeFolders, run, start, type Running } from '../cli/command.ts'
import { requireOrSkip } from '../requirements.ts'
import { chromiumAdvice, expectInFrame, hasChromium, launch, openPage, seriousFaults, unfold } from './chromium.ts'

const looks = [
  { width: 360, scheme: 'light' },
  { width: 360, scheme: 'dark' },
  { width: 768, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
] as const
/** Where pictures go, for a reader to look at them; nowhere by default. */
const pictures = process.env['WELLSPRING_PICTURES']

describe.runIf(requireOrSkip(chromiumAdvice, hasChromium))('pages', () => {
  let cwd = ''
  let browser: Browser
  let server: Running
  let origin = ''
  let report = ''

  beforeAll(async () => {
    cwd = newFolder()
    const seeds = new URL('../../examples/seeds.jsonl', import.meta.url).pathname
    for (const sort of ['seeds', 'problems'])
      expect((await run(['ingest', seeds, '--as', sort, '--data', 'data'], { cwd })).exitCode).toBe(0)
    const up = [
      'up',
      '--data',
      'data',
      '--problems',
      '24',
      '--json',
      '--set',
      'simulator.speed=2000',
      `simulator.knows=${seeds}`,
    ]
    expect((await run(up, { cwd })).exitCode).toBe(0)
    expect((await run(['report', '--data', 'data', '--into', 'report.html'], { cwd })).exitCode).toBe(0)
    report = pathToFileURL(join(cwd, 'report.html')).href
    server = start(['browse', '--data', 'data', '--port', '0'], { cwd })
    origin = /http:\/\/127\.0\.0\.1:\d+/.exec(await server.written(/problems read/))?.[0] ?? ''
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    endAll()
    removeFolders()
  })

  /** Looks at a page as it opens and with all that is folded. */
  async function look(url: string, name: string, how: (typeof looks)[number]): Promise<void> {
    const { page, context, faults } = await openPage(browser, new URL(url).protocol === 'file:' ? 'file:' : origin, how)
    await page.goto(url)
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}-${how.width}-${how.scheme}.png`) })
    }
    await expectInFrame(page)
    await unfold(page)
    await expectInFrame(page)
    expect(await seriousFaults(page)).toEqual([])
    expect(faults).toEqual([])
    await context.close()
  }

  async function problemWith(status: string): Promise<string> {
    const { page, context } = await openPage(browser, origin)
    await page.goto(`${origin}/?status=${status}`)
    const path = await page.locator('a.title').first().getAttribute('href')
    await context.close()
    expect(path).toMatch(/^\/problems\/problem-/)
    return `${origin}${path}`
  }

  describe.each(looks)('$width px wide, $scheme', (one) => {
    test('the list is readable', async () => {
      await look(`${origin}/?domain=math`, 'list', one)
    })

    test.each(['kept', 'discarded'])(
      'a problem that was %s is readable, with all that is known of it',
      async (status) => {
        await look(await problemWith(status), status, one)
      },
    )

    test('the report is readable', async () => {
      await look(report, 'report', one)
    })
  })

  test('a reader with a keyboard alone searches, opens a problem and unfolds an attempt', async () => {
    const { page, context } = await openPage(browser, origin)
    await page.goto(`${origin}/`)
    const pressUntil = async (selector: string): Promise<void> => {
      for (let presses = 0; presses < 100; presses++) {
        await page.keyboard.press('Tab')
        if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return
      }
      throw new Error(`no ${selector} was reached`)
    }
    await pressUntil('input[type=search]')
    await page.keyboard.type('"the"')
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=/)
    await page.goto(`${page.url()}&status=kept`)
    await pressUntil('a.title')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/problems\//)
    await pressUntil('details.row > summary')
    await page.keyboard.press('Enter')
    expect(await page.locator('details.row[open]').count()).toBe(1)
    expect(await page.locator('h2').allInnerTexts()).toEqual(
      expect.arrayContaining(['Statement', 'Checks', 'Attempts', 'Ancestry']),
    )
    await context.close()
  })

  test('formulas are set as MathML, and the link of a pair opens its attempt', async () => {
    const { page, context } = await openPage(browser, origin)
    await page.goto(`${origin}/?status=kept&domain=math`)
    await page.locator('a.title').first().click()
    expect(await page.locator('math').count()).toBeGreaterThan(0)
    const link = page.locator('a[href^="#verdict-"]').first()
    await link.click()
    expect(await page.locator('details.row[open]').count()).toBe(1)
    await context.close()
  })

  test('the list follows the corpus while it grows', async () => {
    const { page, context } = await openPage(browser, origin)
    const line = JSON.stringify({
      domain: 'math',
      source: 'late',
      problem: 'How many marbles did Quillaban lose in 7 games of 3?',
      answer: 21,
    })
    expect(
      (await run(['ingest', '-', '--as', 'problems', '--data', 'data'], { cwd, input: `${line}\n` })).exitCode,
    ).toBe(0)
    await expect
      .poll(
        async () => {
          await page.goto(`${origin}/?q=quillaban`)
          return await page.locator('a.title').count()
        },
        { timeout: 30_000 },
      )
      .toBe(1)
    await context.close()
  })

  test('the report of the same positions is the same, byte for byte', async () => {
    const first = await run(['report', '--data', 'data', '--into', '-', '--sample', '3'], { cwd })
    const second = await run(['report', '--data', 'data', '--into', '-', '--sample', '3'], { cwd })
    expect(first.stdout).toMatch(/^<!doctype html>/)
    expect(second.stdout).toBe(first.stdout)
  })
})
