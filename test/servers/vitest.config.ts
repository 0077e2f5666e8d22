import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The suites that install and start real OpenAI-compatible servers. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/servers/**/*.test.ts'],
    // Each server keeps a core busy.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
})
