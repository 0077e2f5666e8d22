/** The fields of manifests that rules read, and what they must be: looked at before any rule is. */
import { z } from 'zod'
import { redactedBeginning } from '../../engine/secrets.ts'
import type { Resource } from './manifests.ts'

// What a value must be completes "expected ...".
const text = z.string({ error: 'a text' })
const number = z.number({ error: 'a number' })
const whole = z.int({ error: 'a whole number' })
const flag = z.boolean({ error: 'true or false' })
const map = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape, { error: 'a map' })
const mapOf = <One extends z.ZodType>(one: One) => z.record(z.string(), one, { error: 'a map' })
/** None where it is left out. */
const list = <One extends z.ZodType>(one: One) => z.array(one, { error: 'a list' }).default([])
/** A map of which only matters that it is there. */
const anyMap = map({}).optional()
const either = <One extends string | number>(expected: string, isOne: (value: unknown) => boolean) =>
  z.custom<One>(isOne, { error: expected })

const unitFactors: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
}

/** `500m` -> 0.5, `2Gi` -> 2147483648; undefined where it is no quantity of Kubernetes. */
function quantityOf(value: unknown): number | undefined {
  const [, digits, unit = '', exponent = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|([eE][+-]?\d+))?$/.exec(String(value)) ?? []
  if (digits === undefined || (typeof value !== 'string' && typeof value !== 'number')) return undefined
  return Number(`${digits}${exponent}`) * (unitFactors[unit] ?? 1)
}

const quantity = either<string | number>(
  'a quantity such as 500m or 2Gi',
  (value) => quantityOf(value) !== undefined,
).transform((value) => quantityOf(value) ?? 0)

const countOrShare = either<string | number>(
  'a whole number from 0 up, or a share such as 50%',
  (value) => (Number.isInteger(value) && Number(value) >= 0) || (typeof value === 'string' && /^\d+%$/.test(value)),
)

const port = either<string | number>(
  'a port or its name',
  (value) => Number.isInteger(value) || typeof value === 'string',
)

const labels = mapOf(text).default({})

const head = {
  apiVersion: text,
  kind: text,
  metadata: map({ name: text, namespace: text.optional(), annotations: labels, labels }),
}

const unnamed = text.default('without a name')

const seccompProfile = map({ type: text.optional() }).optional()
const identity = { runAsNonRoot: flag.optional(), runAsUser: whole.optional(), seccompProfile }

const probe = map({
  httpGet: map({ path: text.optional(), port: port.optional() }).optional(),
  tcpSocket: map({ port: port.optional() }).optional(),
}).optional()

const container = map({
  name: unnamed,
  image: text.optional(),
  command: list(text),
  args: list(text),
  env: list(map({ name: unnamed, value: text.optional(), valueFrom: map({ secretKeyRef: anyMap }).optional() })),
  envFrom: list(map({ secretRef: anyMap })),
  ports: list(map({ name: text.optional(), hostPort: whole.optional() })),
  resources: map({ requests: mapOf(quantity).default({}), limits: mapOf(quantity).default({}) }).prefault({}),
  securityContext: map({
    ...identity,
    privileged: flag.optional(),
    allowPrivilegeEscalation: flag.optional(),
    readOnlyRootFilesystem: flag.optional(),
    capabilities: map({ add: list(text), drop: list(text) }).prefault({}),
  }).prefault({}),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: map({ preStop: map({ sleep: map({ seconds: number.optional() }).optional() }).optional() }).optional(),
})

const volumeSource = { secret: map({ items: z.array(map({}), { error: 'a list' }).optional() }).optional() }

const pod = map({
  automountServiceAccountToken: flag.optional(),
  hostNetwork: flag.optional(),
  hostPID: flag.optional(),
  hostIPC: flag.optional(),
  terminationGracePeriodSeconds: number.default(30),
  securityContext: map(identity).prefault({}),
  containers: z.array(container, { error: 'a list' }).min(1, { error: 'at least one container' }),
  initContainers: list(container),
  ephemeralContainers: list(container),
  volumes: list(
    map({
      ...volumeSource,
      name: unnamed,
      hostPath: anyMap,
      emptyDir: map({ sizeLimit: quantity.optional() }).optional(),
      projected: map({ sources: list(map({ ...volumeSource, serviceAccountToken: anyMap })) }).optional(),
    }),
  ),
})

const template = map({ metadata: map({ labels }).optional(), spec: pod.optional() }).optional()

const selector = map({
  matchLabels: labels,
  matchExpressions: list(map({ key: text.default(''), operator: text.default(''), values: list(text) })),
})

const peers = list(
  map({
    ipBlock: map({ cidr: text.default('') }).optional(),
    namespaceSelector: selector.optional(),
    podSelector: selector.optional(),
  }),
)

const target = map({ kind: text.default('Deployment'), name: text.default('') }).prefault({})

/** What has a spec of its own, besides what everything has. */
const withSpec = <Spec extends z.ZodType>(spec: Spec) => map({ ...head, spec })

const anything = map(head)
const barePod = map({ ...head, spec: pod.optional() })
const templated = withSpec(map({ replicas: whole.optional(), template }).prefault({}))
const cronJob = withSpec(map({ jobTemplate: map({ spec: map({ template }).optional() }).optional() }).prefault({}))
const scaledJob = withSpec(map({ jobTargetRef: map({ template }).optional() }).prefault({}))
const networkPolicy = withSpec(
  map({
    podSelector: selector.prefault({}),
    policyTypes: z.array(text, { error: 'a list' }).optional(),
    ingress: list(map({ from: peers })),
    egress: list(map({ to: peers })),
  }).prefault({}),
)
const disruptionBudget = withSpec(
  map({
    selector: selector.optional(),
    maxUnavailable: countOrShare.optional(),
    minAvailable: countOrShare.optional(),
  }).prefault({}),
)
const scaledObject = withSpec(
  map({
    scaleTargetRef: target,
    minReplicaCount: whole.default(0),
    maxReplicaCount: whole.default(100),
    triggers: list(map({ type: text.optional(), metadata: map({ query: text.optional() }).optional() })),
  }).prefault({}),
)
const autoscaler = withSpec(map({ scaleTargetRef: target }).prefault({}))
const configMap = map({ ...head, data: mapOf(text).default({}), binaryData: mapOf(text).default({}) })

/** A resource, as far as it is as it must be. */
type Sound<Shape extends z.ZodType> = z.infer<Shape> & {
  /** A sentence on each field that is not, and was left out. */
  faults: readonly string[]
}

/** What every resource has. */
export type Head = Sound<typeof anything>
export type Container = z.infer<typeof container>
export type Probe = NonNullable<z.infer<typeof probe>>
export type PodSpec = z.infer<typeof pod>
export type Labels = z.infer<typeof labels>
export type Selector = z.infer<typeof selector>
export type Peers = z.infer<typeof peers>
export type NetworkPolicy = Sound<typeof networkPolicy>
type DisruptionBudget = Sound<typeof disruptionBudget>
export type ScaledObject = Sound<typeof scaledObject>
export type Autoscaler = Sound<typeof autoscaler>
export type ConfigMap = Sound<typeof configMap>

/** What starts pods, wherever its kind keeps their template. */
export interface Workload extends Head {
  labels: Labels
  pod: PodSpec
  /** Those that begin first, too. */
  containers: Container[]
  /** How many pods; undefined where it does not say. */
  replicas: number | undefined
  /** Whether it is kept running, unlike a job. */
  keepsRunning: boolean
}

/** Manifests by what rules look at. */
export interface Manifests {
  /** Each of all, in their order. */
  heads: Head[]
  workloads: Workload[]
  networkPolicies: NetworkPolicy[]
  disruptionBudgets: DisruptionBudget[]
  scaledObjects: ScaledObject[]
  autoscalers: Autoscaler[]
  configMaps: ConfigMap[]
  /** Those that hold values, not only a name. */
  secrets: Head[]
}

/** Never throws: what is not as it must be is told by the faults of its resource. */
export function parseManifests(resources: readonly Resource[]): Manifests {
  const all: Manifests = {
    ...{ heads: [], workloads: [], networkPolicies: [], disruptionBudgets: [], scaledObjects: [], autoscalers: [] },
    ...{ configMaps: [], secrets: [] },
  }
  for (const resource of resources) all.heads.push(parsePart(resource, all))
  return all
}

const templatedKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job']

/** Adds a resource to those of its sort. */
function parsePart(resource: Resource, all: Manifests): Head {
  const as = <Shape extends z.ZodType>(shape: Shape): Sound<Shape> => soundPart(shape, resource)
  const kept = <One extends Head>(sort: One[], one: One): One => {
    sort.push(one)
    return one
  }
  const workload = (one: Head, own: z.infer<typeof template>, replicas?: number): Head => {
    if (own?.spec) all.workloads.push(workloadOf(one, own.spec, own.metadata?.labels ?? {}, replicas))
    return one
  }
  switch (resource.kind) {
    case 'NetworkPolicy':
      return kept(all.networkPolicies, as(networkPolicy))
    case 'PodDisruptionBudget':
      return kept(all.disruptionBudgets, as(disruptionBudget))
    case 'ScaledObject':
      return kept(all.scaledObjects, as(scaledObject))
    case 'HorizontalPodAutoscaler':
      return kept(all.autoscalers, as(autoscaler))
    case 'ConfigMap':
      return kept(all.configMaps, as(configMap))
    case 'Secret':
      return 'data' in resource || 'stringData' in resource ? kept(all.secrets, as(anything)) : as(anything)
    case 'Pod': {
      const one = as(barePod)
      return workload(one, { metadata: { labels: one.metadata.labels }, spec: one.spec })
    }
    case 'CronJob': {
      const one = as(cronJob)
      return workload(one, one.spec.jobTemplate?.spec?.template)
    }
    case 'ScaledJob': {
      const one = as(scaledJob)
      return workload(one, one.spec.jobTargetRef?.template)
    }
    default: {
      // Whatever its kind is: what has a template of containers starts pods.
      if (!templatedKinds.includes(resource.kind) && !hasContainers(resource)) return as(anything)
      const one = as(templated)
      return workload(one, one.spec.template, one.spec.replicas)
    }
  }
}

function hasContainers({ spec }: Resource): boolean {
  const { template: own } = (spec ?? {}) as { template?: { spec?: { containers?: unknown } } }
  return Array.isArray(own?.spec?.containers)
}

function workloadOf(one: Head, spec: PodSpec, own: Labels, replicas: number | undefined): Workload {
  const { apiVersion, kind, metadata, faults } = one
  return {
    ...{ apiVersion, kind, metadata, faults, labels: own, pod: spec, replicas },
    containers: [...spec.initContainers, ...spec.containers, ...spec.ephemeralContainers],
    keepsRunning: !['Pod', 'Job', 'CronJob', 'ScaledJob'].includes(kind),
  }
}

/** The parts that are as they must be. `resource` has a kind and a name, so that something is left in any case. */
function soundPart<Shape extends z.ZodType>(shape: Shape, resource: Resource): Sound<Shape> {
  const faults: string[] = []
  let value: unknown = resource
  for (;;) {
    const result = shape.safeParse(value)
    if (result.success) return Object.assign(result.data as z.infer<Shape> & object, { faults })
    const { issues } = result.error
    // What is missing later on was left out here.
    if (value === resource)
      faults.push(...issues.map(({ path, message }) => faultOf(message, path, valueAt(resource, path))))
    value = without(
      value,
      issues.map(({ path }) => (valueAt(value, path) === undefined ? path.slice(0, -1) : path)),
    )
  }
}

function faultOf(expected: string, path: Path, value: unknown): string {
  return `${path.join('.')}: expected ${expected}, got ${told(value)}`
}

type Path = readonly PropertyKey[]

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value)
}

/** A value without what is at these paths. */
function without(value: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0 || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const here = paths.filter(([first]) => String(first) === key)
    if (here.some(({ length }) => length === 1)) return []
    return [
      [
        key,
        without(
          inner,
          here.map((path) => path.slice(1)),
        ),
      ],
    ]
  })
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
}

/** Completes "got ...". */
function told(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'string') return `"${redactedBeginning(value, 40)}"`
  return typeof value === 'object' ? 'a map' : JSON.stringify(value)
}
