/** `wellspring plan`: what so many GPUs make in a day, and what has to stand around them. The model: docs/capacity.md. */
import { Command } from 'commander'
import { parseShares } from '../curation/sampling.ts'
import { testKinds } from '../curation/written-tests.ts'
import { domains as allDomains } from '../domains/index.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { changelogSubjectsOf, groupOf } from '../engine/runtime.ts'
import { processors } from '../processors/index.ts'
import { topics } from '../topics/catalogue.ts'
import { assumedBytes, assumedDomain, machine } from './capacity-assumptions.ts'
import { measureFigures, type MeasuredFigures } from './capacity-figures.ts'
import { capacityOf, type Capacity, type CapacityInputs, type CapacityRules, type DomainFigures } from './capacity.ts'
import { loadConfiguration, type Configuration } from './configuration.ts'
import { openBeside, useCorpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOptions, type PlaceFlags } from './place.ts'
import { formatBytes, formatCount, formatDuration, say, sayJson, tableLines } from './terminal.ts'

interface Options extends PlaceFlags {
  gpus: string
  tokensPerSecond: string
  callTokensPerSecond?: string
  from?: boolean
  solvers?: string
  judges?: string
  days: string
  replication: string
  problems?: string
  set?: string[]
  json?: boolean
}

export function planCommand(): Command {
  return placeOptions(new Command('plan'))
    .requiredOption('--gpus <count>', 'GPUs that serve models')
    .requiredOption(
      '--tokens-per-second <rate>',
      'tokens that one GPU writes in a second with its batch full, as a benchmark of its server tells',
    )
    .option('--call-tokens-per-second <rate>', 'tokens that one call gets of these in a second')
    .option('--from', 'measure lengths, yields and sizes in the corpus (--data, --kafka) in place of assuming them')
    .option('--solvers <count>', 'solver models (default: those of the configuration or the corpus, else 1)')
    .option('--judges <count>', 'judge models (default: as of solvers)')
    .option('--problems <count>', 'a goal: how long so many synthetic problems take')
    .option('--days <count>', 'how long the corpus grows, for its disks', '30')
    .option('--replication <count>', 'copies of each partition on Kafka', '3')
    .option('--set <setting=value...>', 'a setting, such as plan-rollouts.attempts=4 (see docs/settings.md)')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Every number that the plan rests on is told with what it is: given, a setting in force, measured, or assumed. Assumed numbers are of no
model in particular: grow a few hundred problems with yours, then use --from. What the model leaves out: docs/capacity.md.

Examples:
  wellspring plan --gpus 64 --tokens-per-second 2500
  wellspring plan --gpus 64 --tokens-per-second 2500 --from --data wellspring-data
  wellspring plan --gpus 8 --tokens-per-second 3000 --set profile=paper --json`,
    )
    .action(async (options: Options) => {
      const configuration = loadConfiguration(options)
      const rules = rulesOf(configuration)
      const { place } = configuration
      const measured = options.from
        ? await useCorpus(place, openBeside, (corpus) =>
            measureFigures(corpus, {
              maxPairs: rules.maxPairsPerProblem,
              directory: place.kind === 'embedded' ? place.directory : undefined,
            }),
          )
        : undefined
      if (measured && measured.problems < fewestProblems)
        throw new CommandError(
          exitCodes.usage,
          `--from: the corpus has ${measured.problems} synthetic problems, expected at least ${fewestProblems} to measure by; grow it first, or leave --from out`,
        )
      const plan = planOf(options, configuration, rules, measured)
      if (options.json) sayJson(plan)
      else for (const line of linesOf(plan)) say(line)
    })
}

/** Fewer tell nothing of yields. */
const fewestProblems = 50

/** A number that the plan rests on. */
interface Known {
  name: string
  value: number
  unit: string
  basis: 'given' | 'setting' | 'measured' | 'assumed'
  source: string
}

/** What stands around the GPUs. Sizes in bytes. */
interface Surroundings {
  /** Processes for calls and records, each on one core. */
  streamProcesses: number
  verifierCores: number
  /** Of a process of the stream. */
  processMemory: number
  screenMemory: number
  /** Least window of each processor with calls, in records of one task. */
  windows: { processor: string; recordsInFlight: number; tasks: number; maxInFlight: number; enough: boolean }[]
  partitions: number
  brokers: number
  brokerDisk: number
  registrySubjects: number
  folderDisk: number
  /** What one task can't do. */
  warnings: string[]
}

interface Plan {
  known: Known[]
  day: Capacity
  surroundings: Surroundings
  days: number
  goal?: { problems: number; seconds: number }
}

function numberOf(name: string, text: string, { least, whole = false }: { least: number; whole?: boolean }): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= least) || !Number.isFinite(value) || (whole && !Number.isInteger(value)))
    throw new CommandError(
      exitCodes.usage,
      `--${name}: expected a ${whole ? 'whole ' : ''}number from ${least} on, got "${text}"`,
    )
  return value
}

/** The settings in force that the model knows of. */
function rulesOf({ processors: configured, run }: Configuration): CapacityRules {
  const of = (name: string): Readonly<Record<string, unknown>> => configured.get(name)?.config ?? {}
  const [plan, vote, pairs, write] = [
    of('plan-rollouts'),
    of('vote-answer'),
    of('build-pairs'),
    of('generate-rationale'),
  ]
  return {
    attempts: {
      attempts: Number(plan['attempts']),
      tooEasyAt: Number(plan['tooEasyAt']),
      tooEasyWhen: plan['tooEasyWhen'] === 'more-than' ? 'more-than' : 'at-least',
      maxRepeats: Number(plan['maxRepeats']),
      adaptive: plan['adaptive'] === true,
      giveUpAfterAttempts: Number(plan['giveUpAfterAttempts']),
      weighTests: plan['weighTests'] === true,
    },
    votes: {
      generations: Number(vote['generations']),
      rule: vote['rule'] === 'plurality' ? 'plurality' : 'majority',
      margin: Number(vote['marginVotes']),
      stopWhenDecided: vote['stopWhenDecided'] === true,
    },
    maxPairsPerProblem: Number(pairs['maxPairsPerProblem']),
    writerCalls: write['mode'] === 'staged' ? 2 : 1,
    retentionSeconds: run.retentionSeconds,
    maxInFlight: Number(configured.get('roll-out')?.limits.maxInFlight),
  }
}

function planOf(
  options: Options,
  configuration: Configuration,
  rules: CapacityRules,
  measured: MeasuredFigures | undefined,
): Plan {
  const known: Known[] = []
  const know = (name: string, value: number, unit: string, basis: Known['basis'], source: string): number => {
    known.push({ name, value, unit, basis, source })
    return value
  }
  const given = (name: string, text: string, unit: string, least = 0, whole = false): number =>
    know(name, numberOf(name, text, { least, whole }), unit, 'given', `--${name}`)
  const gpus = given('gpus', options.gpus, '', 1, true)
  const tokensPerSecond = given('tokens-per-second', options.tokensPerSecond, 'tokens/s', 0.001)
  const corpus = `${measured?.problems ?? 0} problems of the corpus`
  const { callTokensPerSecond: callSpeed, utilisation } = machine
  const callTokensPerSecond =
    options.callTokensPerSecond !== undefined
      ? given('call-tokens-per-second', options.callTokensPerSecond, 'tokens/s', 0.001)
      : measured
        ? know('call-tokens-per-second', measured.callTokensPerSecond, 'tokens/s', 'measured', corpus)
        : know('call-tokens-per-second', callSpeed.value, callSpeed.unit, 'assumed', callSpeed.source)
  know('utilisation', utilisation.value, utilisation.unit, 'measured', utilisation.source)

  const roles = configuration.inference?.roles
  const counted = (role: 'solver' | 'judge', option: string | undefined, found: number | undefined): number =>
    option !== undefined
      ? given(`${role}s`, option, 'models', role === 'judge' ? 0 : 1, true)
      : roles
        ? know(`${role}s`, roles[role]?.length ?? 0, 'models', 'setting', `roles.${role}`)
        : found !== undefined
          ? know(`${role}s`, found, 'models', 'measured', corpus)
          : know(`${role}s`, 1, 'models', 'assumed', 'one model does everything')
  const foundSolvers = new Set(measured?.domains.flatMap((domain) => Object.keys(domain.solvers))).size
  const solvers = counted('solver', options.solvers, measured && foundSolvers)
  const judges = counted('judge', options.judges, measured?.judges)
  const teachers = roles ? (roles.teacher?.length ?? 0) : (measured?.teachers ?? 1)
  const domains = domainsOf(configuration, measured, solvers)
  for (const domain of domains) tellDomain(domain, rules, measured ? 'measured' : 'assumed', measured ? corpus : 'a model of about 30 billion parameters that reasons', know) // prettier-ignore
  const isSetting = (name: string): string => configuration.found.find(({ path }) => path === `processors.${name}`)?.origin ?? 'default' // prettier-ignore
  know('attempts', rules.attempts.attempts, '', 'setting', isSetting('plan-rollouts.attempts'))
  know(
    'adaptive attempts',
    Number(rules.attempts.adaptive),
    'yes or no',
    'setting',
    isSetting('plan-rollouts.adaptive'),
  )
  know('too easy at', rules.attempts.tooEasyAt, 'share', 'setting', isSetting('plan-rollouts.tooEasyAt'))
  know('votes', rules.votes.generations, '', 'setting', isSetting('vote-answer.generations'))
  know('retention', rules.retentionSeconds, 's', 'setting', 'run.retentionSeconds')
  const diskFactor = measured?.diskFactor ?? 1.3
  know('disk over stored bytes', diskFactor, '', measured ? 'measured' : 'assumed', measured ? corpus : 'pages, indexes, free space') // prettier-ignore
  const inputs: CapacityInputs = {
    ...{ gpus, tokensPerSecond, callTokensPerSecond, utilisation: utilisation.value },
    ...{ judges, teachers, domains, rules, diskFactor },
  }
  const day = capacityOf(inputs)
  const days = given('days', options.days, 'd', 0)
  const replication = given('replication', options.replication, 'copies', 1, true)
  const goal = options.problems === undefined ? undefined : numberOf('problems', options.problems, { least: 1, whole: true }) // prettier-ignore
  const told = ['callTokensPerSecond', 'utilisation']
  for (const [name, { value, unit, basis, source }] of Object.entries(machine))
    if (!told.includes(name)) know(name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), value, unit, basis, source) // prettier-ignore
  return {
    known,
    day,
    surroundings: surroundingsOf(day, inputs, days, replication),
    days,
    ...(goal !== undefined && { goal: { problems: goal, seconds: (goal / day.problems) * 86_400 } }),
  }
}

/** Domains by their share in the settings, with what is known of them; those of a corpus alone where it is measured. */
function domainsOf(
  configuration: Configuration,
  measured: MeasuredFigures | undefined,
  solvers: number,
): DomainFigures[] {
  const shares = parseShares(String(configuration.processors.get('sample-concepts')?.config['domainShares']))
  if (!(shares instanceof Map)) throw new ConfigurationError([`sample-concepts.domainShares: ${shares.fault}`])
  const found = allDomains.flatMap((domain): DomainFigures[] => {
    const share = shares.get(domain.name) ?? 0
    if (share === 0) return []
    if (!measured) return [assumedDomain(domain, share, solvers)]
    const one = measured.domains.find(({ name }) => name === domain.name)
    if (!one) return []
    const solved = { ...one, share, solvers: solversOf(one, solvers) }
    // A corpus on Kafka does not tell the size of its records.
    const isSized = Object.values(one.bytes).some((bytes) => bytes > 0)
    return [isSized ? solved : { ...solved, bytes: assumedBytes(solved) }]
  })
  if (found.length > 0) return found
  throw new CommandError(
    exitCodes.usage,
    '--from: the corpus has no problems of any domain in sample-concepts.domainShares',
  )
}

/** So many solvers: those that were measured, the first ones again where there are more. */
function solversOf({ solvers }: DomainFigures, count: number): DomainFigures['solvers'] {
  const known = Object.entries(solvers)
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => known[index % Math.max(1, known.length)]).flatMap((one, index) =>
      one ? [[index < known.length ? one[0] : `${one[0]} (${index + 1})`, one[1]] as const] : [],
    ),
  )
}

type Know = (name: string, value: number, unit: string, basis: Known['basis'], source: string) => number

function tellDomain(
  domain: DomainFigures,
  { attempts }: CapacityRules,
  basis: Known['basis'],
  source: string,
  know: Know,
): void {
  const tell = (name: string, value: number, unit: string): number =>
    know(`${domain.name}: ${name}`, value, unit, basis, source)
  tell('combinations that become a problem', domain.written, 'share')
  tell('problems that pass screening', domain.screened, 'share')
  tell('screened problems that judges accept', domain.accepted, 'share')
  if (domain.checkedBy === 'answer') {
    tell('votes for the first answer', domain.agreement.mean * (1 - domain.agreement.never), 'share')
    tell('decided votes that are taken', domain.checked, 'share')
  } else tell('accepted problems with enough tests', domain.checked, 'share')
  for (const [name, solver] of Object.entries(domain.solvers)) {
    const chance = domain.checkedBy === 'tests' && attempts.weighTests ? solver.weighed : solver.plain
    tell(`${name}: problems that it never solves`, chance.never, 'share')
    tell(`${name}: mean pass rate at the others`, chance.mean, 'share')
    tell(`${name}: tokens of an attempt that passes`, solver.passed.completion, 'tokens')
    tell(`${name}: tokens of one that fails`, solver.failed.completion, 'tokens')
  }
  for (const [role, { completion }] of Object.entries(domain.tokens))
    if (role !== (domain.checkedBy === 'answer' ? 'test-writer' : 'voter')) tell(`${role}: tokens of a call`, completion, 'tokens') // prettier-ignore
  tell('verifying one attempt', domain.verdictCoreSeconds, 's of a core')
}

/** Calls that a record of a processor may have in flight, and the role of its calls. */
const callsOfRecord: readonly { processor: string; role: string; calls: (inputs: CapacityInputs) => number }[] = [
  { processor: 'generate-rationale', role: 'problem-writer', calls: () => 1 },
  { processor: 'judge-problem', role: 'judge', calls: ({ judges }) => Math.max(1, judges) },
  { processor: 'generate-test-cases', role: 'test-writer', calls: () => testKinds.length },
  { processor: 'vote-answer', role: 'voter', calls: ({ rules }) => rules.votes.generations / 2 },
  { processor: 'roll-out', role: 'solver', calls: () => 1 },
  { processor: 'teach', role: 'teacher', calls: () => 1 },
]

function surroundingsOf(day: Capacity, inputs: CapacityInputs, days: number, replication: number): Surroundings {
  const perSecond = (count: number): number => count / 86_400
  const streamProcesses = Math.max(1, Math.ceil((perSecond(day.calls) * machine.callCoreSeconds.value) / machine.mostCoreLoad.value)) // prettier-ignore
  const windows = callsOfRecord.flatMap(({ processor, role, calls }) => {
    const declaration = processors.find(({ name }) => name === processor)
    const inFlight = day.callsInFlightOf[role] ?? 0
    if (!declaration || inFlight === 0) return []
    const { tasks } = groupOf(declaration)
    const recordsInFlight = Math.ceil(inFlight / calls(inputs))
    // Keys are spread unevenly over tasks: half as much again.
    const maxInFlight = Math.ceil((1.5 * recordsInFlight) / tasks)
    return [{ processor, recordsInFlight, tasks, maxInFlight, enough: maxInFlight <= inputs.rules.maxInFlight }]
  })
  const { brokerBytes, brokerBytesPerSecond, screenedPerSecond, drawnPerSecond } = machine
  const stored = (day.keptBytes * days + day.transientBytes) * replication
  const brokers = Math.max(
    replication,
    Math.ceil(stored / brokerBytes.value),
    Math.ceil((day.bytesPerSecond * replication) / brokerBytesPerSecond.value),
  )
  const most = Math.max(...processors.map((declaration) => groupOf(declaration).tasks))
  return {
    streamProcesses,
    verifierCores: day.verifierCores / machine.mostCoreLoad.value,
    processMemory: machine.processMemory.value + (day.callsInFlight / streamProcesses) * machine.callMemory.value,
    screenMemory: day.problems * days * machine.screenMemory.value,
    windows,
    partitions:
      Object.values(topics).reduce((sum, { partitions }) => sum + partitions, 0) +
      processors.reduce((sum, declaration) => sum + groupOf(declaration).tasks, 0),
    brokers,
    brokerDisk: stored / brokers,
    registrySubjects: Object.keys(topics).length + processors.reduce((sum, one) => sum + changelogSubjectsOf(one).length, 0), // prettier-ignore
    folderDisk: day.keptBytes * days + day.transientBytes,
    warnings: [
      ...(perSecond(day.problems) > screenedPerSecond.value
        ? [`screen-problem has one task, which screens ${formatCount(screenedPerSecond.value)} problems a second`]
        : []),
      ...(perSecond(day.combinations) > drawnPerSecond.value
        ? [`sample-concepts has one task, which draws ${formatCount(drawnPerSecond.value)} combinations a second`]
        : []),
      ...(streamProcesses > most
        ? [
            `a processor has at most ${most} tasks: more than ${most} processes share its work only where they run different processors`,
          ]
        : []),
    ],
  }
}

const rounded = (value: number): string =>
  value >= 100 ? formatCount(value) : value === 0 ? '0' : String(Number(value.toPrecision(3)))

function linesOf({ known, day, surroundings, days, goal }: Plan): string[] {
  const one = day.yield
  const whole = (value: number): string => formatCount(value)
  const total = Object.values(one.completionTokens).reduce((sum, value) => sum + value, 0)
  const solved = Object.values(one.outcomes).reduce((sum, value) => sum + value, 0)
  const percent = (part: number): string => `${((100 * part) / solved).toFixed(0)} %`
  const roles = Object.entries(one.calls).sort(([a], [b]) => (one.completionTokens[b] ?? 0) - (one.completionTokens[a] ?? 0)) // prettier-ignore
  const { windows } = surroundings
  const tight = windows.filter(({ enough }) => !enough)
  const verifyCores = Math.max(1, Math.ceil(surroundings.verifierCores))
  return [
    'in a day',
    ...tableLines(
      ['', 'a day', 'a second'],
      [
        ['synthetic problems', whole(day.problems), rounded(day.problems / 86_400)],
        ['problems with checks', whole(day.checked), rounded(day.checked / 86_400)],
        ['verdicts', whole(day.verdicts), rounded(day.verdicts / 86_400)],
        ['preference pairs', whole(day.pairs), rounded(day.pairs / 86_400)],
        ['SFT rows', whole(day.sftRows), rounded(day.sftRows / 86_400)],
        ['model calls', whole(day.calls), rounded(day.calls / 86_400)],
        ['written tokens', whole(day.completionTokens), rounded(day.completionTokens / 86_400)],
        ['prompt tokens', whole(day.promptTokens), rounded(day.promptTokens / 86_400)],
      ],
    ).slice(0),
    `outcomes: kept ${percent(one.outcomes.kept)}, too easy ${percent(one.outcomes.too_easy)}, unsolved ${percent(one.outcomes.unsolved)}`,
    ...(goal
      ? [
          `${formatCount(goal.problems)} synthetic problems: ${goal.seconds > 172_800 ? `${formatCount(goal.seconds / 86_400)} days` : formatDuration(goal.seconds)}`,
        ]
      : []),
    '',
    'calls',
    ...tableLines(
      ['role', 'calls a problem', 'tokens a problem', 'of all', 'in flight'],
      roles.map(([role, calls]) => [
        role,
        rounded(calls / one.problems),
        rounded((one.completionTokens[role] ?? 0) / one.problems),
        `${((100 * (one.completionTokens[role] ?? 0)) / total).toFixed(1)} %`,
        rounded(day.callsInFlightOf[role] ?? 0),
      ]),
    ),
    `in flight: ${rounded(day.callsInFlight)} in all; ${tight.length === 0 ? 'the windows are wide enough' : `set ${tight.map(({ processor, maxInFlight }) => `${processor}.maxInFlight=${maxInFlight}`).join(' ')}`}`,
    '',
    'around them',
    ...tableLines(
      ['', ''],
      [
        ['processes of the stream, a core each', whole(surroundings.streamProcesses)],
        ['memory of each', formatBytes(surroundings.processMemory)],
        [`memory of screen-problem more, after ${days} days`, formatBytes(surroundings.screenMemory)],
        ['cores for verify-rollout', whole(verifyCores)],
        ['partitions, changelogs included (fixed)', whole(surroundings.partitions)],
        ['brokers', whole(surroundings.brokers)],
        [`disk of each after ${days} days`, formatBytes(surroundings.brokerDisk)],
        ['schema registry: subjects; asked at starts alone', whole(surroundings.registrySubjects)],
        ['stored a day and kept', formatBytes(day.keptBytes)],
        ['transient, at any time', formatBytes(day.transientBytes)],
        [`in a folder in place of Kafka, after ${days} days`, formatBytes(surroundings.folderDisk)],
      ],
    ).slice(1),
    ...surroundings.warnings.map((warning) => `beware: ${warning}`),
    '',
    'it rests on',
    ...tableLines(
      ['number', 'value', 'is', 'source'],
      known.map(({ name, value, unit, basis, source }) => [
        name,
        unit === 'B' ? formatBytes(value) : `${rounded(value)}${unit === '' ? '' : ` ${unit}`}`,
        basis,
        source,
      ]),
    ),
  ]
}
