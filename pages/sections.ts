/** A problem's records as sections of a page. */
import type {
  Judgement,
  ModelCall,
  Outcome,
  ProgramTest,
  SetAsideTest,
  TestCases,
  TestRuns,
  Verdict,
  VerdictKind,
} from '../schemas/generated.ts'
import { table } from './charts.ts'
import { codeBlock } from './code.ts'
import { reasonOf, statusNames, statusOfWay, type Status } from './ending.ts'
import { counted, formatCount, formatSeconds, formatShare, formatTime } from './format.ts'
import { html, type Content, type Html } from './html.ts'
import type { MathBudget } from './math.ts'
import { plain, prose } from './prose.ts'
import { wayOf, type ConceptOrigin, type Story } from './story.ts'

export interface SectionOptions {
  budget: MathBudget
  /** Of the headings. */
  level: 2 | 4
  /** Texts that are longer are cut. */
  maxCharacters: number
  /** Where whole texts can be had. */
  whole?: Html
  /** Addresses of other pages; absent where there are none. */
  links?: {
    concept(domain: string, concept: string): string
    record(id: string): string
  }
}

const statusTones: Readonly<Record<Status, string>> = {
  kept: 'good',
  too_easy: '',
  unsolved: '',
  abandoned: 'warn',
  discarded: 'bad',
  failed: 'bad',
  retracted: 'bad',
  in_progress: 'warn',
}

export function statusBadge(status: Status): Html {
  return html`<span class="badge ${statusTones[status]}">${statusNames[status]}</span>`
}

export function badge(content: Content, tone = ''): Html {
  return html`<span class="badge ${tone}"><bdi>${content}</bdi></span>`
}

/** Everything that is known of a problem. */
export function storySections(story: Story, options: SectionOptions): Html {
  const { problem } = story
  const way = wayOf(story)
  const status = statusOfWay(way)
  const tone = { good: 'good', bad: 'bad', warn: 'warn' }[statusTones[status]] ?? ''
  const judgements = problem.judgements.length > 0 ? problem.judgements : (story.accepted?.judgements ?? [])
  return html`<div class="badges">
      ${statusBadge(status)}${badge(problem.domain)}${problem.level !== '' && badge(problem.level)}${badge(problem.origin === 'human' ? `human: ${problem.source}` : 'synthetic')}${problem.simulated && badge('simulated', 'warn')}
    </div>
    <p class="why ${tone}" dir="auto">${reasonOf(way)}</p>
    ${beside(story)}
    ${section(options, 'Statement', html`<div class="statement">${text(problem.statement, options)}</div>`)}
    ${problem.concepts.length > 0 && section(options, 'Concepts', conceptChips(problem.domain, problem.concepts, options))}
    ${problem.rationale !== null && section(options, 'Rationale', html`<details${open(options)}><summary>How the problem was designed from its concepts</summary>${text(problem.rationale, options)}</details>`)}
    ${judgements.length > 0 && section(options, 'Judges', judgementTable(judgements))}
    ${story.testCases.map((testCases) => checksSection(testCases, story, options))}
    ${story.verdicts.length > 0 && attemptsSection(story, options)}
    ${story.pairs.length > 0 && section(options, 'Preference pairs', pairsTable(story))}
    ${(story.traces.length > 0 || story.examples.length > 0) && tracesSection(story, options)}
    ${section(options, 'Ancestry', ancestry(story, options))} ${section(options, 'Record', facts(story))}`
}

/** Sections of a page are open where there is room; a sample in a report begins closed. */
function open({ level }: SectionOptions): Html {
  return level === 2 ? html` open` : html``
}

function section({ level }: SectionOptions, title: string, content: Content): Html {
  return html`<section>${level === 2 ? html`<h2>${title}</h2>` : html`<h4>${title}</h4>`} ${content}</section> `
}

function text(of: string, { budget, maxCharacters, whole }: SectionOptions, language?: string): Html {
  return prose(of, { budget, maxCharacters, ...(whole && { whole }), ...(language !== undefined && { language }) })
}

/** Discards of what was made of the problem beside its way. */
function beside({ discards }: Story): Content {
  const others = discards.filter(({ leftStream, topic }) => !leftStream && topic !== 'outcomes')
  return others.map(
    ({ processor, reason, evidence }) =>
      html`<p class="why" dir="auto">Left out by ${processor} as ${reason}: ${evidence}.</p>`,
  )
}

function conceptChips(domain: string, concepts: readonly string[], { links }: SectionOptions): Html {
  return html`<ul class="chips">
    ${concepts.map((concept) =>
      links
        ? html`<li>
            <a href="${links.concept(domain, concept)}"><bdi>${concept}</bdi></a>
          </li>`
        : html`<li>
            <span><bdi>${concept}</bdi></span>
          </li>`,
    )}
  </ul>`
}

const criteria = [
  ['form', 'format'],
  ['facts', 'factualAccuracy'],
  ['difficulty', 'difficultyAlignment'],
  ['concepts', 'conceptCoverage'],
  ['solvable', 'solvability'],
  ['overall', 'overall'],
] as const satisfies readonly (readonly [string, keyof Judgement])[]

function judgementTable(judgements: readonly Judgement[]): Html {
  const tones = { perfect: 'good', acceptable: 'warn', bad: 'bad' } as const
  return table(
    'Ratings by judge models',
    ['judge', ...criteria.map(([name]) => name)],
    judgements.map((judgement) => [
      judgement.opinion > 1 ? `${judgement.judge}, opinion ${judgement.opinion}` : judgement.judge,
      ...criteria.map(([, field]) => badge(judgement[field], tones[judgement[field]])),
    ]),
  )
}

const verdictTones: Readonly<Record<VerdictKind, string>> = { passed: 'good', failed: 'bad', unverifiable: 'warn' }

function checksSection(testCases: TestCases, { outcomes, testRuns }: Story, options: SectionOptions): Html {
  const { checks, votes, malformedTests, calls } = testCases
  const source = checks.trusted
    ? 'They came with the problem.'
    : votes
      ? 'The answer was voted.'
      : 'A model wrote them.'
  return section(
    options,
    'Checks',
    html`<p class="soft">
        ${source}${malformedTests > 0 && ` ${counted(malformedTests, 'more test')} could not be parsed.`}
      </p>
      ${
        checks.answer !== null &&
        html`<p>Reference answer:</p>
          ${plain(checks.answer, { maxCharacters: 2000 })}`
      }
      ${
        votes &&
        table(
          `Votes: ${votes.counted} of ${votes.asked} answers count${votes.notAsked > 0 ? `, ${votes.notAsked} more could not have changed the result` : ''}`,
          ['answer', { label: 'votes', number: true }],
          votes.classes.map(({ answer, votes: count }) => [
            html`<span class="mono">${answer.slice(0, 300)}</span>`,
            formatCount(count),
          ]),
        )
      }
      ${checks.tests.length > 0 && testsTable(checks.tests, outcomes)}
      ${testRuns.map((runs) => addedTestsTable(runs, outcomes))} ${callsDetails([...calls, ...testRuns.flatMap((runs) => runs.calls)])}`,
  )
}

const mostTests = 40
const mostTestCharacters = 600

function testsTable(tests: readonly ProgramTest[], outcomes: readonly Outcome[]): Html {
  const aside = new Map<number, SetAsideTest>(
    outcomes.flatMap(({ setAside }) => setAside.map((one) => [one.test, one])),
  )
  const shown = tests.slice(0, mostTests)
  return html`${table(
    'Tests',
    ['test', 'input', 'expected output', 'counts'],
    shown.map(({ input, output, kind }, index) => {
      const refuted = aside.get(index)
      return [
        html`${index + 1}, ${kind}`,
        boxed(input),
        boxed(output),
        refuted
          ? html`${badge('set aside', 'warn')}
              <span class="small"
                >${refuted.rule}: ${refuted.agreed.length + refuted.seconded} of ${refuted.of} attempts printed the same
                other output, ${refuted.contradicted} passed it</span
              >`
          : badge('yes', 'good'),
      ]
    }),
  )}${tests.length > shown.length && html`<p class="cut">${counted(tests.length - shown.length, 'more test')} not shown.</p>`}`
}

/** Tests that were written because those before them were too weak. */
function addedTestsTable({ id, tests }: TestRuns, outcomes: readonly Outcome[]): Html | false {
  const outcome = outcomes.find(({ parentIds }) => parentIds.includes(id))
  if (tests.length === 0) return false
  return table(
    'Tests added because programs that passed behaved in different ways',
    ['test', 'input', 'expected output', 'counts'],
    tests.slice(0, mostTests).map(({ input, output, kind }, index) => {
      const weighed = outcome?.addedTests[index]
      return [
        kind,
        boxed(input),
        boxed(output),
        weighed === undefined
          ? 'no outcome yet'
          : html`${weighed.setAside === '' ? badge('yes', 'good') : badge('set aside', 'warn')}
              <span class="small"
                >${weighed.setAside !== '' && `${weighed.setAside}: `}${weighed.passed} of ${counted(weighed.of, 'attempt')}
                passed it</span
              >`,
      ]
    }),
  )
}

function boxed(content: string): Html {
  const cut = content.length > mostTestCharacters
  return html`<pre class="tight" dir="ltr">
${content.slice(0, mostTestCharacters)}${cut && ` ... (${formatCount(content.length)} characters)`}</pre>`
}

function attemptsSection(story: Story, options: SectionOptions): Html {
  const solvers = [...new Set(story.verdicts.map(({ solver }) => solver))]
  return section(
    options,
    'Attempts',
    solvers.map((solver) => {
      const verdicts = story.verdicts.filter((one) => one.solver === solver).sort((a, b) => a.attempt - b.attempt)
      const outcome = story.outcomes.find((one) => one.solver === solver)
      return html`<p>
          <strong><bdi>${solver}</bdi></strong>
        </p>
        <p class="soft">
          ${outcome ? outcomeLine(outcome) : `${counted(verdicts.length, 'attempt')} verified so far, no outcome yet.`}
        </p>
        ${verdicts.map((verdict) => attempt(verdict, outcome, story, options))}`
    }),
  )
}

function outcomeLine(outcome: Outcome): string {
  const { passed, attempted, invalid, unverifiable, spared, behaviours, addedTests } = outcome
  const added = addedTests.filter(({ setAside }) => setAside === '').length
  return [
    `${passed} of ${counted(attempted, 'attempt')} passed (${formatShare(attempted === 0 ? 0 : passed / attempted)})`,
    ...(invalid > 0 ? [`${invalid} of them may be neither chosen nor rejected`] : []),
    ...(unverifiable > 0 ? [`${unverifiable} could not be verified`] : []),
    ...(spared > 0 ? [`${spared} were not asked for, as they could not change the result`] : []),
    ...(behaviours.length > 1
      ? [`those that passed behave in ${behaviours.length} ways on other inputs: the tests are weak`]
      : []),
    ...(added > 0 ? [`${counted(added, 'test was', 'tests were')} added`] : []),
  ].join('; ')
}

function attempt(
  verdict: Verdict,
  outcome: Outcome | undefined,
  { problem, testCases }: Story,
  options: SectionOptions,
): Html {
  const counts = outcome?.verdicts.find(({ verdictId }) => verdictId === verdict.id)
  const tokens = verdict.calls.reduce((sum, { completionTokens }) => sum + completionTokens, 0)
  const ran = verdict.tests
  const tests = testCases[0]?.checks.tests ?? []
  return html`<details class="row">
    <summary>
      ${badge(verdict.verdict, verdictTones[verdict.verdict])} attempt ${verdict.attempt + 1}:
      ${verdict.reason}${verdict.extracted !== null && html`, answer <bdi class="mono">${verdict.extracted.slice(0, 80)}</bdi>`}${ran.length > 0 && `, ${ran.filter((test) => test.verdict === 'passed').length} of ${counted(ran.length, 'test')} passed`}${!verdict.valid && html` ${badge('invalid', 'warn')}`}${counts?.recomputed && html` ${badge(`counted as ${counts.verdict}`, verdictTones[counts.verdict])}`}
      <span class="soft small">${formatCount(tokens)} tokens</span>
    </summary>
    ${verdict.detail !== null && html`<p class="soft" dir="auto">${verdict.detail.slice(0, 1000)}</p>`}
    ${
      ran.length > 0 &&
      table(
        'Tests that were run',
        ['test', 'result', 'reason', { label: 'CPU', number: true }, { label: 'memory', number: true }],
        ran.map((test, index) => [
          `${index + 1}${tests[index] ? `, ${tests[index].kind}` : ''}`,
          badge(test.verdict, verdictTones[test.verdict]),
          test.reason,
          formatSeconds(test.seconds),
          `${test.memoryMb.toFixed(0)} MiB`,
        ]),
      )
    }
    ${text(verdict.text, options, languageOf(problem.domain))}
    ${
      verdict.reasoning !== null &&
      html`<details>
        <summary>Reasoning (${formatCount(verdict.reasoning.length)} characters)</summary>
        ${plain(verdict.reasoning, { maxCharacters: options.maxCharacters, ...(options.whole && { whole: options.whole }) })}
      </details>`
    }
    <p class="soft small" id="${verdict.id}">
      Verified in ${formatSeconds(verdict.verifierSeconds)}. <span class="mono">${verdict.id}</span>
    </p>
    ${callsDetails(verdict.calls)}
  </details> `
}

/** Language of code whose fence names none. */
function languageOf(domain: string): string | undefined {
  return domain === 'code' ? 'python' : domain === 'sql' ? 'sql' : undefined
}

function pairsTable({ pairs, verdicts }: Story): Html {
  const attemptOf = (id: string): Content => {
    const found = verdicts.find((verdict) => verdict.id === id)
    return found
      ? html`<a href="#${encodeURIComponent(id)}">attempt ${found.attempt + 1}</a>`
      : 'an attempt that is not kept'
  }
  return table(
    `${counted(pairs.length, 'pair')}: an attempt that passed against one that failed`,
    ['pair', 'solver', 'chosen', 'rejected', { label: 'pass rate', number: true }],
    pairs.map((pair) => [
      html`<span class="mono small">${pair.id}</span>`,
      html`<bdi>${pair.solver}</bdi>`,
      attemptOf(pair.chosenVerdictId),
      attemptOf(pair.rejectedVerdictId),
      formatShare(pair.passRate),
    ]),
  )
}

function tracesSection({ traces, examples, problem }: Story, options: SectionOptions): Html {
  return section(
    options,
    'Teacher',
    html`${traces.map(
      (trace) =>
        html`<details class="row">
          <summary>
            Attempt by <bdi>${trace.teacher}</bdi>
            <span class="soft small"
              >${formatCount(trace.calls.reduce((sum, { completionTokens }) => sum + completionTokens, 0))} tokens</span
            >
          </summary>
          ${text(trace.text, options, languageOf(problem.domain))}
          ${
            trace.reasoning !== null &&
            html`<details>
              <summary>Reasoning (${formatCount(trace.reasoning.length)} characters)</summary>
              ${plain(trace.reasoning, { maxCharacters: options.maxCharacters, ...(options.whole && { whole: options.whole }) })}
            </details>`
          }
          <p class="soft small mono">${trace.id}</p>
          ${callsDetails(trace.calls)}
        </details> `,
    )}
    ${examples.map(({ id, tokens }) => html`<p>It became a row of supervised fine-tuning, of ${formatCount(tokens)} tokens. <span class="soft small mono">${id}</span></p>`)}`,
  )
}

function ancestry(story: Story, options: SectionOptions): Html {
  const { problem, rationale, combination, concepts } = story
  const named = (id: string): Html =>
    options.links && id !== ''
      ? html`<a class="mono small" href="${options.links.record(id)}">${id}</a>`
      : html`<span class="mono small">${id}</span>`
  if (problem.origin === 'human')
    return html`<p>
      A human problem of
      <bdi>${problem.source}</bdi
      >${problem.sourceId !== '' && html` (<bdi>${problem.sourceId}</bdi>)`}${problem.publishedAt !== null && `, published on ${problem.publishedAt}`}.
    </p>`
  const parentId = problem.parentIds[0]
  return html`<ul class="tree">
    <li>
      problem <span class="mono small">${problem.id}</span>${callsDetails(problem.calls)}
      <ul>
        <li>
          made from rationale
          ${parentId === undefined ? 'that is not named' : named(parentId)}${rationale && callsDetails(rationale.calls)}
          <ul>
            <li>
              designed from the combination
              ${named(rationale?.parentIds[0] ?? '')}${combination && html` <span class="soft small">${combination.sampler.startsWith('cooccurrence') ? `drawn by ${combination.sampler} at temperature ${combination.temperature}` : `ingested as ${combination.sampler}`}, draw ${combination.draw + 1}, for ${combination.level}${combination.guided && ', guided by yields'}</span>`}
              <ul>
                ${concepts.map((origin) => conceptOrigin(origin, named, options))}
              </ul>
            </li>
          </ul>
        </li>
      </ul>
    </li>
  </ul>`
}

function conceptOrigin(
  { concept, namedIn, annotator, conceptListId, seedId, source, seed }: ConceptOrigin,
  named: (id: string) => Html,
  options: SectionOptions,
): Html {
  if (conceptListId === '')
    return html`<li><bdi>${concept}</bdi> <span class="soft small">from a concept file</span></li>`
  return html`<li>
    <bdi>${concept}</bdi>
    <span class="soft small"
      >named in ${counted(namedIn, 'list')}, first by <bdi>${annotator}</bdi> in ${named(conceptListId)}</span
    >
    <ul>
      <li>
        of the human problem ${named(seedId)}
        <span class="soft small"><bdi>${source}${seed && seed.sourceId !== '' && ` ${seed.sourceId}`}</bdi></span
        >${
          seed &&
          html`<details>
            <summary>Statement</summary>
            ${text(seed.statement, options)}
          </details>`
        }
      </li>
    </ul>
  </li>`
}

/** Model calls, folded away. */
function callsDetails(calls: readonly ModelCall[]): Content {
  if (calls.length === 0) return undefined
  const tokens = calls.reduce((sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens, 0)
  return html`<details class="small">
    <summary>${counted(calls.length, 'model call')}, ${formatCount(tokens)} tokens</summary>
    ${table(
      'Model calls',
      [
        'purpose',
        'model',
        'endpoint',
        'prompt',
        { label: 'temperature', number: true },
        { label: 'seed', number: true },
        { label: 'tokens in', number: true },
        { label: 'out', number: true },
        { label: 'time', number: true },
        'end',
      ],
      calls.map((call) => [
        call.purpose,
        html`<bdi>${call.model}${call.modelVersion !== '' && `@${call.modelVersion}`}</bdi>`,
        html`<bdi>${call.endpoint}</bdi>`,
        call.promptVersion,
        call.temperature === null ? '-' : String(call.temperature),
        call.seed === null ? '-' : String(call.seed),
        formatCount(call.promptTokens),
        formatCount(call.completionTokens),
        formatSeconds(call.latencySeconds),
        call.finishReason,
      ]),
    )}
  </details>`
}

function facts({ problem }: Story): Html {
  const { id, recipe, createdAtMs, contentHash, sourceId, publishedAt } = problem
  const rows: [string, Content][] = [
    ['id', html`<span class="mono">${id}</span>`],
    ['made at', formatTime(createdAtMs)],
    ['recipe', html`<span class="mono">${recipe}</span>`],
    ['content hash', html`<span class="mono">${contentHash}</span>`],
    ...(sourceId !== '' ? [['id in its source', html`<bdi>${sourceId}</bdi>`] as [string, Content]] : []),
    ...(publishedAt !== null ? [['published', publishedAt] as [string, Content]] : []),
  ]
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`
}

/** A record of no problem's own, field by field. */
export function fieldList(record: Readonly<Record<string, unknown>>): Html {
  return html`<dl class="facts">
    ${Object.entries(record).map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${fieldValue(name, value)}</dd>`,
    )}
  </dl>`
}

function fieldValue(name: string, value: unknown): Content {
  if (typeof value === 'string')
    return value.length > 200 || value.includes('\n') ? plain(value) : html`<bdi>${value}</bdi>`
  if (typeof value === 'number') return name.endsWith('AtMs') ? formatTime(value) : String(value)
  return codeBlock(JSON.stringify(value, undefined, 2))
}
