/** The report: one page that loads nothing. The same corpus, read to the same positions, gives the same page. */
import type { Processor } from '../../engine/processor.ts'
import { topicNamed, topics, type Topic } from '../../topics/catalogue.ts'
import { beginningOf } from '../beginning.ts'
import { bars, columns, table, type Bar } from '../charts.ts'
import { selfContained } from '../document.ts'
import { statusOfWay } from '../ending.ts'
import { counted, formatCount, formatSeconds, formatShare, formatShort, formatTime } from '../format.ts'
import { html, type Content, type Html } from '../html.ts'
import { MathBudget } from '../math.ts'
import { badge, statusBadge, storySections } from '../sections.ts'
import { wayOf, type Story } from '../story.ts'
import {
  compare,
  passRateLabels,
  spineOf,
  spineTopicsOf,
  tokensOf,
  type Figures,
  type LevelFigures,
  type Spending,
} from './figures.ts'
import type { Histogram } from './histogram.ts'
import type { CorpusReading } from './read-corpus.ts'

interface Options {
  /** What the corpus is called. */
  name: string
  /** All of the stream, in its order. */
  processors: readonly Processor[]
}

/** Texts of the samples are cut here, so that the page stays small. */
const sampleCharacters = 4000
/** Of a statement in the line that opens a sample. */
const headingCharacters = 140
const conceptsShown = 25
const timeColumns = 48

/** The page as a text. */
export function reportPage(reading: CorpusReading, { name, processors }: Options): string {
  const { figures, stories } = reading
  const all = figures.problems.synthetic + figures.problems.human
  const parts: readonly (readonly [id: string, title: string, body: Content])[] = [
    ['funnel', 'From concepts to pairs', funnel(reading, processors)],
    ['yields', 'Yields', yields(figures)],
    ['difficulty', 'Difficulty', difficulty(figures)],
    ['verdicts', 'Verdicts', verdicts(figures)],
    ['lengths', 'Lengths', lengths(figures)],
    ['concepts', 'Concepts', concepts(figures)],
    ['duplicates', 'Duplicates', duplicates(figures)],
    ['cost', 'Cost', cost(figures)],
    ['throughput', 'Throughput', throughput(figures)],
    ['samples', 'Samples', samples(stories)],
    ['positions', 'Positions', positions(reading)],
  ]
  return selfContained({
    title: `Report on ${name}`,
    corpus: name,
    simulated:
      figures.problems.simulated === 0
        ? 'none'
        : figures.problems.simulated === figures.problems.synthetic + figures.problems.human
          ? 'all'
          : 'some',
    body: html`<h1>Report on <bdi>${name}</bdi></h1>
<p class="soft">${all === 0 ? 'This corpus holds no problem yet.' : `Made between ${formatTime(figures.firstAtMs)} and ${formatTime(figures.lastAtMs)}.`}${figures.unreadable > 0 && ` ${counted(figures.unreadable, 'record')} cannot be read and ${figures.unreadable === 1 ? 'is' : 'are'} not among the figures.`}</p>
${tiles(figures)}
<nav aria-label="Contents"><ul class="contents">${parts.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${parts.map(
  ([id, title, body]) => html`<section id="${id}"><h2>${title}</h2>
${body}</section>
`,
)}`,
    footer: html`Written by <span class="mono">wellspring report</span>. Times are UTC. Nothing on this page is loaded from anywhere.`,
  })
}

function tiles(figures: Figures): Html {
  const { problems, checks, verdicts: byDomain, pairs, examples, keptProblems, spending } = figures
  const attempts = [...byDomain.values()].reduce(
    (sum, { passed, failed, unverifiable }) => sum + passed + failed + unverifiable,
    0,
  )
  const list: readonly (readonly [value: string, name: string])[] = [
    [formatCount(problems.synthetic), 'synthetic problems'],
    [formatCount(problems.human), 'human problems'],
    [formatCount(checks.voted + checks.written + checks.trusted), 'problems with checks'],
    [formatCount(attempts), 'verified attempts'],
    [formatCount(keptProblems.size), 'problems kept'],
    [formatCount(pairs), 'preference pairs'],
    [formatCount(examples), 'SFT rows'],
    [formatShort(tokensOf(spending)), 'tokens'],
    ...Object.entries(spending.money).map(([currency, amount]) => [amount.toFixed(2), currency] as const),
  ]
  return html`<ul class="tiles">${list.map(([value, what]) => html`<li><strong>${value}</strong><span>${what}</span></li>`)}</ul>`
}

/** Records of a topic: those that were read, or, of one that is transient or that nothing here is read of, those that the ledger counts. */
function madeIn({ name, retention }: Topic, { figures, records }: CorpusReading): number {
  const read = retention === 'transient' ? undefined : records.get(name)
  return read ?? figures.counts.emitted[name] ?? 0
}

function funnel(reading: CorpusReading, processors: readonly Processor[]): Content {
  const { figures } = reading
  const stages: Bar[] = spineTopicsOf(processors).flatMap((name): Bar[] => {
    const topic = topicNamed(name)
    if (!topic) return []
    const value = madeIn(topic, reading)
    const human =
      topic === topics.problems && figures.problems.human > 0 ? ` (${formatCount(figures.problems.human)} human)` : ''
    return [{ label: `${name.replaceAll('-', ' ')}${human}`, value, text: formatCount(value) }]
  })
  const ends: Bar[] = [
    {
      label: 'problems kept',
      value: figures.keptProblems.size,
      text: formatCount(figures.keptProblems.size),
      tone: 'good',
    },
    { label: 'preference pairs', value: figures.pairs, text: formatCount(figures.pairs), tone: 'good' },
  ]
  const rows = processors.flatMap((processor): Content[][] => {
    const counts = figures.byProcessor.get(processor.name)
    const discards = figures.discardsOf(processor.name)
    if (discards.length === 0 && !(counts && counts.deadLettered > 0)) return []
    const discarded = discards.reduce((sum, { count }) => sum + count, 0)
    return [
      [
        processor.name,
        formatCount(counts?.finished ?? 0),
        formatCount(discarded),
        counts && counts.finished > 0 ? formatShare(discarded / counts.finished) : '-',
        discards.map(({ rule, count }) => `${rule} ${formatCount(count)}`).join(', '),
        formatCount(counts?.deadLettered ?? 0),
      ],
    ]
  })
  const examples = spineOf(processors).flatMap(({ name }) =>
    figures
      .discardsOf(name)
      .map(({ rule, count, evidence }) => [
        `${name}: ${rule}`,
        formatCount(count),
        html`<bdi class="small">${evidence.slice(0, 240)}</bdi>`,
      ]),
  )
  return html`${bars('Units of work on their way, and what came of them', 'stage', [...stages, ...ends])}
${rows.length > 0 && table('What each processor left out, and by which rule', ['processor', { label: 'records in', number: true }, { label: 'left out', number: true }, { label: 'share', number: true }, 'rules', { label: 'dead letters', number: true }], rows)}
${examples.length > 0 && html`<details><summary>What each rule saw, by an example</summary>${table('One example of each rule', ['rule', { label: 'times', number: true }, 'what it saw'], examples)}</details>`}
${figures.retractions > 0 && html`<p>${counted(figures.retractions, 'problem was', 'problems were')} retracted after they had been accepted; exports leave them out.</p>`}`
}

function yields({ levels }: Figures): Content {
  const list = [...levels.values()].sort(
    (a, b) => compare(a.domain, b.domain) || b.outcomes - a.outcomes || compare(a.level, b.level),
  )
  const row = (figures: LevelFigures): Content[] => [
    html`${figures.domain}${figures.level !== '' && `, ${figures.level}`}`,
    formatCount(figures.outcomes),
    formatShare(figures.kept / figures.outcomes),
    formatShare(figures.tooEasy / figures.outcomes),
    formatShare(figures.unsolved / figures.outcomes),
    formatShare(figures.abandoned / figures.outcomes),
    formatShare(figures.attempted === 0 ? Number.NaN : figures.passed / figures.attempted),
    formatCount(figures.pairs),
    figures.pairs === 0 ? '-' : formatShort(figures.tokens / figures.pairs),
  ]
  if (list.length === 0) return html`<p class="soft">No problem has an outcome yet.</p>`
  return html`${table('Outcomes by domain and level; without a level: human problems', ['domain, level', ...['outcomes', 'kept', 'too easy', 'unsolved', 'abandoned', 'attempts passed', 'pairs', 'tokens a pair'].map((label) => ({ label, number: true }))], list.map(row))}
${bars(
  'Outcomes that were kept',
  'domain, level',
  list.map((figures) => ({
    label: html`${figures.domain}${figures.level !== '' && `, ${figures.level}`}`,
    value: figures.kept / figures.outcomes,
    text: formatShare(figures.kept / figures.outcomes),
    tone: 'good',
  })),
  { most: 1 },
)}`
}

function difficulty({ passRates }: Figures): Content {
  if (passRates.size === 0) return html`<p class="soft">No problem has an outcome yet.</p>`
  return [...passRates]
    .sort(([a], [b]) => compare(a, b))
    .map(([solver, counts]) => {
      const all = counts.reduce((sum, count) => sum + count, 0)
      return bars(
        `Pass rate of ${solver}, over ${counted(all, 'outcome')}`,
        'attempts passed',
        counts.map((count, bin) => ({
          label: passRateLabels[bin],
          value: count,
          text: formatCount(count),
          more: formatShare(count / all),
          tone: bin === 0 || bin === counts.length - 1 ? 'idle' : 'plain',
        })),
        { more: 'share' },
      )
    })
}

function verdicts({ verdicts: byDomain, verdictReasons, checks, setAside }: Figures): Content {
  const reasons = [...verdictReasons]
    .map(([key, count]) => {
      const [domain = '', verdict = '', reason = ''] = key.split('\n')
      return { domain, verdict, reason, count }
    })
    .sort((a, b) => compare(a.domain, b.domain) || b.count - a.count || compare(a.reason, b.reason))
  const tones = { passed: 'good', failed: 'bad', unverifiable: 'idle' } as const
  const withTests = setAside.outcomesWithBehaviours
  return html`${table(
    'Attempts by what they came to',
    ['domain', ...['passed', 'failed', 'unverifiable'].map((label) => ({ label, number: true }))],
    [...byDomain]
      .sort(([a], [b]) => compare(a, b))
      .map(([domain, { passed, failed, unverifiable }]) => [
        domain,
        formatCount(passed),
        formatCount(failed),
        formatCount(unverifiable),
      ]),
  )}
${[...byDomain.keys()].sort(compare).map((domain) =>
  bars(
    `Reasons of verdicts: ${domain}`,
    'reason',
    reasons
      .filter((one) => one.domain === domain)
      .map(({ verdict, reason, count }) => ({
        label: html`${reason} ${badge(verdict, verdict === 'passed' ? 'good' : verdict === 'failed' ? 'bad' : 'warn')}`,
        value: count,
        text: formatCount(count),
        tone: tones[verdict as keyof typeof tones],
      })),
  ),
)}
<p>Checks: ${counted(checks.voted, 'answer was', 'answers were')} voted, ${counted(checks.written, 'suite')} of tests written by models, ${formatCount(checks.trusted)} trusted (with the problem), ${counted(checks.tests, 'test')} in all.</p>
${(setAside.tests > 0 || withTests > 0) && html`<p>${counted(setAside.tests, 'written test was', 'written tests were')} set aside because the attempts refute them, in ${counted(setAside.outcomes, 'outcome')}.${withTests > 0 && ` Where programs that pass were run on other inputs (${counted(withTests, 'outcome')}), ${formatCount(setAside.weak)} have tests too weak to tell them apart; tests were added for ${counted(setAside.mended, 'outcome')}.`}</p>`}`
}

function lengths({ lengths: of }: Figures): Content {
  const list: readonly (readonly [string, Histogram])[] = [
    ['statements of problems', of.statement],
    ['rationales', of.rationale],
    ['attempts that passed', of.passed],
    ['attempts that failed', of.failed],
    ['chosen of a pair', of.chosen],
    ['rejected of a pair', of.rejected],
    ['SFT rows', of.trace],
  ]
  const known = list.filter(([, histogram]) => histogram.count > 0)
  if (known.length === 0) return html`<p class="soft">Nothing has a length yet.</p>`
  const pairOf = (
    caption: string,
    histograms: readonly (readonly [string, Histogram, 'good' | 'bad' | 'plain'])[],
  ): Content => {
    const there = histograms.filter(([, histogram]) => histogram.count > 0)
    if (there.length === 0) return undefined
    const from = Math.min(...there.map(([, histogram]) => histogram.lowest))
    const to = Math.max(...there.map(([, histogram]) => histogram.highest))
    const series = there.map(([name, histogram, tone]) => ({
      name,
      tone,
      values: histogram.bins(from, to).map(({ count }) => count / histogram.count),
    }))
    const edges = there[0]?.[1].bins(from, to) ?? []
    const unit = there[0]?.[1].unit ?? ''
    return columns(caption, series, {
      from: `${formatCount(edges[0]?.from ?? 0)} ${unit}`,
      to: `${formatCount(edges.at(-1)?.to ?? 0)} ${unit}, each column longer by half a doubling`,
      highest: formatShare(Math.max(...series.flatMap(({ values }) => values))),
    })
  }
  return html`${table(
    'Lengths: half lie below the median, one in ten above the last column; within half a doubling',
    [
      'text',
      'unit',
      ...['count', 'mean', 'a tenth below', 'median', 'nine tenths below'].map((label) => ({ label, number: true })),
    ],
    known.map(([name, histogram]) => [
      name,
      histogram.unit,
      formatCount(histogram.count),
      ...[histogram.mean, histogram.quantile(0.1), histogram.quantile(0.5), histogram.quantile(0.9)].map(formatCount),
    ]),
  )}
${pairOf('Statements by length', [['statements', of.statement, 'plain']])}
${pairOf('Attempts by length', [
  ['passed', of.passed, 'good'],
  ['failed', of.failed, 'bad'],
])}
${pairOf('Both sides of the pairs by length', [
  ['chosen', of.chosen, 'good'],
  ['rejected', of.rejected, 'bad'],
])}`
}

function concepts({ concepts: byConcept }: Figures): Content {
  const list = [...byConcept]
    .map(([key, figures]) => ({ domain: key.split('\n')[0] ?? '', concept: key.split('\n')[1] ?? '', ...figures }))
    .sort((a, b) => b.problems - a.problems || compare(a.concept, b.concept))
  if (list.length === 0) return html`<p class="soft">No problem was made from concepts yet.</p>`
  const once = list.filter(({ problems }) => problems === 1).length
  const uses = list.reduce((sum, { problems }) => sum + problems, 0)
  const tenth = list
    .slice(0, Math.max(1, Math.round(list.length / 10)))
    .reduce((sum, { problems }) => sum + problems, 0)
  return html`<p>${counted(list.length, 'concept')} in use, ${formatCount(once)} of them in one problem alone. The tenth that is used most makes up ${formatShare(tenth / uses)} of all uses.</p>
${table(
  `The ${Math.min(conceptsShown, list.length)} concepts that most problems were made from`,
  ['concept', 'domain', ...['problems', 'kept', 'kept share', 'pairs'].map((label) => ({ label, number: true }))],
  list
    .slice(0, conceptsShown)
    .map(({ concept, domain, problems, kept, pairs }) => [
      concept,
      domain,
      formatCount(problems),
      formatCount(kept),
      formatShare(kept / problems),
      formatCount(pairs),
    ]),
)}`
}

function duplicates(figures: Figures): Content {
  const list = figures.stretches
  const sums = list.reduce(
    (sum, one) => ({
      problems: sum.problems + one.problems,
      duplicates: sum.duplicates + one.duplicates,
      overlaps: sum.overlaps + one.overlaps,
    }),
    { problems: 0, duplicates: 0, overlaps: 0 },
  )
  if (sums.problems === 0) return html`<p class="soft">There is no problem yet.</p>`
  const shares = (of: 'duplicates' | 'overlaps'): number[] => list.map((one) => one[of] / Math.max(1, one.problems))
  const highest = Math.max(...shares('duplicates'), ...shares('overlaps'))
  return html`<p>${formatCount(sums.duplicates)} of ${counted(sums.problems, 'problem')} (${formatShare(sums.duplicates / sums.problems)}) were there before, as they stand or in other words; ${formatCount(sums.overlaps)} overlap with a benchmark. Where the share of duplicates rises, the concepts are used up.</p>
${columns(
  'Share of problems that were left out, in the order in which they were made',
  [
    { name: 'duplicates', tone: 'plain', values: shares('duplicates') },
    { name: 'overlap with a benchmark', tone: 'bad', values: shares('overlaps') },
  ],
  { from: 'first problem', to: `problem ${formatCount(sums.problems)}`, highest: formatShare(highest) },
)}`
}

function cost(figures: Figures): Content {
  const { spending, pairs, checks } = figures
  const withChecks = checks.voted + checks.written + checks.trusted
  if (spending.calls === 0) return html`<p class="soft">No model call was committed yet.</p>`
  const money = ({ money: amounts }: Spending, by = 1): string =>
    Object.entries(amounts)
      .map(([currency, amount]) => `${(amount / by).toFixed(amount / by < 0.01 ? 4 : 2)} ${currency}`)
      .join(' + ')
  const row = (one: Spending): Content[] => [
    one.name,
    formatCount(one.calls),
    formatCount(one.promptTokens),
    formatCount(one.completionTokens),
    formatSeconds(one.callSeconds),
    formatShare(tokensOf(one) / tokensOf(spending)),
    money(one) || '-',
  ]
  const headings = ['calls', 'prompt tokens', 'completion tokens', 'time at endpoints', 'of all tokens', 'cost'].map(
    (label) => ({ label, number: true }),
  )
  const each = (what: string, count: number): Content => {
    const amount = money(spending, count)
    return (
      count > 0 &&
      html`<li>for each ${what}: ${formatCount(tokensOf(spending) / count)} tokens, ${formatSeconds(spending.callSeconds / count)} at an endpoint${amount !== '' && `, ${amount}`}</li>`
    )
  }
  return html`<ul>${each('problem with checks', withChecks)}${each('pair', pairs)}</ul>
${(['role', 'model', 'outcome'] as const).map((by) => table(`Model calls by ${by}`, [by, ...headings], figures.spendingBy(by).map(row)))}
${bars(
  'Tokens by role',
  'role',
  figures
    .spendingBy('role')
    .map((one) => ({ label: one.name, value: tokensOf(one), text: formatShort(tokensOf(one)) })),
)}`
}

function throughput({ made, firstAtMs, lastAtMs }: Figures): Content {
  if (!(lastAtMs > firstAtMs)) return html`<p class="soft">There is not enough yet to tell.</p>`
  const seconds = (lastAtMs - firstAtMs) / 1000
  const columnSeconds = seconds / timeColumns
  return (['problems', 'verdicts', 'pairs'] as const).map((name) => {
    const values = made[name].between(firstAtMs, lastAtMs, timeColumns)
    const all = values.reduce((sum, value) => sum + value, 0)
    return columns(
      `${name} over time: ${formatCount(all)} in all, ${formatShort((all * 3600) / seconds)} an hour`,
      [{ name, tone: name === 'pairs' ? 'good' : 'plain', values }],
      {
        from: formatTime(firstAtMs),
        to: formatTime(lastAtMs),
        highest: `${formatCount(Math.max(...values))} in ${formatSeconds(columnSeconds)}`,
      },
    )
  })
}

function samples(stories: readonly Story[]): Content {
  if (stories.length === 0) return html`<p class="soft">None was asked for, or there is none.</p>`
  return html`<p>Problems with all that they came from and came to; the same ones for the same corpus. <span class="mono">wellspring browse</span> shows every other.</p>
${stories.map((story) => {
  const { problem } = story
  const statement = problem.statement.replace(/\s+/g, ' ').trim()
  const line = beginningOf(statement, headingCharacters)
  return html`<details class="row"><summary>${statusBadge(statusOfWay(wayOf(story)))} ${badge(problem.domain)} <bdi>${line}${statement.length > line.length && ' ...'}</bdi></summary>
<h3>Problem <span class="mono small">${problem.id}</span></h3>
${storySections(story, { budget: new MathBudget(20_000, 1000), level: 4, maxCharacters: sampleCharacters })}</details>
`
})}`
}

function positions({ positions: ends, records }: CorpusReading): Content {
  return html`<details><summary>Where each topic ended when it was read</summary>${table(
    'A report of the same positions is the same',
    ['topic', { label: 'records', number: true }, 'next offset of each partition'],
    [...ends].map(([topic, offsets]) => [
      topic,
      formatCount(records.get(topic) ?? 0),
      html`<span class="mono small">${offsets.length === 0 ? 'not in this corpus' : offsets.join(' ')}</span>`,
    ]),
  )}</details>`
}
