/** Queries in PromQL over rows of the table of metrics, so that no query names a metric or a label that there is none of. */
import { metricTable } from '../../engine/metric-table.ts'
import { declaredMetricName } from '../../engine/metrics.ts'
import type { Processor } from '../../engine/processor.ts'
import type { PanelQuery } from './panel.ts'

type Table = typeof metricTable
/** A row of the table, by its key. */
export type RowKey = keyof Table
/** A label of a row. */
export type LabelOf<Key extends RowKey> = keyof Table[Key]['labels'] & string

/** What series a query takes besides those that the dashboard's variables choose. */
type Matchers<Key extends RowKey> = Partial<Record<LabelOf<Key>, string>>

/** How far back a rate looks: long enough for the scrapes, and for the width of the graph. */
const rateInterval = '$__rate_interval'

/** Labels that a dashboard's variables choose; every series has the first two, or, outside of Kubernetes, no namespace. */
const targetLabels = ['namespace', 'instance'] as const
const chosenLabels = ['processor', 'endpoint'] as const

function selector(name: string, labels: readonly string[], matchers: Readonly<Record<string, string>>): string {
  const chosen = [...targetLabels, ...chosenLabels.filter((label) => labels.includes(label))]
  const parts = chosen.filter((label) => !(label in matchers)).map((label) => `${label}=~"$${label}"`)
  // A matcher is written as PromQL has it: ="one", =~"some", !~"others".
  for (const [label, matcher] of Object.entries(matchers)) parts.push(`${label}${matcher}`)
  return `${name}{${parts.join(',')}}`
}

/** The series of a row. */
export function series<Key extends RowKey>(key: Key, matchers: Matchers<Key> = {}): string {
  const { name, labels } = metricTable[key]
  return selector(name, Object.keys(labels), matchers as Readonly<Record<string, string>>)
}

const by = (labels: readonly string[]): string => (labels.length === 0 ? '' : ` by (${labels.join(', ')})`)

/** The sum over processes of a gauge. */
export function sumOf<Key extends RowKey>(key: Key, labels: LabelOf<Key>[], matchers: Matchers<Key> = {}): string {
  return `sum${by(labels)} (${series(key, matchers)})`
}

/** The largest of any process; for what all of them tell alike. */
export function maxOf<Key extends RowKey>(key: Key, labels: LabelOf<Key>[], matchers: Matchers<Key> = {}): string {
  return `max${by(labels)} (${series(key, matchers)})`
}

/** What a counter grows a second, over processes. */
export function rateOf<Key extends RowKey>(
  key: Key,
  labels: LabelOf<Key>[],
  matchers: Matchers<Key> = {},
  window = rateInterval,
): string {
  return `sum${by(labels)} (rate(${series(key, matchers)}[${window}]))`
}

/** What a counter of the whole corpus grows a second: every process tells the same. */
export function corpusRate<Key extends RowKey>(
  key: Key,
  labels: LabelOf<Key>[],
  matchers: Matchers<Key> = {},
  window = '15m',
): string {
  return `max${by(labels)} (rate(${series(key, matchers)}[${window}]))`
}

/** A quantile of a histogram, over processes. */
export function quantileOf<Key extends RowKey>(
  quantile: number,
  key: Key,
  labels: LabelOf<Key>[],
  matchers: Matchers<Key> = {},
): string {
  const { name, labels: own } = metricTable[key]
  const bucket = selector(`${name}_bucket`, Object.keys(own), matchers as Readonly<Record<string, string>>)
  return `histogram_quantile(${quantile}, sum by (${['le', ...labels].join(', ')}) (rate(${bucket}[${rateInterval}])))`
}

/** How many observations of a histogram come a second, over processes. */
export function countRateOf<Key extends RowKey>(key: Key, labels: LabelOf<Key>[]): string {
  const { name, labels: own } = metricTable[key]
  return `sum${by(labels)} (rate(${selector(`${name}_count`, Object.keys(own), {})}[${rateInterval}]))`
}

/** Series of a metric that a processor declares, with its processor's choice left aside. @throws TypeError for one that it does not declare */
export function declaredSeries(
  processor: Processor,
  name: string,
  matchers: Readonly<Record<string, string>> = {},
  suffix = '',
): string {
  if (!(name in processor.metrics)) throw new TypeError(`${processor.name} declares no metric ${name}`)
  return selector(`${declaredMetricName(processor.name, name)}${suffix}`, [], matchers)
}

/** Series that Node tells of every process. */
export function processSeries(name: string): string {
  return selector(name, [], {})
}

/** A part of a whole, 0 where the whole is 0. */
export function shareOf(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`
}

/** Median and 99th percentile of a histogram. */
export function quantiles<Key extends RowKey>(key: Key, labels: LabelOf<Key>[]): PanelQuery[] {
  const legend = labels.map((label) => `{{${label}}} `).join('')
  return bothQuantiles((quantile) => quantileOf(quantile, key, labels), legend)
}

/** The same of a histogram that a processor declares. */
export function declaredQuantiles(processor: Processor, name: string): PanelQuery[] {
  const buckets = declaredSeries(processor, name, {}, '_bucket')
  return bothQuantiles((quantile) => `histogram_quantile(${quantile}, sum by (le) (rate(${buckets}[${rateInterval}])))`)
}

function bothQuantiles(expressionOf: (quantile: number) => string, legend = ''): PanelQuery[] {
  return [0.5, 0.99].map((quantile) => ({ expr: expressionOf(quantile), legend: `${legend}p${quantile * 100}` }))
}
