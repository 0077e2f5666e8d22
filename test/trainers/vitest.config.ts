import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The suite in which the trainers' own libraries read what is exported. */
export default defineConfig({
  root: resolve(import.meta.dirname, '../..'),
  test: {
    include: ['test/trainers/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    // The first run installs Python packages.
    hookTimeout: 1_200_000,
  },
})
