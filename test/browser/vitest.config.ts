import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The suites that look at pages in a real browser (Debian: apt-get install chromium). */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/browser/**/*.test.ts'],
    // Each drives a browser.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
