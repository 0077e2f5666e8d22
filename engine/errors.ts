/**
 * The four ways a record or a run can fail; anything else is a bug and stops the process.
 * A discard is not an error: `process` returns it. The other three are thrown. Matched on `kind` and `code`, never on
 * the class, which does not survive a worker thread.
 */

/** What the world can do to a call. `outage` codes never use up a record's attempts. Each is a label of metrics. */
export const transientCodes = [
  'ENDPOINT_UNREACHABLE',
  'ENDPOINT_RATE_LIMITED',
  'ENDPOINT_FAILED',
  'ENDPOINT_TIMEOUT',
  'ENDPOINT_STALLED',
  'CONNECTION_LOST',
  'ANSWER_MALFORMED',
  'MODEL_REPLACED',
  'MODEL_NOT_ANNOUNCED',
  'VERIFIER_UNAVAILABLE',
  'LOG_UNAVAILABLE',
] as const
export type TransientCode = (typeof transientCodes)[number]

export const invalidRecordCodes = [
  'RECORD_UNDECODABLE',
  'RECORD_INVARIANT_BROKEN',
  'REQUEST_REFUSED',
  'CONTEXT_TOO_LONG',
  'MODEL_RETIRED',
  'OUTPUT_TOO_LARGE',
] as const
export type InvalidRecordCode = (typeof invalidRecordCodes)[number]

/** The world's fault: tried again after a pause. With `outage` the whole processor waits and says so, and no attempt is used up. */
export class TransientError extends Error {
  readonly kind = 'transient'
  readonly code: TransientCode
  readonly outage: boolean
  /** Asked for by the endpoint, in seconds. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    code: TransientCode,
    message: string,
    options: ErrorOptions & { outage?: boolean; retryAfterSeconds?: number } = {},
  ) {
    super(message, options)
    this.name = 'TransientError'
    this.code = code
    this.outage = options.outage ?? false
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** The record's own fault: it goes to dead-letters with its cause and original bytes. */
export class InvalidRecordError extends Error {
  readonly kind = 'invalid-record'
  readonly code: InvalidRecordCode
  constructor(code: InvalidRecordCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'InvalidRecordError'
    this.code = code
  }
}

/** The operator's fault: the process stops before its next record, exit code 78 (EX_CONFIG). `faults` are whole sentences. */
export class ConfigurationError extends Error {
  readonly kind = 'configuration'
  readonly faults: readonly string[]
  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(faults.join('\n'), options)
    this.name = 'ConfigurationError'
    this.faults = faults
  }
}

/** The kind of a thrown value, read from its `kind` field; undefined for a bug. */
export function kindOf(error: unknown): 'transient' | 'invalid-record' | 'configuration' | undefined {
  if (typeof error !== 'object' || error === null || !('kind' in error)) return undefined
  const { kind } = error
  return kind === 'transient' || kind === 'invalid-record' || kind === 'configuration' ? kind : undefined
}
