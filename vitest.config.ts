import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need a real Kafka (vitest.kafka.config.ts), real inference servers (vitest.servers.config.ts), or Python packages
    // (vitest.trainers.config.ts).
    exclude: [...configDefaults.exclude, 'test/kafka/**', 'test/servers/**', 'test/trainers/**'],
    // Some suites start processes, folders and sandboxes: two at a time keep a small machine steady.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
