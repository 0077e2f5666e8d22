import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What needs more than Node and python3 has a configuration of its own: test/<name>/vitest.config.ts.
    exclude: [
      ...configDefaults.exclude,
      ...['kafka', 'servers', 'trainers', 'browser', 'dashboards', 'docs', 'k8s/installed', 'package'].map(
        (name) => `test/${name}/**`,
      ),
    ],
    // Some suites start processes, folders and sandboxes: two at a time keep a small machine steady.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
