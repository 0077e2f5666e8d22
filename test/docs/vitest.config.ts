import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** README and guide, walked by their own commands in fresh clones. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/docs/**/*.test.ts'],
    // Both use the same ports.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
