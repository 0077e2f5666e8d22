/** A real browser: Debian's Chromium, or the one that CHROMIUM names. */
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { expect } from 'vitest'

const places = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = places.find((path) => path !== '' && existsSync(path))

/** For `requireOrSkip`. */
export const hasChromium = executablePath !== undefined
export const chromiumAdvice = 'Chromium (Debian: apt-get install chromium; or name one in CHROMIUM)'

export async function launch(): Promise<Browser> {
  // Containers often forbid the sandbox of a browser; all that it is shown here is ours.
  return await chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox', '--disable-gpu'] })
}

/** A page that is watched: dialogs, messages and requests to anywhere but the given origin are faults. */
export interface Watched {
  page: Page
  context: BrowserContext
  faults: string[]
}

export async function openPage(
  browser: Browser,
  origin: string,
  { width = 1280, scheme = 'light' }: { width?: number; scheme?: 'light' | 'dark' } = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => faults.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('popup', () => faults.push('popup'))
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) faults.push(`request: ${request.url()}`)
  })
  return { page, context, faults }
}

/** Serious and critical faults that axe-core finds, as lines. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // By the debugger: the page's own policy lets no script in.
  await page.evaluate(axe.source)
  const violations: unknown =
    await page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')))`)
  return violations as string[]
}

/** Asserts that nothing is wider than the window, and that nothing lies over the head of the page. */
export async function expectInFrame(page: Page): Promise<void> {
  const measured: unknown = await page.evaluate(`(() => {
    scrollTo(0, 0)
    const { left, top, width, height } = document.querySelector('.brand').getBoundingClientRect()
    const over = document.elementFromPoint(left + width / 2, top + height / 2)
    return { beyond: document.documentElement.scrollWidth - innerWidth, brand: over?.className }
  })()`)
  expect(measured).toEqual({ beyond: 0, brand: 'brand' })
}

/** Opens all that is folded. */
export async function unfold(page: Page): Promise<void> {
  await page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`)
}
