// A copy in a process of its own: `node copy-child.mjs '{"source": {...}, "target": {...}, "killAt": {"phase": "records", "count": 3}}'`.
// It runs the built engine (dist/), commits a few records at a time, and kills itself with SIGKILL at the given step.
import { schemaSubjects } from '../../dist/cli/needs.js'
import { copyCorpus } from '../../dist/engine/copy/copy.js'
import { groupOf } from '../../dist/engine/runtime.js'
import { processors } from '../../dist/processors/index.js'
import { topicSpecifications } from '../../dist/topics/catalogue.js'
import { openEmbeddedLog } from '../../dist/topics/embedded/log.js'
import { openKafkaLog } from '../../dist/topics/kafka/log.js'

const { source: from, target: to, killAt } = JSON.parse(process.argv[2])
const groups = processors.map(groupOf)

function open({ kind, ...options }) {
  return kind === 'embedded' ? openEmbeddedLog({ ...options, mode: 'owner' }) : openKafkaLog(options)
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
