import { resolve } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

const common = {
  // Starts the Kafka that the project is named after, or takes a running one.
  globalSetup: ['test/kafka/setup.ts'],
  // They share a broker and two cores.
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 120_000,
}

/** The suites that need a real Kafka: all of them on the current release, conformance on the oldest that is supported. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'kafka 4.1.1',
          include: ['test/kafka/**/*.test.ts'],
          exclude: configDefaults.exclude,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'kafka 3.9.1',
          include: ['test/kafka/conformance.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
