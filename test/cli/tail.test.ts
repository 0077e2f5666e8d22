/** `wellspring tail --last` where records of several partitions were written in turn; test/kafka/command.test.ts does it over transactions. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { topicSpecifications } from '../../topics/catalogue.ts'
import { openEmbeddedLog } from '../../topics/embedded/log.ts'
import { endAll, jsonLines, newFolder, removeFolders, run, start } from './command.ts'

const cwd = newFolder()
const count = 300
/** Of each record, in the order of their time. */
const partitions = Array.from({ length: count }, (_, number) => (number * number * 7 + number) % 5)

beforeAll(async () => {
  const log = await openEmbeddedLog({ directory: join(cwd, 'data'), mode: 'owner' })
  await log.ensureTopics(topicSpecifications())
  const now = Date.now()
  const records = partitions.map((partition, number) => ({
    ...{ topic: 'verdicts', partition, key: String(number), value: Buffer.from(String(number)) },
    timestampMs: now - 1000 * (count - number),
  }))
  await log.append(records, 'test/verdicts')
  await log.append([{ topic: 'outcomes', partition: 0, key: '0', value: Buffer.from('0') }], 'test/outcomes')
  await log.close()
})
afterAll(() => {
  endAll()
  removeFolders()
})

test.each([1, 2, 7, 60, count - 1, count, count + 1])('--last %i gives the newest, oldest first', async (last) => {
  const { stdout, exitCode } = await run(['tail', 'verdicts', '--last', String(last), '--data', 'data'], { cwd })
  expect(exitCode).toBe(0)
  const numbers = jsonLines<{ value: string }>(stdout).map(({ value }) =>
    Number(Buffer.from(value, 'base64').toString()),
  )
  expect(numbers).toEqual(partitions.map((_, number) => number).slice(-last))
})

test('of a topic without records is nothing', async () => {
  const ended = await run(['tail', 'traces', '--last', '3', '--data', 'data'], { cwd })
  expect(ended).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})

test('--follow waits at all partitions of a topic without a warning, until it is interrupted', async () => {
  const env = { NODE_OPTIONS: '--trace-warnings' }
  const tail = start(['tail', 'outcomes', '--follow', '--data', 'data'], { cwd, env })
  await tail.written(/"partition":0/)
  tail.process.kill('SIGINT')
  expect(await tail.ended).toMatchObject({ stderr: '', exitCode: 0 })
})
