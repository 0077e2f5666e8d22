import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProgramJudge } from '../../verifiers/judge.ts'
import type { ProgramResult } from '../../verifiers/program.ts'
import { probeIsolation, type Rung, type SandboxLaunch } from '../../verifiers/sandbox.ts'
import { hostilePrograms } from './hostile-programs.ts'
import { descendantsOf, descriptorsOf, processesOfUser } from './process-tree.ts'

const rungs: readonly Rung[] = ['bubblewrap', 'unshare', 'landlock']
const limits = { cpuSeconds: 1, wallSeconds: 2, memoryMb: 256, outputBytes: 1_000_000 }
const LANE = 7
const control = {
  program: '# TRACE-OF-THE-CONTROL\nimport sys\nprint(sys.stdin.read()[::-1])',
  tests: [{ input: 'TRACE-OF-THE-CONTROL olleh', output: 'hello LORTNOC-EHT-FO-ECART' }],
}

const strayFiles = (): string[] =>
  ['/tmp', '/var/tmp', '/dev/shm', '/'].flatMap((folder) =>
    readdirSync(folder).filter((name) => name.startsWith('wellspring-hostile')),
  )

for (const rung of rungs) {
  const { launch, isolation } = await probeIsolation({ rung })
  if (!launch) console.warn(`skipped: hostile programs on ${rung}: ${isolation.detail}`)
  describe.skipIf(!launch)(`hostile programs on ${rung}`, () => {
    let judge: ProgramJudge
    let before: { processes: number[]; descriptors: (number | undefined)[]; own: number | undefined }
    const forks = !isolation.detail.includes('no processes')
    const laneUid = launch?.firstUid === undefined ? undefined : launch.firstUid + LANE

    const alive = (): number[] =>
      laneUid === undefined
        ? descendantsOf(process.pid)
        : [...new Set([...descendantsOf(process.pid), ...processesOfUser(laneUid)])]

    const state = (): typeof before => {
      const processes = alive()
      return { processes, descriptors: processes.map(descriptorsOf), own: descriptorsOf('self') }
    }

    beforeAll(async () => {
      judge = new ProgramJudge(launch as SandboxLaunch, LANE)
      expect((await judge.judge({ ...control, limits })).verdict).toBe('passed')
      before = state()
    })

    afterAll(() => judge.close())

    it.each(hostilePrograms.map((each) => [each.name, each] as const))('%s', async (_, hostile) => {
      const result = await judge.judge({
        program: hostile.program,
        tests: [{ input: hostile.input ?? '', output: hostile.output ?? 'an output that no program has' }],
        limits,
      })
      const reasons = !forks && hostile.forks ? [...hostile.reasons, 'unsupported'] : hostile.reasons
      expect(reasons, describeResult(result)).toContain(result.reason)
      if (hostile.stdout) expect(result.tests[0]?.stdout, describeResult(result)).toMatch(hostile.stdout)
      const after = await judge.judge({ ...control, limits })
      expect(after.verdict, describeResult(after)).toBe('passed')
      expect(state()).toEqual(before)
      expect(strayFiles()).toEqual([])
    })
  })
}

function describeResult({ reason, message, tests }: ProgramResult): string {
  const { stdout, stderr } = tests[0] ?? {}
  return JSON.stringify({ reason, message, stdout: stdout?.slice(0, 400), stderr: stderr?.slice(-600) })
}
