/**
 * The judges' gate by each rule for judges that disagree, against what is true of each problem.
 *
 *   npm run bench:judging -- [--problems 10000] [--noise-factor 1] [--of-problem 0.4] [--of-judge 0.3] [--judges sim-judge-a,sim-judge-b]
 *
 * Problems are the simulated writer's, those left out that screening drops by their text; the judges are the simulated ones, asked by judge-problem itself.
 * `--of-problem`, `--of-judge`: the shares of wrong judgements that all judges, and one judge, make at each rating of a problem; the rest is chance.
 * Ends with 1 where under the defaults fewer than 99 of 100 accepted problems are valid.
 */
import { brokenStatementRules } from '../curation/statements.ts'
import { readProblem, readRationale } from '../curation/synthesis.ts'
import { synthesisPrompt } from '../domains/prompts.ts'
import type { Problem } from '../schemas/generated.ts'
import { readOptions } from '../scripts/options.ts'
import { judgeSettingsOf, SimulatedModels } from '../scripts/quality/simulated-judges.ts'
import { CONCEPTS } from '../simulator/lexicon.ts'
import { Random } from '../simulator/random.ts'
import { Figures } from './figures.ts'

const program = {
  call: 'npm run bench:judging',
  about: "The judges' gate by each rule, against what is true of each problem; ends with 1 where a goal is missed.",
}
const values = readOptions(program, {
  problems: { type: 'string', default: '10000', doc: 'of the simulated writer' },
  seed: { type: 'string', default: '1', doc: 'of all that is drawn' },
  'noise-factor': { type: 'string', default: '1', doc: 'how often the simulated models go wrong' },
  'of-problem': { type: 'string', doc: 'share of wrong judgements that all judges make (default: the simulator’s)' },
  'of-judge': { type: 'string', doc: 'share that one judge makes at each rating (default: the simulator’s)' },
  judges: { type: 'string', default: 'sim-judge-a,sim-judge-b', doc: 'models that judge' },
  json: { type: 'boolean', default: false, doc: 'a line of JSON for each figure' },
})

const defaults = judgeSettingsOf('wellspring')
/** What is compared, by name. */
const rules: readonly (readonly [string, Record<string, unknown>])[] = [
  ['defaults', defaults],
  ['scripts', judgeSettingsOf('scripts')],
  ['veto', { ...defaults, disagreement: 'veto' }],
  ...[2, 3].map((ratingsPerJudge) => [`majority, ${ratingsPerJudge} each`, { ...defaults, ratingsPerJudge }] as const),
  ...[1, 2].map((ratingsPerJudge) => [`half, ${ratingsPerJudge} each`, { ...defaults, disagreement: 'half', ratingsPerJudge }] as const), // prettier-ignore
]

const mistakes = {
  ...(values['of-problem'] !== undefined && { ofProblem: Number(values['of-problem']) }),
  ...(values['of-judge'] !== undefined && { ofJudge: Number(values['of-judge']) }),
}
const models = new SimulatedModels({
  ...{ seed: Number(values.seed), noiseFactor: Number(values['noise-factor']), judgeMistakes: mistakes },
})
const levels = ['AMC12', 'HMMT-Nov', 'HMMT-Feb', 'AIME', 'USAMO', 'Codeforces', 'Codeforces', 'SQL-Intermediate']
const random = new Random('judging', values.seed)

/** A problem that screening lets pass, with its truth and what writing it took; undefined where none came of it. */
function writeProblem(number: number): { problem: Problem; valid: boolean; tokens: number } | undefined {
  const level = random.pick(levels)
  const domain = level === 'Codeforces' ? 'code' : level.startsWith('SQL') ? 'sql' : 'math'
  const concepts = random.sample(CONCEPTS.filter((one) => one.domain === domain), 5).map(({ name }) => name) // prettier-ignore
  const { content, facts, completionTokens } = models.ask('sim-problem-writer', synthesisPrompt(concepts, level).text, {
    ...{ endpoint: 'completions', seed: number, temperature: 0.8 },
  })
  const read = readProblem(content, false)
  const fact = facts.find(({ body }) => body.kind === 'problem')?.body
  if (!read || fact?.kind !== 'problem') return undefined
  const { statement } = read
  if (brokenStatementRules(statement, { minCharacters: 20, maxCharacters: 20_000 }).length > 0) return undefined
  const problem: Problem = {
    ...{ id: `problem-${number}`, parentIds: [], domain, recipe: '', createdAtMs: 0, simulated: true },
    ...{ origin: 'synthetic', source: 'wellspring', sourceId: '', publishedAt: null, statement, contentHash: '' },
    ...{ concepts, level, rationale: readRationale(content) ?? '', checks: null, judgements: [], calls: [] },
  }
  return { problem, valid: fact.valid, tokens: completionTokens }
}

const problems = Array.from({ length: Number(values.problems) }, (_, number) => writeProblem(number) ?? []).flat()
const figures = new Figures(values.json)
const flawed = problems.filter(({ valid }) => !valid).length
const written = problems.reduce((sum, { tokens }) => sum + tokens, 0)
figures.tell('problems', problems.length)
figures.tell('flawed', flawed / problems.length)
const judges = values.judges.split(',')
for (const [name, settings] of rules) {
  const counts = { accepted: 0, valid: 0, unreadable: 0, calls: 0, tokens: 0 }
  for (const { problem, valid } of problems) {
    const { reason, calls, tokens } = await models.judge(problem, settings, judges)
    counts.calls += calls
    counts.tokens += tokens
    if (reason === 'unreadable-judgement') counts.unreadable++
    if (reason !== undefined) continue
    counts.accepted++
    if (valid) counts.valid++
  }
  const { accepted, valid, unreadable, calls, tokens } = counts
  const dropped = problems.length - accepted
  const caught = flawed - (accepted - valid)
  const isDefault = settings === defaults
  figures.tell(`${name}: accepted problems that are valid`, valid / accepted, isDefault ? '>= 0.99' : undefined, !isDefault || valid / accepted >= 0.99) // prettier-ignore
  figures.tell(`${name}: valid problems that are accepted`, valid / (problems.length - flawed))
  figures.tell(`${name}: dropped, and flawed (precision)`, caught / dropped)
  figures.tell(`${name}: flawed problems that they dropped (recall)`, caught / flawed)
  figures.tell(`${name}: dropped as unreadable`, unreadable / problems.length)
  figures.tell(`${name}: judges' calls per problem`, calls / problems.length)
  figures.tell(`${name}: judges' tokens per accepted problem`, tokens / accepted)
  figures.tell(`${name}: judges' and writer's tokens per accepted problem`, (tokens + written) / accepted)
}
process.exitCode = figures.missed > 0 ? 1 : 0
