/** What Grafana and Prometheus are started with. */
import { stringify } from 'yaml'

const generated = '# Written by `npm run generate` from scripts/grafana/. Do not edit.\n'
const yaml = (value: unknown): string => stringify(value, { lineWidth: 0 })

/** Where Prometheus listens by default. */
const defaultPrometheusUrl = 'http://127.0.0.1:9090'

/** Grafana's data source. @param url of Prometheus */
export function datasourceFile(url = `$\{PROMETHEUS_URL}`): string {
  return `${generated}# PROMETHEUS_URL: where Prometheus is, such as ${defaultPrometheusUrl}.\n${yaml({
    apiVersion: 1,
    datasources: [
      {
        ...{ name: 'Wellspring', uid: 'wellspring', type: 'prometheus', access: 'proxy', url, isDefault: true },
        jsonData: { httpMethod: 'POST', timeInterval: '5s' },
      },
    ],
  })}`
}

/** Grafana's folder of dashboards. @param path of the JSON files */
export function dashboardProviderFile(path = `$\{WELLSPRING_DASHBOARDS}`): string {
  return `${generated}# WELLSPRING_DASHBOARDS: the folder grafana/dashboards, as Grafana sees it.\n${yaml({
    apiVersion: 1,
    providers: [
      {
        ...{ name: 'Wellspring', folder: 'Wellspring', type: 'file', updateIntervalSeconds: 30, allowUiUpdates: false },
        options: { path, foldersFromFilesStructure: false },
      },
    ],
  })}`
}

/** What Prometheus scrapes, and by which rules it raises alerts. */
export interface PrometheusOptions {
  /** `host:port` of each process. */
  targets: readonly string[]
  intervalSeconds: number
  /** Path of the file of rules. */
  rules: string
}

/** Prometheus' configuration. */
export function prometheusFile({ targets, intervalSeconds, rules }: PrometheusOptions): string {
  const interval = `${intervalSeconds}s`
  return `${generated}${yaml({
    global: { scrape_interval: interval, evaluation_interval: interval },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'wellspring', static_configs: [{ targets: [...targets] }] }],
  })}`
}
