/** Replicas by what waits, and who reads the metrics: resources of KEDA and of Prometheus' operator. */
import type { Processor } from '../../engine/processor.ts'
import { alerts, missingProcessors, ruleGroups } from '../alerts.ts'
import { factsOf } from './facts.ts'
import { everyPod, labelsOf, type Resource } from './manifests.ts'
import type { ClusterOptions } from './options.ts'

/** The gauge that replicas follow: our own backlog. The lag of a consumer group misleads (docs/operations.md). */
export const backlogMetric = 'wellspring_backlog_records'

/** What scales a processor; nothing where more replicas would have nothing to do. */
export function scaledObject(declaration: Processor, options: ClusterOptions): Resource[] {
  const { name, tasks, scales, keepsState, callsModels, windowRecords } = factsOf(declaration, options.verifierThreads)
  if (!scales) return []
  const labels = labelsOf(name)
  // One process holds so many calls at once: below that, another one adds nothing.
  const recordsPerReplica = callsModels ? Math.max(windowRecords, options.recordsPerReplica) : options.recordsPerReplica
  return [
    {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { name, labels },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: keepsState ? 'StatefulSet' : 'Deployment', name },
        // With none, nobody would tell a backlog; with more than there are tasks, some would have nothing to do.
        minReplicaCount: 1,
        maxReplicaCount: tasks,
        pollingInterval: 30,
        fallback: { failureThreshold: 4, replicas: 1, behavior: 'currentReplicas' },
        advanced: {
          horizontalPodAutoscalerConfig: {
            behavior: {
              // Tasks move whenever a replica comes or goes: rather seldom, and slowly down.
              scaleUp: { stabilizationWindowSeconds: 60, policies: [{ type: 'Pods', value: 2, periodSeconds: 120 }] },
              scaleDown: {
                stabilizationWindowSeconds: 600,
                policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }],
              },
            },
          },
        },
        triggers: [
          {
            type: 'prometheus',
            metricType: 'AverageValue',
            metadata: {
              serverAddress: options.prometheus,
              query: `sum(${backlogMetric}{namespace="${options.namespace}",processor="${name}"})`,
              threshold: String(recordsPerReplica),
              // No answer is no backlog of zero.
              ignoreNullValues: 'false',
            },
          },
        ],
      },
    },
  ]
}

/** Has Prometheus' operator scrape all processors; it adds the label `namespace` that the queries use. */
export function podMonitor(): Resource {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name: 'wellspring', labels: everyPod },
    spec: {
      // The job name that alerts ask for: without it the operator makes one of namespace and name.
      jobLabel: 'app.kubernetes.io/part-of',
      selector: { matchLabels: { ...everyPod, 'app.kubernetes.io/component': 'processor' } },
      podMetricsEndpoints: [{ port: 'metrics', path: '/metrics', interval: '15s' }],
    },
  }
}

/** The alerts, for Prometheus' operator. `documentation`: as `ruleGroups` takes it. */
export function prometheusRule({ documentation, namespace, processors }: ClusterOptions): Resource {
  const names = processors.map(({ name }) => name)
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'wellspring', labels: everyPod },
    spec: ruleGroups([...alerts(), missingProcessors(namespace, names)], documentation),
  }
}
