/** What a log line may be about: a closed list, each event with its level and fields. docs/logs.md is made of it. */

/** From the most talkative to the quietest. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** What the fields of log lines mean. */
export const logFields = {
  message: 'What happened, in a sentence for a person. Never parse it.',
  processor: 'Name of the processor: its consumer group and metric label too.',
  task: 'Number of its task: the partition of all its inputs.',
  topic: 'Topic of the record.',
  partition: 'Its partition.',
  offset: 'Its offset there.',
  record: 'Id of the record.',
  problem:
    'What ties lines of one problem together: the id of the problem; before there is one, that of the concept combination, concept list or seed.',
  outputs: 'Records that it emitted.',
  tries: 'Tries that it took, 1 as a rule.',
  code: 'Code of the error, or of the failed commit (engine/errors.ts, topics/log.ts).',
  reason: 'Rule that discarded the record, or why the run drains.',
  seconds: 'How long it took.',
  delaySeconds: 'How long it waits before the next try.',
  purpose: 'What the model call was for, within its record.',
  role: 'Role of the model.',
  model: 'Model that answered.',
  endpoint: 'Endpoint that answered.',
  promptTokens: 'Tokens of the prompt.',
  completionTokens: 'Tokens of the completion, reasoning included.',
  finishReason: 'Why the model stopped.',
  records: 'Records that the commit holds.',
  bytes: 'Bytes of its outputs.',
  tasks: 'Tasks that are open here.',
  processors: 'Names of the processors that run here.',
  place: 'Where the corpus lies.',
  version: 'Version of Wellspring.',
  simulated: 'Whether the models are simulated.',
  how: 'How the run ended: complete, stopped, time, budget or interrupted.',
  exitCode: 'Exit code of the process (`wellspring --help`).',
  url: 'Address, without user, password and query.',
  applied: 'Settings that hold from now on.',
  later: 'Settings that the next start takes up.',
  dropped: 'Spans that were given up.',
} as const
export type LogField = keyof typeof logFields

interface LogEventDeclaration {
  level: LogLevel
  doc: string
  fields: readonly LogField[]
}

const position = ['processor', 'task', 'topic', 'partition', 'offset', 'record', 'problem'] as const

/** Every event, by name. */
export const logEvents = {
  'run.starting': {
    level: 'info',
    doc: 'The process begins.',
    fields: ['version', 'place', 'processors'],
  },
  'run.ready': {
    level: 'info',
    doc: 'All is as /readyz asks: tables are read, all groups joined, the tasks here open.',
    fields: ['simulated', 'tasks', 'seconds'],
  },
  'run.draining': {
    level: 'info',
    doc: 'Nothing more is admitted; what is finished is committed.',
    fields: ['reason', 'message'],
  },
  'run.ended': { level: 'info', doc: 'The run is over as it was meant to be.', fields: ['how', 'seconds', 'exitCode'] },
  'run.failed': {
    level: 'error',
    doc: 'The command failed; `message` says what, and what to do.',
    fields: ['message', 'exitCode'],
  },
  message: {
    level: 'info',
    doc: 'Whatever else a person at the terminal would be told.',
    fields: ['message'],
  },
  'listener.open': { level: 'info', doc: '/metrics, /healthz and /readyz are served.', fields: ['url'] },
  'models.chosen': { level: 'info', doc: 'Which model has which role, and why.', fields: ['message'] },
  'endpoint.trouble': { level: 'warn', doc: 'An endpoint does not answer; its work waits.', fields: ['message'] },
  'configuration.applied': {
    level: 'info',
    doc: 'The configuration file was read again.',
    fields: ['message', 'applied', 'later'],
  },
  'configuration.refused': {
    level: 'error',
    doc: 'The changed configuration file has a fault; the old one stays in force.',
    fields: ['message'],
  },
  'upkeep.failed': { level: 'warn', doc: 'Retention failed and is tried again.', fields: ['message'] },
  'processor.off': {
    level: 'warn',
    doc: 'Processors do not run, since no model has their role.',
    fields: ['message'],
  },
  'processor.waiting': {
    level: 'warn',
    doc: 'A processor waits, such as for an endpoint or the log that is away. Told once for each reason.',
    fields: ['processor', 'message'],
  },
  'processor.resumed': { level: 'info', doc: 'It waits no longer.', fields: ['processor', 'seconds'] },
  'task.opened': {
    level: 'debug',
    doc: 'A task has taken up its committed progress.',
    fields: ['processor', 'task', 'seconds'],
  },
  'task.lost': { level: 'info', doc: 'A task has gone to another process.', fields: ['processor', 'task'] },
  'task.stopped': {
    level: 'error',
    doc: 'A task admits nothing more: records of its input are lost.',
    fields: ['processor', 'task', 'message'],
  },
  'commit.done': {
    level: 'debug',
    doc: 'Outputs, state and progress of a task are committed.',
    fields: ['processor', 'task', 'records', 'bytes', 'seconds'],
  },
  'commit.failed': {
    level: 'warn',
    doc: 'A commit failed and is tried again or left to the next owner.',
    fields: ['processor', 'task', 'code', 'message'],
  },
  'record.finished': {
    level: 'debug',
    doc: 'A record is finished and what it made is committed.',
    fields: [...position, 'outputs', 'tries', 'seconds'],
  },
  'record.discarded': {
    level: 'debug',
    doc: 'A rule put a record aside; the topic `discards` has the evidence.',
    fields: [...position, 'reason', 'tries', 'seconds'],
  },
  'record.dead-lettered': {
    level: 'warn',
    doc: 'A record could not be processed; `wellspring dead-letters list` shows it.',
    fields: [...position, 'code', 'message', 'tries', 'seconds'],
  },
  'record.retried': {
    level: 'debug',
    doc: 'A try failed and is repeated.',
    fields: [...position, 'code', 'message', 'tries', 'delaySeconds'],
  },
  'call.answered': {
    level: 'debug',
    doc: 'A model has answered a call of a record that is committed.',
    fields: [
      'processor',
      'task',
      'record',
      'problem',
      'purpose',
      'role',
      'model',
      'endpoint',
      'promptTokens',
      'completionTokens',
      'finishReason',
      'seconds',
    ],
  },
  'traces.unreachable': {
    level: 'warn',
    doc: 'The collector takes no spans: they are given up until it does. Told once.',
    fields: ['url', 'message'],
  },
  'traces.reachable': { level: 'info', doc: 'The collector takes spans again.', fields: ['url', 'dropped'] },
} as const satisfies Readonly<Record<string, LogEventDeclaration>>

export type LogEventName = keyof typeof logEvents

/** The fields that lines about an event may have. */
export type LogFieldsOf<Name extends LogEventName> = Partial<
  Record<(typeof logEvents)[Name]['fields'][number], string | number | boolean | readonly string[] | undefined>
>
