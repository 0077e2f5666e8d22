/** A run that meets trouble: interrupts, broken answers, records of another schema, seeds that come in beside it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { startSimulator } from '../../simulator/server.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import {
  endAll,
  expectFailure,
  expectNoTrace,
  jsonLines,
  newFolder,
  recordsIn,
  removeFolders,
  run,
  seedLine,
  seedLines,
  serve,
  start,
  topicRows,
} from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

const seeds = 12
let cwd: string

beforeEach(async () => {
  cwd = newFolder()
  const input = seedLines(seeds)
  expect((await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input })).exitCode).toBe(0)
})
afterAll(() => {
  endAll()
  removeFolders()
})

const up = (...more: string[]): string[] => ['up', '--data', 'data', '--json', ...more]
const fast = ['--set', 'simulator.speed=5000']

interface End {
  how: string
  statuses: { name: string; backlog: number; counts: { finished: number; emitted: Record<string, number> } }[]
}

/** The last line of `up --json`. */
function endOf(stdout: string): End {
  return jsonLines<End & { event: string }>(stdout).at(-1) as End
}

/** What the processors say they have emitted to a topic, over all runs. */
function emitted({ statuses }: End, topic: string): number {
  return statuses.reduce((sum, { counts }) => sum + (counts.emitted[topic] ?? 0), 0)
}

/** Asks again until it is so; the test's own time limit ends it otherwise. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

test('Ctrl-C once drains, twice stops at once; what was finished is committed and the next start goes on from there', async () => {
  const drained = start(up('--set', 'simulator.speed=100'), { cwd })
  await drained.written(/"completionTokens":[1-9]/)
  drained.process.kill('SIGINT')
  const first = await drained.ended
  expectFailure(
    {
      ...first,
      stderr: first.stderr
        .split('\n')
        .filter((line) => line.startsWith('draining'))
        .join('\n'),
    },
    130,
    /^draining: finished results are committed; .*again to stop at once/,
  )
  expectNoTrace(first)
  const firstEnd = endOf(first.stdout)
  expect(firstEnd.how).toBe('interrupted')
  expect(emitted(firstEnd, 'concept-lists')).toBeGreaterThan(0)
  for (const topic of ['concept-lists', 'concepts', 'problems', 'verdicts']) {
    expect([topic, await recordsIn(cwd, topic)]).toEqual([topic, emitted(firstEnd, topic)])
  }

  // What waits is told as it is after the last commit, as `topics` tells it of the processors that ran.
  const waiting = new Map<string, number>()
  for (const { processor, records } of [...(await topicRows(cwd)).values()].flatMap(({ backlog }) => backlog))
    waiting.set(processor, (waiting.get(processor) ?? 0) + records)
  const told = firstEnd.statuses.map(({ name, backlog }) => [name, backlog])
  expect(told).toEqual(firstEnd.statuses.map(({ name }) => [name, waiting.get(name) ?? 0]))
  expect(firstEnd.statuses.some(({ backlog }) => backlog > 0)).toBe(true)

  // So slow that calls are in flight for minutes, and the drain would wait for them beyond the time of this test.
  const stopped = start(up('--set', 'simulator.speed=0.1', '--set', 'run.drainSeconds=600'), { cwd })
  await stopped.written(/"inFlight":[1-9]/)
  stopped.process.kill('SIGINT')
  await stopped.written(/draining/)
  stopped.process.kill('SIGINT')
  const second = await stopped.ended
  expect(second.stderr).toMatch(/^stopping at once: /m)
  expect(second.exitCode).toBe(130)
  expectNoTrace(second)
  const secondEnd = endOf(second.stdout)
  for (const topic of ['concept-lists', 'concepts', 'problems', 'verdicts']) {
    expect(emitted(secondEnd, topic)).toBeGreaterThanOrEqual(emitted(firstEnd, topic))
    expect([topic, await recordsIn(cwd, topic)]).toEqual([topic, emitted(secondEnd, topic)])
  }

  const third = await run(up('--problems', '3', ...fast), { cwd })
  expect(third.exitCode).toBe(0)
  expect(endOf(third.stdout).how).toBe('complete')
  const lists = jsonLines<{ id: string }>((await run(['tail', 'concept-lists', '--data', 'data'], { cwd })).stdout)
  expect(new Set(lists.map(({ id }) => id)).size).toBe(lists.length)
  expect(
    new Set([...(await topicRows(cwd)).values()].flatMap(({ backlog }) => backlog.map(({ records }) => records))),
  ).toEqual(new Set([0]))
})

test('Ctrl-C twice at once, before anything is in flight, ends with 130 and one corpus', async () => {
  const both = start(up(...fast), { cwd })
  await both.written(/simulated one answers/)
  both.process.kill('SIGINT')
  both.process.kill('SIGTERM')
  const ended = await both.ended
  expect(ended.exitCode).toBe(130)
  expectNoTrace(ended)
  expect(await recordsIn(cwd, 'seeds')).toBe(seeds)
})

test('--for ends by itself', async () => {
  const ended = await run(['up', '--data', 'data', '--for', '2s', ...fast], { cwd })
  expect(ended.exitCode).toBe(0)
  expect(ended.stdout).toMatch(/^ended: the time is up after \d+s/m)
})

test('seeds that are ingested beside a running `up` reach the stream', async () => {
  const owner = start(up('--problems', '1000000', ...fast), { cwd })
  await owner.written(/"event":"status"/)
  const beside = await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], {
    cwd,
    input: [100, 101].map((number) => seedLine(number)).join('\n'),
  })
  expect(beside).toEqual({ exitCode: 0, stderr: '', stdout: '-: 2 seeds added, 0 known already, 0 refused\n' })
  const known = jsonLines<{ id: string }>((await run(['tail', 'seeds', '--data', 'data'], { cwd })).stdout)
  expect(known).toHaveLength(seeds + 2)
  await until(async () => {
    const { stdout } = await run(['tail', 'concept-lists', '--data', 'data'], { cwd })
    const named = new Set(jsonLines<{ parentIds: string[] }>(stdout).flatMap(({ parentIds }) => parentIds))
    return known.every(({ id }) => named.has(id))
  })
  owner.process.kill('SIGINT')
  owner.process.kill('SIGINT')
  expect((await owner.ended).exitCode).toBe(130)
})

test('a half-written answer is asked for again, and codes in model text never reach the terminal', async () => {
  const simulator = await startSimulator({ instant: true, seed: 3 })
  const codes = '\u001b]0;owned\u0007\u001b[31m\u009b31m\u202e'
  let calls = 0
  const broken = { cut: 0, half: 0 }
  const server = await serve((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  })
  /** Passes on to the simulator, but breaks ten answers at the beginning and ten later. */
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const path = (request.url ?? '').replace('/v1', '')
    const real = await fetch(simulator.url + path, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(chunks.length > 0 && { body: plain(Buffer.concat(chunks).toString()) }),
    })
    const text = await real.text()
    const headers = {
      'content-type': 'application/json',
      'x-wellspring-simulated': real.headers.get('x-wellspring-simulated') ?? '',
    }
    const call = path === '/chat/completions' ? calls++ : -1
    if ((call >= 0 && call < 10) || (call >= 60 && call < 70)) {
      const half = text.slice(0, text.length / 2)
      if (call % 2 === 0) {
        broken.cut++
        response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(text) })
        response.write(half, () => response.destroy())
      } else {
        broken.half++
        response.writeHead(200, headers).end(half)
      }
      return
    }
    response.writeHead(real.status, headers).end(call < 0 ? text : withCodes(text))
  }
  /** The same request for an answer in one piece, as a proxy that knows no streams would make it. */
  function plain(request: string): string {
    const { stream: _, stream_options: __, ...rest } = JSON.parse(request) as Record<string, unknown>
    return JSON.stringify(rest)
  }
  /** Puts terminal codes before whatever attempts a problem. */
  function withCodes(text: string): string {
    const body = JSON.parse(text) as { choices?: { message: { content: string } }[] }
    for (const { message } of body.choices ?? []) {
      if (/\\boxed|```python/.test(message.content)) message.content = `${codes}${message.content}`
    }
    return JSON.stringify(body)
  }

  const ended = await run(['up', '--data', 'data', '--problems', '12'], { cwd, env: { OPENAI_BASE_URL: server.url } })
  await server.close()
  await simulator.close()
  expect(broken).toEqual({ cut: 10, half: 10 })
  expect(ended.exitCode).toBe(0)
  expectNoTrace(ended)
  expect((await run(['dead-letters', 'list', '--data', 'data'], { cwd })).stdout).toBe('no dead letters\n')

  // eslint-disable-next-line no-control-regex
  const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/
  expect(ended.stdout + ended.stderr).not.toMatch(raw)
  const tail = await run(['tail', 'sft-examples', '--data', 'data'], { cwd })
  expect(tail.stdout).not.toMatch(raw)
  const examples = jsonLines<{ id: string; completion: string }>(tail.stdout)
  expect(examples.length).toBeGreaterThan(0)
  // The text itself is whole: what is escaped on the way out, a parser gets back.
  expect(examples.some(({ completion }) => completion.includes(codes))).toBe(true)
  const exported = await run(['export', 'sft', '--data', 'data'], { cwd })
  expect(exported.stdout).not.toMatch(raw)
  for (const more of [[], ['--json']]) {
    const explained = await run(['explain', examples[0]?.id ?? '', '--data', 'data', ...more], { cwd })
    expect(explained.exitCode).toBe(0)
    expect(explained.stdout).not.toMatch(raw)
  }
})

test('a record of another schema goes to dead-letters and the run goes on; it can be put back', async () => {
  expect((await run(up('--problems', '2', ...fast), { cwd })).exitCode).toBe(0)
  const log = await openEmbeddedLog({ directory: join(cwd, 'data'), mode: 'client' })
  const { records } = await log.read(
    { topic: 'concept-lists', partition: 0, offset: 0 },
    { maxBytes: 1, maxWaitSeconds: 0 },
  )
  const foreign = records[0]?.value
  if (!foreign) throw new Error('no concept list')
  const garbage = Buffer.from('hello \u001b[31m')
  await log.append(
    [
      { topic: 'seeds', partition: 3, key: 'foreign', value: foreign },
      { topic: 'seeds', partition: 4, key: 'garbage', value: garbage },
    ],
    'test/foreign',
  )
  await log.close()
  const more = await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input: seedLine(200) })
  expectNoTrace(more)
  expect(more.stdout).toBe('-: 1 seeds added, 0 known already, 0 refused\n')
  expect(more.exitCode).toBe(0)
  expect(more.stderr).toMatch(
    /^seeds\/3 offset \d+ is no seed and is passed over, .*`wellspring tail seeds` shows them\n$/,
  )

  const ended = await run(['up', '--data', 'data', '--problems', '3', ...fast], { cwd })
  expectNoTrace(ended)
  expect(ended.exitCode).toBe(0)
  expect(ended.stdout).toMatch(/^complete after/m)
  expect(ended.stdout).toMatch(/^dead letters: 2; see `npx wellspring dead-letters list --data data`$/m)

  const list = async (): Promise<{ id: string; processor: string; topic: string; code: string; message: string }[]> =>
    jsonLines((await run(['dead-letters', 'list', '--data', 'data', '--json'], { cwd })).stdout)
  const letters = await list()
  expect(letters.map(({ processor, topic, code }) => [processor, topic, code])).toEqual(
    Array(2).fill(['extract-concepts', 'seeds', 'RECORD_UNDECODABLE']),
  )
  expect(letters.map(({ message }) => message).join('\n')).toMatch(/expected a .*seed.*, got a .*conceptlist/i)
  const text = await run(['dead-letters', 'list', '--data', 'data'], { cwd })
  expect(text.stdout.trimEnd().split('\n')).toHaveLength(2)

  const [one] = letters
  const redriven = await run(['dead-letters', 'redrive', one?.id ?? '', '--data', 'data'], { cwd })
  expect(redriven).toEqual({ exitCode: 0, stderr: '', stdout: '1 dead letters put back\n' })
  expect((await list()).map(({ id }) => id)).toEqual([letters[1]?.id])
  expectFailure(
    await run(['dead-letters', 'redrive', one?.id ?? '', '--data', 'data'], { cwd }),
    65,
    /no open dead letter is called/,
  )
  // It is as wrong as before: it dies again, under a new id.
  expect((await run(up('--problems', '3', ...fast), { cwd })).exitCode).toBe(0)
  const again = await list()
  expect(again).toHaveLength(2)
  expect(again.map(({ id }) => id)).not.toContain(one?.id)
  expect((await run(['dead-letters', 'redrive', '--all', '--data', 'data'], { cwd })).stdout).toBe(
    '2 dead letters put back\n',
  )
  expect(await list()).toEqual([])

  // Readers and exports go on beside the records that no one can read.
  for (const args of [['export', 'sft'], ['topics'], ['tail', 'dead-letters']]) {
    const reader = await run([...args, '--data', 'data'], { cwd })
    expectNoTrace(reader)
    expect(reader.exitCode).toBe(0)
  }
  const tail = await run(['tail', 'seeds', '--data', 'data'], { cwd })
  expectNoTrace(tail)
  expect(jsonLines<{ id?: string }>(tail.stdout).filter(({ id }) => id !== undefined)).toHaveLength(seeds + 1)
})

test('transient records are forgotten once every processor is past them and they are old enough; all others stay', async () => {
  // Human problems are attempted whatever becomes of those that are drawn.
  const input = seedLines(2)
  expect((await run(['ingest', '-', '--as', 'problems', '--data', 'data'], { cwd, input })).exitCode).toBe(0)
  const made = await run(up('--problems', '6', ...fast), { cwd })
  expect(made.exitCode).toBe(0)
  const before = await topicRows(cwd)
  expect(before.get('rollouts')?.records).toBeGreaterThan(0)

  const again = await run(up('--problems', '6', '--set', 'run.retentionSeconds=0', ...fast), { cwd })
  expect(again.exitCode).toBe(0)
  expect(again.stderr).not.toContain('upkeep failed')
  for (const { name, retention, records } of (await topicRows(cwd)).values()) {
    if (retention === 'transient') expect([name, records]).toEqual([name, 0])
    if (retention === 'kept') expect([name, records]).toEqual([name, before.get(name)?.records])
  }
})

const emptiness =
  /there is nothing to work on yet: take human problems in with `npx wellspring ingest FILE --as seeds --data new`; `npx wellspring demo` shows/

test('a run on a folder with nothing in it says so, and how to begin; one with seeds does not', async () => {
  const text = await run(['up', '--data', 'new', '--problems', '0'], { cwd })
  expect(text.exitCode).toBe(0)
  expect(text.stdout).toMatch(emptiness)
  const log = await run(['up', '--data', 'new', '--problems', '0', '--log', 'json'], { cwd })
  const messages = jsonLines<{ event: string; message?: string }>(log.stderr).filter(({ event }) => event === 'message')
  expect(messages.map(({ message }) => message)).toContainEqual(expect.stringMatching(emptiness))
  // Who runs a part of the stream waits for those before it.
  const part = await run(['run', 'build-pairs', '--data', 'new', '--for', '1s'], { cwd })
  const fed = await run(up('--for', '1s', ...fast), { cwd })
  for (const { stdout, stderr, exitCode } of [part, fed]) {
    expect(exitCode).toBe(0)
    expect(stdout + stderr).not.toMatch(/nothing to work on/)
  }
})
