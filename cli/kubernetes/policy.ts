/** Rules that manifests keep, whoever wrote them: looked at after kustomize has put everything together. */
import { parse, parseAllDocuments } from 'yaml'
import { ConfigurationError } from '../../engine/errors.ts'
import { variableName } from '../../engine/settings.ts'
import { processors } from '../../processors/index.ts'
import { runSettings } from '../configuration.ts'
import { podLabels, type Resource } from './manifests.ts'
import { backlogMetric } from './scaling.ts'

/** One rule that one resource breaks. */
export interface Breach {
  rule: RuleName
  /** `Deployment/roll-out`. */
  resource: string
  /** What was found, and what was expected. */
  fault: string
}

interface Container {
  name: string
  image?: string
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef?: object } }[]
  envFrom?: { secretRef?: { name: string } }[]
  ports?: { hostPort?: number }[]
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  securityContext?: SecurityContext & {
    privileged?: boolean
    allowPrivilegeEscalation?: boolean
    readOnlyRootFilesystem?: boolean
    capabilities?: { add?: string[]; drop?: string[] }
  }
  livenessProbe?: object
  readinessProbe?: object
  lifecycle?: { preStop?: { sleep?: { seconds?: number } } }
}

interface SecurityContext {
  runAsNonRoot?: boolean
  runAsUser?: number
  seccompProfile?: { type?: string }
}

interface PodSpec {
  automountServiceAccountToken?: boolean
  hostNetwork?: boolean
  hostPID?: boolean
  hostIPC?: boolean
  terminationGracePeriodSeconds?: number
  securityContext?: SecurityContext
  containers?: Container[]
  initContainers?: Container[]
  ephemeralContainers?: Container[]
  volumes?: (VolumeSource & {
    name: string
    hostPath?: object
    emptyDir?: { sizeLimit?: string } | null
    projected?: { sources?: (VolumeSource & { serviceAccountToken?: object })[] }
  })[]
}

/** A workload's pods, wherever its kind keeps their template. */
interface Workload {
  resource: Resource
  labels: Labels
  pod: PodSpec
  containers: Container[]
  /** Whether it is kept running, unlike a job. */
  keepsRunning: boolean
}

type Labels = Readonly<Record<string, string>>

interface Selector {
  matchLabels?: Labels
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

interface Peer {
  ipBlock?: { cidr?: string }
  namespaceSelector?: Selector
  podSelector?: Selector
}

interface NetworkPolicySpec {
  podSelector?: Selector
  policyTypes?: string[]
  ingress?: { from?: Peer[] }[]
  egress?: { to?: Peer[] }[]
}

interface BudgetSpec {
  selector?: Selector
  maxUnavailable?: number | string
  minAvailable?: number | string
}

interface VolumeSource {
  secret?: { items?: object[] }
}

interface ScaledObjectSpec {
  scaleTargetRef?: { kind?: string; name?: string }
  minReplicaCount?: number
  maxReplicaCount?: number
  triggers?: { type?: string; metadata?: { query?: string } }[]
}

interface Manifests {
  workloads: readonly Workload[]
  resources: readonly Resource[]
}

/** Sentences on what one workload breaks; none where it keeps the rule. */
type WorkloadRule = (workload: Workload, all: Manifests) => string[]

/** What a pod needs that runs programs: to log in to Kafka and its registry. */
const ownSecrets = ['WELLSPRING_KAFKA_PASSWORD', 'WELLSPRING_REGISTRY_PASSWORD']

/** Whether a selector names nothing that pods must have: what it only leaves out may be anything. */
const selectsAll = ({ matchLabels = {}, matchExpressions = [] }: Selector = {}): boolean =>
  Object.keys(matchLabels).length === 0 &&
  matchExpressions.every(({ operator }) => operator !== 'In' && operator !== 'Exists')

const isEverybody = ({ ipBlock, namespaceSelector, podSelector }: Peer): boolean =>
  ipBlock
    ? ipBlock.cidr?.endsWith('/0') === true
    : selectsAll(podSelector) && namespaceSelector !== undefined && selectsAll(namespaceSelector)

/** Processors in whose pods generated programs are run, whatever the labels say. */
const runners = processors.filter(({ runsPrograms }) => runsPrograms === true).map(({ name }) => name)

const eachContainer =
  (fault: (container: Container, pod: PodSpec) => string | undefined): WorkloadRule =>
  ({ containers, pod }) =>
    containers.flatMap((container) => {
      const found = fault(container, pod)
      return found === undefined ? [] : [`container ${container.name} ${found}`]
    })

const workloadRules = {
  privileged: eachContainer(({ securityContext: own }) => {
    if (own?.privileged === true) return 'is privileged'
    return own?.allowPrivilegeEscalation === false
      ? undefined
      : 'may gain privileges: set allowPrivilegeEscalation: false'
  }),
  'host-access': ({ pod, containers }) => [
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const)
      .filter((name) => pod[name] === true)
      .map((name) => `uses ${name}`),
    ...(pod.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => `volume ${name} is a hostPath`),
    ...containers
      .filter(({ ports = [] }) => ports.some(({ hostPort }) => hostPort !== undefined))
      .map(({ name }) => `container ${name} takes a port of the node`),
  ],
  'non-root': eachContainer(({ securityContext: own }, { securityContext: common }) => {
    if ((own?.runAsUser ?? common?.runAsUser) === 0) return 'runs as root'
    return (own?.runAsNonRoot ?? common?.runAsNonRoot) === true ? undefined : 'may run as root: set runAsNonRoot: true'
  }),
  capabilities: eachContainer(({ securityContext: own }) => {
    const { add = [], drop = [] } = own?.capabilities ?? {}
    if (add.length > 0) return `adds capabilities: ${add.join(', ')}`
    return drop.includes('ALL') ? undefined : 'keeps capabilities: drop ALL'
  }),
  'read-only-root': eachContainer(({ securityContext: own }) =>
    own?.readOnlyRootFilesystem === true ? undefined : 'can write to its image: set readOnlyRootFilesystem: true',
  ),
  seccomp: eachContainer(({ securityContext: own }, { securityContext: common }) => {
    const type = (own?.seccompProfile ?? common?.seccompProfile)?.type
    return type === 'RuntimeDefault' || type === 'Localhost'
      ? undefined
      : `has the seccomp profile ${type ?? 'none'}: expected RuntimeDefault or Localhost`
  }),
  'resource-limits': eachContainer(({ resources = {} }) => {
    const missing = (['requests', 'limits'] as const).flatMap((sort) =>
      ['cpu', 'memory'].filter((name) => resources[sort]?.[name] === undefined).map((name) => `${sort}.${name}`),
    )
    return missing.length === 0 ? undefined : `has no ${missing.join(', ')}`
  }),
  'volume-limits': ({ pod }) =>
    (pod.volumes ?? [])
      .filter((volume) => volume.emptyDir !== undefined && volume.emptyDir?.sizeLimit === undefined)
      .map(({ name }) => `volume ${name} may fill the node: set emptyDir.sizeLimit`),
  probes: (workload, all) =>
    workload.keepsRunning
      ? eachContainer(({ livenessProbe, readinessProbe }) => {
          const missing = [...(livenessProbe ? [] : ['livenessProbe']), ...(readinessProbe ? [] : ['readinessProbe'])]
          return missing.length === 0 ? undefined : `has no ${missing.join(', ')}`
          // Kubernetes takes none for those that only begin.
        })({ ...workload, containers: workload.pod.containers ?? [] }, all)
      : [],
  'service-token': ({ pod }) => [
    ...(pod.automountServiceAccountToken === false
      ? []
      : ['mounts a token of its service account: set automountServiceAccountToken: false']),
    ...(pod.volumes ?? [])
      .filter(({ projected }) => projected?.sources?.some((source) => 'serviceAccountToken' in source) === true)
      .map(({ name }) => `volume ${name} holds a token of its service account`),
  ],
  'grace-period': ({ pod, containers }) => {
    const graceSeconds = pod.terminationGracePeriodSeconds ?? 30
    return containers.flatMap(({ name, args = [], env = [], lifecycle }) => {
      const usual = ['run', 'up'].includes(String(args[0])) ? String(runSettings.drainSeconds.default) : undefined
      const drain = env.find((one) => one.name === 'WELLSPRING_RUN_DRAIN_SECONDS')?.value ?? usual
      if (drain === undefined) return []
      const needed = Number(drain) + (lifecycle?.preStop?.sleep?.seconds ?? 0)
      return graceSeconds > needed
        ? []
        : [
            `container ${name} drains for up to ${needed} s with its preStop, and is killed after ${graceSeconds}: raise terminationGracePeriodSeconds`,
          ]
    })
  },
  'pinned-image': eachContainer(({ image = '' }) => {
    if (/@sha256:[0-9a-f]{64}$/.test(image)) return undefined
    const tag = image.includes('@') ? undefined : /:([\w][\w.-]*)$/.exec(image)?.[1]
    return tag !== undefined && tag !== 'latest'
      ? undefined
      : `runs ${image || 'no image'}: name a tag other than latest, or a digest`
  }),
  secrets: eachContainer(({ env = [] }) => {
    // A count of tokens is none, nor where a file lies.
    const inline = env.filter(
      ({ name, value }) =>
        /PASSWORD|TOKEN(?!S)|SECRET|API_?KEY|PASSPHRASE/.test(name) && !/_(FILE|PATH)$/.test(name) && value,
    )
    return inline.length === 0
      ? undefined
      : `has ${inline.map(({ name }) => name).join(', ')} in plain text: use valueFrom`
  }),
  'disruption-budget': ({ resource, labels, keepsRunning }, { resources }) => {
    if (!keepsRunning || resource.kind === 'DaemonSet') return []
    const { replicas = Infinity } = (resource.spec ?? {}) as { replicas?: number }
    const budgets = resources
      .filter((one) => one.kind === 'PodDisruptionBudget' && areTogether(one, resource))
      .map(({ spec }) => (spec ?? {}) as BudgetSpec)
      // Without a selector it is for no pod.
      .filter(({ selector }) => selector && selects(selector, labels))
    if (budgets.length === 0) return ['no PodDisruptionBudget selects its pods']
    if (budgets.length > 1) return ['several PodDisruptionBudgets select its pods: none of them could be evicted']
    return budgets.every(
      ({ maxUnavailable = 1, minAvailable = 0 }) =>
        maxUnavailable !== 0 &&
        maxUnavailable !== '0%' &&
        minAvailable !== '100%' &&
        !(typeof minAvailable === 'number' && minAvailable > 0 && minAvailable >= replicas),
    )
      ? []
      : ['its PodDisruptionBudget lets no pod go: no node could be emptied']
  },
  'network-policy': (workload, { resources }) => {
    const policies = policiesFor(workload, resources)
    const missing = (['Ingress', 'Egress'] as const).filter((type) => !policies.some((one) => bounds(one, type)))
    const rules = [...allowed(policies, 'Ingress'), ...allowed(policies, 'Egress')]
    return [
      ...(missing.length === 0 ? [] : [`no NetworkPolicy bounds its ${missing.join(' and ').toLowerCase()}`]),
      ...(rules.some((peers) => peers === undefined || peers.length === 0)
        ? ['a NetworkPolicy has a rule for whoever: name peers by from and to']
        : []),
      ...(allowed(policies, 'Ingress').some((peers = []) => peers.some(isEverybody))
        ? ['a NetworkPolicy lets in whatever runs in the cluster, or is outside of it: name a namespace or pods']
        : []),
    ]
  },
  'programs-apart': (workload, { resources }) => {
    const { labels, containers, pod } = workload
    const isRunner = containers.some(({ args = [] }) => args.some((one) => runners.includes(String(one))))
    if (labels[podLabels.runsPrograms] !== 'true' && !isRunner) return []
    const targets = allowed(policiesFor(workload, resources), 'Egress')
    const isWide = targets.some(
      (to = []) => to.length === 0 || to.some(({ ipBlock, podSelector }) => ipBlock || selectsAll(podSelector)),
    )
    // Single items, such as the brokers' certificate, are no whole Secret.
    const isWhole = (source: VolumeSource = {}): boolean => source.secret !== undefined && !source.secret.items
    return [
      ...(isWide
        ? ['runs programs that models wrote, and a NetworkPolicy lets it reach more than pods that it names']
        : []),
      ...(pod.volumes ?? [])
        .filter((volume) => isWhole(volume) || volume.projected?.sources?.some(isWhole) === true)
        .map(({ name }) => `runs programs that models wrote, and its volume ${name} holds a whole Secret`),
      ...containers
        .filter(({ envFrom = [] }) => envFrom.some(({ secretRef }) => secretRef))
        .map(({ name }) => `runs programs that models wrote, and container ${name} is given a whole Secret`),
      ...containers.flatMap(({ name, env = [] }) =>
        env
          .filter((one) => one.valueFrom?.secretKeyRef && !ownSecrets.includes(one.name))
          .map((one) => `runs programs that models wrote, and container ${name} is given ${one.name} of a Secret`),
      ),
    ]
  },
} as const satisfies Record<string, WorkloadRule>

const noSandboxSetting = 'unsafeNoSandbox' satisfies keyof typeof runSettings

/** How programs are let out of the sandbox, whoever says so. */
const noSandbox = {
  setting: noSandboxSetting,
  variable: variableName('run', noSandboxSetting),
  /** With any prefix before it. */
  lastWords: variableName('', noSandboxSetting).replace('WELLSPRING_', ''),
  flag: '--unsafe-no-sandbox',
}

/** Sentences on what one resource breaks, whatever its kind is; no annotation exempts from these. */
const resourceRules = {
  sandbox: (resource: Resource): string[] => [
    ...workloadOf(resource)
      .flatMap(({ containers }) => containers)
      .filter(
        ({ command = [], args = [], env = [] }) =>
          // As a flag, by --set, or as a variable in a line for a shell.
          [...command, ...args].some((one) =>
            [noSandbox.flag, noSandbox.setting, noSandbox.lastWords].some((words) => String(one).includes(words)),
          ) || env.some(({ name, value }) => name === noSandbox.variable && value !== 'false'),
      )
      .map(
        ({ name }) =>
          `container ${name} runs generated programs without a sandbox: remove ${noSandbox.variable}, ${noSandbox.flag} and run.${noSandbox.setting}`,
      ),
    ...Object.entries(configurationOf(resource))
      // A whole config map may be taken with a prefix before its keys.
      .filter(([key, text]) => (key.endsWith(noSandbox.lastWords) ? text !== 'false' : runsWithoutSandbox(text)))
      .map(([key]) => `${key} has generated programs run without a sandbox: remove it, or run.${noSandbox.setting}`),
  ],
  scaling: ({ kind, metadata, spec }: Resource, { workloads }: Manifests): string[] => {
    if (kind !== 'ScaledObject') return []
    const {
      scaleTargetRef: target = {},
      minReplicaCount = 0,
      maxReplicaCount = 100,
      triggers = [],
    } = (spec ?? {}) as ScaledObjectSpec
    const scaled = workloads.find(
      ({ resource: { kind: of, metadata: own } }) =>
        of === (target.kind ?? 'Deployment') &&
        own.name === target.name &&
        areTogether({ metadata }, { metadata: own }),
    )
    return [
      ...(scaled ? [] : [`scales ${target.kind ?? 'Deployment'}/${target.name}, which is not there`]),
      ...((scaled?.resource.spec as { replicas?: number } | undefined)?.replicas === undefined
        ? []
        : ['its workload has replicas of its own: every deployment would undo the scaling']),
      ...(minReplicaCount >= 1 ? [] : ['may scale to zero: nobody would be left to tell the backlog']),
      ...(maxReplicaCount >= minReplicaCount ? [] : [`scales from ${minReplicaCount} to ${maxReplicaCount}`]),
      ...(triggers.some((trigger) => trigger.metadata?.query?.includes(backlogMetric) === true)
        ? []
        : [`does not follow what waits: scale by ${backlogMetric}`]),
      ...(triggers.some(({ type }) => type === 'kafka' || type === 'apache-kafka')
        ? [`follows the lag of a consumer group, which misleads: use ${backlogMetric}`]
        : []),
    ]
  },
  'secret-values': ({ kind, data, stringData }: Resource): string[] =>
    kind === 'Secret' && (data !== undefined || stringData !== undefined)
      ? ['holds its values: name a Secret that is made elsewhere']
      : [],
}

function configurationOf({ kind, data, binaryData }: Resource): Record<string, string> {
  if (kind !== 'ConfigMap') return {}
  const encoded = Object.entries((binaryData ?? {}) as Record<string, string>)
  const decoded = encoded.map(([key, text]) => [key, Buffer.from(text, 'base64').toString()] as const)
  return { ...((data ?? {}) as Record<string, string>), ...Object.fromEntries(decoded) }
}

/** Whether a text is a wellspring.yaml that switches the sandbox off. */
function runsWithoutSandbox(text: string): boolean {
  try {
    const { run } = parse(text) as { run?: Record<string, unknown> }
    return ![undefined, false, 'false'].includes(run?.[noSandbox.setting] as string | undefined)
  } catch {
    return false // no YAML, or none of an object: no configuration
  }
}

type RuleName = keyof typeof workloadRules | keyof typeof resourceRules

/** All rules, in the order in which they are looked at. */
export const ruleNames = [...Object.keys(workloadRules), ...Object.keys(resourceRules)] as RuleName[]

/** The resources of a text with any number of YAML documents; lists are opened. @throws ConfigurationError */
export function readResources(text: string): Resource[] {
  const documents = parseAllDocuments(text)
  const faults = documents.flatMap(({ errors }) =>
    errors.map(({ message }) => (message.split('\n')[0] ?? '').replace(/:$/, '')),
  )
  if (faults.length > 0) throw new ConfigurationError(faults)
  const values = documents.map((one) => withoutNulls(one.toJS() as unknown)).filter((one) => one !== undefined)
  const resources = values.flatMap((one) => {
    const { kind, items } = one as { kind?: unknown; items?: unknown }
    return kind === 'List' && Array.isArray(items) ? (items as unknown[]) : [one]
  })
  const stray = resources.findIndex((one) => !isResource(one))
  if (stray >= 0)
    throw new ConfigurationError([
      `document ${stray + 1}: expected a resource of Kubernetes with apiVersion, kind and metadata.name`,
    ])
  if (resources.length === 0)
    throw new ConfigurationError([
      'expected resources of Kubernetes, got none; pipe in what `kubectl kustomize FOLDER` writes',
    ])
  return resources.filter(isResource)
}

/** Kubernetes takes a field that is null for one that is not there; in lists, and as an empty volume, it is an empty object. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map((one: unknown) => withoutNulls(one) ?? {})
  if (typeof value !== 'object') return value
  const fields = Object.entries(value).map(
    ([name, one]) => [name, one === null && name === 'emptyDir' ? {} : withoutNulls(one)] as const,
  )
  return Object.fromEntries(fields.filter(([, one]) => one !== undefined))
}

/** Whether two resources lie in one namespace, as far as they say. */
function areTogether(one: Pick<Resource, 'metadata'>, other: Pick<Resource, 'metadata'>): boolean {
  const [first, second] = [one.metadata.namespace, other.metadata.namespace]
  return first === undefined || second === undefined || first === second
}

function isResource(value: unknown): value is Resource {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<Resource>
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string'
}

/** Every rule that is broken. Rules that a workload's annotation `wellspring/exempt` names are not looked at. */
export function brokenRules(resources: readonly Resource[]): Breach[] {
  const workloads = resources.flatMap(workloadOf)
  const all = { workloads, resources }
  const nameOf = ({ kind, metadata }: Resource): string => `${kind}/${metadata.name}`
  return [
    ...workloads.flatMap((workload) => {
      const exempt = exemptionsOf(workload.resource)
      return Object.entries<WorkloadRule>(workloadRules)
        .filter(([rule]) => !exempt.includes(rule))
        .flatMap(([rule, faults]) =>
          faults(workload, all).map((fault) => ({
            rule: rule as RuleName,
            resource: nameOf(workload.resource),
            fault,
          })),
        )
    }),
    ...resources.flatMap((resource) =>
      Object.entries(resourceRules).flatMap(([rule, faults]) =>
        faults(resource, all).map((fault) => ({ rule: rule as RuleName, resource: nameOf(resource), fault })),
      ),
    ),
  ]
}

/** `probes, disruption-budget: the reason` -> the rules; none where there is no reason. */
function exemptionsOf({ metadata }: Resource): string[] {
  const [names = '', ...reason] = (metadata.annotations?.['wellspring/exempt'] ?? '').split(':')
  return reason.join(':').trim() === '' ? [] : names.split(',').map((name) => name.trim())
}

interface Template {
  metadata?: { labels?: Labels }
  spec?: PodSpec
}

function workloadOf(resource: Resource): Workload[] {
  const spec = (resource.spec ?? {}) as {
    template?: Template
    jobTemplate?: { spec?: { template?: Template } }
    jobTargetRef?: { template?: Template }
  }
  const template: Template | undefined =
    resource.kind === 'Pod'
      ? { metadata: { labels: resource.metadata.labels ?? {} }, spec: resource.spec as PodSpec }
      : resource.kind === 'CronJob'
        ? spec.jobTemplate?.spec?.template
        : (spec.template ?? spec.jobTargetRef?.template)
  // Whatever its kind is: what has a template of containers starts pods.
  if (!Array.isArray(template?.spec?.containers)) return []
  const { spec: pod, metadata } = template
  return [
    {
      ...{ resource, pod, labels: metadata?.labels ?? {} },
      containers: [...(pod.initContainers ?? []), ...(pod.containers ?? []), ...(pod.ephemeralContainers ?? [])],
      keepsRunning: !['Pod', 'Job', 'CronJob', 'ScaledJob'].includes(resource.kind),
    },
  ]
}

/** Whether a policy bounds a direction: egress where it has rules for it, or says so. */
function bounds({ policyTypes, egress = [] }: NetworkPolicySpec, type: 'Ingress' | 'Egress'): boolean {
  return (policyTypes ?? ['Ingress', ...(egress.length > 0 ? ['Egress'] : [])]).includes(type)
}

/** The peers of each rule for a direction, of the policies that bound it; undefined where a rule names none. */
function allowed(policies: readonly NetworkPolicySpec[], type: 'Ingress' | 'Egress'): (Peer[] | undefined)[] {
  return policies
    .filter((one) => bounds(one, type))
    .flatMap(({ ingress = [], egress = [] }) =>
      type === 'Ingress' ? ingress.map(({ from }) => from) : egress.map(({ to }) => to),
    )
}

function policiesFor({ resource, labels }: Workload, resources: readonly Resource[]): NetworkPolicySpec[] {
  return resources
    .filter((one) => one.kind === 'NetworkPolicy' && areTogether(one, resource))
    .map(({ spec }) => (spec ?? {}) as NetworkPolicySpec)
    .filter(({ podSelector }) => selects(podSelector, labels))
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector = {}, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value)
        case 'NotIn':
          return value === undefined || !values.includes(value)
        case 'Exists':
          return value !== undefined
        default:
          return value === undefined
      }
    })
  )
}
