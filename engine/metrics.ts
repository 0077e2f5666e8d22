/** Metrics: alone imports prom-client. Standard metrics of every processor, and those that a declaration adds. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A metric that a processor's declaration adds. */
export interface HistogramDeclaration {
  type: 'histogram'
  doc: string
  buckets: readonly number[]
}
export interface CounterDeclaration<Label extends string = string> {
  type: 'counter'
  doc: string
  labels: readonly Label[]
}
export type MetricDeclarations = Readonly<Record<string, HistogramDeclaration | CounterDeclaration>>
export type MetricHandles<Declared extends MetricDeclarations> = {
  readonly [Name in keyof Declared]: Declared[Name] extends CounterDeclaration<infer Label>
    ? { inc(labels: Readonly<Record<Label, string>>): void }
    : { observe(value: number): void }
}

/** Declares a histogram; the unit stands in its name. */
export function histogram(doc: string, buckets: readonly number[]): HistogramDeclaration {
  return { type: 'histogram', doc, buckets }
}

/** Declares a counter; its name ends in Total. Of each label a few values only: names of the configuration or of a list in the code. */
export function counter<const Label extends string>(doc: string, labels: readonly Label[]): CounterDeclaration<Label> {
  return { type: 'counter', doc, labels }
}

const prefix = 'wellspring_'

/** All metrics of a process. Never an id as a label. */
export class Metrics {
  readonly #registry = new Registry()
  readonly recordsIn = this.#counter('records_in_total', 'Records admitted.', ['processor'])
  readonly recordsOut = this.#counter('records_out_total', 'Records committed to a topic.', ['processor', 'topic'])
  readonly discards = this.#counter('discards_total', 'Records discarded, by rule.', ['processor', 'reason'])
  readonly deadLetters = this.#counter('dead_letters_total', 'Records that could not be processed.', [
    'processor',
    'code',
  ])
  readonly retries = this.#counter('retries_total', 'Tries that failed and were repeated.', ['processor', 'code'])
  readonly tokens = this.#counter('llm_tokens_total', 'Tokens of finished model calls.', ['role', 'model', 'type'])
  readonly callSeconds = this.#histogram(
    'llm_request_seconds',
    'Seconds of a model call at its endpoint.',
    ['role', 'model'],
    powersOfTwo(0.01, 20),
  )
  readonly commitSeconds = this.#histogram(
    'commit_seconds',
    'Seconds of a commit.',
    ['processor'],
    powersOfTwo(0.001, 16),
  )
  readonly commitFailures = this.#counter('commit_failures_total', 'Commits that failed.', ['processor', 'reason'])
  readonly openTasks = this.#gauge('open_tasks', 'Tasks that this process works on.', ['processor'])
  readonly inFlight = this.#gauge('inflight', 'Records admitted and not finished.', ['processor'])
  readonly backlog = this.#gauge('backlog_records', 'Records waiting in the inputs.', ['processor'])
  readonly stoppedTasks = this.#gauge(
    'stopped_tasks',
    'Tasks that admit nothing more because records of their input are lost.',
    ['processor'],
  )
  readonly progressBytes = this.#gauge('progress_bytes', 'Size of the last progress record.', ['processor'])

  /** Handles for the metrics of one declaration. */
  declared<Declared extends MetricDeclarations>(processor: string, declarations: Declared): MetricHandles<Declared> {
    const handles = Object.entries(declarations).map(([name, declaration]) => {
      const metricName = `${processor.replaceAll('-', '_')}_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
      const handle =
        declaration.type === 'counter'
          ? this.#counter(metricName, declaration.doc, [...declaration.labels])
          : this.#histogram(metricName, declaration.doc, [], declaration.buckets)
      return [name, handle]
    })
    return Object.fromEntries(handles) as MetricHandles<Declared>
  }

  /** The exposition text for a scrape, and its content type. */
  async text(): Promise<{ text: string; contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType }
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: prefix + name, help, labelNames, registers: [this.#registry] })
  }
  #gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name: prefix + name, help, labelNames, registers: [this.#registry] })
  }
  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: readonly number[],
  ): Histogram<Label> {
    return new Histogram({ name: prefix + name, help, labelNames, buckets: [...buckets], registers: [this.#registry] })
  }
}

function powersOfTwo(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, power) => first * 2 ** power)
}
