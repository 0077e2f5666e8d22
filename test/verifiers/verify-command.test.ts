import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { VerifierPool } from '../../verifiers/pool.ts'
import { descendantsOf, until } from './process-tree.ts'

const probe = new VerifierPool({ threads: 1 })
const { rung, detail } = await probe.isolation()
await probe.close()
if (rung === 'none') console.warn(`skipped: wellspring verify code: ${detail}`)

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** Starts the built command as a user does. */
function start(args: readonly string[], nodeOptions: readonly string[] = []): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...nodeOptions, main, 'verify', ...args], { stdio: 'pipe' })
  child.stdin.on('error', () => undefined)
  return child
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: Record<string, unknown>[]
  readonly raw: string
  readonly stderr: string
}

async function finish(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let raw = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (raw += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  const lines = raw.split('\n').filter((line) => line !== '')
  return { code, signal, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>), raw, stderr }
}

async function verify(args: readonly string[], input: string): Promise<Ended> {
  const child = start(args)
  child.stdin.end(input)
  return finish(child)
}

const jsonl = (...lines: unknown[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')

describe.skipIf(rung === 'none')('wellspring verify code', () => {
  const tests = [{ input: '3', output: '6' }]

  it('answers each line with its id, a verdict, a reason and the tests', async () => {
    const { code, lines, stderr } = await verify(
      ['code'],
      jsonl(
        { id: 'right', program: 'print(2 * int(input()))', tests },
        { id: 'wrong', program: 'print(7)', tests },
        { id: 7, completion: 'So:\n```python\nprint(2 * int(input()))\n```', tests },
        { id: 'cut', completion: '```python\nprint(2', tests },
        {
          id: 'call',
          program: 'def f(a, b): return [a, b]',
          mode: 'function',
          function: 'f',
          tests: [{ input: '1\n"x"', output: '[1, "x"]' }],
        },
        { id: 'claim', program: 'def f(a): return a', mode: 'assert', function: 'f', assertions: 'assert f(1) == 1' },
      ),
    )
    expect(code).toBe(0)
    expect(stderr).toBe('')
    const byId = new Map(lines.map((line) => [line['id'], line]))
    expect(byId.size).toBe(6)
    expect(byId.get('right')).toMatchObject({
      verdict: 'passed',
      reason: 'passed',
      tests: [{ verdict: 'passed', reason: 'passed' }],
    })
    expect(byId.get('wrong')).toMatchObject({ verdict: 'failed', reason: 'wrong_answer', tests: [{ stdout: '7\n' }] })
    expect(byId.get(7)).toMatchObject({ verdict: 'passed', extracted: true })
    expect(byId.get('cut')).toMatchObject({ verdict: 'failed', reason: 'no_code', extracted: false, tests: [] })
    expect(byId.get('call')).toMatchObject({ verdict: 'passed' })
    expect(byId.get('claim')).toMatchObject({ verdict: 'passed' })
  })

  it('keeps the order of the input when asked to', async () => {
    const input = jsonl(
      ...Array.from({ length: 12 }, (_, id) => ({
        id,
        program: `import time\ntime.sleep(${id % 3 === 0 ? 0.15 : 0})\nprint(${id})`,
        tests: [{ input: '', output: String(id) }],
      })),
    )
    const { lines } = await verify(['code', '--ordered', '--threads', '2'], input)
    expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, id) => id))
    expect(lines.every(({ verdict }) => verdict === 'passed')).toBe(true)
  })

  it('answers lines that cannot be read by their number, and goes on', async () => {
    const { code, lines } = await verify(
      ['code', '--ordered'],
      jsonl(
        'not json',
        '',
        { program: 'print(1)' },
        { program: 'x', completion: 'y', tests },
        { program: 'x', tests: [] },
        { program: 'x', mode: 'function', tests },
        { program: 'x', tests, limits: { cpu: 3 } },
        [1],
        { program: 'print(6)', tests },
      ),
    )
    expect(code).toBe(0)
    expect(lines.map(({ line, reason }) => [line, reason])).toEqual([
      ...[1, 3, 4, 5, 6, 7, 8].map((line) => [line, 'invalid_input']),
      [9, 'passed'],
    ])
    for (const { verdict, reason, message } of lines.slice(0, 7)) {
      expect({ verdict, reason }).toEqual({ verdict: 'unverifiable', reason: 'invalid_input' })
      expect(message).toBeTypeOf('string')
    }
  })

  it('never writes what a terminal would obey', async () => {
    const program = 'import sys\nsys.stdout.buffer.write("\\x1b[2J\\x00\\u009b31m\\u202e\\u2028\\x7f".encode())'
    const { raw, lines } = await verify(['code'], jsonl({ id: 'a', program, tests }))
    // eslint-disable-next-line no-control-regex
    expect(raw).toMatch(/^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]*$/)
    expect(lines[0]?.['tests']).toMatchObject([{ stdout: '\u001b[2J\u0000\u009b31m\u202e\u2028\u007f' }])
  })

  it('takes limits from its options where a line names none', async () => {
    const { lines } = await verify(
      ['code', '--ordered', '--wall-seconds', '0.3'],
      jsonl(
        { program: 'import time\ntime.sleep(2)', tests },
        { program: 'import time\ntime.sleep(1)\nprint(6)', tests, limits: { wallSeconds: 20 } },
      ),
    )
    expect(lines.map(({ reason }) => reason)).toEqual(['time_limit', 'passed'])
  })

  describe('answers every line rightly', () => {
    const count = 160
    const input = jsonl(
      ...Array.from({ length: count }, (_, id) => ({
        id,
        program: `import time\ntime.sleep(0.01)\nprint(2 * int(input()))  # ${id}`,
        tests: [
          { input: `${id}`, output: `${2 * id}` },
          { input: '4', output: id % 5 === 0 ? '9' : '8' },
        ],
      })),
    )
    const expectRight = ({ code, lines }: Ended): void => {
      expect(code).toBe(0)
      expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, id) => id))
      for (const line of lines) {
        const reason = Number(line['id']) % 5 === 0 ? 'wrong_answer' : 'passed'
        expect(line, JSON.stringify(line)).toMatchObject({ reason })
      }
    }

    it('while its sandbox processes are killed', async () => {
      const child = start(['code', '--ordered', '--threads', '2'])
      const ended = finish(child)
      child.stdin.end(input)
      const victims = new Set<number>()
      let lines = 0
      child.stdout.on('data', (text: string) => {
        const before = lines
        lines += text.split('\n').length - 1
        if (Math.floor(before / 8) === Math.floor(lines / 8)) return
        const family = descendantsOf(child.pid ?? 0)
        // Each in turn: what Node started, the sandbox inside, a program.
        const victim = family[victims.size % Math.max(1, family.length)]
        if (victim === undefined) return
        victims.add(victim)
        try {
          process.kill(victim, 'SIGKILL')
        } catch {
          // It had ended by itself.
        }
      })
      expectRight(await ended)
      expect(victims.size).toBeGreaterThan(6)
    })

    it('while its threads are ended', async () => {
      const preload = new URL('./ending-threads.mjs', import.meta.url).href
      const child = start(['code', '--ordered', '--threads', '2'], ['--import', preload])
      child.stdin.end(input)
      const ended = await finish(child)
      expectRight(ended)
      expect(Number(/ended (\d+) threads/.exec(ended.stderr)?.[1])).toBeGreaterThan(3)
    })
  })

  it('ends with one line and a code, leaving no process, when its reader goes away', async () => {
    const child = start(['code'])
    const ended = finish(child)
    for (let id = 0; id < 200; id += 1) child.stdin.write(jsonl({ id, program: 'print(6)', tests }))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const { code, signal, stderr } = await ended
    expect({ code, signal }).toEqual({ code: 74, signal: null })
    expect(stderr).toMatch(/^wellspring: standard output: its reader has gone; not every line was answered\n$/)
  })

  it('answers a line whose answer cannot be written, and the others', async () => {
    const preload = new URL('./faulty-output.mjs', import.meta.url).href
    const child = start(['code', '--ordered'], ['--import', preload])
    child.stdin.end(jsonl(...['a', 'UNWRITABLE', 'b'].map((id) => ({ id, program: 'print(6)', tests }))))
    const { code, lines } = await finish(child)
    expect(code).toBe(0)
    expect(lines.map(({ id, verdict, reason }) => [id, verdict, reason])).toEqual([
      ['a', 'passed', 'passed'],
      ['UNWRITABLE', 'unverifiable', 'internal_error'],
      ['b', 'passed', 'passed'],
    ])
    expect(lines[1]?.['message']).toMatch(/cannot be written: Invalid string length/)
  })

  it.each([[], ['--ordered']])('never ends with success when a line stays unanswered %j', async (...options) => {
    const preload = new URL('./faulty-output.mjs', import.meta.url).href
    const child = start(['code', ...options], ['--import', preload])
    child.stdin.end(jsonl(...['a', 'UNSENDABLE', 'b'].map((id) => ({ id, program: 'print(6)', tests }))))
    const { code, stderr } = await finish(child)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^wellspring: a bug, please report it: a fault of the output\n/)
  })

  it('gives ids back as they came, or refuses them by their line', async () => {
    const { lines } = await verify(
      ['code', '--ordered'],
      jsonl(
        ...['9007199254740991', '"9007199254740993"', '-7', '9007199254740993', '1.5', '1e400'].map(
          (id) => `{"id":${id},"program":"print(6)","tests":[{"input":"","output":"6"}]}`,
        ),
      ),
    )
    expect(lines.slice(0, 3).map(({ id }) => id)).toEqual([9007199254740991, '9007199254740993', -7])
    expect(lines.slice(3).map(({ line, reason }) => [line, reason])).toEqual(
      [4, 5, 6].map((line) => [line, 'invalid_input']),
    )
    expect(lines[3]?.['message']).toMatch(/^id: expected text, or a whole number/)
  })

  it('refuses limits that nothing could hold, with the bound', async () => {
    const bounds = {
      cpuSeconds: 3600,
      wallSeconds: 3600,
      memoryMb: 2 ** 20,
      outputBytes: 2 ** 27,
      inputBytes: 2 ** 27,
      programBytes: 2 ** 24,
      stderrBytes: 2 ** 20,
    }
    const { lines } = await verify(
      ['code', '--ordered'],
      jsonl(
        ...Object.entries(bounds).map(([name, most]) => ({ program: 'print(6)', tests, limits: { [name]: most + 1 } })),
        { program: 'print(6)', tests, limits: bounds },
      ),
    )
    for (const [index, [name, most]] of Object.entries(bounds).entries()) {
      expect(lines[index]).toMatchObject({ line: index + 1, reason: 'invalid_input' })
      expect(lines[index]?.['message']).toMatch(new RegExp(`^limits\\.${name}: .*${most}`))
    }
    expect(lines.at(-1)).toMatchObject({ reason: 'passed' })
    const { code, stderr } = await verify(['code', '--wall-seconds', '3601'], '')
    expect(code).toBe(2)
    expect(stderr).toMatch(/at most 3600/)
  })

  it('skips a byte order mark before the first line, and no other', async () => {
    const line = jsonl({ id: 'a', program: 'print(6)', tests })
    const { lines } = await verify(['code', '--ordered'], `\ufeff${line}\ufeff${line}`)
    expect(lines.map(({ reason }) => reason)).toEqual(['passed', 'invalid_input'])
  })

  it('ends quietly, leaving no process, when it is interrupted', async () => {
    const child = start(['code'])
    const ended = finish(child)
    child.stdin.write(jsonl({ id: 1, program: 'while True: pass', tests, limits: { cpuSeconds: 60, wallSeconds: 90 } }))
    await until('a running program', () => descendantsOf(child.pid ?? 0).length >= 2)
    const family = descendantsOf(child.pid ?? 0)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    await until('no process left', () => family.every((pid) => !descendantsOf(1).includes(pid)))
  })
})

describe('wellspring verify math', () => {
  it('answers equal, different and undecided', async () => {
    const { code, lines } = await verify(
      ['math', '--ordered'],
      jsonl(
        { id: 'a', answer: '1/2', reference: '0.5' },
        { id: 'b', answer: '1', reference: '2' },
        { id: 'c', completion: 'It is \\boxed{3}.', reference: '3' },
        { answer: '1' },
      ),
    )
    expect(code).toBe(0)
    expect(lines).toMatchObject([
      { id: 'a', verdict: 'passed' },
      { id: 'b', verdict: 'failed' },
      { id: 'c', verdict: 'passed', extracted: '3' },
      { line: 4, verdict: 'unverifiable', reason: 'invalid_input' },
    ])
  })

  it('takes boxed answers alone with --extract boxed, more without', async () => {
    const input = jsonl({ completion: 'The final answer is 3', reference: '3' })
    expect((await verify(['math', '--extract', 'boxed'], input)).lines).toMatchObject([
      { verdict: 'failed', reason: 'no_answer' },
    ])
    expect((await verify(['math'], input)).lines).toMatchObject([{ verdict: 'passed' }])
  })
})

describe('wellspring verify vote', () => {
  it('groups answers and names the majority', async () => {
    const { code, lines } = await verify(['vote'], jsonl({ id: 'v', answers: ['2', '1/2', '0.5'] }))
    expect(code).toBe(0)
    expect(lines).toMatchObject([
      { id: 'v', groups: [{ members: [1, 2] }, { members: [0] }], majority: { count: 2, margin: 1, tie: false } },
    ])
  })

  it('gives the reason of every answer that is in no group, at its place in the line', async () => {
    const completions = ['nothing is boxed', '\\boxed{2}', '\\boxed{\\frac{}{}}']
    const { lines } = await verify(['vote', '--extract', 'boxed'], jsonl({ id: 'v', completions }))
    expect(lines).toMatchObject([
      { groups: [{ members: [1] }], undecided: [2], unplaced: [{ member: 2, reason: 'not_understood' }], missing: [0] },
    ])
  })
})
