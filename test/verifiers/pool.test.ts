import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { Piscina } from 'piscina'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { VerifierPool } from '../../verifiers/pool.ts'
import { outputDigest, type ProgramRequest, type ProgramResult } from '../../verifiers/program.ts'
import type { Rung } from '../../verifiers/sandbox.ts'
import { descendantsOf, until } from './process-tree.ts'

const available: Rung[] = []
for (const rung of ['bubblewrap', 'unshare', 'landlock'] as const) {
  const probe = new VerifierPool({ threads: 1, rung })
  const { rung: found, detail } = await probe.isolation()
  await probe.close()
  if (found === rung) available.push(rung)
  else console.warn(`skipped: the pool on ${rung}: ${detail}`)
}

const double = (index: number): ProgramRequest => ({
  id: String(index),
  program: `import time\ntime.sleep(0.01)\nprint(2 * int(input()))  # ${index}`,
  tests: [
    { input: `${index}\n`, output: `${2 * index}\n` },
    { input: '4\n', output: index % 5 === 0 ? '9\n' : '8\n' },
  ],
})
const rightly = (index: number): Partial<ProgramResult> =>
  index % 5 === 0
    ? { id: String(index), verdict: 'failed', reason: 'wrong_answer' }
    : { id: String(index), verdict: 'passed', reason: 'passed' }

describe('what a pool tells of its work', () => {
  it('its threads and what waits for them; each comparison by its verdict', async () => {
    const verdicts: string[] = []
    const hear = { programRun: vi.fn(), compared: (verdict: string) => verdicts.push(verdict), threadReplaced: vi.fn() }
    const pool = new VerifierPool({ threads: 1, hear })
    expect(pool.status()).toEqual({ threads: 1, busy: 0, waiting: { program: 0, comparison: 0 } })
    const answers = ['4', '5', '2+2']
    const all = Promise.all(answers.map((answer) => pool.compareMath({ reference: '4', answer })))
    expect(pool.status().waiting.comparison).toBe(3)
    await all
    await pool.close()
    expect(verdicts.sort()).toEqual(['failed', 'passed', 'passed'])
    expect(hear.threadReplaced).not.toHaveBeenCalled()
  })
})

describe.each(available)('VerifierPool on %s', (rung) => {
  let pool: VerifierPool
  afterEach(() => pool.close())

  it('tells of each run of a program on a test, and of a thread that was replaced', async () => {
    const runs: string[] = []
    const replaced: string[] = []
    const hear = {
      programRun: (reason: string, seconds: number) => runs.push(`${reason} ${seconds > 0}`),
      compared: vi.fn(),
      threadReplaced: (why: string) => replaced.push(why),
    }
    pool = new VerifierPool({ threads: 1, rung, hear })
    await pool.runProgram({ ...double(1), tests: double(1).tests ?? [] })
    expect(runs).toEqual(['passed true', 'passed true'])
    expect(replaced).toEqual([])
  })

  it('answers every program rightly while sandbox processes are killed', async () => {
    pool = new VerifierPool({ threads: 2, rung })
    const before = new Set(descendantsOf(process.pid))
    let kills = 0
    let answered = 0
    const kill = (): void => {
      const sandboxes = descendantsOf(process.pid).filter((pid) => !before.has(pid))
      // Each in turn: the child of Node, the sandbox inside, a program.
      const victim = sandboxes[kills % Math.max(1, sandboxes.length)]
      if (victim === undefined) return
      kills += 1
      try {
        process.kill(victim, 'SIGKILL')
      } catch {
        // It had ended by itself.
      }
    }
    const results = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const result = await pool.runProgram(double(index))
        answered += 1
        if (answered % 10 === 0) kill()
        return result
      }),
    )
    expect(kills).toBeGreaterThan(3)
    for (const [index, result] of results.entries())
      expect(result, JSON.stringify(result)).toMatchObject(rightly(index))
  })

  it('answers every program rightly while threads are ended', async () => {
    const seen = new Set<Piscina>()
    const run = vi.spyOn(Piscina.prototype, 'run').mockImplementation(function (this: Piscina, ...args) {
      seen.add(this)
      return original.apply(this, args)
    })
    try {
      pool = new VerifierPool({ threads: 2, rung })
      let open = 40
      let ended = 0
      const work = Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const result = await pool.runProgram(double(index))
          open -= 1
          if (open === 30 || open === 15) for (const piscina of seen) void piscina.threads[ended++ % 2]?.terminate()
          return result
        }),
      )
      for (const [index, result] of (await work).entries()) expect(result).toMatchObject(rightly(index))
      expect(ended).toBe(2)
    } finally {
      run.mockRestore()
    }
  })

  it('leaves no process when it is closed in the middle', async () => {
    pool = new VerifierPool({ threads: 2, rung })
    const before = descendantsOf(process.pid)
    const open = Array.from({ length: 4 }, () =>
      pool.runProgram({
        program: 'import time\ntime.sleep(60)',
        tests: [{ input: '', output: '' }],
        limits: { wallSeconds: 60 },
      }),
    )
    const settled = Promise.allSettled(open)
    await until('two running programs', () => descendantsOf(process.pid).length >= before.length + 4)
    await pool.close()
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
    await until('no process left', () => descendantsOf(process.pid).every((pid) => before.includes(pid)))
  })

  it('leaves no process when its own process is killed', async () => {
    pool = new VerifierPool({ threads: 1, rung })
    const source = `
      import { VerifierPool } from ${JSON.stringify(new URL('../../dist/verifiers/pool.js', import.meta.url).href)}
      const pool = new VerifierPool({ threads: 2, rung: ${JSON.stringify(rung)} })
      const program = 'import time\\nwhile True: time.sleep(1)'
      for (let i = 0; i < 2; i += 1) void pool.runProgram({ program, tests: [{ input: '', output: '' }], limits: { wallSeconds: 300, cpuSeconds: 300 } })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'ignore' })
    const root = child.pid ?? 0
    // Per lane at least the sandbox and its program.
    await until('two running programs', () => descendantsOf(root).length >= 4)
    const family = descendantsOf(root)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until('no process left', () => family.every((pid) => !isAlive(pid)))
  })

  it('runs tests until the first that does not pass, or all of them', async () => {
    pool = new VerifierPool({ threads: 1, rung })
    const request: ProgramRequest = {
      program: 'n = int(input())\nprint(n if n != 2 else 1 / 0)',
      tests: [1, 2, 3, 4].map((n) => ({ input: String(n), output: n === 3 ? '0' : String(n) })),
    }
    expect((await pool.runProgram(request)).tests.map(({ reason }) => reason)).toEqual(['passed', 'runtime_error'])
    const all = await pool.runProgram({ ...request, allTests: true })
    expect(all.tests.map(({ reason }) => reason)).toEqual(['passed', 'runtime_error', 'wrong_answer', 'passed'])
    expect(all.reason).toBe('runtime_error')
    expect(all.tests.every((test) => test.digest === undefined)).toBe(true)
    const digested = await pool.runProgram({ ...request, allTests: true, digests: true })
    expect(digested.tests.map(({ digest }) => digest)).toEqual(
      ['1', undefined, '3', '4'].map((output) => output && outputDigest(output)),
    )
    // The others would take as long again, and tell nothing.
    const endless = { ...request, program: 'n = int(input())\nwhile n == 2: pass\nprint(n)', limits: { cpuSeconds: 1 } }
    const cut = await pool.runProgram({ ...endless, allTests: true })
    expect(cut.tests.map(({ reason }) => reason)).toEqual(['passed', 'time_limit'])
  })

  it('answers short programs while a long one runs that was handed over with them', async () => {
    pool = new VerifierPool({ threads: 2, rung })
    const tests = [{ input: '', output: '1' }]
    const run = async (id: number): Promise<void> => {
      const result = await pool.runProgram({ id: `${id}`, program: 'print(1)', tests })
      expect(result).toMatchObject({ id: `${id}`, verdict: 'passed' })
    }
    // So many that the pool has learned how short they are, and hands several over at once.
    await Promise.all(Array.from({ length: 60 }, (_, id) => run(id)))
    const abort = new AbortController()
    const long = { program: 'import time\ntime.sleep(300)', tests, limits: { wallSeconds: 300 } }
    const isCalledOff = vi.fn()
    const all = Array.from({ length: 60 }, (_, id) =>
      id === 33 ? expect(pool.runProgram(long, abort.signal).finally(isCalledOff)).rejects.toThrow('enough') : run(id),
    )
    await Promise.all(all.filter((_, id) => id !== 33))
    expect(isCalledOff).not.toHaveBeenCalled()
    abort.abort(new Error('enough'))
    await all[33]
  })

  it('calls off one program of several, and answers the others', async () => {
    pool = new VerifierPool({ threads: 1, rung })
    const quick = { program: 'print(1)', tests: [{ input: '', output: '1' }] }
    await Promise.all(Array.from({ length: 60 }, () => pool.runProgram(quick)))
    const abort = new AbortController()
    const endless = { program: 'while True: pass', tests: quick.tests, limits: { cpuSeconds: 300, wallSeconds: 300 } }
    const all = Array.from({ length: 24 }, (_, index) =>
      index === 5 ? pool.runProgram(endless, abort.signal) : pool.runProgram(quick),
    )
    const others = Promise.all(all.filter((_, index) => index !== 5))
    const rejected = expect(all[5]).rejects.toThrow('no longer wanted')
    await Promise.race([all[4], all[0]])
    abort.abort(new Error('no longer wanted'))
    await rejected
    for (const result of await others) expect(result.verdict).toBe('passed')
  })

  it('holds each limit that a request names', async () => {
    pool = new VerifierPool({ threads: 2, rung, limits: { wallSeconds: 20 } })
    const reason = async (program: string, limits: ProgramRequest['limits'], input = ''): Promise<string> =>
      (await pool.runProgram({ program, tests: [{ input, output: 'x' }], ...(limits ? { limits } : {}) })).reason
    expect(await reason('while True: pass', { cpuSeconds: 1 })).toBe('time_limit')
    expect(await reason('import time; time.sleep(9)', { wallSeconds: 0.3 })).toBe('time_limit')
    expect(await reason('bytearray(100 << 20)', { memoryMb: 64 })).toBe('memory_limit')
    expect(await reason('print("x" * 1001)', { outputBytes: 1000 })).toBe('output_limit')
    expect(await reason('print("x")', { inputBytes: 3 }, 'long')).toBe('unsupported')
    expect(await reason('print("x")', { programBytes: 3 })).toBe('unsupported')
    const { tests } = await pool.runProgram({
      program: 'import sys\nsys.stderr.write("a" * 500 + "end")\nprint("y")',
      tests: [{ input: '', output: 'x' }],
      limits: { stderrBytes: 10 },
    })
    expect(tests[0]?.stderr).toBe('aaaaaaaend')
  })
})

const original = Piscina.prototype.run

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

describe('VerifierPool', () => {
  let pool: VerifierPool
  afterEach(() => pool.close())

  it('refuses to run programs where nothing isolates, and says so', async () => {
    pool = new VerifierPool({ threads: 1, rung: 'none' })
    expect(await pool.isolation()).toMatchObject({ rung: 'none' })
    const result = await pool.runProgram({ program: 'print(1)', tests: [{ input: '', output: '1' }] })
    expect(result).toMatchObject({ verdict: 'unverifiable', reason: 'sandbox_error', tests: [] })
    expect(result.message).toMatch(/cannot be run/)
    expect((await pool.compareMath({ answer: '1', reference: '1' })).verdict).toBe('passed')
  })

  it('runs programs without isolation only when that is asked for by name', async () => {
    pool = new VerifierPool({ threads: 1, rung: 'none', unsafeNoSandbox: true })
    expect((await pool.isolation()).detail).toMatch(/UNSAFE/)
    const result = await pool.runProgram({ program: 'print(1)', tests: [{ input: '', output: '1' }] })
    expect(result).toMatchObject({ verdict: 'passed' })
  })

  it('says what is missing when there is no interpreter', async () => {
    pool = new VerifierPool({ threads: 1, python: '/no/such/python3' })
    expect(await pool.isolation()).toMatchObject({
      rung: 'none',
      advice: expect.stringMatching(/install python3/) as string,
    })
  })

  it('stops listening to a signal once a request has its answer', async () => {
    pool = new VerifierPool({ threads: 1 })
    const { signal } = new AbortController()
    const program = { program: 'print(1)', tests: [{ input: '', output: '1' }] }
    await Promise.all([
      pool.compareMath({ answer: '1', reference: '1' }, signal),
      pool.groupAnswers({ answers: ['1'] }, signal),
      pool.runProgram(program, signal),
    ])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('rejects a request whose signal has aborted', async () => {
    pool = new VerifierPool({ threads: 1 })
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(pool.compareMath({ answer: '1', reference: '1' }, gone)).rejects.toThrow('gone')
    await expect(pool.groupAnswers({ answers: ['1'] }, gone)).rejects.toThrow('gone')
  })

  it('counts boxed answers alone when asked to, and reports completions without one', async () => {
    pool = new VerifierPool({ threads: 1 })
    const votes = await pool.groupAnswers({
      completions: ['\\boxed{2}', 'so 3', '\\boxed{1}', 'is \\boxed{1.0}'],
      extract: 'boxed',
    })
    expect(votes).toMatchObject({
      groups: [{ members: [2, 3] }, { members: [0] }],
      missing: [1],
      majority: { count: 2, margin: 1, tie: false },
    })
  })
})
