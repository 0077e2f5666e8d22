/** Every generated file of the project but code. */
import type { Processor } from '../engine/processor.ts'
import { processors } from '../processors/index.ts'
import { defaultClusterOptions } from '../cli/k8s.ts'
import { renderManifests } from '../cli/kubernetes/render.ts'
import { configurationJsonSchema } from '../cli/configuration-schema.ts'
import { limitsPage } from './limits-page.ts'
import { logsPage } from './logs-page.ts'
import { rulesFile } from '../cli/alerts.ts'
import { dashboards } from './grafana/dashboards.ts'
import { dashboardProviderFile, datasourceFile, prometheusFile } from './grafana/provisioning.ts'
import { metricsPage } from './metrics-page.ts'
import { settingsPage } from './settings-page.ts'
import { streamPage } from './stream-picture.ts'

/** Where the rendered manifests are committed. */
export const manifestFolder = 'k8s/base/generated'

/** Path from the project's root -> text, of these processors. */
export function generatedPages(of: readonly Processor[] = processors): Map<string, string> {
  return new Map([
    ['processors/README.md', streamPage(of)],
    ['docs/settings.md', settingsPage(of)],
    ['docs/limits.md', limitsPage()],
    ['docs/logs.md', logsPage()],
    ['docs/configuration.schema.json', `${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`],
    ['docs/metrics.md', metricsPage(of)],
    ...grafanaFiles(of),
    ...[...renderManifests({ ...defaultClusterOptions(), processors: of })].map(
      ([path, text]) => [`${manifestFolder}/${path}`, text] as const,
    ),
  ])
}

/** The folder grafana/: dashboards, how Grafana and Prometheus find them, and alerts. */
function grafanaFiles(of: readonly Processor[]): [string, string][] {
  const rules = 'alerts/wellspring.yaml'
  return [
    ...[...dashboards(of)].map(([name, dashboard]): [string, string] => [
      `grafana/dashboards/${name}`,
      `${JSON.stringify(dashboard, undefined, 2)}\n`,
    ]),
    ['grafana/provisioning/datasources/wellspring.yaml', datasourceFile()],
    ['grafana/provisioning/dashboards/wellspring.yaml', dashboardProviderFile()],
    [`grafana/${rules}`, rulesFile()],
    ['grafana/prometheus.yaml', prometheusFile({ targets: ['127.0.0.1:9464'], intervalSeconds: 5, rules })],
  ]
}
