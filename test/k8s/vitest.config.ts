import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The manifests, with the schemas of others, which the first run installs. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/k8s/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 600_000,
  },
})
