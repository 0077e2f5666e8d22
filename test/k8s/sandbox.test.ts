/** The sandbox where a verifying pod has it: an ordinary user under the runtime's own seccomp profile, without namespaces. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { commandFile, jsonLines, startProgram, type Ended } from '../cli/command.ts'
import { requireOrSkip } from '../requirements.ts'
import { find, podOf, rendered } from './manifests.ts'

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const launcher = new URL('pod.py', import.meta.url).pathname

it('a verifying pod asks for no privilege', () => {
  const { securityContext, containers } = podOf(find(rendered(), 'Deployment', 'verify-rollout'))
  expect(securityContext).toMatchObject({ runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } })
  expect(containers[0].securityContext).toMatchObject({ capabilities: { drop: ['ALL'] } })
})

describe.runIf(requireOrSkip('root, to become the user of a pod', isRoot))('in a pod', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wellspring-pod-'))
  chmodSync(folder, 0o777)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const inPod = (args: readonly string[], input = ''): Promise<Ended> =>
    startProgram('python3', [launcher, process.execPath, commandFile, ...args], { cwd: folder, input }).ended

  it('the rung landlock works', async () => {
    const findings = jsonLines<{ what: string; state: string; detail: string }>(
      (await inPod(['doctor', '--json'])).stdout,
    )
    const sandbox = findings.find(({ what }) => what === 'sandbox')
    expect(sandbox?.state).toBe('works')
    expect(sandbox?.detail).toMatch(/^landlock: .* programs may start threads but no processes, seccomp, Landlock \d/)
  })

  it('programs get their verdicts; those that start processes are unverifiable, never failed', async () => {
    const programs = {
      right: 'print(2 * int(input()))',
      wrong: 'print(int(input()))',
      thread: 'import threading\nt = threading.Thread(target=lambda: print(42))\nt.start()\nt.join()',
      reader: 'print(open("/etc/passwd").read())',
      network: 'import socket\nsocket.create_connection(("127.0.0.1", 1))',
      process: 'import subprocess\nsubprocess.run(["true"])\nprint(42)',
    }
    const lines = Object.entries(programs).map(([id, program]) =>
      JSON.stringify({ id, program, tests: [{ input: '21', output: '42' }] }),
    )
    const { stdout } = await inPod(['verify', 'code', '--ordered'], `${lines.join('\n')}\n`)
    const verdicts = jsonLines<{ id: string; verdict: string; reason: string }>(stdout)
    expect(Object.fromEntries(verdicts.map(({ id, verdict, reason }) => [id, `${verdict}: ${reason}`]))).toEqual({
      right: 'passed: passed',
      wrong: 'failed: wrong_answer',
      thread: 'passed: passed',
      reader: 'failed: runtime_error',
      network: 'failed: runtime_error',
      process: 'unverifiable: unsupported',
    })
  })
})
