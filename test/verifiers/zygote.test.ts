import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const folder = new URL('../../verifiers/', import.meta.url)
const source = readFileSync(new URL('sandbox/confinement.py', folder), 'utf8')
const tables = ['REFUSED', 'ARGUED'].map(
  (name) => new RegExp(`^${name} = \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(source)?.[1] ?? '',
)
const calls = [...tables.join('').matchAll(/'(\w+)': \((\d+), (\d+|None)\)/g)].map(
  ([, name = '', x64, arm64]) => [name, Number(x64), arm64 === 'None' ? undefined : Number(arm64)] as const,
)

const headers: readonly [string, string, 0 | 1][] = [
  ['x86_64', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h', 0],
  // The generic numbers are those of aarch64.
  ['aarch64', '/usr/include/asm-generic/unistd.h', 1],
]

describe('the system call numbers of the sandbox', () => {
  it('are read from its source', () => expect(calls.length).toBeGreaterThan(120))

  for (const [machine, path, column] of headers) {
    if (!existsSync(path)) console.warn(`skipped: call numbers of ${machine}: no ${path}`)
    it.skipIf(!existsSync(path))(`are those of the kernel's header for ${machine}`, () => {
      const known = new Map(
        [...readFileSync(path, 'utf8').matchAll(/#define __NR(?:3264)?_(\w+)\s+(\d+)/g)].map(
          ([, name = '', number]) => [name, Number(number)],
        ),
      )
      for (const [name, x64, arm64] of calls) {
        const ours = column === 0 ? x64 : arm64
        expect({ name, number: known.get(name) }).toEqual({ name, number: ours })
      }
    })
  }
})

describe('the clock of the sandbox', () => {
  // The watch itself, over a process that sleeps, with a wait for the processor that the test makes up.
  const watch = (sleepSeconds: number, waited: string, wall = 0.4): { killed: string | null; seconds: number } => {
    const { stdout, stderr } = spawnSync(
      'python3',
      [
        '-I',
        '-B',
        '-c',
        [
          'import json, os, select, sys, time',
          'sys.path.append(sys.argv[1])',
          'from sandbox.zygote import Zygote',
          'z = Zygote({"rung": "none"})',
          'z.poller = select.poll()',
          'started = time.monotonic()',
          `z.run_delay = lambda pid: ${waited}`,
          'pid = os.fork()',
          'if pid == 0:',
          `    time.sleep(${sleepSeconds})`,
          '    os._exit(0)',
          'killed, _, _ = z.watch(pid, {"wall": float(sys.argv[2])}, started)',
          'print(json.dumps({"killed": killed, "seconds": time.monotonic() - started}))',
        ].join('\n'),
        fileURLToPath(folder),
        String(wall),
      ],
      { encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    return JSON.parse(stdout) as { killed: string | null; seconds: number }
  }

  it('gives back what a program waits for the processor, also after the first time', () => {
    // At the first look past the limit half a second has been waited for, and more with each later one. The most is 3 s.
    expect(watch(1.7, 'time.monotonic() - started - 0.5', 1).killed).toBeNull()
  })

  it('gives back no more than twice the limit', () => {
    const { killed, seconds } = watch(60, 'time.monotonic() - started')
    expect(killed).toBe('wall')
    expect(seconds).toBeGreaterThanOrEqual(1.2)
    expect(seconds).toBeLessThan(10)
  })

  it('gives nothing back to one that only sleeps', () => {
    const { killed, seconds } = watch(60, '0.0')
    expect(killed).toBe('wall')
    expect(seconds).toBeGreaterThanOrEqual(0.4)
  })
})
