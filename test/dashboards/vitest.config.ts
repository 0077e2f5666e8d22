import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The suites in which a real Prometheus scrapes a running stream. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/dashboards/**/*.test.ts'],
    // They share two cores with a whole stream.
    fileParallelism: false,
    testTimeout: 180_000,
    // The first run installs Prometheus.
    hookTimeout: 400_000,
  },
})
