/** `wellspring copy`: a corpus from a folder to Kafka, back, or into another folder. */
import { existsSync, realpathSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Command } from 'commander'
import { copyCorpus, type CopyOptions, type CopyReport, type CopyStatus } from '../engine/copy/copy.ts'
import { copyGroup } from '../engine/copy/copy-progress.ts'
import { CopyRefusal, emptyTarget, type CopyRefusalCode } from '../engine/copy/refusal.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { groupOf } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { topicSpecifications } from '../topics/catalogue.ts'
import type { Group, Log } from '../topics/log.ts'
import { advisedFor } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import type { KafkaLog } from './kafka.ts'
import { schemaSubjects } from './needs.ts'
import { placeOf, placeSettings, type KafkaPlace, type PlaceFlags } from './place.ts'
import { formatBytes, formatCount, formatDuration, note, printable, say, sayJson, shellWord } from './terminal.ts'

interface Options extends Omit<PlaceFlags, 'data' | 'kafka'> {
  from: string
  to: string
  kafka?: string
  apply?: boolean
  json?: boolean
}

/** One end of a copy. */
type End = { kind: 'embedded'; directory: string } | { kind: 'kafka'; place: KafkaPlace }

const onKafka = 'kafka'
/** Copies of task state that are needed while it runs; removed at its end and at the next start. */
const scratchFolder = '.copy-state'
const plainSeconds = 10
const liveSeconds = 0.2
const jsonSeconds = 1
const memberPollSeconds = 1
const sessionGraceSeconds = 5

const refusalExitCodes: Readonly<Record<CopyRefusalCode, number>> = {
  not_empty: exitCodes.configuration,
  changed: exitCodes.busy,
  different: exitCodes.ioError,
}

export function copyCommand(): Command {
  return new Command('copy')
    .requiredOption('--from <dir|kafka>', 'where the corpus lies: a data folder, or kafka')
    .requiredOption('--to <dir|kafka>', 'where it goes: a folder that is new, empty or an unfinished copy, or kafka')
    .option('--kafka <host:port,...>', 'some of the brokers (default: WELLSPRING_KAFKA)')
    .option('--registry <url>', 'schema registry of the corpus on Kafka (default: WELLSPRING_REGISTRY)')
    .option(
      '--namespace <name>',
      `which corpus on Kafka: the prefix of its topics (default: WELLSPRING_NAMESPACE or ${placeSettings.namespace.setting.default})`,
    )
    .option('--config <file>', 'configuration file (default: WELLSPRING_CONFIG or ./wellspring.yaml where it exists)')
    .option('--apply', 'on Kafka, make topics and register schemas first (as `wellspring topics apply`)')
    .option('--json', 'a JSON line with the state every second, and one at the end')
    .addHelpText(
      'after',
      `
Everything goes over that the source still holds: all topics, and what processors have (progress, state, finished calls
of unfinished records), so that they go on where they stopped and no finished call is made again. Ids and ancestry stay
as they are; schema ids and positions are those of the target. The source is left as it is. Stop its processors first.
At the end everything is read again and compared. Killed in the middle, the same command goes on where it stopped; until
it is complete nothing runs on the target.

Examples:
  wellspring copy --from wellspring-data --to kafka --apply --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7
  wellspring copy --from kafka --to backup --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7
  wellspring copy --from wellspring-data --to wellspring-data-2`,
    )
    .action(copy)
}

async function copy(options: Options): Promise<void> {
  const { from, to } = await endsOf(options)
  const groups = processors.map(groupOf)
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new CommandError(exitCodes.interrupted, interrupted))
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const startedAtMs = performance.now()
  const view = openView(options.json ?? false)
  const scratch = scratchOf(from, to)
  rmSync(scratch, { recursive: true, force: true })
  let report: CopyReport
  try {
    report = await advised(from.kind === 'kafka' ? from : to, () =>
      copyBetween(from, to, {
        groups,
        scratch,
        apply: options.apply ?? false,
        onStatus: view.show,
        signal: stop.signal,
      }),
    )
  } catch (error) {
    // Whatever it broke on the way.
    stop.signal.throwIfAborted()
    throw error
  } finally {
    view.close()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
    rmSync(scratch, { recursive: true, force: true })
  }
  const seconds = (performance.now() - startedAtMs) / 1000
  if (options.json) return sayJson({ event: 'end', ...report, seconds })
  const next = `next: npx wellspring up${await flagsOf(to, options.config)}`
  for (const line of [...endLines(report, seconds, from, to), next]) say(printable(line))
}

/** Flags that lead the next command to an end, whatever variables and the configuration file say. */
async function flagsOf(end: End, config: string | undefined): Promise<string> {
  if (end.kind === 'kafka') return end.place.flags
  // A copy between folders asks nothing of the file: what is wrong there is the next command's to tell.
  const { flags } = await placeOf({ data: end.directory, kafka: false, config }).catch(() => ({ flags: '' }))
  return ` --data ${shellWord(end.directory)}${flags.endsWith(' --no-kafka') ? ' --no-kafka' : ''}`
}

const interrupted = 'interrupted: what was copied is kept; the same command goes on where it stopped'

interface Run extends Pick<CopyOptions, 'groups' | 'onStatus' | 'signal'> {
  scratch: string
  apply: boolean
}

async function copyBetween(from: End, to: End, run: Run): Promise<CopyReport> {
  const { groups, scratch, apply, onStatus, signal } = run
  let opened = 0
  const open = async (end: End, isTarget: boolean): Promise<Log> => {
    if (end.kind === 'kafka') {
      const { openOnKafka } = await import('./kafka.ts')
      const place = { ...end.place, stateDirectory: join(scratch, String(opened++)) }
      const log = await openOnKafka(place, { registersSchemas: isTarget && apply })
      try {
        if (isTarget) {
          await log.administration.check(topicSpecifications(), groups)
          await log.administration.apply([], [copyGroup], place.replication)
        }
        await refuseMembers(log, groups, end.place.sessionTimeoutSeconds, isTarget, signal)
      } catch (error) {
        await log.close()
        throw error
      }
      return log
    }
    const { openEmbeddedLog } = await import('../topics/embedded/log.ts')
    const log = await openEmbeddedLog({ directory: end.directory, mode: 'owner' })
    if (isTarget) await log.ensureTopics(topicSpecifications())
    return log
  }
  if (from.kind === 'embedded') await refuseMissing(from.directory)
  if (to.kind === 'kafka' && apply) {
    const { applyAll } = await import('./administration.ts')
    const { topics, schemas } = await applyAll(to.place)
    if (topics.length + schemas.length > 0) note(`${topics.length} topics and ${schemas.length} schemas made or mended`)
  }
  const source = await open(from, false)
  try {
    if ((await source.describeTopics()).length === 0)
      throw new CommandError(exitCodes.ioError, `there is no corpus in ${wordsOf(from)}`)
    return await copyCorpus({
      ...{ source, groups, subjects: schemaSubjects(), onStatus, signal },
      from: wordsOf(from),
      openTarget: () => open(to, true),
    })
  } catch (error) {
    if (error instanceof CopyRefusal) {
      const named = to.kind === 'kafka' ? `${emptyTarget} (--namespace NAME)` : emptyTarget
      throw new CommandError(refusalExitCodes[error.code], error.message.replace(emptyTarget, named), { cause: error })
    }
    throw error
  } finally {
    await source.close()
  }
}

/** Commands that a failure advises lead to the end on Kafka. */
async function advised<Result>(end: End, work: () => Promise<Result>): Promise<Result> {
  return end.kind === 'kafka' ? await advisedFor(end.place, work) : await work()
}

/** Both ends. @throws ConfigurationError, CommandError */
async function endsOf({ from, to, kafka, registry, namespace, config }: Options): Promise<{ from: End; to: End }> {
  if (from === onKafka && to === onKafka) {
    throw new CommandError(
      exitCodes.usage,
      'one end of a copy is a folder: copy to a folder first, and from there on to the other cluster or namespace',
    )
  }
  const given = Object.entries({ kafka, registry, namespace }).filter(([, value]) => value !== undefined)
  if (from !== onKafka && to !== onKafka && given.length > 0) {
    throw new CommandError(
      exitCodes.usage,
      `--${given.map(([name]) => name).join(', --')} ${given.length === 1 ? 'belongs' : 'belong'} to a corpus on Kafka, and neither end is: say --from kafka or --to kafka (a folder of that name is ./kafka)`,
    )
  }
  const endOf = async (name: 'from' | 'to', where: string): Promise<End> => {
    if (where !== onKafka) return { kind: 'embedded', directory: where }
    const place = await placeOf({ kafka, registry, namespace, config })
    if (place.kind === 'kafka') return { kind: 'kafka', place }
    throw new ConfigurationError([`--${name} kafka: name its brokers with --kafka HOST:PORT`])
  }
  const ends = { from: await endOf('from', from), to: await endOf('to', to) }
  if (from !== onKafka && to !== onKafka && realPath(from) === realPath(to))
    throw new CommandError(exitCodes.usage, `--from and --to are the same folder ${from}`)
  return ends
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path)
}

/** A folder beside the data of the end that is one. */
function scratchOf(from: End, to: End): string {
  const folder = from.kind === 'embedded' ? from.directory : to.kind === 'embedded' ? to.directory : '.'
  return join(folder, scratchFolder)
}

/** A corpus must be there; looking for it makes none. @throws CommandError, LogError */
async function refuseMissing(directory: string): Promise<void> {
  if (existsSync(directory)) {
    const { openEmbeddedLog } = await import('../topics/embedded/log.ts')
    const log = await openEmbeddedLog({ directory, mode: 'client' })
    const topics = await log.describeTopics().finally(() => log.close())
    if (topics.length > 0) return
  }
  throw new CommandError(exitCodes.ioError, `there is no corpus in ${directory}: name its folder with --from DIR`)
}

/** One that was killed counts until its session ends: so long they are waited for. @throws CommandError where processors run */
async function refuseMembers(
  { administration }: KafkaLog,
  groups: readonly Group[],
  sessionSeconds: number,
  isTarget: boolean,
  signal: AbortSignal,
): Promise<void> {
  const giveUpAtMs = performance.now() + (sessionSeconds + sessionGraceSeconds) * 1000
  for (let isTold = false; ; isTold = true) {
    const members = await administration.members(groups.map(({ name }) => name))
    if (members.size === 0) return
    const list = [...members].map(([name, count]) => (count === 1 ? name : `${name} (${count} processes)`)).join(', ')
    const end = isTarget ? 'target' : 'source'
    if (performance.now() > giveUpAtMs)
      throw new CommandError(exitCodes.busy, `the ${end} is at work: stop ${list} first, and copy then`)
    if (!isTold) note(`waiting for ${list} to leave the ${end}: who was killed counts until its session ends`)
    await pause(memberPollSeconds * 1000, undefined, { signal })
  }
}

function wordsOf(end: End): string {
  return end.kind === 'embedded'
    ? `the folder ${resolve(end.directory)}`
    : `namespace ${end.place.namespace} on ${end.place.brokers.join(',')}`
}

interface View {
  show: (status: CopyStatus) => void
  close: () => void
}

/** How far it is: a line that changes on a terminal, a line now and then elsewhere, JSON lines with --json, which tell each phase at once. */
function openView(json: boolean): View {
  const isLive = !json && process.stderr.isTTY
  let last: CopyStatus | undefined
  const tell = (): void => {
    if (!last) return
    if (json) sayJson({ event: 'status', ...last })
    else if (isLive) process.stderr.write(`\r${statusLine(last)}\u001b[K`)
    else note(statusLine(last))
  }
  const timer = setInterval(tell, (json ? jsonSeconds : isLive ? liveSeconds : plainSeconds) * 1000)
  return {
    show: (status) => {
      const isNew = status.phase !== last?.phase
      last = { ...status }
      if (isNew && json) tell()
    },
    close: () => {
      clearInterval(timer)
      if (isLive) process.stderr.write('\r\u001b[K')
    },
  }
}

function statusLine({ phase, topic, records, total, bytes }: CopyStatus): string {
  if (phase === 'settling')
    return 'waiting for what a process that was killed left open on the source: brokers give it up after a minute or so'
  if (phase === 'opening') return 'opening the target; a copy that was killed holds it until its session ends'
  if (phase === 'tasks') return `copying progress and state of ${topic}`
  const verb = phase === 'records' ? 'copied' : 'checked'
  return `${verb} ${formatCount(records)} of about ${formatCount(total)} records, ${formatBytes(bytes)}, ${topic}`
}

function endLines(report: CopyReport, seconds: number, from: End, to: End): string[] {
  const { records, recordsBefore, tasks, stateEntries, gonePositions, callsLeft, recordsSince, unknownTopics } = report
  const gone = Object.entries(gonePositions).map(([what, count]) => `${formatCount(count)} in ${what}`)
  const before = recordsBefore > 0 ? ` (${formatCount(recordsBefore)} by an earlier run)` : ''
  return [
    `copied ${wordsOf(from)} to ${wordsOf(to)} in ${formatDuration(seconds)}: ${formatCount(records)} records${before}, ${formatCount(tasks)} tasks with ${formatCount(stateEntries)} entries of state`,
    'checked: every record, position and entry of state is that of the source',
    ...(gone.length > 0
      ? [`positions of records that retention had taken before: ${gone.join(', ')}; their offset is -1 now`]
      : []),
    ...(callsLeft > 0
      ? [`left behind, as retention had taken their records before: ${formatCount(callsLeft)} finished calls`]
      : []),
    ...(unknownTopics.length > 0
      ? [`left behind, as this release does not know them: topics ${unknownTopics.join(', ')}`]
      : []),
    ...(recordsSince > 0
      ? [`${formatCount(recordsSince)} records were ingested meanwhile: run the same command again to take them over`]
      : []),
  ]
}
