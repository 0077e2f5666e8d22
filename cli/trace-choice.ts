/** Whether a run makes traces: the standard variables of OpenTelemetry say so. */
import { variable } from '../engine/environment.ts'
import { ConfigurationError } from '../engine/errors.ts'
import type { Logger } from '../engine/ports.ts'
import { keepSecret, redacted } from '../engine/secrets.ts'
import { processors } from '../processors/index.ts'
import { release } from './release.ts'
import type { OpenTraces } from './traces.ts'

const mostWaiting = 16_384

/** Opens traces where a variable names a collector; undefined where none does. @throws ConfigurationError */
export async function openTracesAsAsked(logger: Pick<Logger, 'tell'>): Promise<OpenTraces | undefined> {
  const own = variable('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  const shared = variable('OTEL_EXPORTER_OTLP_ENDPOINT')
  const url = own ?? shared
  const isOff =
    url === undefined ||
    variable('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' ||
    variable('OTEL_TRACES_EXPORTER') === 'none'
  if (isOff) return undefined
  for (const name of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'])
    for (const pair of variable(name)?.split(',') ?? []) keepSecret(decoded(pair.slice(pair.indexOf('=') + 1)))
  const faults = [
    ...urlFaults(own === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', url),
  ]
  const protocol = variable('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? variable('OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol === 'grpc')
    faults.push(
      'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json or http/protobuf, got "grpc": name the collector\'s HTTP port, as a rule 4318, and write http/json',
    )
  const ratio = ratioOf(faults)
  const delayMs = numberOf('OTEL_BSP_SCHEDULE_DELAY', 2000, 0, 600_000, faults)
  if (faults.length > 0) throw new ConfigurationError(faults)
  // The libraries that do it are loaded for nobody else.
  const { openTraces } = await import('./traces.ts')
  return openTraces({
    url: redacted(url),
    ...{ ratio, delayMs, mostWaiting, logger, version: release() },
    producersOf: (topic) =>
      processors
        .filter(({ outputs }) => Object.values(outputs).some(({ name }) => name === topic))
        .map(({ name }) => name),
  })
}

function urlFaults(name: string, url: string): string[] {
  const isUrl = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  return isUrl ? [] : [`${name}: expected an http or https URL, such as http://127.0.0.1:4318`]
}

/** The share of traces that are kept. */
function ratioOf(faults: string[]): number {
  const sampler = variable('OTEL_TRACES_SAMPLER')
  if (sampler?.endsWith('always_off')) return 0
  if (sampler?.endsWith('always_on')) return 1
  return numberOf('OTEL_TRACES_SAMPLER_ARG', 1, 0, 1, faults)
}

function numberOf(name: string, byDefault: number, min: number, max: number, faults: string[]): number {
  const text = variable(name)
  const value = text === undefined ? byDefault : Number(text)
  if (value >= min && value <= max) return value
  faults.push(`${name}: expected a number from ${min} to ${max}, got ${JSON.stringify(text)}`)
  return byDefault
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
