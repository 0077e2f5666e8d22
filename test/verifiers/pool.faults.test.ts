import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { VerifierPool } from '../../verifiers/pool.ts'

// The pool as it is, on a worker that fails when told to.
vi.mock('piscina', async (load) => {
  const { Piscina: Real } = await load<typeof import('piscina')>()
  const filename = fileURLToPath(new URL('./faulty-worker.mjs', import.meta.url))
  return {
    Piscina: class extends Real {
      constructor(options: ConstructorParameters<typeof Real>[0]) {
        super({ ...options, filename, resourceLimits: { maxOldGenerationSizeMb: 64 } })
      }
    },
  }
})

describe('VerifierPool, when threads fail', () => {
  let pool: VerifierPool
  afterEach(() => pool.close())

  const right = { answer: '1/2', reference: '0.5' }

  it.each(['HANG', 'EXIT', 'THROW', 'MEMORY'])(
    'costs one comparison its verdict, never its neighbours theirs: %s',
    async (fault) => {
      const replaced: string[] = []
      const hear = { programRun: vi.fn(), compared: vi.fn(), threadReplaced: (why: string) => replaced.push(why) }
      pool = new VerifierPool({ threads: 2, hear })
      const requests = Array.from({ length: 150 }, (_, index) =>
        index === 70 ? { answer: '1', reference: `FAULT-${fault}` } : right,
      )
      const verdicts = await Promise.all(requests.map((request) => pool.compareMath(request)))
      expect(verdicts[70]?.verdict).toBe('unverifiable')
      // On a loaded machine a comparison is given up before it has filled the memory.
      const isGivenUp = fault === 'HANG' || (fault === 'MEMORY' && verdicts[70]?.reason === 'verifier_timeout')
      expect(verdicts[70]?.reason).toMatch(isGivenUp ? /^verifier_timeout$/ : /^verifier_failed: /)
      expect(verdicts.filter(({ verdict }) => verdict === 'passed')).toHaveLength(149)
      expect(new Set(replaced)).toEqual(new Set([isGivenUp ? 'stuck' : 'failed']))
      expect(hear.compared).toHaveBeenCalledTimes(150)
    },
  )

  it('calls answers undecided when their vote never ends', async () => {
    pool = new VerifierPool({ threads: 1 })
    expect(await pool.groupAnswers({ answers: ['FAULT-HANG', '1'] })).toEqual({
      groups: [],
      undecided: [0, 1],
      unplaced: [0, 1].map((member) => ({ member, reason: 'verifier_timeout' })),
      missing: [],
    })
    expect((await pool.groupAnswers({ answers: ['1', '1.0'] })).groups).toHaveLength(1)
  })

  it('gives a program up as unverifiable after a bounded number of threads, and goes on', async () => {
    pool = new VerifierPool({ threads: 2 })
    const program = (source: string): ReturnType<VerifierPool['runProgram']> =>
      pool.runProgram({ program: source, tests: [{ input: '', output: '1' }] })
    const [lost, found] = await Promise.all([program('print(1) # FAULT-EXIT'), program('print(1)')])
    const isolated = (await pool.isolation()).rung !== 'none'
    expect(lost).toMatchObject({ verdict: 'unverifiable', reason: 'sandbox_error' })
    if (isolated) expect(lost.message).toMatch(/failed 3 times/)
    expect(found.verdict).toBe(isolated ? 'passed' : 'unverifiable')
  })

  it('answers every neighbour of programs that end their threads', async () => {
    pool = new VerifierPool({ threads: 2 })
    const isolated = (await pool.isolation()).rung !== 'none'
    const verdicts = await Promise.all(
      Array.from({ length: 16 }, async (_, index) => {
        const fault = index % 4 !== 2
        const { verdict } = await pool.runProgram({
          program: fault ? 'print(1) # FAULT-EXIT' : 'print(1)',
          tests: [{ input: '', output: '1' }],
        })
        return fault ? verdict : `${verdict} neighbour`
      }),
    )
    expect(new Set(verdicts)).toEqual(
      new Set(['unverifiable', isolated ? 'passed neighbour' : 'unverifiable neighbour']),
    )
  })

  it.each([
    ['never uses up the attempts of a program that only waited in threads that ended', 6],
    ['gives a program up when threads end again and again before anything is begun', Infinity],
  ])('%s', async (_, ends) => {
    pool = new VerifierPool({ threads: 2 })
    const isolated = (await pool.isolation()).rung !== 'none'
    let ended = 0
    const { run } = Piscina.prototype
    const spy = vi.spyOn(Piscina.prototype, 'run').mockImplementation(function (this: Piscina, task: unknown, ...rest) {
      const isProgram = (task as { kind: string }).kind === 'programs'
      if (!isProgram || ended >= ends) return run.call(this, task, ...rest)
      ended += 1
      return Promise.reject(new Error('the thread ended'))
    })
    try {
      const { verdict, message } = await pool.runProgram({ program: 'print(1)', tests: [{ input: '', output: '1' }] })
      expect(verdict).toBe(isolated && ends === 6 ? 'passed' : 'unverifiable')
      if (isolated && ends === Infinity) expect(message).toMatch(/failed \d+ times: the thread ended/)
    } finally {
      spy.mockRestore()
    }
  })

  it('rejects a request that is aborted at once, queued or running, and serves the next', async () => {
    pool = new VerifierPool({ threads: 1 })
    await pool.compareMath(right)
    const abort = new AbortController()
    const hanging = pool.groupAnswers({ answers: ['FAULT-HANG'] }, abort.signal)
    const queued = pool.groupAnswers({ answers: ['1'] }, abort.signal)
    const next = pool.compareMath(right)
    abort.abort(new Error('no longer wanted'))
    await expect(hanging).rejects.toThrow('no longer wanted')
    await expect(queued).rejects.toThrow('no longer wanted')
    expect((await next).verdict).toBe('passed')
  })

  it('rejects what is open when it is closed', async () => {
    pool = new VerifierPool({ threads: 1 })
    const open = pool.groupAnswers({ answers: ['FAULT-HANG'] })
    const rejected = expect(open).rejects.toThrow('closed')
    await pool.close()
    await rejected
    await expect(pool.compareMath(right)).rejects.toThrow('closed')
  })
})
