/** The example trainer on a real topic: what it delivers over stops and kills, what it leaves out, and how it announces a model. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import type { PreferencePair } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { RecordCodec } from '../../topics/codec.ts'
import type { Corpus } from '../../topics/reading.ts'
import {
  commandFile,
  endAll,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  startProgram,
  type Ended,
  type Running,
} from '../cli/command.ts'
import { append, pairs, retraction } from '../exports/corpus.ts'
import { requireOrSkip } from '../requirements.ts'
import { KafkaPlace } from './place.ts'
import { clientPackage, makePython } from './python.ts'

const exampleFile = (name: string): string => fileURLToPath(new URL(`../../examples/trainer/${name}`, import.meta.url))
const { python, missing, remove } = await makePython()
const env = { PYTHONDONTWRITEBYTECODE: '1' }
const batch = 4

interface Row {
  id: string
  problem_id: string
}
const idsOf = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id).sort()

describe.runIf(requireOrSkip(missing ?? clientPackage, missing === undefined))('the example trainer', () => {
  let place: KafkaPlace
  let corpus: Corpus
  let onKafka: string[]
  let cwd: string
  let trainers = 0
  /** Where the trainer of this test keeps its position. */
  let stateFile: string

  beforeAll(async () => {
    place = await KafkaPlace.create()
    const { brokers, registry } = inject('kafka')
    onKafka = ['--kafka', brokers.join(','), '--registry', registry, '--namespace', place.namespace]
    cwd = newFolder()
    const applied = await run(['topics', 'apply', ...onKafka], { cwd })
    expect(applied.exitCode, applied.stderr).toBe(0)
    const log = await place.open()
    corpus = { log, codec: new RecordCodec(log.schemas) }
    await append(corpus, topics.preferencePairs, pairs(60))
  }, 120_000)
  beforeEach(() => {
    trainers += 1
    stateFile = join(cwd, `state-${trainers}.json`)
  })
  afterAll(async () => {
    endAll()
    await corpus.log.close()
    await place.remove()
    removeFolders()
    remove()
  })

  function startTrainer(...parts: readonly string[]): Running {
    const { brokers, registry } = inject('kafka')
    const where = ['--brokers', brokers.join(','), '--registry', registry, '--namespace', place.namespace]
    const own = ['--group', `trainer-${trainers}`, '--state', stateFile, '--batch', String(batch)]
    return startProgram(python, [exampleFile('preference_pairs.py'), ...where, ...own, ...parts], { cwd, env })
  }
  async function train(...parts: readonly string[]): Promise<Ended> {
    const ended = await startTrainer(...parts).ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    return ended
  }

  it('delivers every pair once over several runs, in whole batches, from the saved position', async () => {
    const first = jsonLines<Row>((await train('--limit', '8')).stdout)
    expect(first).toHaveLength(8)
    const rest = jsonLines<Row>((await train()).stdout)
    expect(idsOf([...first, ...rest])).toEqual(idsOf(pairs(60)))
    expect((await train()).stdout).toBe('')
  })

  it('goes on from the committed positions of its group where it has no state', async () => {
    await train('--limit', '8')
    writeFileSync(stateFile, 'null')
    expect(jsonLines((await train()).stdout)).toHaveLength(52)
  })

  it('loses no pair to kill -9: what it has not saved is delivered again, what it has saved is not', async () => {
    const killed = startTrainer('--follow')
    await killed.written(/(?:.*\n){12}/)
    killed.process.kill('SIGKILL')
    const before = jsonLines<Row>((await killed.ended).stdout.replace(/[^\n]*$/, ''))
    const { pairs: positions } = JSON.parse(readFileSync(stateFile, 'utf8')) as { pairs: Record<string, number> }
    expect(Object.values(positions).reduce((sum, offset) => sum + offset, 0)).toBeGreaterThan(0)
    const after = jsonLines<Row>((await train()).stdout)
    const all = new Set([...before, ...after].map(({ id }) => id))
    expect([...all].sort()).toEqual(idsOf(pairs(60)))
    const twice = before.length + after.length - all.size
    expect(twice).toBeLessThanOrEqual(batch)
  })

  it('reads the partitions of all ranks together as one reader would', async () => {
    const program = [
      'import json, sys',
      `sys.path.insert(0, ${JSON.stringify(exampleFile(''))})`,
      'from preference_pairs import PreferencePairs',
      'brokers, registry, namespace = sys.argv[1:]',
      'for rank in range(3):',
      '    for pair in PreferencePairs(brokers, registry, group="ranks", namespace=namespace, rank=rank, world_size=3):',
      '        print(json.dumps({"id": pair.id, "rank": rank}))',
    ].join('\n')
    const { brokers, registry } = inject('kafka')
    const ended = await startProgram(python, ['-c', program, brokers.join(','), registry, place.namespace], {
      cwd,
      env,
    }).ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    const rows = jsonLines<{ id: string; rank: number }>(ended.stdout)
    expect(idsOf(rows)).toEqual(idsOf(pairs(60)))
    expect(new Set(rows.map(({ rank }) => rank)).size).toBe(3)
  })

  it('tells a retraction that came after its position, and leaves the problem out from then on', async () => {
    await train('--limit', '8')
    await append(corpus, topics.retractions, [retraction('problem-0')])
    const resumed = await train()
    const told = jsonLines<{ retracted?: { problem_id: string } }>(resumed.stderr.replace(/^\d+ pairs$/m, ''))
    expect(told.map(({ retracted }) => retracted?.problem_id)).toContain('problem-0')
    const again = await train()
    expect(again.stderr).toBe('0 pairs\n')

    trainers += 1
    stateFile = join(cwd, `state-${trainers}.json`)
    const rows = jsonLines<Row>((await train()).stdout)
    expect(rows).toHaveLength(57)
    expect(rows.map(({ problem_id: problem }) => problem)).not.toContain('problem-0')
  })

  it('refuses pairs of a simulated model unless it is told to take them', async () => {
    const simulated: PreferencePair[] = pairs(1, 900).map((one) => ({ ...one, simulated: true }))
    await append(corpus, topics.preferencePairs, simulated)
    const refused = await startTrainer().ended
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain('preference-pair-900 comes of a simulated model: not for training')
    expect(jsonLines<Row>((await train('--include-simulated')).stdout).map(({ id }) => id)).toContain(
      'preference-pair-900',
    )
  })

  it('refuses a position that the topic does not have, instead of beginning anew', async () => {
    const topic = place.names.topic(topics.preferencePairs.name)
    writeFileSync(stateFile, JSON.stringify({ topic, pairs: { 0: 1_000_000 }, retractions: 0 }))
    const refused = await startTrainer().ended
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(/partition 0: expected to go on at 1000000, but the topic holds 0 to \d+/)
  })

  it('announces a version that the stream then has in force', async () => {
    const command = [process.execPath, commandFile, 'models', 'announce', ...onKafka]
    const parts = [
      exampleFile('announce.py'),
      'problem-writer',
      '--model',
      'writer',
      '--version',
      '7',
      '--',
      ...command,
    ]
    const announced = await startProgram(python, parts, { cwd, env }).ended
    expect(announced.exitCode, announced.stderr).toBe(0)
    expect(JSON.parse(announced.stdout)).toMatchObject({
      role: 'problem-writer',
      model: 'writer',
      version: '7',
      ordinal: 1,
    })
    const listed = await run(['models', 'list', '--json', ...onKafka], { cwd })
    expect(JSON.parse(listed.stdout)).toMatchObject({ announcements: [{ version: '7' }] })
    const again = await startProgram(python, parts, { cwd, env }).ended
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toMatch(/^announce: .*version 7 is in force already/)
  })
})
