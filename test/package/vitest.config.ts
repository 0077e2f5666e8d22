import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The package as npm packs it, installed by an ordinary user into an empty folder. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/package/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
