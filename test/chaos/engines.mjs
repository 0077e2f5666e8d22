// Copies of the built engine for a chaos run: as it is, or deliberately broken, to show that the program would see it. The sources and
// dist/ are never touched; a break that no longer fits the engine says so.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../..', import.meta.url))

const task = 'topics/kafka/task.js'
const transactions = 'topics/kafka/transactions.js'
const write = 'ends = await this.#transactions.write(messages, (step) => this.#host.onStep?.(step, this.task));'

/** Breaks of what is above both logs; then of Kafka's alone. Name -> what is broken, and the texts that are replaced: [file below dist, text that must be there once, text in its place]. */
export const breaks = {
  'recipe-after': {
    what: 'the rules behind a recipe are written in the transaction after that of the first records that name it',
    edits: [
      [
        'engine/task/commits.js',
        'const rules = this.#newRules(taken);',
        `const rules = this.rulesOfLast ?? [];
        this.rulesOfLast = this.#newRules(taken);`,
      ],
    ],
  },
  fence: {
    what: 'every process writes under transactional ids of its own: nobody is fenced',
    edits: [
      [
        transactions,
        'export async function beginTransactions(connection, options) {',
        `export async function beginTransactions(connection, given) {
    const options = { ...given, transactionalId: \`\${given.transactionalId}.\${process.pid}\` };`,
      ],
    ],
  },
  'progress-apart': {
    what: 'the progress is written in a transaction of its own, after that of the outputs',
    edits: [
      [
        task,
        write,
        `const progressAlone = [messages.pop()];
            await this.#transactions.write(messages);
            ends = await this.#transactions.write(progressAlone);`,
      ],
    ],
  },
  'progress-before': {
    what: 'the progress is written in a transaction of its own, before that of the outputs',
    edits: [
      [
        task,
        write,
        `const progressAlone = [messages.pop()];
            await this.#transactions.write(progressAlone);
            ends = await this.#transactions.write(messages);`,
      ],
    ],
  },
  sequence: {
    what: 'a commit in doubt is made again at once: nobody looks whether it took effect',
    edits: [
      [
        task,
        write,
        `for (;;) {
                try {
                    ends = await this.#transactions.write(messages);
                    break;
                } catch (error) {
                    if (error.code !== 'doubt') throw error;
                    this.#transactions = await beginTransactions(writes, {
                        transactionalId: names.transactionalId(group.name, this.task),
                        timeoutMilliseconds: this.#host.transactionTimeoutMilliseconds,
                        compression: this.#host.compression,
                    });
                }
            }`,
      ],
    ],
  },
  'send-batch': {
    what: 'all partitions of a commit go into one sendBatch of kafkajs, which mixes up answers when leaders move',
    edits: [
      [
        'topics/kafka/connections.js',
        'this.cluster = new ClusterOfKafkajs(',
        'this.brokers = brokers;\n        this.cluster = new ClusterOfKafkajs(',
      ],
      [
        'topics/kafka/appends.js',
        'await beginTransactions(',
        "await (await import('./transactions.js')).unbrokenBeginTransactions(",
      ],
      [
        transactions,
        'export async function beginTransactions(connection, options) {',
        `export async function beginTransactions({ brokers }, { transactionalId, timeoutMilliseconds }) {
    const { default: kafkajs } = await import('kafkajs');
    const { createSocketFactory } = await import('./internals.js');
    const kafka = new kafkajs.Kafka({
        brokers: [...brokers], clientId: 'broken', logLevel: kafkajs.logLevel.NOTHING,
        retry: { initialRetryTime: 50, maxRetryTime: 1000, retries: 20 },
        // Nobody closes the producers: they must not keep the process.
        enforceRequestTimeout: false, socketFactory: (options) => createSocketFactory()(options).unref(),
    });
    const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, transactionTimeout: timeoutMilliseconds });
    const inWords = async (work) => {
        try {
            return await work();
        } catch (error) {
            const failure = asLogError(error, 'writing');
            throw failure.code === 'fenced' ? failure : new LogError('doubt', failure.message, { cause: error });
        }
    };
    try {
        await producer.connect();
        await (await producer.transaction()).abort();
    } catch (error) {
        await producer.disconnect().catch(() => undefined);
        throw asLogError(error, 'fencing');
    }
    return {
        write: (messages) => inWords(async () => {
            const byTopic = new Map();
            for (const { topic, ...message } of messages) byTopic.set(topic, [...(byTopic.get(topic) ?? []), message]);
            const transaction = await producer.transaction();
            const answers = await transaction.sendBatch({
                topicMessages: [...byTopic].map(([topic, list]) => ({ topic, messages: list })),
            });
            await transaction.commit();
            return new Map(answers.map(({ topicName, partition, baseOffset }) => [
                \`\${topicName}/\${partition}\`,
                Number(baseOffset) + messages.filter((one) => one.topic === topicName && one.partition === partition).length,
            ]));
        }),
    };
}
export async function unbrokenBeginTransactions(connection, options) {`,
      ],
    ],
  },
}

const told = 'process.stderr.write(`trace ${new Date().toISOString()} `'

/** Has every process tell what becomes of its tasks. */
const trace = [
  [
    'engine/task/ownership.js',
    'async commitSurely(commit) {',
    `async commitSurely(commit) {
        const done = await this.#tracedCommitSurely(commit);
        ${told} + this.#name + '/' + this.#number + (done ? ' committed ' : ' gave up ') + commit.sequence + '\\n');
        return done;
    }
    async #tracedCommitSurely(commit) {`,
  ],
  [
    'engine/task/ownership.js',
    'equipped.metrics.commitFailures.inc({ processor: this.#name, reason: code });',
    `equipped.metrics.commitFailures.inc({ processor: this.#name, reason: code });
                ${told} + this.#name + '/' + this.#number + ' failed ' + commit.sequence + ' ' + code + ' ' + message + '\\n');`,
  ],
  [
    'engine/task/task.js',
    'this.#isOpen = true;',
    `this.#isOpen = true;
            ${told} + this.#name + '/' + this.#number + ' opened\\n');`,
  ],
  [
    'engine/runtime.js',
    'await Promise.all(running.map(async ({ membership }) => membership?.leave()));',
    `${told} + 'tasks drained\\n');
        await Promise.all(running.map(async ({ membership }) => membership?.leave()));
        ${told} + 'groups left\\n');`,
  ],
  [
    'topics/kafka/membership.js',
    'await this.#member.leave();',
    `${told} + this.#host.group.name + ' leaves\\n');
        await this.#member.leave();
        ${told} + this.#host.group.name + ' has left\\n');`,
  ],
  [
    'topics/kafka/membership.js',
    'this.#left(this);',
    `${told} + this.#host.group.name + ' has closed its connections\\n');
        this.#left(this);`,
  ],
  [
    'topics/kafka/log.js',
    'await this.#checkpoints?.close();',
    `${told} + 'reads, appends and administration closed\\n');
        await this.#checkpoints?.close();`,
  ],
  [
    'topics/kafka/group.js',
    'async #recover(error) {',
    `async #recover(error) {
        ${told} + this.#options.groupId + ' failed ' + (protocolErrorOf(error) ?? error.message) + '\\n');`,
  ],
  [
    'topics/kafka/group.js',
    'async #take(given) {',
    `async #take(given) {
        ${told} + this.#options.groupId + ' generation ' + this.#generation + ' had ' + [...this.#owned].join() + ' has ' + [...given].join() + '\\n');`,
  ],
]

/** Copies the built engine into a folder, broken as named. @returns the command there. @throws Error where a break does not fit */
export function copyEngine(folder, brokenBy, isTraced = false) {
  mkdirSync(folder, { recursive: true })
  cpSync(join(project, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const name of ['package.json', 'node_modules', 'verifiers', 'schemas', 'examples'])
    symlinkSync(join(project, name), join(folder, name))
  if (brokenBy !== undefined) {
    if (!(brokenBy in breaks))
      throw new Error(`there is no break "${brokenBy}", there are ${Object.keys(breaks).join(', ')}`)
  }
  const edits = [...(brokenBy === undefined ? [] : breaks[brokenBy].edits), ...(isTraced ? trace : [])]
  for (const [file, text, instead] of edits) {
    const path = join(folder, 'dist', file)
    const parts = readFileSync(path, 'utf8').split(text)
    if (parts.length !== 2)
      throw new Error(`the edit no longer fits: dist/${file} holds ${parts.length - 1} times: ${text}`)
    writeFileSync(path, parts.join(instead))
  }
  return join(folder, 'dist', 'cli', 'main.js')
}
