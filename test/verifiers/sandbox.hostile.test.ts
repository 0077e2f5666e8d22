import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProgramJudge } from '../../verifiers/judge.ts'
import type { ProgramRequest, ProgramResult } from '../../verifiers/program.ts'
import { probeIsolation, type Rung, type SandboxLaunch } from '../../verifiers/sandbox.ts'
import { hostileAssertions, type HostileAssertions } from './assertion-programs.ts'
import { hostilePrograms, type HostileProgram } from './hostile-programs.ts'
import { descendantsOf, descriptorsOf, processesOf, until } from './process-tree.ts'

const rungs: readonly [string, Rung, number?][] = [
  ['bubblewrap', 'bubblewrap'],
  ['unshare', 'unshare'],
  ['landlock', 'landlock'],
  ['landlock of its first version', 'landlock', 1],
]
// Another interpreter than this machine's own, for runs by hand.
const python = process.env['WELLSPRING_TEST_PYTHON']
// How often in a row the suite runs on the same sandboxes; hostile-rounds.mjs sets it.
const rounds = Number(process.env['WELLSPRING_TEST_ROUNDS'] ?? 1)
const limits = { cpuSeconds: 1, wallSeconds: 2, memoryMb: 256, outputBytes: 1_000_000 }
const control = {
  program: '# TRACE-OF-THE-CONTROL\nimport sys\nprint(sys.stdin.read()[::-1])',
  tests: [{ input: 'TRACE-OF-THE-CONTROL olleh', output: 'hello LORTNOC-EHT-FO-ECART' }],
}

const strayFiles = (): string[] =>
  ['/tmp', '/var/tmp', '/dev/shm', '/'].flatMap((folder) =>
    readdirSync(folder).filter((name) => name.startsWith('wellspring-hostile')),
  )

for (const [name, rung, landlockVersion] of rungs) {
  const probe = await probeIsolation({ rung, ...(python === undefined ? {} : { python }) })
  const { isolation } = probe
  const launch = probe.launch && { ...probe.launch, ...(landlockVersion === undefined ? {} : { landlockVersion }) }
  if (!launch) console.warn(`skipped: hostile programs on ${name}: ${isolation.detail}`)
  describe.skipIf(!launch)(`hostile programs on ${name}`, () => {
    let judge: ProgramJudge
    let before: { processes: number[]; descriptors: (number | undefined)[]; own: number | undefined }
    const forks = !isolation.detail.includes('no processes')
    // As root every sandbox has a user id out of a range of ours, wherever its processes may have gone.
    const uids = launch?.uids
    const isOurs = (uid: number): boolean => uids !== undefined && uid >= uids.first && uid < uids.first + uids.count
    const alive = (): number[] => [...new Set([...descendantsOf(process.pid), ...processesOf(isOurs)])]

    const state = (): typeof before => {
      const processes = alive()
      return { processes, descriptors: processes.map(descriptorsOf), own: descriptorsOf('self') }
    }

    beforeAll(async () => {
      judge = new ProgramJudge(launch as SandboxLaunch)
      expect((await judge.judge({ ...control, limits })).verdict).toBe('passed')
      await until('the probe is gone', () =>
        processesOf(isOurs).every((pid) => descendantsOf(process.pid).includes(pid)),
      )
      before = state()
    })

    afterAll(() => judge.close())

    const cases = Array.from({ length: rounds }, (_, round) =>
      [...hostilePrograms, ...hostileAssertions].map(
        (each) => [rounds === 1 ? each.name : `${round + 1}: ${each.name}`, each] as const,
      ),
    ).flat()
    it.each(cases)('%s', async (_, hostile) => {
      const result = await judge.judge({ ...requestOf(hostile), limits })
      const reasons = !forks && hostile.forks ? [...hostile.reasons, 'unsupported'] : hostile.reasons
      expect(reasons, describeResult(result)).toContain(result.reason)
      if ('stdout' in hostile) expect(result.tests[0]?.stdout, describeResult(result)).toMatch(hostile.stdout)
      const after = await judge.judge({ ...control, limits })
      expect(after.verdict, describeResult(after)).toBe('passed')
      expect(state()).toEqual(before)
      expect(strayFiles()).toEqual([])
    })
  })
}

function requestOf(hostile: HostileProgram | HostileAssertions): ProgramRequest {
  if (!('assertions' in hostile))
    return {
      program: hostile.program,
      tests: [{ input: hostile.input ?? '', output: hostile.output ?? 'an output that no program has' }],
    }
  const { program, assertions, function: named } = hostile
  return { mode: 'assert', program, assertions, ...(named === undefined ? {} : { function: named }) }
}

function describeResult({ reason, message, tests }: ProgramResult): string {
  const { stdout, stderr } = tests[0] ?? {}
  return JSON.stringify({ reason, message, stdout: stdout?.slice(0, 400), stderr: stderr?.slice(-600) })
}
