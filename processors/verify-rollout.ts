/**
 * verify-rollout: rollouts and further-tests -> verdicts and test-runs. Worker threads compare answers and run programs in the sandbox;
 * the attempt's text is kept in the verdict. Programs that passed are read there and run on tests that were written since. No model call.
 * A fault of ours is tried again, never counted against the attempt.
 */
import { invalidReason } from '../curation/attempts.ts'
import { domainNamed } from '../domains/index.ts'
import type { Conclusion } from '../domains/domain.ts'
import { meaningOf } from '../domains/verdict-reasons.ts'
import { TransientError } from '../engine/errors.ts'
import { counter, histogram } from '../engine/metrics.ts'
import { defineProcessor, type Draft } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import type { FurtherTests, ProgramRuns, Rollout, TestRuns, Verdict } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'verify-rollout',
  summary: 'Checks attempts: math equivalence, or program runs in the sandbox.',
  version: 3,
  inputs: { rollouts: topics.rollouts, furtherTests: topics.furtherTests },
  tables: {},
  outputs: { verdict: topics.verdicts, testRuns: topics.testRuns },
  reads: [topics.verdicts],
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
      { min: 0, max: 64, default: 12, profiles: { paper: 0, scripts: 0 }, recipe: true },
    ),
  },
  metrics: {
    verifierSeconds: histogram(
      'Seconds that an attempt took to verify, queueing included.',
      [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    ),
    attemptsTotal: counter(
      'Attempts verified, by solver and temperature; by form valid, or the reason why it may be neither chosen nor rejected. The paper chose its temperatures by the share of the invalid.',
      { model: 'named', temperature: 'named', form: 'named' },
    ),
    verdictsTotal: counter('Verdicts on attempts, by domain and reason.', {
      domain: 'named',
      verdict: ['passed', 'failed', 'unverifiable'],
      reason: 'named',
    }),
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
      // The tests are dropped with it: nobody knows what the programs come to on them.
      furtherTests: (written, _, emit) => emit.testRuns({ ...runsOf(written, [], 0), tests: [] }),
    },
  },
  process: {
    async rollouts(rollout, { config, emit, verify, metrics }) {
      const startedAtMs = performance.now()
      const finishReason = rollout.calls.at(-1)?.finishReason ?? 'stop'
      const invalid = invalidReason({ text: rollout.text, finishReason }, config)
      const checked: Conclusion = invalid
        ? { reason: invalid, extracted: null, detail: null, tests: [] }
        : await domainNamed(rollout.domain).check(rollout.text, rollout.checks, verify, {
            allTests: config.allTests && !rollout.checks.trusted,
            probes: rollout.checks.trusted ? 0 : config.probes,
          })
      const conclusion = verifiable(checked, rollout.id)
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

    async furtherTests(written, { emit, verify, read }) {
      const startedAtMs = performance.now()
      const domain = domainNamed(written.domain)
      const checks = { answer: null, tests: written.tests, trusted: false }
      const programs = await Promise.all(
        (written.tests.length === 0 ? [] : written.verdicts).map(async (at) => {
          const { text } = await read(topics.verdicts, at)
          const conclusion = await domain.check(text, checks, verify, { allTests: true, probes: 0 })
          return { verdictId: at.verdictId, tests: verifiable(conclusion, at.verdictId).tests }
        }),
      )
      return emit.testRuns(runsOf(written, programs, (performance.now() - startedAtMs) / 1000))
    },
  },
})

/** @throws TransientError where the sandbox failed */
function verifiable(conclusion: Conclusion, id: string): Conclusion {
  if (conclusion.reason !== 'sandbox_error') return conclusion
  const detail = conclusion.detail ?? 'no detail'
  throw new TransientError('VERIFIER_UNAVAILABLE', `the sandbox failed on ${id}: ${detail}`)
}

function runsOf(written: FurtherTests, programs: ProgramRuns[], verifierSeconds: number): Draft<TestRuns> {
  const { id, domain, problemId, tests, malformedTests, calls } = written
  return { parentIds: [id], domain, problemId, tests, malformedTests, programs, verifierSeconds, calls }
}

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
