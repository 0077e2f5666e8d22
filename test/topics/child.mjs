// A process beside the test's own: `node child.mjs '{"log": {...}, "scenario": "work", ...}'`. It runs the built log (dist/), prints one
// JSON object a line for everything that was acknowledged to it, and kills itself with SIGKILL at a fault point when told to.
import { writeSync } from 'node:fs'
import { noise } from './noise.mjs'
import { recordsOfRound, workGroup, workTopics } from './work.mjs'

const config = JSON.parse(process.argv[2])
let passes = 0

function faultPoint(name) {
  if (name !== config.faultPoint) return
  passes += 1
  if (passes === config.occurrence) process.kill(process.pid, 'SIGKILL')
}

/** Waits until the pipe has taken the line: what a stream still held would die with the process, and go untold. */
function print(event) {
  writeSync(1, `${JSON.stringify(event)}\n`)
}

async function openLog() {
  if (config.log.kind === 'embedded') {
    const { openEmbeddedLog } = await import('../../dist/topics/embedded/log.js')
    return await openEmbeddedLog({ ...config.log, faultPoint })
  }
  if (config.log.kind === 'kafka') {
    const { openKafkaLog } = await import('../../dist/topics/kafka/log.js')
    return await openKafkaLog({ ...config.log, onStep: faultPoint })
  }
  throw new Error(`no log of kind ${config.log.kind}`)
}

/** Joins a group and opens all its tasks as they are assigned. */
async function joinAndOpenAll(log, group) {
  const gained = new Map()
  const assigned = Array.from({ length: group.tasks }, (_, task) => new Promise((resolve) => gained.set(task, resolve)))
  const membership = await log.join(group, {
    gained: (task) => gained.get(task)(),
    lost: () => undefined,
    failed: (error) => print({ failed: error.message }),
  })
  const tasks = []
  for (const [task, whenAssigned] of assigned.entries()) {
    await whenAssigned
    tasks.push(await membership.open(task))
  }
  return { membership, tasks }
}

/** The offsets of a partition's records by their count from the first one ever written; waits for those that are not there yet. */
function offsetsByIndex(log, topic, partition) {
  const offsets = []
  let offset = 0
  return async (index) => {
    while (offsets.length <= index) {
      const read = await log.read({ topic, partition, offset }, { maxBytes: 1 << 20, maxWaitSeconds: 30 })
      if (read.nextOffset === offset) throw new Error(`no record ${index} in ${topic}/${partition}`)
      offsets.push(...read.records.map((record) => record.offset))
      offset = read.nextOffset
    }
    return offsets[index]
  }
}

const scenarios = {
  /** Commits, appends, deletes and compacts, round after round, as work.mjs lays down. */
  async work() {
    const log = await openLog()
    await log.ensureTopics(workTopics, [workGroup])
    const { tasks } = await joinAndOpenAll(log, workGroup)
    const offsetOf = offsetsByIndex(log, 'outputs', 0)
    for (let round = 1; round <= config.rounds; round += 1) {
      const { commits, append, deletion } = recordsOfRound(round)
      await Promise.all(
        tasks.map(async (task, number) => {
          await task.commit(commits[number])
          print({ task: number, sequence: round })
        }),
      )
      await log.append(append.records, append.id)
      print({ appended: round })
      if (deletion) {
        const { topic, partition, index } = deletion
        const offset = await offsetOf(index)
        print({ deleting: { offset, index } })
        await log.deleteBefore({ topic, partition, offset })
        print({ deleted: { offset, index } })
        await log.maintain()
      }
    }
    await log.close()
  },

  /** Commits to task 0 until a commit is refused, and opens it again then. */
  async commit() {
    const log = await openLog()
    const { membership, tasks } = await joinAndOpenAll(log, workGroup)
    const [task] = tasks
    for (let sequence = (task.progress?.sequence ?? 0) + 1; ; sequence += 1) {
      try {
        await task.commit(recordsOfRound(sequence).commits[0])
      } catch (error) {
        const again = await membership.open(0).then(
          () => 'opened',
          ({ code }) => code,
        )
        print({ refused: error.code, sequence, again })
        break
      }
      print({ task: 0, sequence })
    }
    await log.close()
  },

  /** Reads a partition from its start until it has `count` records, and prints their values as text. */
  async read() {
    const log = await openLog()
    print({ ready: true })
    let offset = 0
    let seen = 0
    while (seen < config.count) {
      const { records, nextOffset } = await log.read(
        { topic: config.topic, partition: 0, offset },
        { maxBytes: 65_536, maxWaitSeconds: 5 },
      )
      if (records.length === 0 && nextOffset === offset) throw new Error(`nothing new after offset ${offset}`)
      for (const record of records)
        print({
          offset: record.offset,
          value: Buffer.from(record.value).toString().slice(0, 40),
          bytes: record.value.length,
        })
      seen += records.length
      offset = nextOffset
    }
    await log.close()
  },

  /** Appends `count` records, each with its own id. */
  async append() {
    const log = await openLog()
    for (let index = 0; index < config.count; index += 1) {
      const record = { topic: config.topic, partition: 0, key: `child ${index}`, value: Buffer.from(`child ${index}`) }
      print({ index, written: await log.append([record], `child ${index}`) })
    }
    await log.close()
  },

  /** Opens the log, and holds it until standard input ends. */
  async hold() {
    const log = await openLog()
    if (config.topic) await log.ensureTopics([{ name: config.topic, partitions: 1, compacted: false }])
    print({ ready: true, pid: process.pid })
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.once('end', resolve))
    await log.close()
  },

  /** Under a file size limit: fills the log until it is full, frees all and goes on. */
  async fill() {
    const log = await openLog()
    await log.ensureTopics([{ name: config.topic, partitions: 1, compacted: false }])
    const recordsOf = (index) =>
      [0, 1, 2, 3].map((part) => ({
        topic: config.topic,
        partition: 0,
        key: `${index}`,
        value: noise(config.bytes, `${index}.${part}`),
      }))
    let index = 0
    try {
      for (;;) {
        await log.append(recordsOf(index), `fill ${index}`)
        print({ filled: index })
        index += 1
      }
    } catch (error) {
      print({ failed: index, code: error.code, message: error.message })
    }
    const { end } = await log.offsets(config.topic, 0)
    print({ end })
    await log.deleteBefore({ topic: config.topic, partition: 0, offset: end - 4 })
    await log.maintain()
    await log.append(recordsOf(index), `fill ${index}`)
    print({ filled: index })
    await log.close()
  },
}

try {
  await scenarios[config.scenario]()
} catch (error) {
  print({ error: error.code ?? 'error', message: error.message })
  process.exitCode = 1
}
