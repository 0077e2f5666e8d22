/** Rules that manifests keep, whoever wrote them: looked at after kustomize has put everything together. */
import type { Processor } from '../../engine/processor.ts'
import { groupOf } from '../../engine/runtime.ts'
import { variableName } from '../../engine/settings.ts'
import { processors } from '../../processors/index.ts'
import { runSettings } from '../configuration.ts'
import { noSuch } from '../wrong-use.ts'
import { namedProcessors, processorsOf, runsPrograms, runsProcessors, settingOf } from './commands.ts'
import { podLabels, type Resource } from './manifests.ts'
import { isPlainSecret, plainSecretsIn } from './plain-secrets.ts'
import { yamlOf } from './reading.ts'
import { backlogMetric } from './scaling.ts'
import {
  parseManifests,
  type Autoscaler,
  type ConfigMap,
  type Container,
  type Head,
  type Labels,
  type Manifests,
  type NetworkPolicy,
  type Peers,
  type PodSpec,
  type Probe,
  type ScaledObject,
  type Selector,
  type Workload,
} from './shapes.ts'

/** One rule that one resource breaks. */
export interface Breach {
  rule: RuleName
  /** `Deployment/roll-out`. */
  resource: string
  /** What was found, and what was expected. */
  fault: string
}

/** What a rule looks at besides the one resource. */
interface Context extends Manifests {
  processors: readonly Processor[]
}

/** Sentences on what one workload breaks; none where it keeps the rule. */
type WorkloadRule = (workload: Workload, all: Context) => string[]

/** What a pod needs that runs programs: to log in to Kafka and its registry. */
const ownSecrets = ['WELLSPRING_KAFKA_PASSWORD', 'WELLSPRING_REGISTRY_PASSWORD']

/** Whether a selector names nothing that pods must have: what it only leaves out may be anything. */
const selectsAll = (selector?: Selector): boolean =>
  selector === undefined ||
  (Object.keys(selector.matchLabels).length === 0 &&
    selector.matchExpressions.every(({ operator }) => operator !== 'In' && operator !== 'Exists'))

const isEverybody = ({ ipBlock, namespaceSelector, podSelector }: Peers[number]): boolean =>
  ipBlock
    ? ipBlock.cidr.endsWith('/0')
    : selectsAll(podSelector) && namespaceSelector !== undefined && selectsAll(namespaceSelector)

const eachContainer =
  (faults: (container: Container, pod: PodSpec) => string[]) =>
  ({ containers, pod }: Workload): string[] =>
    containers.flatMap((container) => faults(container, pod).map((fault) => `container ${container.name} ${fault}`))

/** The probes of a container that ask nothing, or the wrong thing. */
function unfitProbes({ ports, livenessProbe, readinessProbe, startupProbe }: Container): string[] {
  const names = ports.map(({ name }) => name)
  return Object.entries({ livenessProbe, readinessProbe, startupProbe }).flatMap(([sort, probe]) => {
    const { httpGet, tcpSocket }: Probe = probe ?? {}
    const port = httpGet?.port ?? tcpSocket?.port
    return [
      ...(typeof port === 'string' && !names.includes(port)
        ? [`has a ${sort} at the port "${port}", and no port of this name`]
        : []),
      ...(httpGet?.path === '/metrics'
        ? [`has a ${sort} at /metrics, which answers whatever the state is: ask /healthz or /readyz`]
        : []),
    ]
  })
}

const resourceNames = ['cpu', 'memory'] as const

const workloadRules = {
  privileged: eachContainer(({ securityContext: own }) => {
    if (own.privileged === true) return ['is privileged']
    return own.allowPrivilegeEscalation === false ? [] : ['may gain privileges: set allowPrivilegeEscalation: false']
  }),
  'host-access': ({ pod, containers }) => [
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const)
      .filter((name) => pod[name] === true)
      .map((name) => `uses ${name}`),
    ...pod.volumes.filter(({ hostPath }) => hostPath).map(({ name }) => `volume ${name} is a hostPath`),
    ...containers
      .filter(({ ports }) => ports.some(({ hostPort }) => hostPort !== undefined))
      .map(({ name }) => `container ${name} takes a port of the node`),
  ],
  'non-root': eachContainer(({ securityContext: own }, { securityContext: common }) => {
    if ((own.runAsUser ?? common.runAsUser) === 0) return ['runs as root']
    return (own.runAsNonRoot ?? common.runAsNonRoot) === true ? [] : ['may run as root: set runAsNonRoot: true']
  }),
  capabilities: eachContainer(({ securityContext: { capabilities } }) => {
    const { add, drop } = capabilities
    if (add.length > 0) return [`adds capabilities: ${add.join(', ')}`]
    return drop.includes('ALL') ? [] : ['keeps capabilities: drop ALL']
  }),
  'read-only-root': eachContainer(({ securityContext: own }) =>
    own.readOnlyRootFilesystem === true ? [] : ['can write to its image: set readOnlyRootFilesystem: true'],
  ),
  seccomp: eachContainer(({ securityContext: own }, { securityContext: common }) => {
    const type = (own.seccompProfile ?? common.seccompProfile)?.type
    return type === 'RuntimeDefault' || type === 'Localhost'
      ? []
      : [`has the seccomp profile ${type ?? 'none'}: expected RuntimeDefault or Localhost`]
  }),
  'resource-limits': eachContainer(({ resources: { requests, limits } }) => {
    const missing = Object.entries({ requests, limits }).flatMap(([sort, own]) =>
      resourceNames.filter((name) => own[name] === undefined).map((name) => `${sort}.${name}`),
    )
    const isAbove = (name: string): boolean => (requests[name] ?? 0) > (limits[name] ?? Infinity)
    return [
      ...(missing.length === 0 ? [] : [`has no ${missing.join(', ')}`]),
      ...resourceNames
        .filter((name) => limits[name] !== undefined && limits[name] <= 0)
        .map((name) => `has limits.${name} of 0, which is no limit`),
      ...resourceNames.filter(isAbove).map((name) => `has requests.${name} above limits.${name}`),
    ]
  }),
  'volume-limits': ({ pod }) =>
    pod.volumes
      .filter(({ emptyDir }) => emptyDir && emptyDir.sizeLimit === undefined)
      .map(({ name }) => `volume ${name} may fill the node: set emptyDir.sizeLimit`),
  probes: (workload) =>
    workload.keepsRunning
      ? eachContainer((container) => {
          const { livenessProbe, readinessProbe } = container
          const missing = [...(livenessProbe ? [] : ['livenessProbe']), ...(readinessProbe ? [] : ['readinessProbe'])]
          return [...(missing.length === 0 ? [] : [`has no ${missing.join(', ')}`]), ...unfitProbes(container)]
          // Kubernetes takes none for those that only begin.
        })({ ...workload, containers: workload.pod.containers })
      : [],
  'service-token': ({ pod }) => [
    ...(pod.automountServiceAccountToken === false
      ? []
      : ['mounts a token of its service account: set automountServiceAccountToken: false']),
    ...pod.volumes
      .filter(({ projected }) => projected?.sources.some(({ serviceAccountToken }) => serviceAccountToken) === true)
      .map(({ name }) => `volume ${name} holds a token of its service account`),
  ],
  'grace-period': eachContainer((container, { terminationGracePeriodSeconds: graceSeconds }) => {
    const drain =
      settingOf(container, 'run.drainSeconds') ??
      container.env.findLast(({ name }) => name === variableName('run', 'drainSeconds'))?.value ??
      (runsProcessors(container) ? String(runSettings.drainSeconds.default) : undefined)
    if (drain === undefined) return []
    const neededSeconds = Number(drain) + (container.lifecycle?.preStop?.sleep?.seconds ?? 0)
    if (Number.isNaN(neededSeconds)) return [`drains for "${drain}": expected seconds`]
    return graceSeconds > neededSeconds
      ? []
      : [
          `drains for up to ${neededSeconds} s with its preStop, and is killed after ${graceSeconds}: raise terminationGracePeriodSeconds`,
        ]
  }),
  'pinned-image': eachContainer(({ image = '' }) => {
    if (/@sha256:[0-9a-f]{64}$/.test(image)) return []
    const tag = image.includes('@') ? undefined : /:([\w][\w.-]*)$/.exec(image)?.[1]
    return tag !== undefined && tag !== 'latest'
      ? []
      : [`runs ${image || 'no image'}: name a tag other than latest, or a digest`]
  }),
  'known-processors': (workload, { processors: declared }) => {
    const names = declared.map(({ name }) => name)
    return eachContainer((container) => {
      const unknown = namedProcessors(container).filter((one) => !names.includes(one))
      return unknown.length === 0 ? [] : [`runs what is not there: ${noSuch('processor', unknown, names)}`]
    })(workload)
  },
  secrets: eachContainer(({ env, command, args }) => {
    const variables = env.filter(({ name, value = '' }) => isPlainSecret(name, value)).map(({ name }) => name)
    const words = [...command, ...args].flatMap((one) => plainSecretsIn('its arguments', one))
    return [
      ...(variables.length === 0 ? [] : [`has ${variables.join(', ')} in plain text: use valueFrom`]),
      ...(words.length === 0
        ? []
        : [`has a secret in plain text (${words.join(', ')}): use a variable with valueFrom`]),
    ]
  }),
  'disruption-budget': (workload, { disruptionBudgets }) => {
    const { kind, labels, keepsRunning, replicas = Infinity } = workload
    if (!keepsRunning || kind === 'DaemonSet') return []
    const budgets = disruptionBudgets
      .filter((one) => areTogether(one, workload))
      .map(({ spec }) => spec)
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
  'network-policy': (workload, { networkPolicies }) => {
    const policies = policiesFor(workload, networkPolicies)
    const missing = (['Ingress', 'Egress'] as const).filter((type) => !policies.some((one) => bounds(one, type)))
    const rules = [...allowed(policies, 'Ingress'), ...allowed(policies, 'Egress')]
    return [
      ...(missing.length === 0 ? [] : [`no NetworkPolicy bounds its ${missing.join(' and ').toLowerCase()}`]),
      ...(rules.some((peers) => peers.length === 0)
        ? ['a NetworkPolicy has a rule for whoever: name peers by from and to']
        : []),
      ...(allowed(policies, 'Ingress').some((peers) => peers.some(isEverybody))
        ? ['a NetworkPolicy lets in whatever runs in the cluster, or is outside of it: name a namespace or pods']
        : []),
    ]
  },
  'programs-apart': (workload, all) => {
    const { labels, containers, pod } = workload
    const isRunner = containers.some((one) => runsPrograms(one, all.processors))
    if (labels[podLabels.runsPrograms] !== 'true' && !isRunner) return []
    const targets = allowed(policiesFor(workload, all.networkPolicies), 'Egress')
    const isWide = targets.some(
      (to) => to.length === 0 || to.some(({ ipBlock, podSelector }) => ipBlock || selectsAll(podSelector)),
    )
    // Single items, such as the brokers' certificate, are no whole Secret.
    const isWhole = ({ secret }: Pick<PodSpec['volumes'][number], 'secret'>): boolean =>
      secret !== undefined && !secret.items
    return [
      ...(isWide
        ? ['runs programs that models wrote, and a NetworkPolicy lets it reach more than pods that it names']
        : []),
      ...pod.volumes
        .filter((volume) => isWhole(volume) || volume.projected?.sources.some(isWhole) === true)
        .map(({ name }) => `runs programs that models wrote, and its volume ${name} holds a whole Secret`),
      ...containers
        .filter(({ envFrom }) => envFrom.some(({ secretRef }) => secretRef))
        .map(({ name }) => `runs programs that models wrote, and container ${name} is given a whole Secret`),
      ...containers.flatMap(({ name, env }) =>
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

/** Sentences on what a resource breaks. */
type Findings = [Head, string[]][]

const each = <One extends Head>(all: readonly One[], faults: (one: One) => string[]): Findings =>
  all.map((one) => [one, faults(one)])

/** What resources break, whatever their kind is; no annotation exempts from these. */
const resourceRules = {
  'well-formed': ({ heads }: Context) => each(heads, ({ faults }) => [...faults]),
  exemptions: ({ workloads }: Context) => each(workloads, exemptionFaults),
  'given-once': ({ heads }: Context) => {
    const seen = new Map<string, Head[]>()
    return each(heads, (one) => {
      const { apiVersion, kind, metadata } = one
      const key = [apiVersion.includes('/') ? apiVersion.split('/')[0] : '', kind, metadata.name].join('/')
      const before = seen.get(key) ?? []
      seen.set(key, [...before, one])
      return before.some((other) => areTogether(one, other))
        ? ['is given twice, and the last one holds: remove one of them']
        : []
    })
  },
  sandbox: ({ workloads, configMaps }: Context) => [
    ...each(workloads, ({ containers }) =>
      containers
        .filter(
          ({ command, args, env }) =>
            // As a flag, by --set, or as a variable in a line for a shell.
            [...command, ...args].some((one) =>
              [noSandbox.flag, noSandbox.setting, noSandbox.lastWords].some((words) => one.includes(words)),
            ) || env.some(({ name, value }) => name === noSandbox.variable && value !== 'false'),
        )
        .map(
          ({ name }) =>
            `container ${name} runs generated programs without a sandbox: remove ${noSandbox.variable}, ${noSandbox.flag} and run.${noSandbox.setting}`,
        ),
    ),
    ...each(configMaps, (one) =>
      Object.entries(textsOf(one))
        // A whole config map may be taken with a prefix before its keys.
        .filter(([key, text]) => (key.endsWith(noSandbox.lastWords) ? text !== 'false' : runsWithoutSandbox(text)))
        .map(([key]) => `${key} has generated programs run without a sandbox: remove it, or run.${noSandbox.setting}`),
    ),
  ],
  scaling: (all: Context) => [
    ...each(all.scaledObjects, (one) => scalingFaults(one, all)),
    ...each(all.autoscalers, (one) =>
      isForScaledObject(one, all)
        ? [
            `scales ${targetName(one)} by something else than what waits: leave it to a ScaledObject by ${backlogMetric}`,
          ]
        : [],
    ),
  ],
  'secret-values': ({ secrets, configMaps }: Context) => [
    ...each(secrets, () => ['holds its values: name a Secret that is made elsewhere']),
    ...each(configMaps, (one) =>
      Object.entries(textsOf(one))
        .flatMap(([key, text]) => plainSecretsIn(key, text))
        .map((place) => `has a secret in plain text (${place}): put it into a Secret that is made elsewhere`),
    ),
  ],
} as const satisfies Record<string, (all: Context) => Findings>

function textsOf({ data, binaryData }: ConfigMap): Record<string, string> {
  const decoded = Object.entries(binaryData).map(
    ([key, text]) => [key, Buffer.from(text, 'base64').toString()] as const,
  )
  return { ...data, ...Object.fromEntries(decoded) }
}

/** Whether a text is a wellspring.yaml that switches the sandbox off. */
function runsWithoutSandbox(text: string): boolean {
  const { run } = (yamlOf(text) ?? {}) as { run?: Record<string, unknown> | null }
  return ![undefined, false, 'false'].includes(run?.[noSandbox.setting] as string | undefined)
}

type Scaler = ScaledObject | Autoscaler

const targetName = ({ spec: { scaleTargetRef: of } }: Scaler): string => `${of.kind}/${of.name}`

function isTarget(scaler: Scaler, one: Head): boolean {
  return `${one.kind}/${one.metadata.name}` === targetName(scaler) && areTogether(scaler, one)
}

/** Whether an autoscaler counts pods that only their backlog should count. */
function isForScaledObject(one: Autoscaler, { workloads, scaledObjects }: Context): boolean {
  const target = workloads.find((other) => isTarget(one, other))
  return (
    target?.containers.some(runsProcessors) === true ||
    scaledObjects.some((other) => targetName(other) === targetName(one) && areTogether(one, other))
  )
}

function scalingFaults(scaled: ScaledObject, all: Context): string[] {
  const { minReplicaCount: least, maxReplicaCount: most, triggers } = scaled.spec
  const target = all.workloads.find((one) => isTarget(scaled, one))
  const processorsThere = (target?.containers ?? []).flatMap((one) => processorsOf(one, all.processors))
  const tasks = processorsThere.reduce((sum, one) => sum + groupOf(one).tasks, 0)
  const followed = triggers.filter(({ metadata }) => metadata?.query?.includes(backlogMetric) === true)
  return [
    ...(all.heads.some((one) => isTarget(scaled, one)) ? [] : [`scales ${targetName(scaled)}, which is not there`]),
    ...(target?.replicas === undefined
      ? []
      : ['its workload has replicas of its own: every deployment would undo the scaling']),
    ...(least >= 1 ? [] : ['may scale to zero: nobody would be left to tell the backlog']),
    ...(most >= least ? [] : [`scales from ${least} to ${most}`]),
    ...(processorsThere.length === 0 || most <= tasks
      ? []
      : [`scales to ${most} for ${tasks} tasks: set maxReplicaCount to ${tasks}, others would have nothing to do`]),
    ...(followed.length > 0 ? [] : [`does not follow what waits: scale by ${backlogMetric}`]),
    ...(followed.length === 0 || followed.length === triggers.length
      ? []
      : [`follows more than what waits: scale by ${backlogMetric} alone`]),
    ...(triggers.some(({ type }) => type === 'kafka' || type === 'apache-kafka')
      ? [`follows the lag of a consumer group, which misleads: use ${backlogMetric}`]
      : []),
    ...followed.flatMap(({ metadata }) => strayQueryFaults(metadata?.query ?? '', processorsThere, all)),
  ]
}

/** What a query asks of other processors than those of the pods that follow it. */
function strayQueryFaults(query: string, own: readonly Processor[], { processors: all }: Context): string[] {
  const names = own.map(({ name }) => name)
  const asked = [...query.matchAll(/\bprocessor\s*=~?\s*"([^"]*)"/g)].flatMap(([, list = '']) => list.split('|'))
  const isStray = asked.length === 0 ? new Set(names).size < all.length : asked.some((one) => !names.includes(one))
  return own.length === 0 || !isStray
    ? []
    : [`follows what waits for ${asked.join(', ') || 'all processors'}, and its pods run ${names.join(', ')}`]
}

type RuleName = keyof typeof workloadRules | keyof typeof resourceRules

const exemptibleNames = Object.keys(workloadRules)

/** All rules, in the order in which they are looked at. */
export const ruleNames = [...exemptibleNames, ...Object.keys(resourceRules)] as RuleName[]

/** Whether two resources lie in one namespace, as far as they say. */
function areTogether({ metadata: one }: Head, { metadata: other }: Head): boolean {
  return one.namespace === undefined || other.namespace === undefined || one.namespace === other.namespace
}

/**
 * Every rule that is broken. Rules that a workload's annotation `wellspring/exempt` names are not looked at; of a resource that is not
 * well-formed no other rule is.
 */
export function brokenRules(resources: readonly Resource[], declarations: readonly Processor[] = processors): Breach[] {
  const all: Context = { ...parseManifests(resources), processors: declarations }
  const breaches = (rule: string, { kind, metadata }: Head, faults: readonly string[]): Breach[] =>
    faults.map((fault) => ({ rule: rule as RuleName, resource: `${kind}/${metadata.name}`, fault }))
  return [
    ...all.workloads
      .filter(({ faults }) => faults.length === 0)
      .flatMap((workload) => {
        const { rules: exempt, reason } = exemptionOf(workload)
        return Object.entries<WorkloadRule>(workloadRules)
          .filter(([rule]) => reason === '' || !exempt.includes(rule))
          .flatMap(([rule, faults]) => breaches(rule, workload, faults(workload, all)))
      }),
    ...Object.entries<(context: Context) => Findings>(resourceRules).flatMap(([rule, findings]) =>
      findings(all)
        .filter(([{ faults }]) => faults.length === 0 || rule === 'well-formed')
        .flatMap(([one, faults]) => breaches(rule, one, faults)),
    ),
  ]
}

/** `probes, disruption-budget: the reason` -> the rules and the reason; '' where there is none. */
function exemptionOf({ metadata }: Head): { rules: string[]; reason: string } {
  const [names = '', ...reason] = (metadata.annotations[exemption] ?? '').split(':')
  return { rules: names.split(',').map((name) => name.trim()), reason: reason.join(':').trim() }
}

const exemption = 'wellspring/exempt'

function exemptionFaults(workload: Workload): string[] {
  if (workload.metadata.annotations[exemption] === undefined) return []
  const { rules, reason } = exemptionOf(workload)
  const firm = rules.filter((rule) => Object.hasOwn(resourceRules, rule))
  const unknown = rules.filter((rule) => !firm.includes(rule) && !exemptibleNames.includes(rule))
  return [
    ...(reason === '' ? [`${exemption} gives no reason, and exempts from nothing: write RULE: REASON`] : []),
    ...(unknown.length === 0 ? [] : [`${exemption}: ${noSuch('rule', unknown, exemptibleNames)}`]),
    ...(firm.length === 0 ? [] : [`${exemption}: nothing exempts from ${firm.join(', ')}`]),
  ]
}

/** Whether a policy bounds a direction: egress where it has rules for it, or says so. */
function bounds({ spec: { policyTypes, egress } }: NetworkPolicy, type: 'Ingress' | 'Egress'): boolean {
  return (policyTypes ?? ['Ingress', ...(egress.length > 0 ? ['Egress'] : [])]).includes(type)
}

/** The peers of each rule for a direction, of the policies that bound it; none are whoever. */
function allowed(policies: readonly NetworkPolicy[], type: 'Ingress' | 'Egress'): Peers[] {
  return policies
    .filter((one) => bounds(one, type))
    .flatMap(({ spec: { ingress, egress } }) =>
      type === 'Ingress' ? ingress.map(({ from }) => from) : egress.map(({ to }) => to),
    )
}

function policiesFor(workload: Workload, policies: readonly NetworkPolicy[]): NetworkPolicy[] {
  return policies.filter((one) => areTogether(one, workload) && selects(one.spec.podSelector, workload.labels))
}

function selects({ matchLabels, matchExpressions }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
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
