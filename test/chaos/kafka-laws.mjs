// Laws that only a log on Kafka has: no transaction left open, a state that is the same by every road, records that any other reader
// sees as well.
import { createHash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { groupOf } from '../../dist/engine/runtime.js'
import { deadLetters, topics } from '../../dist/topics/catalogue.js'
import { Connection } from '../../dist/topics/kafka/connections.js'
import { openKafkaLog } from '../../dist/topics/kafka/log.js'
import { committedOffsets } from './segments.mjs'

const readUncommitted = 0
const readCommitted = 1
const latest = -1
/** Markers are written after a transaction is decided. */
const markerMilliseconds = 10_000

/** Last stable offset = high watermark on every partition: nothing waits for a transaction that nobody will end. */
export async function checkTransactions(laws, connectionSettings, namespace, chosen) {
  const names = [
    ...Object.values(topics).map(({ name }) => name),
    deadLetters.name,
    ...chosen.map(({ name }) => `${name}-changelog`),
    'appends',
  ].map((name) => `${namespace}.${name}`)
  const connection = new Connection(connectionSettings)
  try {
    const giveUpAtMs = Date.now() + markerMilliseconds
    for (const topic of names) {
      for (const partition of [...(await connection.partitionsOf([topic])).get(topic).keys()]) {
        let open
        do {
          if (open) await pause(100)
          const [high, stable] = await Promise.all(
            [readUncommitted, readCommitted].map((isolationLevel) =>
              endOf(connection, topic, partition, isolationLevel),
            ),
          )
          open = high === stable ? undefined : { high, stable }
        } while (open && Date.now() < giveUpAtMs)
        laws.expect(
          'no orphaned transaction',
          !open,
          () => `${topic}/${partition}: the last stable offset is ${open.stable}, the high watermark ${open.high}`,
        )
      }
    }
  } finally {
    await connection.close()
  }
}

async function endOf(connection, topic, partition, isolationLevel) {
  const broker = await connection.leaderOf(topic, partition)
  const { responses } = await broker.listOffsets({
    isolationLevel,
    topics: [{ topic, partitions: [{ partition, timestamp: latest }] }],
  })
  return Number(responses[0].partitions[0].offset)
}

/**
 * Every task's state and progress, as the engine opens it with each process' local copies, against what its changelog says from the
 * beginning on. `directories`: name -> folder of local copies. @returns how many tasks were opened
 */
export async function checkStates(laws, source, logOptions, chosen, directories) {
  const law = 'state as opened is what the changelog says'
  let opened = 0
  for (const [name, stateDirectory] of directories) {
    const log = await openKafkaLog({ ...logOptions, ...(stateDirectory && { stateDirectory }) })
    try {
      for (const declaration of chosen) {
        const group = groupOf(declaration)
        const gained = new Set()
        let all
        const assigned = new Promise((resolve) => (all = resolve))
        const membership = await log.join(group, {
          gained: (task) => {
            gained.add(task)
            if (gained.size === group.tasks) all()
          },
          lost: () => {},
          failed: () => {},
        })
        await Promise.race([assigned, pause(20_000, undefined, { ref: false })])
        for (const number of gained) {
          const task = await membership.open(number)
          opened += 1
          const { state, progress } = source.task(group.name, number)
          const found = digest(task.state.entries(), task.progress)
          const expected = digest(
            [...state].map(([key, { value }]) => ({ key, value })),
            progress,
          )
          laws.expect(
            law,
            found === expected,
            () =>
              `${group.name} task ${number} with the copies of ${name}: progress ${task.progress?.sequence}, ${[...task.state.entries()].length} entries; by the changelog ${progress?.sequence}, ${state.size} entries`,
          )
          await task.close()
        }
        laws.expect(law, gained.size === group.tasks, `${group.name}: only ${gained.size} of ${group.tasks} tasks came`)
        await membership.leave()
      }
    } finally {
      await log.close()
    }
  }
  return opened
}

function digest(entries, progress) {
  const hash = createHash('sha256')
  const sorted = [...entries].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { key, value } of sorted) hash.update(`${key}\0${value.byteLength}\0`).update(value)
  if (progress) hash.update(`progress\0${progress.sequence}\0`).update(progress.value)
  return hash.digest('hex')
}

/** What was read here is what a broker's own files hold as committed. */
export function checkFiles(laws, corpus, dataFolder, namespace) {
  for (const { name, partitions } of [...Object.values(topics), deadLetters]) {
    const read = new Map()
    for (const { partition, offset } of corpus.of(name)) read.set(partition, [...(read.get(partition) ?? []), offset])
    for (let partition = 0; partition < partitions; partition += 1) {
      const own = new Set(read.get(partition))
      const committed = committedOffsets(dataFolder, `${namespace}.${name}`, partition)
      const missing = [...committed].filter((offset) => !own.has(offset))
      const surplus = [...own].filter((offset) => !committed.has(offset))
      laws.expect(
        "the broker's files hold what was read",
        missing.length === 0 && surplus.length === 0,
        () =>
          `${name}/${partition}: committed and not read are ${missing.length} records (${missing.slice(0, 5).join(', ')}), read and not committed ${surplus.length} (${surplus.slice(0, 5).join(', ')})`,
      )
    }
  }
}

/** Nothing that was committed at a moment was asked for after it. `since`: request id -> number of events by then. */
export function checkCommittedRepeats(laws, requests, since) {
  for (const [requestId, eventCount] of since) {
    const again = requests.get(requestId)?.find(({ number }) => number >= eventCount)
    laws.expect(
      'no finished and committed call is repeated',
      again === undefined,
      () =>
        `${requestId} was known to be committed at event ${eventCount} and admitted again as event ${again.number}, at ${new Date(again.admittedAt).toISOString()} (${again.end})`,
    )
  }
}

/**
 * Repeats by class. `withoutCrash`: calls that the endpoint had answered, and that were made again though no process was killed, asleep,
 * away from its broker or from the endpoint between. The answer may still have been on its way when the task moved: on a machine with
 * many processes for each core that takes a while, so this is a figure and no law.
 */
export function classesOfRepeats(requests, faults) {
  const classes = { calls: requests.size, repeats: 0, inFlight: 0, answered: 0, withoutCrash: 0 }
  for (const instances of requests.values()) {
    for (let index = 1; index < instances.length; index += 1) {
      const [before, again] = [instances[index - 1], instances[index]]
      classes.repeats += 1
      if (before.end !== 'finished') classes.inFlight += 1
      else {
        classes.answered += 1
        if (!faults.some((fault) => mayCostAnswers(fault, before, again))) classes.withoutCrash += 1
      }
    }
  }
  return classes
}

function mayCostAnswers({ kind, atMs, endMs }, before, again) {
  // A hung endpoint answers whoever has gone meanwhile.
  const since = kind === 'endpoint' ? before.admittedAt : before.endedAt
  return (
    ['kill', 'zombie', 'broker', 'answers', 'endpoint'].includes(kind) && atMs <= again.admittedAt && endMs >= since
  )
}
