// What the crash tests' child writes, round by round; the test knows from it what may be there.

/** Records of each commit in the topic outputs. */
export const outputsPerCommit = 3

export const workTopics = [
  { name: 'inputs', partitions: 2, compacted: false },
  { name: 'outputs', partitions: 2, compacted: false },
  { name: 'table', partitions: 1, compacted: true },
  { name: 'appended', partitions: 1, compacted: false },
]

export const workGroup = { name: 'worker', inputs: ['inputs'], tasks: 2 }

/** The value of an output; long enough that a commit takes several pages. */
export function outputValue(task, sequence, index) {
  return `output ${task} ${sequence} ${index} `.repeat(200)
}

/** The state that a task has after a sequence, by key. */
export function stateAfter(sequence) {
  const state = new Map()
  if (sequence > 0) state.set('count', String(sequence))
  for (const past of [sequence - 1, sequence]) if (past > 0) state.set(`mark ${past}`, `mark of ${past}`)
  return state
}

/** Everything that one round writes; `deletion` in every third round: all outputs of task 0 before that of this index. */
export function recordsOfRound(round) {
  const commits = [0, 1].map((task) => ({
    sequence: round,
    outputs: [
      ...Array.from({ length: outputsPerCommit }, (_, index) => ({
        topic: 'outputs',
        partition: task,
        key: `${task}/${round}/${index}`,
        value: Buffer.from(outputValue(task, round, index)),
      })),
      { topic: 'table', partition: 0, key: `task ${task}`, value: Buffer.from(String(round)) },
    ],
    state: [
      { key: 'count', value: Buffer.from(String(round)) },
      { key: `mark ${round}`, value: Buffer.from(`mark of ${round}`) },
      { key: `mark ${round - 2}`, value: undefined },
    ],
    progress: Buffer.from(`progress ${round}`),
  }))
  const append = {
    id: `append ${round}`,
    records: [0, 1].map((index) => ({
      topic: 'appended',
      partition: 0,
      key: `${round}`,
      value: Buffer.from(`appended ${round} ${index}`),
    })),
  }
  const deletion =
    round % 3 === 0 ? { topic: 'outputs', partition: 0, index: outputsPerCommit * (round - 2) + 1 } : undefined
  return { commits, append, deletion }
}
