// A copy in a process of its own: `node copy-child.mjs '{"source": {...}, "target": {...}, "killAt": {"phase": "records", "count": 3}}'`.
// It runs the built engine (dist/), commits a few records at a time, and kills itself with SIGKILL at the given step. With
// `"leaveOpen": {"group": "roll-out", "output": {...}}` it copies nothing: it commits the output as task 0 of the group on the source, or
// appends it where there is an `appendId`, and kills itself when the record is written and not committed.
import { schemaSubjects } from '../../dist/cli/needs.js'
import { copyCorpus } from '../../dist/engine/copy/copy.js'
import { groupOf } from '../../dist/engine/runtime.js'
import { processors } from '../../dist/processors/index.js'
import { topicSpecifications } from '../../dist/topics/catalogue.js'
import { openEmbeddedLog } from '../../dist/topics/embedded/log.js'
import { openKafkaLog } from '../../dist/topics/kafka/log.js'

const { source: from, target: to, killAt, leaveOpen } = JSON.parse(process.argv[2])
const groups = processors.map(groupOf)

function open({ kind, ...options }) {
  return kind === 'embedded' ? openEmbeddedLog({ ...options, mode: 'owner' }) : openKafkaLog(options)
}

if (leaveOpen) {
  const { group, appendId, output } = leaveOpen
  const outputs = [{ ...output, value: Buffer.from(output.key) }]
  const log = await openKafkaLog({
    ...from,
    onStep: (step) => step === 'produced' && process.kill(process.pid, 'SIGKILL'),
  })
  if (appendId) await log.append(outputs, appendId)
  const failed = (error) => {
    throw error
  }
  const membership = await new Promise((resolve) => {
    const joined = log.join(
      groups.find(({ name }) => name === group),
      {
        gained: (task) => task === 0 && resolve(joined),
        lost: () => undefined,
        failed,
      },
    )
  })
  const opened = await membership.open(0)
  const { sequence, value } = opened.progress
  await opened.commit({ sequence: sequence + 1, outputs, state: [], progress: value })
}

const seen = {}
const source = await open(from)
const report = await copyCorpus({
  source,
  groups,
  subjects: schemaSubjects(),
  from: 'the test',
  chunk: { records: 15, bytes: 1 << 20 },
  signal: new AbortController().signal,
  openTarget: async () => {
    const target = await open(to)
    await target.ensureTopics(topicSpecifications(), groups)
    return target
  },
  onStatus: ({ phase }) => {
    seen[phase] = (seen[phase] ?? 0) + 1
    if (phase === killAt?.phase && seen[phase] === killAt.count) process.kill(process.pid, 'SIGKILL')
  },
})
await source.close()
process.stdout.write(`${JSON.stringify(report)}\n`)
