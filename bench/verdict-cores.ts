/**
 * Seconds of a core for one verdict as `wellspring plan --from` takes them from a corpus, against the time that the same attempts take
 * when one thread checks them again, one after the other, so that nothing waits for anything.
 *
 *   npm run bench:verdict-cores -- --data demo-data [--json]
 */
import { openBeside, readTopic, useCorpus } from '../cli/corpus.ts'
import { coreSecondsOf } from '../cli/capacity-figures.ts'
import { placeOf } from '../cli/place.ts'
import { verificationBy } from '../cli/verification.ts'
import { domains } from '../domains/index.ts'
import { bindVerification } from '../engine/context.ts'
import { resolveSettings } from '../engine/settings.ts'
import verifyRollout from '../processors/verify-rollout.ts'
import type { Checks, Verdict } from '../schemas/generated.ts'
import { readOptions } from '../scripts/options.ts'
import { topics } from '../topics/catalogue.ts'
import { VerifierPool } from '../verifiers/pool.ts'
import { Figures } from './figures.ts'

const program = {
  call: 'npm run bench:verdict-cores',
  about:
    'Seconds of a core for a verdict: as the plan takes them from a corpus, against one thread that checks the same again.',
}
const values = readOptions(program, {
  data: { type: 'string', default: 'demo-data', doc: 'folder of a corpus that was made with default settings' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})

/** A slow machine or a busy one changes what programs take from one run to the next by about so much. */
const tolerance = 0.15
/** Checked beforehand and not counted: the sandbox starts with the first. */
const warmUp = 20

const rules: Readonly<Record<string, unknown>> = resolveSettings(verifyRollout.name, verifyRollout.settings, []).values
const pool = new VerifierPool({ threads: 1 })
const verify = bindVerification(verificationBy(pool), new AbortController().signal)
const figures = new Figures(values.json)
try {
  await useCorpus(await placeOf({ data: values.data }), openBeside, async (corpus) => {
    const checksOf = new Map<string, Checks>()
    for await (const { record } of readTopic(corpus, topics.testCases)) checksOf.set(record.problemId, record.checks)
    const verdicts: Verdict[] = []
    for await (const { record } of readTopic(corpus, topics.verdicts)) verdicts.push(record)
    for (const domain of domains) {
      const own = verdicts.filter((one) => one.domain === domain.name && checksOf.has(one.problemId))
      if (own.length <= warmUp) continue
      const check = async ({ problemId, text }: Verdict): Promise<void> => {
        const checks = checksOf.get(problemId)
        if (!checks) return
        const more = checks.trusted
          ? { allTests: false, probes: 0 }
          : { allTests: rules['allTests'] === true, probes: Number(rules['probes']) }
        await domain.check(text, checks, verify, more)
      }
      for (const one of own.slice(0, warmUp)) await check(one)
      const startedAtMs = performance.now()
      for (const one of own) await check(one)
      const measured = (performance.now() - startedAtMs) / 1000 / own.length
      const mean = (secondsOf: (one: Verdict) => number): number =>
        own.reduce((sum, one) => sum + secondsOf(one), 0) / own.length
      const planned = mean(coreSecondsOf)
      figures.tell(`${domain.name}: verdicts`, own.length)
      figures.tell(`${domain.name}: seconds until a verdict as the corpus has them, waiting included`, mean((one) => one.verifierSeconds)) // prettier-ignore
      figures.tell(`${domain.name}: seconds of a core by the plan`, planned)
      figures.tell(`${domain.name}: seconds of one thread that checks again`, measured)
      // Comparisons are planned for by what long answers may take.
      if (domain.checkedBy === 'tests') figures.tell(`${domain.name}: planned over measured`, planned / measured, '0.85 to 1.15', Math.abs(planned / measured - 1) <= tolerance) // prettier-ignore
    }
  })
} finally {
  await pool.close()
  process.exitCode = figures.missed === 0 ? 0 : 1
}
