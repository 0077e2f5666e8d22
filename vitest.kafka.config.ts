import { defineConfig } from 'vitest/config'

/** The suites that need a real Kafka; test/kafka/setup.ts starts one, or takes a running one. */
export default defineConfig({
  test: {
    include: ['test/kafka/**/*.test.ts'],
    globalSetup: ['test/kafka/setup.ts'],
    // They share a broker and two cores.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
