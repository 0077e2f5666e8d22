/** All manifests of the stream, from the declarations and the catalogue alone. */
import { fileOf, kustomization } from './manifests.ts'
import { networkPolicies } from './network.ts'
import type { ClusterOptions } from './options.ts'
import { podMonitor, prometheusRule, scaledObject } from './scaling.ts'
import { topicResources, userResources } from './users.ts'
import { commonResources, processorResources, setupJob, simulatorResources, toolsDeployment } from './workloads.ts'

/**
 * The files by their path: Kubernetes' own kinds at the top, and parts that an overlay chooses, most of kinds that
 * others define (`strimzi`, `keda`, `monitoring`, and the simulated endpoint).
 */
export function renderManifests(options: ClusterOptions): Map<string, string> {
  const { processors, namespace } = options
  const plain = new Map([
    ['common.yaml', fileOf(...commonResources())],
    ['network.yaml', fileOf(...networkPolicies(options))],
    ['setup.yaml', fileOf(setupJob(options))],
    ['tools.yaml', fileOf(toolsDeployment(options))],
    ...processors.map(
      (declaration) =>
        [`processors/${declaration.name}.yaml`, fileOf(...processorResources(declaration, options))] as const,
    ),
  ])
  const parts = {
    strimzi: new Map([
      ['topics.yaml', fileOf(...topicResources(options))],
      ['users.yaml', fileOf(...userResources(options))],
    ]),
    keda: new Map([['scaled-objects.yaml', fileOf(...processors.flatMap((one) => scaledObject(one, options)))]]),
    monitoring: new Map([
      ['alerts.yaml', fileOf(prometheusRule(options))],
      ['pod-monitor.yaml', fileOf(podMonitor())],
    ]),
    simulator: new Map([['simulator.yaml', fileOf(...simulatorResources(options))]]),
  }
  return new Map([
    ['kustomization.yaml', kustomization('Kustomization', [...plain.keys()], namespace)],
    ...plain,
    ...Object.entries(parts).flatMap(([part, files]) => [
      [`${part}/kustomization.yaml`, kustomization('Component', [...files.keys()])] as const,
      ...[...files].map(([path, text]) => [`${part}/${path}`, text] as const),
    ]),
  ])
}
