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
import { domainNumbers, knownLines, rounded, ruleNumbers, type Known } from './plan-numbers.ts'
import { formatBytes, formatCount, formatDuration, say, sayJson, tableLines } from './terminal.ts'

interface Options extends PlaceFlags {
  gpus: string
  tokensPerSecond: string
  callTokensPerSecond?: string
  from?: boolean
  solvers?: string
  judges?: string
  days?: string
  replication?: string
  problems?: string
  set?: string[]
  json?: boolean
}

/** Of flags that are not given. */
const defaults = { days: 30, replication: 3 }

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
    .option('--days <count>', `how long the corpus grows, for its disks (default: ${defaults.days})`)
    .option('--replication <count>', `copies of each partition on Kafka (default: ${defaults.replication})`)
    .option('--set <setting=value...>', 'a setting, such as plan-rollouts.attempts=4 (see docs/settings.md)')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Every number that the plan rests on is told with what it is: given, the default of a flag, a setting in force, measured, assumed, or fixed by
the method. Assumed numbers are of no model in particular, and a simulated corpus (npm start) tells nothing of real models: grow a few hundred
problems with yours, then use --from. What the model leaves out: docs/capacity.md.

Examples:
  wellspring plan --gpus 64 --tokens-per-second 2500
  wellspring plan --gpus 64 --tokens-per-second 2500 --from --data wellspring-data
  wellspring plan --gpus 8 --tokens-per-second 3000 --set profile=paper --json`,
    )
    .action(async (options: Options) => {
      refuseCorpus(options)
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

/** Without --from no corpus is read. @throws CommandError where one is named all the same */
function refuseCorpus({ from, data, kafka, registry, namespace }: Options): void {
  const named = Object.entries({ data, kafka, registry, namespace }).find(([, value]) => typeof value === 'string')
  if (from || !named) return
  throw new CommandError(
    exitCodes.usage,
    `--${named[0]} names a corpus, which is measured with --from alone: add --from, or leave --${named[0]} out`,
  )
}

/** Fewer tell nothing of yields. */
const fewestProblems = 50

/** What stands around the GPUs. Sizes in bytes. */
interface Surroundings {
  /** Processes for calls and records, each on one core. */
  streamProcesses: number
  verifierCores: number
  /** Of a process of the stream. */
  processMemory: number
  screenMemory: number
  /** Least window of each processor with calls, in records of one task. */
  windows: {
    processor: string
    recordsInFlight: number
    tasks: number
    maxInFlight: number
    /** The window that is set. */
    window: number
    enough: boolean
  }[]
  partitions: number
  brokers: number
  brokerDisk: number
  registrySubjects: number
  folderDisk: number
  /** What one task can't do. */
  warnings: string[]
}

interface Plan {
  /** Whether simulated models had a part in what was measured. */
  simulated: boolean
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
  }
}

/** What the corpus is called where a figure was measured in it. */
function corpusText({ problems, simulatedProblems }: MeasuredFigures): string {
  if (simulatedProblems === problems) return `${problems} simulated problems of the corpus`
  const simulated = simulatedProblems === 0 ? '' : `, ${simulatedProblems} of them simulated`
  return `${problems} problems of the corpus${simulated}`
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
  const given = (name: string, text: string, unit: string, least: number, whole = false): number =>
    know(name, numberOf(name, text, { least, whole }), unit, 'given', `--${name}`)
  const gpus = given('gpus', options.gpus, '', 1, true)
  const tokensPerSecond = given('tokens-per-second', options.tokensPerSecond, 'tokens/s', 0.001)
  const corpus = measured ? corpusText(measured) : ''
  const { callTokensPerSecond: callSpeed, utilisation } = machine
  const callTokensPerSecond =
    options.callTokensPerSecond !== undefined
      ? given('call-tokens-per-second', options.callTokensPerSecond, 'tokens/s', 0.001)
      : measured
        ? know('call-tokens-per-second', measured.callTokensPerSecond, 'tokens/s', 'measured', corpus)
        : know('call-tokens-per-second', callSpeed.value, callSpeed.unit, 'assumed', callSpeed.source)
  know('utilisation', utilisation.value, utilisation.unit, utilisation.basis, utilisation.source)

  const roles = configuration.inference?.roles
  const models = (
    role: 'solver' | 'judge' | 'teacher',
    option: string | undefined,
    found: number | undefined,
  ): number =>
    option !== undefined
      ? given(`${role}s`, option, '', role === 'solver' ? 1 : 0, true)
      : roles
        ? know(`${role}s`, roles[role]?.length ?? 0, '', 'setting', `roles.${role}`)
        : found !== undefined
          ? know(`${role}s`, found, '', 'measured', corpus)
          : know(`${role}s`, 1, '', 'assumed', 'one model does everything')
  const foundSolvers = new Set(measured?.domains.flatMap((domain) => Object.keys(domain.solvers))).size
  const solvers = models('solver', options.solvers, measured && foundSolvers)
  const judges = models('judge', options.judges, measured?.judges)
  const teachers = models('teacher', undefined, measured?.teachers)
  const diskFactor = measured
    ? know('disk over stored bytes', measured.diskFactor, '', 'measured', corpus)
    : know('disk over stored bytes', 1.3, '', 'assumed', 'pages, indexes, free space')
  const flag = (name: string, option: string | undefined, byDefault: number, unit: string, whole: boolean): number =>
    option === undefined ? know(name, byDefault, unit, 'default', `--${name}`) : given(name, option, unit, 1, whole)
  const days = flag('days', options.days, defaults.days, 'd', false)
  const replication = flag('replication', options.replication, defaults.replication, '', true)
  const goal = options.problems === undefined ? undefined : given('problems', options.problems, '', 1, true)
  const origins = new Map(configuration.found.map(({ path, origin }) => [path, origin]))
  const originOf = (name: string): string | undefined => origins.get(name) ?? origins.get(`processors.${name}`)
  known.push(...ruleNumbers(rules, originOf))
  const domains = domainsOf(configuration, measured, solvers)
  const inputs: CapacityInputs = {
    ...{ gpus, tokensPerSecond, callTokensPerSecond, utilisation: utilisation.value },
    ...{ judges, teachers, domains: domains.map(({ domain }) => domain), rules, diskFactor },
  }
  const day = capacityOf(inputs)
  const surroundings = surroundingsOf(day, inputs, { days, replication, processors: configuration.processors })
  for (const { processor, window } of surroundings.windows) {
    const setting = `${processor}.maxInFlight`
    know(`${processor}: records of a task in flight`, window, '', 'setting', `${setting} (${originOf(setting) ?? 'default'})`) // prettier-ignore
  }
  know('windows over the records in flight', unevenKeys, '', 'fixed', 'keys are spread unevenly over tasks')
  const told = ['callTokensPerSecond', 'utilisation']
  for (const [name, { value, unit, basis, source }] of Object.entries(machine))
    if (!told.includes(name)) know(name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), value, unit, basis, source) // prettier-ignore
  const sharesSetting = 'sample-concepts.domainShares'
  const figures: Pick<Known, 'basis' | 'source'> = measured
    ? { basis: 'measured', source: corpus }
    : { basis: 'assumed', source: 'a model of about 30 billion parameters that reasons' }
  for (const { domain, isSized } of domains)
    known.push(
      ...domainNumbers(domain, inputs, {
        share: { basis: 'setting', source: `${sharesSetting} (${originOf(sharesSetting) ?? 'default'})` },
        figures,
        bytes: isSized ? figures : { basis: 'assumed', source: 'by the tokens of its texts' },
      }),
    )
  return {
    simulated: (measured?.simulatedProblems ?? 0) > 0,
    known,
    day,
    surroundings,
    days,
    ...(goal !== undefined && { goal: { problems: goal, seconds: (goal / day.problems) * 86_400 } }),
  }
}

/** Domains by their share in the settings, with what is known of them; those of a corpus alone where it is measured. */
function domainsOf(
  configuration: Configuration,
  measured: MeasuredFigures | undefined,
  solvers: number,
): { domain: DomainFigures; isSized: boolean }[] {
  const shares = parseShares(String(configuration.processors.get('sample-concepts')?.config['domainShares']))
  if (!(shares instanceof Map)) throw new ConfigurationError([`sample-concepts.domainShares: ${shares.fault}`])
  const found = allDomains.flatMap((domain): { domain: DomainFigures; isSized: boolean }[] => {
    const share = shares.get(domain.name) ?? 0
    if (share === 0) return []
    if (!measured) return [{ domain: assumedDomain(domain, share, solvers), isSized: false }]
    const one = measured.domains.find(({ name }) => name === domain.name)
    if (!one) return []
    const solved = { ...one, share, solvers: solversOf(one, solvers) }
    // A corpus on Kafka does not tell the size of its records.
    const isSized = Object.values(one.bytes).some((bytes) => bytes > 0)
    return [{ domain: isSized ? solved : { ...solved, bytes: assumedBytes(solved) }, isSized }]
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

/** Calls that a record of a processor may have in flight, and the role of its calls. */
const callsOfRecord: readonly { processor: string; role: string; calls: (inputs: CapacityInputs) => number }[] = [
  { processor: 'generate-rationale', role: 'problem-writer', calls: () => 1 },
  { processor: 'judge-problem', role: 'judge', calls: ({ judges }) => Math.max(1, judges) },
  { processor: 'generate-test-cases', role: 'test-writer', calls: () => testKinds.length },
  { processor: 'vote-answer', role: 'voter', calls: ({ rules }) => rules.votes.generations / 2 },
  { processor: 'roll-out', role: 'solver', calls: () => 1 },
  { processor: 'teach', role: 'teacher', calls: () => 1 },
]

/** Keys are spread unevenly over tasks: windows are half as wide again. */
const unevenKeys = 1.5

function surroundingsOf(
  day: Capacity,
  inputs: CapacityInputs,
  {
    days,
    replication,
    processors: configured,
  }: { days: number; replication: number; processors: Configuration['processors'] },
): Surroundings {
  const perSecond = (count: number): number => count / 86_400
  const streamProcesses = Math.max(1, Math.ceil((perSecond(day.calls) * machine.callCoreSeconds.value) / machine.mostCoreLoad.value)) // prettier-ignore
  const windows = callsOfRecord.flatMap(({ processor, role, calls }) => {
    const declaration = processors.find(({ name }) => name === processor)
    const inFlight = day.callsInFlightOf[role] ?? 0
    if (!declaration || inFlight === 0) return []
    const { tasks } = groupOf(declaration)
    const recordsInFlight = Math.ceil(inFlight / calls(inputs))
    const maxInFlight = Math.ceil((unevenKeys * recordsInFlight) / tasks)
    const window = Number(configured.get(processor)?.limits.maxInFlight)
    return [{ processor, recordsInFlight, tasks, maxInFlight, window, enough: maxInFlight <= window }]
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

function linesOf({ simulated, known, day, surroundings, days, goal }: Plan): string[] {
  const one = day.yield
  const whole = (value: number): string => formatCount(value)
  const total = Object.values(one.completionTokens).reduce((sum, value) => sum + value, 0)
  const solved = Object.values(one.outcomes).reduce((sum, value) => sum + value, 0)
  const percent = (part: number): string => `${((100 * part) / solved).toFixed(0)} %`
  const roles = Object.entries(one.calls).sort(([a], [b]) => (one.completionTokens[b] ?? 0) - (one.completionTokens[a] ?? 0)) // prettier-ignore
  const { windows } = surroundings
  const tight = windows.filter(({ enough }) => !enough)
  const verifyCores = Math.max(1, Math.ceil(surroundings.verifierCores))
  const after = `after ${days === 1 ? 'a day' : `${days} days`}`
  return [
    ...(simulated
      ? [
          'simulated: what it was measured by was made with simulated models; real ones have other lengths, yields and speeds',
          '',
        ]
      : []),
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
    ),
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
        [`memory of screen-problem more, ${after}`, formatBytes(surroundings.screenMemory)],
        ['cores for verify-rollout', whole(verifyCores)],
        ['partitions, changelogs included (fixed)', whole(surroundings.partitions)],
        ['brokers', whole(surroundings.brokers)],
        [`disk of each ${after}`, formatBytes(surroundings.brokerDisk)],
        ['schema registry: subjects; asked at starts alone', whole(surroundings.registrySubjects)],
        ['stored a day and kept', formatBytes(day.keptBytes)],
        ['transient, at any time', formatBytes(day.transientBytes)],
        [`in a folder in place of Kafka, ${after}`, formatBytes(surroundings.folderDisk)],
      ],
    ).slice(1),
    ...surroundings.warnings.map((warning) => `beware: ${warning}`),
    '',
    'it rests on',
    ...knownLines(known),
  ]
}
