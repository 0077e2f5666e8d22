/** The page that lists problems: search, filters, fifty at a time. */
import { statusNames, type Status } from '../ending.ts'
import { counted, formatCount, formatTime } from '../format.ts'
import { html, type Content, type Html } from '../html.ts'
import { MathBudget } from '../math.ts'
import { inlineText } from '../prose.ts'
import { badge, statusBadge } from '../sections.ts'
import type { CorpusIndex, ProblemRow } from './corpus-index.ts'
import type { Progress } from './follow.ts'
import { addressOf, type ListQuery } from './query.ts'

const problemsPerPage = 50
/** Names in a list to choose from. */
const mostChoices = 200

export function listPage(index: CorpusIndex, query: ListQuery, progress: Progress): Html {
  const found = index.search(query)
  const pages = Math.max(1, Math.ceil(found.length / problemsPerPage))
  const page = Math.min(query.page, pages)
  const budget = new MathBudget()
  const rows = [...found.subarray((page - 1) * problemsPerPage, page * problemsPerPage)].map((problem) =>
    index.row(problem),
  )
  return html`<h1>Problems</h1>
    ${progressLine(progress)} ${searchForm(index, query)}
    <p role="status">
      ${found.length === index.size ? counted(index.size, 'problem') : `${formatCount(found.length)} of ${counted(index.size, 'problem')}`}${pages > 1 && `, page ${formatCount(page)} of ${formatCount(pages)}`}${query.concept !== undefined && html`, of the concept <bdi>${query.concept}</bdi>`}${isFiltered(query) && html` <a href="/">Show all</a>`}
    </p>
    ${rows.length === 0 && html`<p class="card">${index.size === 0 ? 'There is no problem in this corpus yet.' : 'No problem is like that. Fewer words or filters find more.'}</p>`}
    <ol class="problems" start="${(page - 1) * problemsPerPage + 1}">
      ${rows.map((row) => problemItem(row, budget))}
    </ol>
    ${pages > 1 && pageLinks(query, page, pages)}`
}

function isFiltered(query: ListQuery): boolean {
  return addressOf(query, { page: 1, sort: 'newest' }) !== '/'
}

/** What is not read yet cannot be found. */
export function progressLine({ isCaughtUp, read, total }: Progress): Content {
  if (isCaughtUp) return undefined
  const share = total === 0 ? 0 : Math.min(99, Math.floor((100 * read) / total))
  return html`<p class="card">
    The corpus is being read: ${share} % so far. What is not read yet is not shown; reload the page to see more.
  </p>`
}

function problemItem(row: ProblemRow, budget: MathBudget): Html {
  const {
    id,
    domain,
    level,
    isHuman,
    source,
    simulated,
    createdAtMs,
    status,
    reason,
    excerpt,
    outcomes,
    verdicts,
    pairs,
  } = row
  return html`<li>
    <a class="title" dir="auto" href="/problems/${encodeURIComponent(id)}">${excerpt === '' ? id : inlineText(excerpt, budget)}</a>
    <div class="meta">
      ${statusBadge(status)}${status === 'discarded' && html`<bdi>${reason}</bdi>`}<span
        ><bdi>${domain}</bdi>${level !== '' && html`, <bdi>${level}</bdi>`}</span
      >${isHuman && html`<span>human: <bdi>${source}</bdi></span>`}${outcomes.map(({ solver, passed, attempted }) => html`<span>${passed} of ${attempted} passed${outcomes.length > 1 && html` (<bdi>${solver}</bdi>)`}</span>`)}${outcomes.length === 0 && verdicts > 0 && html`<span>${counted(verdicts, 'attempt')} so far</span>`}${pairs > 0 && html`<span>${counted(pairs, 'pair')}</span>`}${simulated && badge('simulated', 'warn')}<span
        >${formatTime(createdAtMs)}</span
      >
    </div>
  </li> `
}

function searchForm(index: CorpusIndex, query: ListQuery): Html {
  const status = index.counts('status')
  return html`<form class="search" method="get" action="/" role="search">
<div class="line"><label>Words of the statement, a concept, an id or a rule; "several words" as they stand <input type="search" name="q" value="${query.text}" maxlength="300" autocomplete="off"></label><button type="submit">Search</button></div>
${query.concept !== undefined && html`<input type="hidden" name="concept" value="${query.concept}" />`}
<details${hasFilters(query) ? html` open` : ''}><summary>Filters and order</summary><div class="fields">
${choice('Became', 'status', query.status, status, (name) => statusNames[name as Status])}
${choice('Left out by rule', 'reason', query.reason, index.counts('reasons'))}
${choice('Domain', 'domain', query.domain, index.counts('domains'))}
${choice('Level', 'level', query.level, index.counts('levels'))}
${choice('Origin', 'origin', query.origin, [{ name: 'synthetic' }, { name: 'human' }])}
${choice('Model that had a part', 'model', query.model, index.counts('models'))}
<label>Pass rate from (%) <input type="number" name="from" min="0" max="100" step="any" value="${percent(query.minPassRate)}"></label>
<label>to (%) <input type="number" name="to" min="0" max="100" step="any" value="${percent(query.maxPassRate)}"></label>
${choice('Order', 'sort', query.sort, [{ name: 'newest' }, { name: 'oldest' }, { name: 'hardest' }, { name: 'easiest' }], (name) => `${name} first`, false)}
</div></details></form>`
}

function hasFilters({
  status,
  reason,
  domain,
  level,
  origin,
  model,
  minPassRate,
  maxPassRate,
  sort,
}: ListQuery): boolean {
  return (
    [status, reason, domain, level, origin, model, minPassRate, maxPassRate].some((one) => one !== undefined) ||
    sort !== 'newest'
  )
}

function percent(rate: number | undefined): string {
  return rate === undefined ? '' : String(Math.round(rate * 1000) / 10)
}

function choice(
  label: string,
  name: string,
  chosen: string | undefined,
  choices: readonly { name: string; count?: number }[],
  textOf = (one: string): string => one,
  canBeAny = true,
): Html {
  const listed = choices.slice(0, mostChoices)
  // What was asked for stays chosen, though no problem is like that.
  const all = chosen === undefined || listed.some((one) => one.name === chosen) ? listed : [{ name: chosen }, ...listed]
  return html`<label
    >${label}
    <select name="${name}">
      ${canBeAny && html`<option value="">any</option>`}${all.map(
        (one) =>
          html`<option value="${one.name}" ${one.name === chosen ? html` selected` : ''}>
            ${textOf(one.name).slice(0, 80)}${one.count !== undefined && ` (${formatCount(one.count)})`}
          </option>`,
      )}
    </select></label
  > `
}

function pageLinks(query: ListQuery, page: number, pages: number): Html {
  const link = (to: number, text: string, rel: string): Content =>
    html`<a href="${addressOf(query, { page: to })}" rel="${rel}">${text}</a>`
  return html`<nav class="pages" aria-label="Pages">
    <span>${page > 1 && link(page - 1, 'Previous', 'prev')}</span
    ><span>page ${formatCount(page)} of ${formatCount(pages)}</span
    ><span>${page < pages && link(page + 1, 'Next', 'next')}</span>
  </nav>`
}
