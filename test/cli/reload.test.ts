/** A configuration file that changes while `up` runs. */
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import { endAll, expectNoTrace, jsonLines, newFolder, removeFolders, run, seedLines, serve, start } from './command.ts'

// Whole runs on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

interface Status {
  event: string
  endpoints: { name: string; completed: number; inFlight: number; draining?: true }[]
}
interface Change {
  event: string
  applied: string[]
}

/** What a run has told by now. */
const told = (written: string): (Status | Change)[] =>
  jsonLines(
    written
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .join('\n'),
  )

const isCalled =
  (wanted: string) =>
  ({ name, completed, inFlight }: Status['endpoints'][number]): boolean =>
    name === wanted && completed + inFlight > 0

const simulators: Simulator[] = []
let cwd: string

beforeEach(async () => {
  cwd = newFolder()
  const input = seedLines(12)
  expect((await run(['ingest', '-', '--as', 'seeds', '--data', 'data'], { cwd, input })).exitCode).toBe(0)
})
afterEach(async () => {
  await Promise.all(simulators.splice(0).map((one) => one.close()))
})
afterAll(() => {
  endAll()
  removeFolders()
})

async function simulate(name: string, slots: number): Promise<string> {
  const simulator = await startSimulator({ speed: 300, slots, requestLogFile: join(cwd, `${name}.jsonl`) })
  simulators.push(simulator)
  return simulator.url
}

/** The file for endpoints that all serve all models. */
function configuration(endpoints: Record<string, string>, more = ''): string {
  const models = {
    ...{ annotator: 'sim-annotator-a', writer: 'sim-problem-writer', tests: 'sim-test-writer', voter: 'sim-voter' },
    ...{ solver: 'sim-solver', judge: 'sim-judge-a', teacher: 'sim-teacher' },
  }
  return [
    'endpoints:',
    ...Object.entries(endpoints).map(([name, url]) => `  ${name}: { url: '${url}', maxConcurrency: 8 }`),
    'models:',
    ...Object.entries(models).map(
      ([key, model]) =>
        `  ${key}: { model: ${model}, endpoints: [${Object.keys(endpoints).join(', ')}]${key === 'writer' ? ', mode: raw' : ''} }`,
    ),
    'roles: { annotator: [annotator], problem-writer: [writer], test-writer: [tests], voter: [voter], solver: [solver], judge: [judge], teacher: [teacher] }',
    more,
  ].join('\n')
}

/** Calls by request id and what became of them. */
const requestsOf = (name: string): { event: string; requestId: string; at: number }[] =>
  jsonLines(readFileSync(join(cwd, `${name}.jsonl`), 'utf8'))

test('endpoints come and go while `up` runs: within five of its seconds, without a call lost or sent twice; a wrong file changes nothing', async () => {
  const [a, b] = [await simulate('a', 8), await simulate('b', 8)]
  const file = join(cwd, 'wellspring.yaml')
  writeFileSync(file, configuration({ a }))
  const running = start(['up', '--data', 'data', '--json'], { cwd })
  const before = told(await running.written(/"name":"a","url":[^}]*"completed":[1-9]/))

  // As editors do that write a new file and rename it.
  writeFileSync(`${file}.new`, configuration({ a, b }))
  renameSync(`${file}.new`, file)
  const seen = told(await running.written(/"name":"b","url":[^}]*"completed":[1-9]/))
  const at = seen.findIndex(({ event }) => event === 'configuration')
  const { applied } = seen[at] as Change
  expect(applied).toContain('endpoint b added')
  expect(applied).toContain('models annotator, writer, tests, voter, solver, judge, teacher at a, b')
  // A status comes every second that the process gets: however slow the machine is, few are told before the change, and few without a call at b.
  expect(seen.slice(before.length, at).length).toBeLessThan(5)
  const called = seen.slice(at).findIndex((one) => 'endpoints' in one && one.endpoints.some(isCalled('b')))
  expect(called).toBeLessThan(5)

  // In place, and wrong.
  writeFileSync(file, configuration({ a, c: 'nowhere' }, 'run: { drainSeconds: -1 }'))
  await running.written(/"faults":\["[^\]]*run\.drainSeconds: expected[^\]]*endpoints\.c\.url: expected/)

  // A mounted ConfigMap: the link is turned to another folder's file. And on SIGHUP.
  writeFileSync(join(cwd, 'next.yaml'), configuration({ b }, 'run: { drainSeconds: 5 }'))
  symlinkSync('next.yaml', `${file}.link`)
  renameSync(`${file}.link`, file)
  await running.written(/"applied":\["endpoint a removed"[^\]]*\],"later":\["run\.drainSeconds"\]/)
  running.process.kill('SIGHUP')
  await running.written(/"applied":\[\],"later":\["run\.drainSeconds"\],"faults":\[\]/)
  await running.written(/"endpoints":\[\{"name":"b"[^\]]*\}\]/)

  rmSync(file)
  await running.written(/wellspring\.yaml: cannot be read \(ENOENT\)/)
  running.process.kill('SIGTERM')
  const ended = await running.ended
  expectNoTrace(ended)
  expect(ended.exitCode).toBe(130)

  const statuses = jsonLines<Status>(ended.stdout).filter(({ event }) => event === 'status')
  expect(statuses.at(-1)?.endpoints.map(({ name }) => name)).toEqual(['b'])
  const idsOf = (name: string, event: string): string[] =>
    requestsOf(name).flatMap((one) => (one.event === event ? [one.requestId] : []))
  // What was in flight at the endpoint that was removed ended there.
  expect(idsOf('a', 'finished').sort()).toEqual(idsOf('a', 'admitted').sort())
  const sent = [...idsOf('a', 'admitted'), ...idsOf('b', 'admitted')]
  expect(sent.length).toBeGreaterThan(20)
  expect(new Set(sent).size).toBe(sent.length)
})

test('an added endpoint that lacks a model, or is real among simulated ones, is refused, and the run goes on', async () => {
  const a = await simulate('a', 8)
  const file = join(cwd, 'wellspring.yaml')
  writeFileSync(file, configuration({ a }))
  const running = start(['up', '--data', 'data'], { cwd })
  await running.written(/^\[simulated\] \d+s, /m)
  const other = await serve((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ data: [{ id: 'sim-solver', owned_by: 'vllm' }] }))
  })
  writeFileSync(file, configuration({ a }).replace('models:', `  c: { url: '${other.url}' }\nmodels:`))
  const text = await running.written(/refused, the old one stays in force:\n {2}endpoints c are real/)
  expect(text).toMatch(/^configuration \S*wellspring\.yaml refused, the old one stays in force:$/m)
  writeFileSync(file, configuration({ a, c: other.url }))
  await running.written(/ {2}endpoint c .*expected the model sim-judge-a, got none of that name; use one of sim-solver/)
  running.process.kill('SIGTERM')
  const ended = await running.ended
  await other.close()
  expect(ended.exitCode).toBe(130)
  expectNoTrace(ended)
})
