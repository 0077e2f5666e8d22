/** Metrics: alone imports prom-client. The rows of engine/metric-table.ts, and the metrics that a declaration adds. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { labelSets, metricTable, mostLabelValues, otherValue, type MetricRow } from './metric-table.ts'

/** A metric that a processor's declaration adds. */
export interface HistogramDeclaration {
  type: 'histogram'
  doc: string
  buckets: readonly number[]
}
export interface CounterDeclaration<Label extends string = string> {
  type: 'counter'
  doc: string
  labels: Readonly<Record<Label, LabelValues>>
}
/** What a label may say: a list that the code knows, or names that nobody can count beforehand, of the configuration or of records. */
export type LabelValues = readonly string[] | 'named'
export type MetricDeclarations = Readonly<Record<string, HistogramDeclaration | CounterDeclaration>>
export type MetricHandles<Declared extends MetricDeclarations> = {
  readonly [Name in keyof Declared]: Declared[Name] extends CounterDeclaration<infer Label>
    ? { inc(labels: Readonly<Record<Label, string>>, count?: number): void }
    : { observe(value: number): void }
}

/** Declares a histogram; the unit stands in its name. */
export function histogram(doc: string, buckets: readonly number[]): HistogramDeclaration {
  return { type: 'histogram', doc, buckets }
}

/** Declares a counter; its name ends in Total. Of each label a few values only. Where all are lists, every combination is told from the start, as 0. */
export function counter<Label extends string>(
  doc: string,
  labels: Readonly<Record<Label, LabelValues>>,
): CounterDeclaration<Label> {
  return { type: 'counter', doc, labels }
}

/** The name under which a metric of a processor's declaration is exposed. */
export function declaredMetricName(processor: string, name: string): string {
  return `wellspring_${processor.replaceAll('-', '_')}_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
}

type LabelsOf<Row extends MetricRow> = Readonly<Record<keyof Row['labels'] & string, string>>

/** What can be done with a row: counters count, gauges are set, and so are counters whose total somebody else keeps. */
type HandleOf<Row extends MetricRow> = Row['type'] extends 'histogram'
  ? { observe(labels: LabelsOf<Row>, value: number): void }
  : Row['type'] extends 'gauge'
    ? {
        set(labels: LabelsOf<Row>, value: number): void
        inc(labels: LabelsOf<Row>): void
        dec(labels: LabelsOf<Row>): void
        /** Forgets all values: what is not set again is gone. */
        reset(): void
      }
    : Row extends { total: 'corpus' }
      ? { set(labels: LabelsOf<Row>, total: number): void }
      : { inc(labels: LabelsOf<Row>, count?: number): void }

type Table = typeof metricTable
type Handles = { readonly [Name in keyof Table]: HandleOf<Table[Name]> }

type Labels = Readonly<Record<string, string>>

/** Makes metrics, with a handle for every row of the table under the row's key. */
class Handlers {
  protected readonly registry = new Registry()
  /** By label: names that were seen. */
  readonly #seen = new Map<string, Set<string>>()

  constructor() {
    for (const [key, row] of Object.entries<MetricRow>(metricTable))
      Object.assign(this, { [key]: this.#handle(row, Object.keys(row.labels), named(row)) })
  }

  protected declare(name: string, declaration: HistogramDeclaration | CounterDeclaration): object {
    if (declaration.type === 'counter') {
      const row = { name, help: declaration.doc, type: 'counter' } as const
      const labels = Object.keys(declaration.labels)
      const guarded = labels.filter((label) => declaration.labels[label] === 'named')
      const handle = this.#handle(row, labels, guarded)
      for (const known of combinations(declaration.labels)) handle.inc?.(known, 0)
      return handle
    }
    const { doc: help, buckets } = declaration
    return new Histogram({ name, help, buckets: [...buckets], registers: [this.registry] })
  }

  /** @param guarded labels whose values nobody can count beforehand */
  #handle(row: Omit<MetricRow, 'labels' | 'unit' | 'by'>, labelNames: readonly string[], guarded: readonly string[]) {
    const { name, help, type, buckets } = row
    const common = { name, help, labelNames: [...labelNames], registers: [this.registry] }
    const bound = (labels: Labels): Labels => (guarded.length === 0 ? labels : this.#bounded(labels, guarded))
    if (type === 'histogram') {
      const metric = new Histogram({ ...common, ...(buckets && { buckets: [...buckets] }) })
      return { observe: (labels: Labels, value: number) => metric.observe(bound(labels), value) }
    }
    if (type === 'gauge') {
      const metric = new Gauge(common)
      return {
        set: (labels: Labels, value: number) => metric.set(bound(labels), value),
        inc: (labels: Labels) => metric.inc(bound(labels)),
        dec: (labels: Labels) => metric.dec(bound(labels)),
        reset: () => metric.reset(),
      }
    }
    const metric = new Counter(common)
    if (row.total !== 'corpus') return { inc: (labels: Labels, count = 1) => metric.inc(bound(labels), count) }
    const before = new Map<string, number>()
    return {
      set: (labels: Labels, total: number) => {
        const key = JSON.stringify(labels)
        // Never less: a counter that falls reads as a restart.
        metric.inc(bound(labels), Math.max(0, total - (before.get(key) ?? 0)))
        before.set(key, Math.max(total, before.get(key) ?? 0))
      },
    }
  }

  /** The same labels, with `other` for names beyond what a label may have. */
  #bounded(labels: Labels, guarded: readonly string[]): Labels {
    let result = labels
    for (const label of guarded) {
      const value = labels[label] ?? ''
      let seen = this.#seen.get(label)
      if (!seen) this.#seen.set(label, (seen = new Set()))
      if (seen.has(value)) continue
      if (seen.size < mostLabelValues) seen.add(value)
      else result = { ...result, [label]: otherValue }
    }
    return result
  }
}

/** The same, with the handles that the constructor makes. */
const TableHandles = Handlers as unknown as new () => Handlers & Handles

/** Labels whose values are names that nobody can count beforehand. */
function named({ labels }: MetricRow): string[] {
  return Object.entries(labels).flatMap(([label, set]) => (labelSets[set].from === 'named' ? [label] : []))
}

/** Every combination of labels whose values are lists; none where one is not. */
function combinations(labels: Readonly<Record<string, LabelValues>>): Labels[] {
  let result: Labels[] = [{}]
  for (const [label, values] of Object.entries(labels)) {
    if (values === 'named') return []
    result = result.flatMap((one) => values.map((value) => ({ ...one, [label]: value })))
  }
  return result
}

/** All metrics of a process. Never an id as a label. */
export class Metrics extends TableHandles {
  readonly #collectors: (() => void | Promise<void>)[] = []

  /** Handles for the metrics of one declaration. */
  declared<Declared extends MetricDeclarations>(processor: string, declarations: Declared): MetricHandles<Declared> {
    const handles = Object.entries(declarations).map(([name, declaration]) => [
      name,
      this.declare(declaredMetricName(processor, name), declaration),
    ])
    return Object.fromEntries(handles) as MetricHandles<Declared>
  }

  /** Adds what every Node process tells of itself: memory, event loop, descriptors. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry })
  }

  /** Done before every scrape: sets what is only looked at. A failure costs the scrape nothing but these values. */
  beforeScrape(collect: () => void | Promise<void>): void {
    this.#collectors.push(collect)
  }

  /** The exposition text for a scrape, and its content type. */
  async text(): Promise<{ text: string; contentType: string }> {
    await Promise.allSettled(this.#collectors.map(async (collect) => collect()))
    return { text: await this.registry.metrics(), contentType: this.registry.contentType }
  }
}
