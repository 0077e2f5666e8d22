/** Who may talk to whom. Policies add up: an overlay allows what lies elsewhere with policies of its own. */
import { everyPod, podLabels, type Resource } from './manifests.ts'
import { kafkaPorts, metricsPort, registryPorts, type ClusterOptions } from './options.ts'

/** Where a pod learns its cloud's credentials, by addresses of the link and those of EC2 and of Compute Engine: no endpoint lives there. */
const credentials = { v4: ['169.254.0.0/16'], v6: ['fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254/128'] }
/** OTLP over HTTP. */
const tracePorts = [4318]

/** The network policies of all pods. */
export function networkPolicies(options: ClusterOptions): Resource[] {
  const tcp = (ports: readonly number[]): object[] => ports.map((port) => ({ protocol: 'TCP', port }))
  const { kafkaCluster, kafkaNamespace, registryNamespace, monitoringNamespace } = options
  const anywhere = { namespaceSelector: {} }
  const inside = (namespace: string): object => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  })
  const pods = (labels: object, namespace = ''): object => ({
    ...(namespace === '' ? anywhere : inside(namespace)),
    podSelector: { matchLabels: labels },
  })
  return [
    policy('wellspring', 'every pod: names, Kafka and its registry; whoever scrapes metrics', {
      podSelector: { matchLabels: everyPod },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [inside(monitoringNamespace)],
          ports: tcp([metricsPort]),
        },
      ],
      egress: [
        {
          to: [pods({ 'k8s-app': 'kube-dns' }, 'kube-system')],
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
        { to: [pods({ 'strimzi.io/cluster': kafkaCluster }, kafkaNamespace)], ports: tcp(kafkaPorts) },
        { to: [pods({ 'app.kubernetes.io/name': 'apicurio-registry' }, registryNamespace)], ports: tcp(registryPorts) },
      ],
    }),
    policy('wellspring-traces', 'every pod but those that run programs: a collector of traces', {
      podSelector: {
        matchLabels: everyPod,
        matchExpressions: [{ key: podLabels.runsPrograms, operator: 'DoesNotExist' }],
      },
      policyTypes: ['Egress'],
      egress: [{ to: [pods({ 'app.kubernetes.io/name': 'opentelemetry-collector' })], ports: tcp(tracePorts) }],
    }),
    policy('wellspring-endpoints', 'pods that call models: their endpoints, wherever they are', {
      podSelector: { matchLabels: { ...everyPod, [podLabels.callsModels]: 'true' } },
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            anywhere,
            { ipBlock: { cidr: '0.0.0.0/0', except: credentials.v4 } },
            { ipBlock: { cidr: '::/0', except: credentials.v6 } },
          ],
        },
      ],
    }),
  ]
}

function policy(name: string, summary: string, spec: object): Resource {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, labels: everyPod, annotations: { 'wellspring/summary': summary } },
    spec,
  }
}
