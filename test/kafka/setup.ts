/**
 * A Kafka and a schema registry for a run of the suites. By default they are started, in the version that the project is named after,
 * and end with the run. WELLSPRING_TEST_KAFKA_VERSION names another version. WELLSPRING_TEST_KAFKA_BROKERS (HOST:PORT, comma-separated) and
 * WELLSPRING_TEST_KAFKA_REGISTRY (URL) take running ones instead.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { defaultKafkaVersion, startCluster } from '../../scripts/kafka/cluster.ts'
import { startRegistry } from '../../scripts/kafka/registry.ts'

declare module 'vitest' {
  interface ProvidedContext {
    kafka: { brokers: string[]; registry: string; version: string }
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const brokers = process.env['WELLSPRING_TEST_KAFKA_BROKERS']
  const named = project.name.replace('kafka ', '')
  const version = process.env['WELLSPRING_TEST_KAFKA_VERSION'] ?? (named === '' ? defaultKafkaVersion : named)
  if (brokers !== undefined) {
    const registry = process.env['WELLSPRING_TEST_KAFKA_REGISTRY']
    if (registry === undefined)
      throw new Error(
        'WELLSPRING_TEST_KAFKA_REGISTRY is missing: with WELLSPRING_TEST_KAFKA_BROKERS give the URL of a registry',
      )
    project.provide('kafka', { brokers: brokers.split(','), registry, version })
    return undefined
  }
  const directory = mkdtempSync(join(tmpdir(), 'wellspring-kafka-'))
  const report = (line: string): void => console.log(line)
  const [cluster, registry] = await Promise.all([
    startCluster({ directory: join(directory, 'kafka'), version, report }),
    startRegistry({ directory: join(directory, 'registry'), report }),
  ])
  project.provide('kafka', { brokers: cluster.bootstrapServers.split(','), registry: registry.url, version })
  return async () => {
    await Promise.all([cluster.stop(), registry.stop()])
    rmSync(directory, { recursive: true })
  }
}
