/**
 * Traces over OTLP: alone imports OpenTelemetry. One trace for each problem, whatever processes its processors run in: ids of traces
 * and of spans are made of the ids of records, so that nothing has to be handed from one process to another, and what is done
 * again is the same span again.
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Attributes,
  type HrTime,
  type Link,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace'
import { isBeginning, isProblem } from '../engine/correlation.ts'
import { hashOf } from '../engine/ids.ts'
import type { Logger, RecordReport, TimedCall, Tracing } from '../engine/ports.ts'
import { redacted } from '../engine/secrets.ts'

/** How traces are made and where they go. The exporter takes address, headers and certificates from its own variables. */
export interface TraceOptions {
  /** Where they go, as it may be shown. */
  url: string
  /** Share of the traces that are kept, 0 to 1; the same ones in every process. */
  ratio: number
  /** Milliseconds between exports, as a rule. */
  delayMs: number
  /** Spans that wait for their export at most; more are given up. */
  mostWaiting: number
  /** Of this release. */
  version: string
  /** Names of the processors that write to a topic. */
  producersOf(topic: string): readonly string[]
  logger: Pick<Logger, 'tell'>
}

/** Traces that are open. */
export interface OpenTraces {
  tracing: Tracing
  /** Exports what waits, for a moment; a collector that is away is not waited for. */
  close(): Promise<void>
}

const closeMs = 2000
const scope = { name: 'wellspring' }

/** Opens them. */
export function openTraces(options: TraceOptions): OpenTraces {
  const resource = resourceFromAttributes({
    'service.name': 'wellspring',
    'service.version': options.version,
    'process.pid': process.pid,
  }).merge(detectResources({ detectors: [envDetector] }))
  const sampler = new TraceIdRatioBasedSampler(options.ratio)
  const exporter = new WatchedExporter(new OTLPTraceExporter(), options)
  const batches = new BatchSpanProcessor({
    exporter,
    maxQueueSize: options.mostWaiting,
    scheduledDelayMillis: options.delayMs,
  })
  const isSampled = (traceId: string): boolean =>
    sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED
  return {
    tracing: {
      record: (report) => {
        const traceId = traceIdOf(problemOf(report))
        if (!isSampled(traceId)) return
        const spans = spansOf(report, traceId, options.producersOf)
        if (!exporter.admit(spans.length)) return
        for (const span of spans) batches.onEnd({ ...rest, resource, ...span })
      },
    },
    close: async () => {
      if (exporter.isAway) return
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeMs)))
      await Promise.race([batches.shutdown().catch(() => {}), late.then(() => exporter.giveUp())])
      clearTimeout(timer)
    },
  }
}

/** What is the same in every span. */
const rest = {
  events: [],
  ended: true,
  instrumentationScope: scope,
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
}

/** Counts what waits and what is given up, and tells once when the collector goes away and when it is back. */
class WatchedExporter implements SpanExporter {
  /** Whether the last export failed. */
  isAway = false
  readonly #inner: SpanExporter
  readonly #options: TraceOptions
  #waiting = 0
  #dropped = 0

  constructor(inner: SpanExporter, options: TraceOptions) {
    this.#inner = inner
    this.#options = options
  }

  /** Whether so many more spans may wait. */
  admit(count: number): boolean {
    if (this.#waiting + count > this.#options.mostWaiting) {
      this.#dropped += count
      return false
    }
    this.#waiting += count
    return true
  }

  export(...[spans, done]: Parameters<SpanExporter['export']>): void {
    const { url, logger } = this.#options
    this.#inner.export(spans, (result) => {
      this.#waiting -= spans.length
      if (Number(result.code) !== 0) {
        this.#dropped += spans.length
        this.giveUp(result.error?.message)
      } else if (this.isAway) {
        logger.tell('traces.reachable', { url, dropped: this.#dropped })
        this.#dropped = 0
        this.isAway = false
      }
      // Told above; the library would tell it again.
      done({ code: 0 })
    })
  }

  /** Tells that the collector is away, once. */
  giveUp(why = 'no answer'): void {
    if (this.isAway) return
    this.isAway = true
    const { url, logger } = this.#options
    const message = `traces: ${url} takes no spans (${redacted(why)}); they are given up until it does, and nothing waits for it`
    logger.tell('traces.unreachable', { url, message })
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.()
  }

  async shutdown(): Promise<void> {
    await this.#inner.shutdown()
  }
}

type SpanPart = Pick<
  ReadableSpan,
  'name' | 'kind' | 'spanContext' | 'startTime' | 'endTime' | 'duration' | 'status' | 'attributes' | 'links'
> & { parentSpanContext?: ReturnType<ReadableSpan['spanContext']> }

/** The id that a record's trace is made of: that of the problem which it made, where it began one; else that of its own. */
function problemOf({ problem, made, topic, partition, offset }: RecordReport): string {
  if (isProblem(problem)) return problem
  // What could not be decoded belongs to nothing but its place.
  return made.map((one) => one.problem).find(isProblem) ?? (problem || `${topic}/${partition}/${offset}`)
}

const traceIdOf = (problem: string): string => hashOf('trace', problem).slice(0, 32)

/** Of the span that made a record in a topic. */
const spanIdOf = (topic: string, id: string): string => hashOf('span', topic, id).slice(0, 16)

/** Of the span that a trace begins with. */
const rootIdOf = (problem: string): string => hashOf('root', problem).slice(0, 16)

/** The spans of a record: its own, one for each call, and where a problem begins, how the record was made that it comes from. */
function spansOf(report: RecordReport, traceId: string, producersOf: (topic: string) => readonly string[]): SpanPart[] {
  const { processor, topic, record = {}, made, outcome, reason } = report
  const own = problemOf(report)
  const begins = report.problem !== '' && own !== report.problem
  // Of what comes from a problem or a seed the first span is known; before that there may be several beginnings.
  const hasRoot = /^(problem|seed)-/.test(own)
  const isRoot = hasRoot && (begins || isBeginning(topic, record))
  const parent = isRoot || !hasRoot ? undefined : contextOf(traceId, rootIdOf(own))
  const [first] = made
  const id = isRoot
    ? rootIdOf(own)
    : first
      ? spanIdOf(first.topic, first.id)
      : spanIdOf(topic, `${processor} ${report.partition} ${report.offset}`)
  const inputId = typeof record['id'] === 'string' ? record['id'] : ''
  const before: Link[] = begins
    ? [
        {
          context: contextOf(traceIdOf(report.problem), spanIdOf(topic, inputId)),
          attributes: { 'wellspring.link': 'made of' },
        },
      ]
    : []
  // Other records than its input that it was made of.
  const parents = new Set(made.flatMap(({ parentIds }) => parentIds.filter((one) => one !== inputId)))
  const main: SpanPart = {
    name: processor,
    kind: SpanKind.CONSUMER,
    ...places(traceId, id, parent),
    ...times(report),
    status: outcome === 'dead-lettered' ? failed(report.message ?? reason ?? '') : { code: SpanStatusCode.UNSET },
    attributes: attributesOf(report, inputId),
    links: [...before, ...[...parents].slice(0, 32).flatMap((one) => linkTo(traceId, one))],
  }
  const calls = report.calls.map((call, place) => callSpan(call, report, traceId, id, place))
  return [main, ...(begins ? [madeBefore(report, traceId, id, producersOf(topic))].flat() : []), ...calls]
}

/** A parent by its id: the kind that an id begins with tells the topic, where kinds and topics go together. */
function linkTo(traceId: string, parentId: string): Link[] {
  const kind = /^(verdict|outcome|rollout)-/.exec(parentId)?.[1]
  return kind === undefined
    ? []
    : [{ context: contextOf(traceId, spanIdOf(`${kind}s`, parentId)), attributes: { 'wellspring.record': parentId } }]
}

/**
 * How the record was made that a problem begins with, from what it says of itself: the span of its own processor lies in another trace,
 * since nobody knew of the problem then.
 */
function madeBefore(report: RecordReport, traceId: string, root: string, producers: readonly string[]): SpanPart[] {
  const { record = {}, topic, problem } = report
  const [producer] = producers
  const endedAtMs = record['createdAtMs']
  const id = record['id']
  if (producer === undefined || producers.length > 1 || typeof endedAtMs !== 'number' || typeof id !== 'string')
    return []
  const calls = (Array.isArray(record['calls']) ? record['calls'] : []) as { latencySeconds: number; model: string }[]
  const seconds = calls.reduce((sum, { latencySeconds }) => sum + latencySeconds, 0)
  return [
    {
      name: producer,
      kind: SpanKind.CONSUMER,
      ...places(traceId, hashOf('before', topic, id).slice(0, 16), contextOf(traceId, root)),
      ...times({ startedAtMs: endedAtMs - seconds * 1000, endedAtMs }),
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'wellspring.processor': producer,
        'wellspring.record': id,
        'wellspring.problem': problemOf(report),
        'wellspring.told_by': report.processor,
        ...(calls[0] && { 'gen_ai.request.model': calls[0].model }),
      },
      links: [
        {
          context: contextOf(traceIdOf(problem), spanIdOf(topic, id)),
          attributes: { 'wellspring.link': 'the span itself' },
        },
      ],
    },
  ]
}

function attributesOf(report: RecordReport, inputId: string): Attributes {
  const { processor, task, topic, partition, offset, outcome, reason, made, tries, simulated } = report
  return {
    'wellspring.processor': processor,
    'wellspring.task': task,
    'wellspring.record': inputId,
    'wellspring.problem': problemOf(report),
    'wellspring.outcome': outcome,
    ...(reason !== undefined && { [outcome === 'discarded' ? 'wellspring.reason' : 'error.type']: reason }),
    'wellspring.tries': tries,
    'wellspring.outputs': made.length,
    'wellspring.simulated': simulated,
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'wellspring.offset': offset,
  }
}

const operations = { complete: 'chat', score: 'text_completion', embed: 'embeddings' } as const

/** A model call, by the conventions for generative models. No text of a prompt or an answer is in it. */
function callSpan(call: TimedCall, report: RecordReport, traceId: string, parent: string, place: number): SpanPart {
  const { purpose, role, operation, result, failure } = call
  const sampling = result && 'sampling' in result ? result.sampling : {}
  const finish = result && 'finishReason' in result ? result.finishReason : undefined
  const seed = result && 'seed' in result ? result.seed : undefined
  const optional = {
    'gen_ai.request.temperature': sampling.temperature,
    'gen_ai.request.top_p': sampling.topP,
    'gen_ai.request.max_tokens': sampling.maxTokens,
    'gen_ai.request.seed': seed,
    'error.type': failure,
  }
  return {
    name: `${operations[operation]} ${result?.model ?? role}`,
    kind: SpanKind.CLIENT,
    ...places(traceId, hashOf('call', parent, purpose, place).slice(0, 16), contextOf(traceId, parent)),
    ...times(call),
    status: failure === undefined ? { code: SpanStatusCode.UNSET } : failed(failure),
    attributes: {
      'gen_ai.operation.name': operations[operation],
      // Whose interface it is: every endpoint speaks this one.
      'gen_ai.provider.name': 'openai',
      'wellspring.role': role,
      'wellspring.purpose': purpose,
      'wellspring.processor': report.processor,
      ...(result && {
        'gen_ai.request.model': result.model,
        'wellspring.endpoint': result.endpoint,
        'wellspring.request': result.requestId,
        'gen_ai.usage.input_tokens': result.usage.prompt,
        'gen_ai.usage.output_tokens': result.usage.completion,
        // The rest was the wait in our own queue.
        'wellspring.endpoint_seconds': result.latencySeconds,
      }),
      ...(finish !== undefined && { 'gen_ai.response.finish_reasons': [finish] }),
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    },
    links: [],
  }
}

const contextOf = (traceId: string, spanId: string) => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
})

function places(
  traceId: string,
  spanId: string,
  parent: ReturnType<typeof contextOf> | undefined,
): Pick<SpanPart, 'spanContext' | 'parentSpanContext'> {
  const context = { ...contextOf(traceId, spanId), isRemote: false }
  return { spanContext: () => context, ...(parent && { parentSpanContext: parent }) }
}

function times({
  startedAtMs,
  endedAtMs,
}: {
  startedAtMs: number
  endedAtMs: number
}): Pick<SpanPart, 'startTime' | 'endTime' | 'duration'> {
  return {
    startTime: hrTime(startedAtMs),
    endTime: hrTime(Math.max(startedAtMs, endedAtMs)),
    duration: hrTime(Math.max(0, endedAtMs - startedAtMs)),
  }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}

const failed = (message: string): SpanPart['status'] => ({
  code: SpanStatusCode.ERROR,
  message: redacted(message).slice(0, 500),
})
