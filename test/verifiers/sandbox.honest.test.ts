import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProgramJudge } from '../../verifiers/judge.ts'
import { probeIsolation, type Rung, type SandboxLaunch } from '../../verifiers/sandbox.ts'
import { honestAssertions, unjudgedAssertions } from './assertion-programs.ts'
import { honestPrograms } from './honest-programs.ts'

const rungs: readonly [string, Rung, number?][] = [
  ['bubblewrap', 'bubblewrap'],
  ['unshare', 'unshare'],
  ['landlock', 'landlock'],
  ['landlock of its first version', 'landlock', 1],
]
// Another interpreter than this machine's own, for runs by hand.
const python = process.env['WELLSPRING_TEST_PYTHON']

for (const [name, rung, landlockVersion] of rungs) {
  const probe = await probeIsolation({ rung, ...(python === undefined ? {} : { python }) })
  const { isolation } = probe
  const launch = probe.launch && { ...probe.launch, ...(landlockVersion === undefined ? {} : { landlockVersion }) }
  if (!launch) console.warn(`skipped: honest programs on ${name}: ${isolation.detail}`)
  describe.skipIf(!launch)(`honest programs on ${name}`, () => {
    let judge: ProgramJudge
    const forks = !isolation.detail.includes('no processes')

    beforeAll(() => {
      judge = new ProgramJudge(launch as SandboxLaunch)
    })
    afterAll(() => judge.close())

    it.each(honestPrograms.map((each) => [each.name, each] as const))('%s', async (_, honest) => {
      const { program, input = '', output } = honest
      const result = await judge.judge({ program, tests: [{ input, output }], compare: 'lcb' })
      const { stdout, stderr } = result.tests[0] ?? {}
      const seen = JSON.stringify({ ...result, tests: [], stdout: stdout?.slice(0, 300), stderr: stderr?.slice(-500) })
      // What a rung cannot offer is never held against the program, or is documented as a limit of that rung.
      if (honest.forks && !forks) expect(result.reason, seen).toBe('unsupported')
      else if (honest.proc && rung === 'landlock') expect(result.verdict).not.toBe('unverifiable')
      else expect(result.reason, seen).toBe('passed')
    })

    it.each(honestAssertions.map((each) => [each.name, each] as const))('%s', async (_, request) => {
      const result = await judge.judge({ mode: 'assert', ...request })
      expect(result.reason, JSON.stringify(result)).toBe('passed')
    })

    it.each(unjudgedAssertions.map((each) => [each.name, each] as const))('not judged: %s', async (_, request) => {
      const result = await judge.judge({ mode: 'assert', ...request })
      expect(result, JSON.stringify(result)).toMatchObject({ verdict: 'unverifiable', reason: 'unsupported' })
    })
  })
}
