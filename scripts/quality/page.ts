/** docs/quality.md: the figures of all runs side by side. */
import { cpus } from 'node:os'
import type { Figure } from './figures.ts'
import { measuredProfiles, nameOf, noiseLevels, type MeasuredRun, type NoiseLevel } from './runs.ts'

/** What the page is made of. */
export interface PageParts {
  command: string
  runs: readonly MeasuredRun[]
  /** Figures of screening on statements whose parameters are known; undefined where it was not measured. */
  screening: { command: string; figures: readonly Figure[] } | undefined
}

const levels = Object.keys(noiseLevels) as NoiseLevel[]

/** The page. */
export function qualityPage({ command, runs, screening }: PageParts): string {
  const sizes = [...new Set(runs.map(({ problems }) => problems))].map((size) => size.toLocaleString('en-US'))
  return [
    '# Quality',
    '',
    '<!-- Written by `npm run quality`. Do not edit. -->',
    '',
    'How often each gate of the stream is right, by the truth of the simulated models that wrote, judged, tested and solved the problems.',
    `\`${command}\`: ${sizes.join(', ')} simulated problems a run, on ${cpus().length} cores.`,
    ...(command.includes('../')
      ? ['Files outside the project are public benchmarks as lines of JSON, which it does not hold.']
      : []),
    '',
    ...runs.map(
      (run) =>
        `- ${nameOf(run)}: ${run.problems.toLocaleString('en-US')} problems, measured ${run.measuredAt.slice(0, 16).replace('T', ' ')} UTC${run.isFinished ? '' : ', **before its end**: problems that were under way have no outcome yet'}`,
    ),
    '',
    'The simulated models go wrong half as often as usual, as often, or twice as often (`simulator.noiseFactor` 0.5, 1, 2: of 100 problems 6, 12 or 24',
    'are flawed; of 100 written tests 4, 8 or 16 are wrong; of 100 judgements 4, 8 or 16). `wellspring` are the defaults, `scripts` the rules of the',
    "paper's public scripts ([settings.md](settings.md)). Two solvers. In brackets what a share is of: small numbers say little. **Bold**: the goal is",
    'missed. Of the wrong judgements 4 in 10 are of problems that mislead every judge, 3 in 10 come again at each rating by the same judge.',
    'Real models differ: the figures compare rules, and tell where a gate is weak.',
    '',
    '## Gates',
    '',
    ...gateTable(runs),
    '',
    '## Rules',
    '',
    'Of the synthetic problems: what a rule dropped in the stream, where it sees what the rules before it left; what it drops alone; what no other',
    'rule of screening and judging drops; and of what it dropped in the stream, the share that was flawed or a repeat. `dropped / alone / beyond / rightly`.',
    'What stands behind the judges sees only what is left; those of `build-pairs` count outcomes of one solver, and those before screening and of `build-sft` count their own records.',
    '',
    ...measuredProfiles.flatMap((profile) => ruleTable(profile, runs)),
    ...(screening
      ? [
          '## Screening against statements whose parameters are known',
          '',
          `\`${screening.command}\``,
          '',
          '| figure | value | goal |',
          '| --- | --- | --- |',
          ...screening.figures.map(({ name, value, goal, ok }) =>
            row([name, marked(String(value ?? '-'), ok), goal ?? '']),
          ),
          '',
        ]
      : [
          'Near-duplicates against statements whose parameters are known, human problems and benchmarks in other writings: [screening.md](screening.md).',
          '',
        ]),
  ].join('\n')
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const marked = (text: string, ok: boolean | null): string => (ok === false ? `**${text}**` : text)

function gateTable(runs: readonly MeasuredRun[]): string[] {
  const names = [...new Set(runs.flatMap(({ figures }) => figures.map(({ name }) => name)))]
  const goals = new Map(runs.flatMap(({ figures }) => figures.map(({ name, goal }) => [name, goal] as const)).reverse())
  for (const { figures } of runs) for (const { name, goal } of figures) if (goal !== null) goals.set(name, goal)
  return [
    row(['', ...runs.map(nameOf), 'goal']),
    row(['---', ...runs.map(() => '---'), '---']),
    ...names.map((name) =>
      row([
        name,
        ...runs.map(({ figures }) => cell(figures.find((figure) => figure.name === name))),
        goals.get(name) ?? '',
      ]),
    ),
  ]
}

function cell(figure: Figure | undefined): string {
  if (!figure || figure.value === null) return '-'
  const { value, of, ok } = figure
  if (of === null) return marked(value.toLocaleString('en-US'), ok)
  return `${marked(`${(100 * value).toFixed(value > 0.99 || value < 0.01 ? 2 : 1)} %`, ok)} (${of.toLocaleString('en-US')})`
}

function ruleTable(profile: string, runs: readonly MeasuredRun[]): string[] {
  const own = levels.flatMap((noise) => runs.filter((run) => run.profile === profile && run.noise === noise))
  if (own.length === 0) return []
  const rules = [...new Set(own.flatMap((run) => run.rules.map(({ rule }) => rule)))]
  return [
    row([profile, ...own.map(({ noise }) => noise)]),
    row(['---', ...own.map(() => '---')]),
    ...rules.map((rule) =>
      row([
        rule,
        ...own.map((run) => {
          const found = run.rules.find((one) => one.rule === rule)
          if (!found) return '-'
          const { dropped, alone, beyond, rightly } = found
          const right = rightly === null || dropped === 0 ? '-' : `${((100 * rightly) / dropped).toFixed(0)} %`
          return `${dropped} / ${alone ?? '-'} / ${beyond ?? '-'} / ${right}`
        }),
      ]),
    ),
    '',
  ]
}
