import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it } from 'vitest'
import { breaks, copyEngine } from '../chaos/engines.mjs'

const program = fileURLToPath(new URL('../chaos/kafka.mjs', import.meta.url))

/** Minutes of faults: named by WELLSPRING_TEST_CHAOS_MINUTES; five where CI is set; else a few faults alone. */
const minutes = process.env['WELLSPRING_TEST_CHAOS_MINUTES'] ?? (process.env['CI'] ? '5' : undefined)
const short = ['--kills', '3', '--others', '1', '--gap', '3', '--faults', 'kill,zombie,broker,answers,replica']
/** Starting, finishing the work and looking at all of it, where others use the machine too. */
const besidesMinutes = 7

/** Runs the program and gives what it printed. */
function run(parts: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...parts])
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

describe('a stream on Kafka whose processes are killed and put to sleep, and whose broker comes and goes', () => {
  it(
    'loses nothing, makes nothing twice and repeats no committed call',
    async () => {
      const version = ['--kafka-version', inject('kafka').version]
      // On a machine that runs a whole suite a broker may take half a minute to come back.
      const size = minutes === undefined ? short : ['--minutes', minutes]
      const { code, output } = await run(['--seed', '7', '--settle', '120', ...version, ...size])
      expect(output).toMatch(/every law holds \(seed \d+, \d+ s\)\s*$/)
      expect(code).toBe(0)
    },
    60_000 * (Number(minutes ?? 1) + besidesMinutes),
  )

  it('could be broken on purpose in each of the ways that the program must catch', () => {
    const names = Object.keys(breaks)
    expect(names).toEqual(['recipe-after', 'fence', 'progress-apart', 'progress-before', 'sequence', 'send-batch'])
    for (const name of names) {
      const folder = mkdtempSync(join(tmpdir(), 'wellspring-broken-'))
      try {
        expect(() => copyEngine(join(folder, 'engine'), name, true), name).not.toThrow()
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
  })
})
