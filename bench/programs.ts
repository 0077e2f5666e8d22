/**
 * Programs a second: our sandbox on each isolation rung against a plain interpreter started for every test and against
 * the style of the public harnesses (a fresh manager and process for each test, the program run by exec in it).
 *
 *   node dist/bench/programs.js [--lanes 2] [--rounds 9] [--programs 200] [--json]
 *
 * All ways take turns in every round, so that a busy machine slows them alike: each ratio is taken within a round, against
 * the rounds' own spawning before and after, and the median over the rounds is printed. A second ratio is that of the
 * processor time for each test, Node's own included: neighbours on the machine hardly change it, and on a machine that has
 * nothing else to do, with as many lanes as processors, it is what the clock shows.
 */
import { spawn } from 'node:child_process'
import { loadavg } from 'node:os'
import { VerifierPool } from '../verifiers/pool.ts'
import type { ProgramRequest } from '../verifiers/program.ts'
import type { Rung } from '../verifiers/sandbox.ts'
import { familyOf, ProcessorClock } from './processor-clock.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run bench:programs',
  about: 'Programs a second in the sandbox, against a plain interpreter and the style of public harnesses.',
}
const values = readOptions(program, {
  lanes: { type: 'string', default: '2', doc: 'programs at once' },
  rounds: { type: 'string', default: '9', doc: 'of all ways' },
  programs: { type: 'string', default: '200', doc: 'of each round' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})
const lanes = Number(values.lanes)
const rounds = Number(values.rounds)
const programs = Number(values.programs)
const PYTHON = '/usr/bin/python3'

const trivial = (index: number): string => `print(2 * int(input()))  # ${index}`

// A loop of some tenths of a second that prints the processor time which it took: the clock would measure the neighbours too.
const HEAVY =
  'import time\nn = 0\nfor i in range(2_000_000):\n    n = (n * 31 + i) % 1_000_003\nprint(time.process_time())'

/**
 * Our own telling of the reference style, with the costs that all of its kind have for each test: a manager and its
 * process, two shared lists, a process for the program, the customary star imports, streams replaced by patching.
 */
const REFERENCE = `
import io, multiprocessing, signal, sys
from unittest.mock import patch
PRELUDE = ''.join('from %s import *\\n' % name for name in
    'string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json typing'.split())
def judge(program, given, wanted, results, details):
    def stop(*_): raise TimeoutError
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(6)
    out = io.StringIO()
    try:
        with patch('sys.stdin', io.StringIO(given)), patch('sys.stdout', out):
            exec(compile(PRELUDE + program, 'program', 'exec'), {'__name__': '__main__'})
        results.append(out.getvalue().strip() == wanted)
        details.append({})
    except BaseException as error:
        results.append(False)
        details.append({'error': repr(error)})
    signal.alarm(0)
if __name__ == '__main__':
    right = 0
    for index in range(int(sys.argv[1])):
        manager = multiprocessing.Manager()
        results, details = manager.list(), manager.list()
        process = multiprocessing.Process(target=judge, args=('print(2 * int(input()))  # %d' % index, '21\\n', '42', results, details))
        process.start()
        process.join(8)
        right += bool(results and results[0])
        manager.shutdown()
    print(right)
`

/** Runs the command with this input; resolves with its stdout. */
function capture(command: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', reject)
    child.on('close', () => resolve(text))
    child.stdin.end(input)
  })
}

function expectRight(right: boolean, what: string): void {
  if (!right) throw new Error(`${what} gave a wrong verdict: the measurement means nothing`)
}

/** Starts an interpreter for every test. Resolves with how many. */
async function spawned(): Promise<number> {
  const count = Math.ceil(programs / 2)
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (next < count) {
        const printed = await capture(PYTHON, ['-I', '-S', '-c', trivial(next++)], '21\n')
        expectRight(printed.trim() === '42', 'a spawned interpreter')
      }
    }),
  )
  return count
}

/** Runs the reference style on every lane. Resolves with how many tests. */
async function reference(): Promise<number> {
  const each = Math.max(4, Math.ceil(programs / 20))
  const rights = await Promise.all(
    Array.from({ length: lanes }, () => capture(PYTHON, ['-I', '-S', '-c', REFERENCE, String(each)], '')),
  )
  expectRight(
    rights.every((right) => Number(right) === each),
    'the reference style',
  )
  return each * lanes
}

function requestOf(index: number, tests: number): ProgramRequest {
  return {
    program: trivial(index),
    tests: Array.from({ length: tests }, (_, n) => ({ input: `${n}\n`, output: `${2 * n}\n` })),
  }
}

/** Judges so many programs with so many tests each. Resolves with how many tests. */
async function pooled(pool: VerifierPool, count: number, tests: number): Promise<number> {
  const results = await Promise.all(
    Array.from({ length: count }, (_, index) => pool.runProgram(requestOf(index, tests))),
  )
  expectRight(
    results.every(({ verdict }) => verdict === 'passed'),
    'the pool',
  )
  return count * tests
}

async function heavyPlain(): Promise<number> {
  return Number(await capture(PYTHON, ['-I', '-S', '-c', HEAVY], ''))
}

async function heavyPooled(pool: VerifierPool): Promise<number> {
  const limits = { cpuSeconds: 60, wallSeconds: 90 }
  const { tests } = await pool.runProgram({ program: HEAVY, tests: [{ input: '', output: 'x' }], limits })
  return Number(tests[0]?.stdout)
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const pools = new Map<Rung, VerifierPool>()
for (const rung of ['bubblewrap', 'unshare', 'landlock'] as const) {
  const pool = new VerifierPool({ threads: lanes, rung })
  const { rung: found, detail } = await pool.isolation()
  if (found === rung) pools.set(rung, pool)
  else {
    console.error(`skipped: ${rung}: ${detail}`)
    await pool.close()
  }
}

const clock = new ProcessorClock()
const measured: Record<string, number[]> = {}
const costs: Record<string, { seconds: number; tests: number }> = {}
const note = (what: string, value: number): void => void (measured[what] ??= []).push(value)

/** Does one slice of work; resolves with tests a second, and books its processor time. */
async function slice(way: string, work: () => Promise<number>): Promise<number> {
  clock.look(familyOf(process.pid))
  const processor = clock.seconds
  const started = performance.now()
  const tests = await work()
  const rate = (tests / (performance.now() - started)) * 1000
  clock.look(familyOf(process.pid))
  const cost = (costs[way] ??= { seconds: 0, tests: 0 })
  cost.seconds += clock.seconds - processor
  cost.tests += tests
  return rate
}

// Long enough that the pools have learned how short these programs are.
for (const pool of pools.values()) await pooled(pool, 30 * lanes, 1)
for (let round = 0; round < rounds; round += 1) {
  const before = await slice('spawn', spawned)
  note('reference', await slice('reference', reference))
  // Each rung has each place in the round equally often.
  const turn = [...pools].map((_, index, all) => all[(index + round) % all.length]!)
  for (const [rung, pool] of turn) {
    const tenfold = `${rung}, 10 tests a program`
    note(rung, await slice(rung, () => pooled(pool, programs, 1)))
    note(tenfold, await slice(tenfold, () => pooled(pool, Math.ceil(programs / 10), 10)))
  }
  note('spawn', 2 / (1 / before + 1 / (await slice('spawn', spawned))))
  for (const [rung, pool] of turn) {
    note(`${rung}, processor-bound`, await heavyPooled(pool))
    note(`plain beside ${rung}, processor-bound`, await heavyPlain())
  }
}
await Promise.all([...pools.values()].map((pool) => pool.close()))

/** How often faster one way was than another in the same round; the median over the rounds. */
function times(way: string, other: string): number {
  return median((measured[way] ?? []).map((one, round) => one / (measured[other]?.[round] ?? Number.NaN)))
}

/** Milliseconds of processor time for each test. */
function costOf(way: string): number {
  const { seconds, tests } = costs[way] ?? { seconds: Number.NaN, tests: 1 }
  return (seconds / tests) * 1000
}

// The least of many: whatever else runs can only make a loop slower.
const least = (what: string): number => Math.min(...(measured[what] ?? []))
const rows = Object.entries(measured)
  .filter(([way]) => !way.includes('processor-bound'))
  .map(([way, numbers]) => ({
    way,
    testsPerSecond: median(numbers),
    best: Math.max(...numbers),
    timesSpawn: times(way, 'spawn'),
    timesReference: times(way, 'reference'),
    processorMs: costOf(way),
    timesSpawnByProcessor: costOf('spawn') / costOf(way),
    timesReferenceByProcessor: costOf('reference') / costOf(way),
  }))
const slowdowns = [...pools.keys()].map((rung) => ({
  rung,
  timesPlain: least(`${rung}, processor-bound`) / least(`plain beside ${rung}, processor-bound`),
}))
if (values.json) console.log(JSON.stringify({ lanes, rounds, programs, loadAverage: loadavg()[0], rows, slowdowns }))
else {
  for (const row of rows)
    console.log(
      `${row.way.padEnd(32)} ${row.testsPerSecond.toFixed(0).padStart(5)} tests/s (best ${row.best.toFixed(0).padStart(4)}), ${row.timesSpawn.toFixed(1).padStart(4)}x spawn, ${row.timesReference.toFixed(1).padStart(4)}x reference; ` +
        `${row.processorMs.toFixed(2).padStart(6)} ms of processor, ${row.timesSpawnByProcessor.toFixed(1).padStart(4)}x spawn, ${row.timesReferenceByProcessor.toFixed(1).padStart(4)}x reference`,
    )
  for (const { rung, timesPlain } of slowdowns)
    console.log(
      `${`${rung}, processor-bound`.padEnd(32)} ${timesPlain.toFixed(3).padStart(6)} times the plain interpreter's processor time`,
    )
  console.log(`load average ${loadavg()[0]?.toFixed(1)}, ${lanes} lanes`)
}
