/**
 * verify-rollout: rollouts -> verdicts. Worker threads compare answers and run programs in the sandbox; the attempt's
 * text is kept in the verdict. No model call. A fault of ours is tried again, never counted against the attempt.
 */
import { invalidReason } from '../curation/attempts.ts'
import { domainNamed } from '../domains/index.ts'
import type { Conclusion } from '../domains/domain.ts'
import { meaningOf } from '../domains/verdict-reasons.ts'
import { TransientError } from '../engine/errors.ts'
import { counter, histogram } from '../engine/metrics.ts'
import { defineProcessor, type Draft } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { Rollout, Verdict } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'verify-rollout',
  summary: 'Checks attempts: math equivalence, or program runs in the sandbox.',
  version: 2,
  inputs: { rollouts: topics.rollouts },
  tables: {},
  outputs: { verdict: topics.verdicts },
  roles: [],
  runsPrograms: true,
  settings: {
    refuseForeignScript: setting.boolean(
      'Treat an attempt with Han or Hangul after its reasoning as invalid, as the scripts do.',
      { default: true, recipe: true },
    ),
    allTests: setting.boolean(
      'Run every written test of an attempt and keep what each came to, so that tests can be weighed; else stop at the first that does not pass. Trusted tests always stop there, and so does a program that runs out of time.',
      { default: true, profiles: { paper: false, scripts: false }, recipe: true },
    ),
    probes: setting.integer(
      'Inputs, made from those of written tests, that a program which passed is run on as well: what it prints goes into the evidence of the outcome, never into a verdict.',
      { min: 0, max: 64, default: 4, profiles: { paper: 0, scripts: 0 }, recipe: true },
    ),
  },
  metrics: {
    verifierSeconds: histogram(
      'Seconds that an attempt took to verify, queueing included.',
      [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    ),
    attemptsTotal: counter(
      'Attempts verified, by solver and temperature; by form valid, or the reason why it may be neither chosen nor rejected. The paper chose its temperatures by the share of the invalid.',
      ['model', 'temperature', 'form'],
    ),
    verdictsTotal: counter('Verdicts on attempts, by domain and reason.', ['domain', 'verdict', 'reason']),
  },
  discards: [],
  onSpine: [],
  onFailure: {
    transient: { attempts: 3, firstDelaySeconds: 0.2, maxDelaySeconds: 5 },
    emitInstead: {
      rollouts: (rollout, failure, emit) =>
        emit.verdict(
          verdictOf(rollout, { reason: 'sandbox_error', extracted: null, detail: failure.message, tests: [] }, 0),
        ),
    },
  },
  process: {
    async rollouts(rollout, { config, emit, verify, metrics }) {
      const startedAtMs = performance.now()
      const finishReason = rollout.calls.at(-1)?.finishReason ?? 'stop'
      const invalid = invalidReason({ text: rollout.text, finishReason }, config)
      const conclusion: Conclusion = invalid
        ? { reason: invalid, extracted: null, detail: null, tests: [] }
        : await domainNamed(rollout.domain).check(rollout.text, rollout.checks, verify, {
            allTests: config.allTests && !rollout.checks.trusted,
            probes: rollout.checks.trusted ? 0 : config.probes,
          })
      if (conclusion.reason === 'sandbox_error') {
        throw new TransientError(
          'VERIFIER_UNAVAILABLE',
          `the sandbox failed on ${rollout.id}: ${conclusion.detail ?? 'no detail'}`,
        )
      }
      const seconds = (performance.now() - startedAtMs) / 1000
      metrics.verifierSeconds.observe(seconds)
      const verdict = verdictOf(rollout, conclusion, seconds)
      metrics.attemptsTotal.inc({
        model: rollout.solver,
        temperature: temperatureLabel(rollout.calls.at(-1)?.temperature ?? null),
        form: verdict.valid ? 'valid' : verdict.verdict === 'failed' ? conclusion.reason : 'unverifiable',
      })
      // What a verifier has to add to a reason is no part of the label.
      const reason = verdict.reason.split(':', 1)[0] ?? ''
      metrics.verdictsTotal.inc({ domain: verdict.domain, verdict: verdict.verdict, reason })
      return emit.verdict(verdict)
    },
  },
})

/** To the nearest twentieth, up to 2: however temperatures are drawn, there are a few labels only. */
function temperatureLabel(temperature: number | null): string {
  return temperature === null ? 'default' : (Math.round(Math.min(Math.max(temperature, 0), 2) * 20) / 20).toFixed(2)
}

function verdictOf(rollout: Rollout, conclusion: Conclusion, verifierSeconds: number): Draft<Verdict> {
  const { id, parentIds, problemId, domain, solver, attempt, text, reasoning, calls } = rollout
  const { reason, extracted, detail, tests, probes = [] } = conclusion
  const { verdict, valid } = meaningOf(reason)
  return {
    ...{ parentIds: [id], domain, problemId, requestId: parentIds[0] ?? '', solver, attempt },
    ...{ verdict, reason, valid, extracted, detail, tests, probes, text, reasoning, verifierSeconds, calls },
  }
}
