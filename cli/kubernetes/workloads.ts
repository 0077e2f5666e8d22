/** The pods: one workload for each processor, the job that makes topics and schemas, and a pod to run commands in. */
import { createHash } from 'node:crypto'
import { factsOf, type ProcessorFacts } from './facts.ts'
import { everyPod, labelsOf, podLabels, type Resource } from './manifests.ts'
import { metricsPort, type ClusterOptions } from './options.ts'
import { toolsName, userOf } from './users.ts'

/** The config map that holds wellspring.yaml; an overlay brings it. */
const configMap = 'wellspring-config'
/** Secret whose keys are the variables that `apiKeyVariable` names; may be absent. */
const endpointKeys = 'wellspring-endpoint-keys'
/** Config map of further variables, such as WELLSPRING_LOG and OTEL_EXPORTER_OTLP_ENDPOINT; may be absent. */
const variables = 'wellspring-variables'
/** Secret with the registry's `password`; may be absent. */
const registrySecret = 'wellspring-registry'
/** The service account of all pods: it has no rights, and no token of it is mounted. */
const serviceAccount = 'wellspring'
/** The headless service that stateful sets stand behind, and that finds the pods. */
const podService = 'wellspring-pods'

/**
 * Seconds that a pod works on before it is told to end: the one that takes its place is being started, and its tasks move
 * once, to it, instead of twice.
 */
const preStopSeconds = 10
/** For the last commit, and to leave the groups, after calls in flight were aborted. */
const leaveSeconds = 20
/** Any id but root's; nothing in the image belongs to it. */
const userId = 10_001
const stateSize = '4Gi'

/** What Kubernetes waits before it kills: longer than anything that a pod does in order to end. */
const graceSeconds = ({ drainSeconds }: ClusterOptions): number => preStopSeconds + drainSeconds + leaveSeconds

/** The resources of one processor. */
export function processorResources(
  declaration: ClusterOptions['processors'][number],
  options: ClusterOptions,
): Resource[] {
  const facts = factsOf(declaration, options.verifierThreads)
  const labels = labelsOf(facts.name)
  return [
    workload(declaration.summary, facts, options),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: facts.name, labels },
      // One at a time, even where there is one: it hands its tasks over, and a node can always be emptied.
      spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: labels } },
    },
  ]
}

function workload(summary: string, facts: ProcessorFacts, options: ClusterOptions): Resource {
  const { name, scales, keepsState, runsPrograms, callsModels, roles, memory } = facts
  const labels = labelsOf(name)
  const cores = runsPrograms ? options.verifierThreads : 1
  const template = {
    metadata: {
      labels: {
        ...labels,
        'app.kubernetes.io/component': 'processor',
        ...(callsModels && { [podLabels.callsModels]: 'true' }),
        ...(runsPrograms && { [podLabels.runsPrograms]: 'true' }),
      },
    },
    spec: podSpec(options, {
      user: name,
      arguments: ['run', name],
      env: [
        { name: 'WELLSPRING_RUN_METRICS_HOST', value: '0.0.0.0' },
        { name: 'WELLSPRING_RUN_METRICS_PORT', value: String(metricsPort) },
        { name: 'WELLSPRING_RUN_DRAIN_SECONDS', value: String(options.drainSeconds) },
        { name: 'WELLSPRING_RUN_VERIFIER_THREADS', value: String(cores) },
        ...(options.budget === '' ? [] : [{ name: 'WELLSPRING_RUN_BUDGET', value: options.budget }]),
        { name: 'NODE_OPTIONS', value: `--max-old-space-size=${memory.heapMebibytes}` },
      ],
      keys: callsModels,
      container: {
        ports: [{ name: 'metrics', containerPort: metricsPort }],
        // Reading tables and state may take minutes: the process lives meanwhile.
        startupProbe: { httpGet: { path: '/healthz', port: 'metrics' }, periodSeconds: 5, failureThreshold: 60 },
        // Cores may be busy with programs for long: only a process that is stuck for minutes is killed.
        livenessProbe: {
          httpGet: { path: '/healthz', port: 'metrics' },
          ...{ periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6 },
        },
        readinessProbe: { httpGet: { path: '/readyz', port: 'metrics' }, periodSeconds: 10, timeoutSeconds: 5 },
        lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
        resources: {
          requests: { cpu: runsPrograms ? String(cores) : '100m', memory: `${memory.requestMebibytes}Mi` },
          limits: { cpu: String(cores + 1), memory: `${memory.limitMebibytes}Mi` },
        },
      },
      graceSeconds: graceSeconds(options),
      state: keepsState ? 'claim' : 'empty',
    }),
  }
  const annotations = {
    'wellspring/summary': summary,
    ...(callsModels && {
      'wellspring/replicas': `more of them make no more calls than the endpoints of ${roles.join(', ')} take`,
    }),
  }
  // Where KEDA scales, the count is its own.
  const replicas = scales ? undefined : 1
  if (!keepsState) {
    // A pod more than there are tasks would have none, and nothing to be ready with.
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }
    return deployment({ name, labels, annotations }, { replicas, strategy, template })
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, labels, annotations },
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: labels },
      serviceName: podService,
      revisionHistoryLimit: 3,
      // No replica waits for another.
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      // The state itself is in Kafka: these are copies.
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
      template,
      volumeClaimTemplates: [
        {
          metadata: { name: 'data', labels },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: stateSize } } },
        },
      ],
    },
  }
}

interface DeploymentParts {
  /** How many pods; undefined where something else counts them. */
  replicas: number | undefined
  strategy?: object
  template: object
}

/** A Deployment of the pods with these labels. */
function deployment(
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> },
  { replicas, strategy, template }: DeploymentParts,
): Resource {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: metadata.labels },
      revisionHistoryLimit: 3,
      ...(strategy && { strategy }),
      template,
    },
  }
}

/** What every pod has besides its processors. */
export function commonResources(): Resource[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: serviceAccount, labels: everyPod },
      automountServiceAccountToken: false,
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: podService, labels: everyPod },
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: { ...everyPod, 'app.kubernetes.io/component': 'processor' },
        ports: [{ name: 'metrics', port: metricsPort, targetPort: 'metrics' }],
      },
    },
  ]
}

/** The job that makes topics and schemas: of another name where it is another one, since a job cannot be changed. */
export function setupJob(options: ClusterOptions): Resource {
  const name = 'topics-apply'
  const copies = options.replication === undefined ? [] : ['--replication', String(options.replication)]
  const spec = {
    backoffLimit: 20,
    activeDeadlineSeconds: 3600,
    ttlSecondsAfterFinished: 86_400,
    template: {
      metadata: { labels: { ...labelsOf(name), 'app.kubernetes.io/component': 'setup' } },
      spec: {
        ...podSpec(options, {
          user: name,
          // As many as the resources of Strimzi ask for: whoever comes first makes the topics.
          arguments: ['topics', 'apply', ...copies],
          container: { resources: smallResources },
          state: 'empty',
        }),
        restartPolicy: 'OnFailure',
      },
    },
  }
  const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 8)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${name}-${hash}`, labels: labelsOf(name) },
    spec,
  }
}

/** A pod to run commands in: `kubectl exec -i deploy/tools -- wellspring ingest - --as seeds < seeds.jsonl`. */
export function toolsDeployment(options: ClusterOptions): Resource {
  const labels = labelsOf(toolsName)
  const annotations = { 'wellspring/exempt': 'probes, disruption-budget: it only waits for commands' }
  const template = {
    metadata: { labels: { ...labels, 'app.kubernetes.io/component': 'tools' } },
    spec: podSpec(options, {
      user: toolsName,
      container: { command: ['tini', '--', 'sleep', 'infinity'], resources: smallResources },
      state: 'empty',
    }),
  }
  return deployment({ name: toolsName, labels, annotations }, { replicas: 1, template })
}

const simulatorPort = 8089

/** The simulated endpoint, for corpora that nobody trains on. It needs nothing of the others, and reaches nobody. */
export function simulatorResources({ image }: ClusterOptions): Resource[] {
  const name = 'simulator'
  const labels = { 'app.kubernetes.io/name': name }
  const listed = { httpGet: { path: '/v1/models', port: 'http' }, timeoutSeconds: 5 }
  const annotations = { 'wellspring/exempt': 'disruption-budget: calls wait until it is back' }
  const template = {
    metadata: { labels },
    spec: {
      ...strictPod,
      containers: [
        {
          ...{ name, image },
          args: ['simulate', '--host', '0.0.0.0', '--port', String(simulatorPort), '--speed', '20'],
          ports: [{ name: 'http', containerPort: simulatorPort }],
          livenessProbe: { ...listed, periodSeconds: 20 },
          readinessProbe: listed,
          resources: smallResources,
          securityContext: strictContainer,
        },
      ],
    },
  }
  return [
    deployment({ name, labels, annotations }, { replicas: 1, template }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: { selector: labels, ports: [{ name: 'http', port: simulatorPort, targetPort: 'http' }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, labels },
      spec: {
        podSelector: { matchLabels: labels },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [
          {
            from: [{ podSelector: { matchLabels: everyPod } }],
            ports: [{ protocol: 'TCP', port: simulatorPort }],
          },
        ],
      },
    },
  ]
}

const smallResources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '1', memory: '1Gi' } }

/** What every pod keeps to. */
const strictPod = {
  automountServiceAccountToken: false,
  // Variables that Kubernetes makes of services would be taken for settings.
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    ...{ runAsUser: userId, runAsGroup: userId, fsGroup: userId, fsGroupChangePolicy: 'OnRootMismatch' },
    // The sandbox needs no more than this lets through: see docs/verification.md, "In a pod".
    seccompProfile: { type: 'RuntimeDefault' },
  },
} as const

const strictContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const

interface PodParts {
  /** Whose rights on Kafka it has. */
  user: string
  arguments?: readonly string[]
  env?: readonly object[]
  /** Whether it gets the keys of model endpoints. */
  keys?: boolean
  container: object
  graceSeconds?: number
  /** `claim`: the workload claims a volume `data`. */
  state: 'claim' | 'empty'
}

function podSpec(options: ClusterOptions, parts: PodParts): object {
  const { image, login, corpus, kafkaCluster } = options
  const user = userOf(corpus, parts.user)
  return {
    serviceAccountName: serviceAccount,
    ...strictPod,
    ...(parts.graceSeconds !== undefined && { terminationGracePeriodSeconds: parts.graceSeconds }),
    topologySpreadConstraints: [
      {
        ...{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
        labelSelector: { matchLabels: labelsOf(parts.user) },
      },
    ],
    containers: [
      {
        name: 'wellspring',
        image,
        ...(parts.arguments && { args: parts.arguments }),
        env: [
          { name: 'WELLSPRING_CONFIG', value: '/etc/wellspring/wellspring.yaml' },
          { name: 'WELLSPRING_DATA', value: '/data' },
          { name: 'WELLSPRING_NAMESPACE', value: corpus },
          ...(login
            ? [{ name: 'WELLSPRING_KAFKA_USERNAME', value: user }, fromSecret('WELLSPRING_KAFKA_PASSWORD', user)]
            : []),
          fromSecret('WELLSPRING_REGISTRY_PASSWORD', registrySecret, true),
          ...(parts.env ?? []),
        ],
        envFrom: [
          { configMapRef: { name: variables, optional: true } },
          ...(parts.keys === true ? [{ secretRef: { name: endpointKeys, optional: true } }] : []),
        ],
        volumeMounts: [
          { name: 'config', mountPath: '/etc/wellspring', readOnly: true },
          { name: 'kafka-authority', mountPath: '/etc/kafka', readOnly: true },
          { name: 'data', mountPath: '/data' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
        securityContext: strictContainer,
        ...parts.container,
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: configMap } },
      {
        name: 'kafka-authority',
        secret: {
          secretName: `${kafkaCluster}-cluster-ca-cert`,
          optional: true,
          items: [{ key: 'ca.crt', path: 'ca.crt' }],
        },
      },
      ...(parts.state === 'empty' ? [{ name: 'data', emptyDir: { sizeLimit: stateSize } }] : []),
      { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
    ],
  }
}

function fromSecret(variable: string, name: string, optional?: true): object {
  return { name: variable, valueFrom: { secretKeyRef: { name, key: 'password', ...(optional && { optional }) } } }
}
