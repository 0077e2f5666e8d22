import { defineConfig } from 'vitest/config'

/** The suites that install and start real OpenAI-compatible servers. */
export default defineConfig({
  test: {
    include: ['test/servers/**/*.test.ts'],
    // Each server keeps a core busy.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
})
