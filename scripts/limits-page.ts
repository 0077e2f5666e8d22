/** docs/limits.md: the largest of everything that comes from outside, from the constants that hold it. */
import { longestConfigurationBytes } from '../cli/configuration-file.ts'
import { longestCardBytes } from '../cli/export.ts'
import { longestLineBytes, longestNameCharacters, mostConcepts } from '../cli/ingest.ts'
import { longestTokenBytes } from '../cli/kafka.ts'
import { longestHeadBytes, mostConnections, timeoutMs } from '../cli/listener.ts'
import { longestText } from '../cli/logger.ts'
import { longestPemBytes } from '../cli/place.ts'
import { formatBytes } from '../cli/terminal.ts'
import { LINE_BYTES } from '../cli/verify.ts'
import { defaultLimits } from '../engine/task/limits.ts'
import { transportOptions } from '../inference/wire.ts'
import { BODY_LIMIT_BYTES } from '../simulator/endpoint.ts'
import { MOST_BYTES } from '../topics/kafka/unpacking.ts'
import { maximumRecordBytes } from '../topics/log.ts'
import { limits as mathLimits } from '../verifiers/math/limits.ts'
import { DEFAULT_PROGRAM_LIMITS as program } from '../verifiers/program.ts'
import { markdownTable } from './stream-picture.ts'

/** Input, who may have made it, its limit, what happens beyond it, and the test that tries. */
type Limit = readonly [input: string, from: string, limit: string, beyond: string, test: string]

const characters = (count: number): string => `${count.toLocaleString('en-US')} characters`

const all: readonly Limit[] = [
  [
    'configuration file',
    'operator',
    `${formatBytes(longestConfigurationBytes)}, a regular file; aliases that would grow without bound are refused`,
    'exit code 78',
    'test/cli/config.test.ts, test/cli/hostile-input.test.ts',
  ],
  [
    'PEM file',
    'operator',
    `${formatBytes(longestPemBytes)}, a regular file`,
    'exit code 78',
    'test/cli/hostile-input.test.ts',
  ],
  ['what `kafka.sasl.tokenCommand` prints', 'operator', `${formatBytes(longestTokenBytes)}, 30 s`, 'exit code 77', ''],
  ['environment variable', 'operator', '128 KiB, by Linux', 'the process does not start', ''],
  [
    'card or position for `--since`',
    'file',
    `${formatBytes(longestCardBytes)}, a regular file`,
    'exit code 2',
    'test/cli/hostile-input.test.ts',
  ],
  [
    'line of `ingest` and `benchmarks add`',
    'seeds',
    formatBytes(longestLineBytes),
    'the line is refused, the others are kept; it is never held as a whole',
    'test/cli/bad-input.test.ts',
  ],
  [
    'id, source, level and concept of such a line',
    'seeds',
    `${characters(longestNameCharacters)}; ${mostConcepts.toLocaleString('en-US')} concepts`,
    'the line is refused',
    'test/cli/hostile-input.test.ts',
  ],
  ['line of `verify`', 'file', formatBytes(LINE_BYTES), 'its verdict says so', ''],
  [
    'answer of an endpoint, streamed or not, metrics included',
    'endpoint',
    formatBytes(transportOptions.maxResponseSize),
    'ANSWER_MALFORMED: tried again, then a dead letter',
    'test/inference/hostile.test.ts',
  ],
  ["an endpoint's words for an error", 'endpoint', characters(300), 'cut', 'test/inference/failures.test.ts'],
  [
    'record',
    'model, seeds, Kafka',
    formatBytes(maximumRecordBytes),
    'what a processor made becomes a dead letter (OUTPUT_TOO_LARGE); one of others too, with its beginning',
    'test/engine/failures.test.ts, test/topics/conformance.ts',
  ],
  [
    'batch of records, unpacked',
    'Kafka',
    formatBytes(MOST_BYTES),
    'the batch cannot be read: the process ends and says where it lies',
    'test/topics/unpacking.test.ts',
  ],
  [
    'lists and maps in a record',
    'Kafka',
    'as many entries as the record has bytes',
    'RECORD_UNDECODABLE: a dead letter',
    'test/topics/codec.test.ts',
  ],
  [
    'records in the window of a task',
    'stream',
    `\`maxInFlight\`, ${formatBytes(defaultLimits.maxInFlightBytes)}; ${formatBytes(defaultLimits.maxUncommittedBytes)} of results`,
    'nothing more is admitted',
    'test/engine/window.test.ts',
  ],
  [
    'program, by `verify-rollout`',
    'model',
    formatBytes(program.programBytes),
    'unverifiable',
    'test/verifiers/pool.test.ts',
  ],
  [
    'input of a program',
    'model, seeds',
    formatBytes(program.inputBytes),
    'unverifiable',
    'test/verifiers/pool.test.ts',
  ],
  [
    'run of a program',
    'model',
    `${program.cpuSeconds} s of a core, ${program.wallSeconds} s, ${program.memoryMb} MiB, ${formatBytes(program.outputBytes)} of output`,
    'the test fails',
    'test/verifiers/sandbox.hostile.test.ts',
  ],
  [
    'answer that is compared',
    'model, seeds',
    `${characters(mathLimits.answerCharacters)}, ${mathLimits.tokens} tokens, ${mathLimits.depth} levels, ${mathLimits.work.toLocaleString('en-US')} steps`,
    'unverifiable',
    'test/verifiers/math',
  ],
  [
    'request to the listener',
    'network',
    `${formatBytes(longestHeadBytes)} of head, no body; ${timeoutMs / 1000} s; ${mostConnections} connections`,
    'cut off',
    'test/cli/listener.test.ts',
  ],
  [
    'request to the simulated endpoint',
    'network',
    formatBytes(BODY_LIMIT_BYTES),
    '413',
    'test/simulator/server.test.ts',
  ],
  ['field of a log line', 'all of them', characters(longestText), 'cut', 'test/cli/logger.test.ts'],
]

/** The page about limits. */
export function limitsPage(): string {
  return [
    '# Limits of what comes from outside',
    '',
    '<!-- Written by `npm run generate` from the constants. Do not edit. -->',
    '',
    'Whoever makes an input may be hostile ([security.md](security.md)). Each has a limit; the last column names the test that goes beyond it.',
    '',
    ...markdownTable(['input', 'made by', 'limit', 'beyond it', 'test'], all),
    '',
    'Without a limit of their own: answers of the schema registry and of brokers, which are trusted as the log itself is; the number of',
    'lines in a file, which is read line by line (their ids are held in memory: about 100 bytes each).',
    '',
  ].join('\n')
}
