/** Every overlay, put together by kustomize, against the schemas of Kubernetes, Strimzi, KEDA and Prometheus' operator themselves. */
import { execFile, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Resource } from '../../../cli/kubernetes/manifests.ts'
import { brokenRules } from '../../../cli/kubernetes/policy.ts'
import { readResources } from '../../../cli/kubernetes/reading.ts'
import { installKubernetesTools } from '../../../scripts/kubernetes/tools.ts'
import { requireOrSkip } from '../../requirements.ts'
import { find, podOf } from '../manifests.ts'

const tools = await installKubernetesTools(console.warn).catch((error: unknown) => {
  if (error instanceof Error && /is needed|could not|expected the checksum/.test(error.message)) return error
  throw error
})
const overlays = readdirSync('k8s/overlays')

describe.runIf(requireOrSkip(tools instanceof Error ? tools.message : '', !(tools instanceof Error)))(
  'overlays',
  () => {
    const built = new Map<string, string>()

    beforeAll(async () => {
      for (const overlay of overlays) built.set(overlay, await build(`k8s/overlays/${overlay}`))
    })

    it.each(overlays)('%s: every resource has a schema, and is as its schema says', async (overlay) => {
      const { invalid, skipped, valid } = await validate(built.get(overlay) ?? '')
      expect(invalid).toEqual([])
      expect(skipped).toBe(0)
      expect(valid).toBe(resourcesOf(overlay).length)
    })

    it.each(overlays)('%s keeps all rules', (overlay) => {
      expect(brokenRules(resourcesOf(overlay))).toEqual([])
    })

    it.each(overlays)('%s puts everything into its namespace, with a configuration for the pods', (overlay) => {
      const all = resourcesOf(overlay)
      const outside = all.filter(({ kind, metadata }) => kind !== 'Namespace' && !('namespace' in metadata))
      expect(outside.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([])
      const { volumes } = podOf(find(all, 'Deployment', 'roll-out'))
      const { name } = volumes.find((one) => one.name === 'config')?.configMap as { name: string }
      expect(find(all, 'ConfigMap', name)['data']).toHaveProperty(['wellspring.yaml'])
    })

    it('have kinds of Strimzi, KEDA and Prometheus among them', () => {
      const kinds = new Set(overlays.flatMap((overlay) => resourcesOf(overlay).map(({ kind }) => kind)))
      expect([...kinds]).toEqual(
        expect.arrayContaining([
          ...['Kafka', 'KafkaNodePool', 'KafkaTopic', 'KafkaUser', 'ScaledObject', 'PodMonitor', 'PrometheusRule'],
        ]),
      )
    })

    it.each([
      ['a field that a Deployment does not have', 'Deployment', 'roll-out', { strategies: {} }],
      ['a count that is a text', 'KafkaTopic', 'wellspring.seeds', { partitions: 'twelve' }],
      [
        'an authentication that Strimzi does not know',
        'KafkaUser',
        'wellspring-roll-out',
        { authentication: { type: 'plain' } },
      ],
      ['a field that KEDA does not have', 'ScaledObject', 'roll-out', { maxReplicas: 3 }],
      ['a port without its name', 'PodMonitor', 'wellspring', { podMetricsEndpoints: [{ ports: 'metrics' }] }],
    ])('schemas find %s', async (_, kind, name, fault) => {
      const resource = find(resourcesOf('production'), kind, name)
      Object.assign(resource.spec as object, fault)
      expect((await validate(stringify(resource))).invalid).toHaveLength(1)
    })

    function resourcesOf(overlay: string): Resource[] {
      return readResources(built.get(overlay) ?? '')
    }
  },
)

function toolsHere(): Exclude<typeof tools, Error> {
  if (tools instanceof Error) throw tools
  return tools
}

async function build(folder: string): Promise<string> {
  const [program, ...parameters] = toolsHere().kustomize
  const { stdout } = await promisify(execFile)(program, [...parameters, folder], { maxBuffer: 64 << 20 })
  return stdout
}

/** What kubeconform says of resources. */
async function validate(manifests: string): Promise<{ invalid: string[]; skipped: number; valid: number }> {
  const { kubeconform, schemaLocation } = toolsHere()
  const child = spawn(kubeconform, ['-strict', '-summary', '-output', 'json', '-schema-location', schemaLocation], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(manifests)
  const { resources, summary } = JSON.parse(await text(child.stdout)) as {
    resources: { kind: string; name: string; msg: string }[]
    summary: { valid: number; skipped: number }
  }
  return {
    invalid: resources.map(({ kind, name, msg }) => `${kind}/${name}: ${msg}`),
    skipped: summary.skipped,
    valid: summary.valid,
  }
}
