/**
 * `npm run em -- [--iterations 3] [--runs 3] [--problems 120] [--seeds FILE]`: rationale learning end to end by the commands that a user has, with
 * small language models trained on the spot from the stream's own training rows, served with true log-probabilities, and switched while the
 * stream runs. Prints held-out losses by iteration: with the E-step, with a random choice in its place, without it, and without rationales.
 * The annotators are the simulator's; everything else is learned. Takes some minutes.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConceptList } from '../curation/concepts.ts'
import { hasConverged } from '../curation/em.ts'
import { rationaleCompletion, synthesisParts, tagTexts } from '../curation/synthesis.ts'
import { annotatePrompt, rationalePrompt, scoredText, synthesisPrompt } from '../domains/prompts.ts'
import type { RationaleScore, Triple } from '../schemas/generated.ts'
import { MATH_FAMILIES } from '../simulator/families/all.ts'
import { Random } from '../simulator/random.ts'
import { startSimulator } from '../simulator/server.ts'
import { LanguageModel, tokenize, type Row } from './em/language-model.ts'
import { serveModels, type ModelServer } from './em/server.ts'
import { readOptions } from '../scripts/options.ts'

const program = {
  call: 'npm run em',
  about:
    'Rationale learning end to end with small language models trained on the spot; prints held-out losses by iteration. Takes some minutes.',
}
const values = readOptions(program, {
  iterations: { type: 'string', default: '3', doc: 'of EM' },
  runs: { type: 'string', default: '3', doc: 'with other random numbers each' },
  problems: { type: 'string', default: '120', doc: 'of each iteration' },
  seeds: { type: 'string', doc: 'JSONL file of human problems (default: made here)' },
  keep: { type: 'string', default: '0.5', doc: 'share of earlier rows when a model is trained on' },
})
const iterations = Number(values.iterations)
const runs = Number(values.runs)
const problems = Number(values.problems)
/** The share of earlier rows when a model is trained on: a stand-in for fine-tuning, which goes on from the weights before. */
const keep = Number(values.keep)
/** One in so many problems is held out: never ingested. */
const heldOutShare = 4
const level = 'AIME'
/** Rationales drawn for the estimate of log p(x|c). */
const importanceSamples = 16
const command = fileURLToPath(new URL('../cli/main.js', import.meta.url))

interface HeldOut {
  concepts: string[]
  statement: string
}

/** Means over held-out problems: losses in nats a problem, the length in tokens. */
interface Losses {
  /** -log p(z,x|c) with the rationale that the writer decodes: what EM lowers, and no less than -log p(x|c). */
  joint: number
  /** -log p(x|z,c) with the same rationale: the problem alone, which the rationale has seen. */
  problem: number
  /** -log p(x|c), estimated by importance sampling from the rationale writer; it tends to be too high. */
  marginal: number
  rationaleTokens: number
  /** Rationales that did not end. */
  endless: number
}

function statementsOf(run: number): string[] {
  if (values.seeds === undefined) {
    const random = new Random('em', run)
    return Array.from({ length: problems }, (_, number) => {
      const family = MATH_FAMILIES[number % MATH_FAMILIES.length]
      return family === undefined ? '' : family.draw(random, 1 + 6 * random.next()).statement(random, { flawed: false })
    })
  }
  const lines = readFileSync(values.seeds, 'utf8').split('\n').filter(Boolean)
  const all = lines.map((line) => (JSON.parse(line) as { problem: string }).problem).filter((one) => one.length < 600)
  return new Random('em', run).shuffle(all).slice(0, problems)
}

const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0)
const mean = (list: readonly number[]): number => sum(list) / list.length

/** Log-probability of what follows a prompt, in consecutive parts. */
function partsOf(
  model: LanguageModel,
  prompt: string,
  parts: readonly string[],
): { logProbability: number; tokens: number }[] {
  const { logProbabilities } = model.score(prompt + parts.join(''))
  let at = tokenize(prompt).length
  return parts.map((part) => {
    const tokens = tokenize(part).length
    const logProbability = sum(logProbabilities.slice(at, at + tokens))
    at += tokens
    return { logProbability, tokens }
  })
}

/** A rationale by the writer, without its tags. */
function rationaleOf(
  q: LanguageModel,
  { concepts, statement }: HeldOut,
  greedy: boolean,
  seed: number,
): { text: string; isWhole: boolean } {
  const { text } = rationalePrompt(concepts, level, statement)
  const { text: written, isWhole } = q.write(text, { greedy, seed, stop: [tagTexts.endRationale], maxTokens: 400 })
  return { text: written.replace(tagTexts.beginRationale, ''), isWhole }
}

function measure(p: LanguageModel, q: LanguageModel, heldOut: readonly HeldOut[]): Losses {
  const all = heldOut.map((one, number) => {
    const { concepts, statement } = one
    const prompt = synthesisPrompt(concepts, level).text
    const explained = rationalePrompt(concepts, level, statement).text
    const jointOf = (rationale: string): number[] => {
      const parts = synthesisParts(rationale, statement)
      return partsOf(p, prompt, [parts.rationale, parts.problem]).map(({ logProbability }) => logProbability)
    }
    const greedy = rationaleOf(q, one, true, 0)
    const [ofRationale = NaN, ofProblem = NaN] = jointOf(greedy.text.trim())
    const weights = Array.from({ length: importanceSamples }, (_, draw) => {
      const { text, isWhole } = rationaleOf(q, one, false, 1000 * number + draw)
      const [own] = partsOf(q, explained, [rationaleCompletion(text)])
      return isWhole && own ? sum(jointOf(text)) - own.logProbability : -Infinity
    })
    const most = Math.max(...weights)
    return {
      joint: -ofRationale - ofProblem,
      problem: -ofProblem,
      marginal: -(most + Math.log(mean(weights.map((weight) => Math.exp(weight - most))))),
      rationaleTokens: tokenize(greedy.text).length,
      endless: greedy.isWhole ? 0 : 1,
    }
  })
  return {
    joint: mean(all.map(({ joint }) => joint)),
    problem: mean(all.map(({ problem }) => problem)),
    marginal: mean(all.map(({ marginal }) => marginal).filter(Number.isFinite)),
    rationaleTokens: mean(all.map(({ rationaleTokens }) => rationaleTokens)),
    endless: sum(all.map(({ endless }) => endless)),
  }
}

/** The problem writer that never saw a rationale: c -> x. */
function withoutRationales(rows: readonly Row[], heldOut: readonly HeldOut[]): number {
  const problemOf = (completion: string): string => completion.slice(completion.indexOf(`\n\n${tagTexts.beginProblem}`))
  const model = LanguageModel.train(rows.map((row) => ({ ...row, completion: problemOf(row.completion) })))
  return -mean(
    heldOut.map(({ concepts, statement }) => {
      const [part] = partsOf(model, synthesisPrompt(concepts, level).text, [synthesisParts('', statement).problem])
      return part?.logProbability ?? NaN
    }),
  )
}

/** Largest difference between the sums in the stream's records and the language model's own, in nats. */
function largestDifference(
  triples: readonly Triple[],
  models: ReadonlyMap<string, LanguageModel>,
): { most: number; compared: number } {
  let [most, compared] = [0, 0]
  for (const { concepts, level: own, rationale, statement, score, scorer } of triples) {
    const p = models.get(scorer)
    if (!score || !p) continue
    const { text, rationale: first } = scoredText(concepts, own, rationale, statement)
    const parts = synthesisParts(rationale, statement)
    const sums = partsOf(p, text.slice(0, first.start), [parts.rationale, parts.problem])
    const stored: (keyof RationaleScore)[] = ['rationaleLogProbability', 'problemLogProbability']
    for (const [index, field] of stored.entries())
      most = Math.max(most, Math.abs(score[field] - (sums[index]?.logProbability ?? NaN)))
    compared++
  }
  return { most, compared }
}

/** Runs a command of the stream's folder to its end. */
function wellspring(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args, '--config', 'em.yaml'], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.once('close', (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`wellspring ${args.join(' ')}: exit code ${code}\n${stderr}`)),
    )
  })
}

const jsonLines = <Value>(text: string): Value[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Value)

type Rule = 'best' | 'random'

interface Curves {
  /** By iteration, 0 after the cold start. */
  losses: Losses[]
  initialWithout: number
  difference: { most: number; compared: number }
}

async function learn(run: number, rule: Rule): Promise<Curves> {
  const cwd = mkdtempSync(join(tmpdir(), 'wellspring-em-'))
  const annotators = await startSimulator({ instant: true, seed: 1 + run, noise: { malformedAnswers: 0 } })
  const server: ModelServer = await serveModels(run)
  // Models before any training, so that the names exist.
  const blank = LanguageModel.train([])
  for (const name of ['p', 'q']) server.models.set(name, blank)
  const raw = (model: string): object => ({ model, endpoints: ['models'], mode: 'raw', sampling: { maxTokens: 400 } })
  const configuration = {
    endpoints: { models: { url: server.url, stream: 'never' }, annotators: { url: annotators.url } },
    models: {
      a: { model: 'sim-annotator-a', endpoints: ['annotators'] },
      b: { model: 'sim-annotator-b', endpoints: ['annotators'] },
      ...{ p: raw('p'), q: raw('q') },
    },
    roles: { annotator: ['a', 'b'], 'problem-writer': ['p'], 'rationale-writer': ['q'] },
    processors: { 'select-rationale': { rule } },
  }
  writeFileSync(join(cwd, 'em.yaml'), JSON.stringify(configuration))
  const statements = statementsOf(run)
  const isHeldOut = (_: unknown, index: number): boolean => index % heldOutShare === 0
  const heldOut: HeldOut[] = []
  for (const statement of statements.filter(isHeldOut)) {
    const concepts = await conceptsOf(annotators.url, statement)
    if (concepts) heldOut.push({ concepts, statement })
  }
  const lines = statements
    .filter((_, index) => !isHeldOut(_, index))
    .map((problem) => JSON.stringify({ domain: 'math', source: 'em', problem }))
  writeFileSync(join(cwd, 'seeds.jsonl'), `${lines.join('\n')}\n`)
  await wellspring(cwd, ['ingest', 'seeds.jsonl', '--as', 'seeds'])
  const stages = ['extract-concepts', 'plan-rationales', 'infer-rationale', 'score-rationale', 'select-rationale']
  const stream = spawn(process.execPath, [command, 'run', ...stages, '--json', '--config', 'em.yaml'], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let told = ''
  stream.stderr.setEncoding('utf8').on('data', (text: string) => (told += text))
  const ended = new Promise<void>((resolve) => stream.once('close', () => resolve()))
  const lost = ended.then(() => Promise.reject(new Error(`the stream ended:\n${told}`)))
  lost.catch(() => undefined)
  const stepIsDone = (): Promise<unknown> => Promise.race([wellspring(cwd, ['models', 'wait', '--for', '20m']), lost])
  const rowsFor = async (role: string): Promise<Row[]> =>
    jsonLines<Row>(await wellspring(cwd, ['models', 'rows', role])).map((row) => ({ ...row, weight: 1 }))
  const announce = (role: string, model: string, version: string): Promise<string> =>
    wellspring(cwd, ['models', 'announce', role, '--model', model, '--version', version])
  try {
    await stepIsDone()
    let ofWriter = await rowsFor('problem-writer')
    let ofExplainer = await rowsFor('rationale-writer')
    const initialWithout = withoutRationales(ofWriter, heldOut)
    let p = LanguageModel.train(ofWriter)
    let q = LanguageModel.train(ofExplainer)
    const losses = [measure(p, q, heldOut)]
    // All rows of a pair together weigh 1: a problem that was seen more often is no other problem.
    const further = (rows: readonly Row[], next: readonly Row[]): Row[] => [
      ...rows.map((row) => ({ ...row, weight: keep * row.weight })),
      ...next.map((row) => ({ ...row, weight: 1 - keep })),
    ]
    server.models.set('q-0', q)
    await announce('rationale-writer', 'q-0', '0')
    for (let iteration = 1; iteration <= iterations; iteration++) {
      server.models.set(`p-${iteration - 1}`, p)
      await announce('problem-writer', `p-${iteration - 1}`, String(iteration - 1))
      await stepIsDone()
      ofExplainer = further(ofExplainer, await rowsFor('rationale-writer'))
      q = LanguageModel.train(ofExplainer)
      server.models.set(`q-${iteration}`, q)
      await announce('rationale-writer', `q-${iteration}`, String(iteration))
      await stepIsDone()
      ofWriter = further(ofWriter, await rowsFor('problem-writer'))
      p = LanguageModel.train(ofWriter)
      losses.push(measure(p, q, heldOut))
      console.error(`run ${run}, ${rule}: iteration ${iteration} of ${iterations}, ${ofWriter.length} rows`)
    }
    const triples = jsonLines<Triple>(await wellspring(cwd, ['tail', 'triples']))
    return { losses, initialWithout, difference: largestDifference(triples, server.models) }
  } finally {
    stream.kill('SIGTERM')
    await ended
    await server.close()
    await annotators.close()
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** The concepts of a held-out problem, by the annotator that lists those of the others. */
async function conceptsOf(url: string, statement: string): Promise<string[] | undefined> {
  const body = {
    model: 'sim-annotator-a',
    seed: 1,
    messages: [{ role: 'user', content: annotatePrompt(statement).text }],
  }
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  return parseConceptList(choices[0]?.message.content ?? '')
}

/** Mean and sample standard deviation over runs. */
function band(list: readonly number[]): string {
  const centre = mean(list)
  const spread = list.length < 2 ? 0 : Math.sqrt(sum(list.map((one) => (one - centre) ** 2)) / (list.length - 1))
  return `${centre.toFixed(1)} +- ${spread.toFixed(1)}`.padStart(15)
}

if (spawnSync(process.execPath, [command, '--version']).status !== 0)
  throw new Error('build first: node scripts/build.mjs')
const fields = ['joint', 'problem', 'marginal', 'rationaleTokens'] as const
const startedAtMs = Date.now()
const curves: Record<Rule, Curves[]> = { best: [], random: [] }
for (let run = 0; run < runs; run++)
  for (const rule of ['best', 'random'] as const) curves[rule].push(await learn(run, rule))

console.log(
  `\n${runs} runs, ${problems} problems (${values.seeds ?? "the simulator's families"}), one in ${heldOutShare} held out; nats a held-out problem, mean +- standard deviation over runs\n`,
)
console.log(
  `${'iteration'.padEnd(30)}${['-log p(z,x|c)', '-log p(x|z,c)', '-log p(x|c) est.', 'tokens of z'].map((name) => name.padStart(17)).join('')}`,
)
const line = (name: string, all: readonly Losses[]): void =>
  console.log(`${name.padEnd(30)}${fields.map((field) => `  ${band(all.map((one) => one[field]))}`).join('')}`)
const initial = curves.best.flatMap(({ losses }) => losses[0] ?? [])
console.log(
  `${'initial without rationales'.padEnd(30)}${' '.repeat(34)}  ${band(curves.best.map(({ initialWithout }) => initialWithout))}`,
)
line('initial with; no E-step: stays', initial)
for (let iteration = 1; iteration <= iterations; iteration++) {
  for (const [rule, name] of [
    ['best', 'with the E-step'],
    ['random', 'random choice'],
  ] as const)
    line(
      `${iteration}  ${name}`,
      curves[rule].flatMap(({ losses }) => losses[iteration] ?? []),
    )
}
/** Differences within each run: the problems of the runs differ, those of one run do not. */
function compare(name: string, other: (run: number) => Losses | undefined): void {
  const pairs = curves.best.flatMap(({ losses }, run) => {
    const [own, against] = [losses[iterations], other(run)]
    return own && against ? [{ own, against }] : []
  })
  console.log(
    `${name.padEnd(30)}${fields.map((field) => `  ${band(pairs.map(({ own, against }) => own[field] - against[field]))}`).join('')}`,
  )
}
compare('with less random choice', (run) => curves.random[run]?.losses[iterations])
compare('with less no E-step', (run) => curves.best[run]?.losses[0])
for (const [number, { losses }] of curves.best.entries()) {
  const joint = losses.map((one) => one.joint)
  const stop = joint.findIndex((_, index) => hasConverged(joint.slice(0, index + 1)))
  console.log(
    `run ${number}: our stop rule (the held-out loss no longer falls) ${stop < 0 ? 'would go on' : `stops after iteration ${stop}`}; endless rationales ${losses.map(({ endless }) => endless).join(', ')}`,
  )
}
const differences = [...curves.best, ...curves.random].map(({ difference }) => difference)
console.log(
  `sums of log-probabilities in ${sum(differences.map(({ compared }) => compared))} records differ from the model's own by ${Math.max(...differences.map(({ most }) => most)).toExponential(1)} nats at most`,
)
console.log(`${Math.round((Date.now() - startedAtMs) / 1000)} s`)
