/** What is told of a record once it is committed: lines of the log, and its part of a trace. */
import type { Logger, RecordReport, Tracing } from './ports.ts'

/** Now, in milliseconds since 1970, with fractions, and never going back. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now()
}

/** Tells it to whoever listens. */
export function tellReport(
  { logger, tracing }: { logger: Logger; tracing: Tracing | undefined },
  report: RecordReport,
): void {
  tracing?.record(report)
  const { processor, task, topic, partition, offset, record, problem, tries, reason } = report
  const seconds = secondsOf(report)
  const position = { processor, task, topic, partition, offset, record: idOf(record), problem, tries, seconds }
  if (report.outcome === 'dead-lettered')
    logger.tell('record.dead-lettered', { ...position, code: reason, message: report.message })
  if (!logger.writes('debug')) return
  for (const { purpose, role, result, ...times } of report.calls) {
    if (!result) continue
    const { model, endpoint, usage } = result
    logger.tell('call.answered', {
      ...{ processor, task, record: idOf(record), problem, purpose, role, model, endpoint },
      ...{ promptTokens: usage.prompt, completionTokens: usage.completion, seconds: secondsOf(times) },
      finishReason: 'finishReason' in result ? result.finishReason : undefined,
    })
  }
  if (report.outcome === 'discarded') logger.tell('record.discarded', { ...position, reason })
  if (report.outcome === 'emitted') logger.tell('record.finished', { ...position, outputs: report.made.length })
}

const idOf = (record: RecordReport['record']): string | undefined =>
  typeof record?.['id'] === 'string' ? record['id'] : undefined

const secondsOf = ({ startedAtMs, endedAtMs }: { startedAtMs: number; endedAtMs: number }): number =>
  Math.round(endedAtMs - startedAtMs) / 1000
