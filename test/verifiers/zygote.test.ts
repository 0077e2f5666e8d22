import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const source = readFileSync(new URL('../../verifiers/sandbox/zygote.py', import.meta.url), 'utf8')
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
