/** Rendered manifests as resources. */
import { defaultClusterOptions } from '../../cli/k8s.ts'
import type { Resource } from '../../cli/kubernetes/manifests.ts'
import type { ClusterOptions } from '../../cli/kubernetes/options.ts'
import { readResources } from '../../cli/kubernetes/reading.ts'
import { renderManifests } from '../../cli/kubernetes/render.ts'

/** All resources of a rendering, fresh copies each time. */
export function rendered(options: Partial<ClusterOptions> = {}): Resource[] {
  if (Object.keys(options).length > 0) return read(options)
  usual ??= read({})
  return structuredClone(usual)
}

let usual: Resource[] | undefined

function read(options: Partial<ClusterOptions>): Resource[] {
  const files = renderManifests({ ...defaultClusterOptions(), ...options })
  const texts = [...files].filter(([path]) => !path.endsWith('kustomization.yaml')).map(([, text]) => text)
  return readResources(texts.join('\n'))
}

/** The one resource of a kind and name; its fields by any name. */
export function find(resources: readonly Resource[], kind: string, name: string): Resource {
  const found = resources.find((one) => one.kind === kind && one.metadata.name === name)
  if (!found) throw new Error(`there is no ${kind}/${name}`)
  return found
}

/** A workload's pod, as its template has it. */
export interface Pod {
  terminationGracePeriodSeconds: number
  automountServiceAccountToken?: boolean
  hostNetwork?: boolean
  securityContext: Record<string, unknown>
  containers: [Container]
  volumes: {
    name: string
    emptyDir?: object
    hostPath?: object
    configMap?: object
    secret?: object
    projected?: object
  }[]
}

export interface Container {
  image: string
  args: string[]
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[]
  envFrom: { secretRef?: { name: string }; configMapRef?: { name: string } }[]
  securityContext: Record<string, unknown>
  resources: { requests: Record<string, string>; limits: Record<string, string> }
  livenessProbe?: object
  readinessProbe?: object
  lifecycle: { preStop: { sleep: { seconds: number } } }
}

export function podOf(resource: Resource): Pod {
  return (resource.spec as { template: { spec: Pod } }).template.spec
}
