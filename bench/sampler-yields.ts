/**
 * What yields that are fed back to the sampler are worth: preference pairs for a million tokens, in three corpora that grow from the
 * same seeds on the simulated endpoint: without them (the named baseline), with them, and with the band of pass rates too.
 * `node dist/bench/sampler-yields.js [--problems 600] [--seeds examples/seeds.jsonl] [--seed 1] [--domains math=1] [--topic-spread 1.5]`
 *
 * The simulated models differ from topic to topic by `topic-spread`, in logits, as real ones do; at 0 they are as good at everything,
 * and there is nothing to learn. Tokens are those of all calls from the rationale to the attempts, prompts included; annotators, embedder and teacher are
 * left out. The first half of each corpus is spent on learning, so the second half is told apart.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Figures } from './figures.ts'

const { values } = parseArgs({
  options: {
    problems: { type: 'string', default: '600' },
    seeds: { type: 'string', default: 'examples/seeds.jsonl' },
    seed: { type: 'string', default: '1' },
    domains: { type: 'string', default: 'math=1' },
    'topic-spread': { type: 'string', default: '1.5' },
  },
})
const problems = Number(values.problems)
const built = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-yields-'))
const besides = new Set(['extract-concepts', 'embed-concepts', 'teach'])

interface Status {
  processors?: {
    name: string
    counts: { promptTokens: number; completionTokens: number; emitted: Record<string, number> }
  }[]
}

function run(args: readonly string[], hear: (line: string) => void = () => undefined): Promise<void> {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [join(built, 'cli/main.js'), ...args], {
      cwd: folder,
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI)_/.test(name))),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    createInterface({ input: child.stdout }).on('line', hear)
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? settle() : reject(new Error(`${args.join(' ')} ended with ${code}`))))
  })
}

interface Spent {
  tokens: number
  pairs: number
}

/** Grows a corpus up to as many problems. @returns tokens and pairs so far */
async function grow(data: string, upTo: number, settings: readonly string[]): Promise<Spent> {
  const spent: Spent = { tokens: 0, pairs: 0 }
  const set = [
    ...settings,
    ...['simulator.speed=2000', `simulator.seed=${values.seed}`, `sample-concepts.domainShares=${values.domains}`],
    `simulator.topicSpread=${values['topic-spread']}`,
  ]
  const args = ['up', '--json', '--data', data, '--problems', String(upTo), ...set.flatMap((one) => ['--set', one])]
  await run(args, (line) => {
    const { processors = [] } = JSON.parse(line) as Status
    if (processors.length === 0) return
    const spine = processors.filter(({ name }) => !besides.has(name))
    spent.tokens = spine.reduce((sum, { counts }) => sum + counts.promptTokens + counts.completionTokens, 0)
    spent.pairs = spine.reduce((sum, { counts }) => sum + (counts.emitted['preference-pairs'] ?? 0), 0)
  })
  return spent
}

const noBand = ['sample-concepts.minPassRate=0', 'sample-concepts.maxPassRate=1']
const arms: [name: string, settings: string[]][] = [
  ['without yields (the named baseline)', ['sample-concepts.exploration=1', ...noBand]],
  ['with yields', noBand],
  ['with yields and the band of pass rates', []],
]
const perMillion = ({ pairs, tokens }: Spent): number => (pairs * 1e6) / tokens
const figures = new Figures(true)
let baseline: number | undefined
for (const [at, [name, settings]] of arms.entries()) {
  const data = join(folder, `arm-${at}`)
  await run(['ingest', resolve(values.seeds), '--as', 'seeds', '--data', data])
  const half = await grow(data, problems / 2, settings)
  const whole = await grow(data, problems, settings)
  const second = perMillion({ pairs: whole.pairs - half.pairs, tokens: whole.tokens - half.tokens })
  figures.tell(`${name}: pairs for a million tokens, whole corpus`, perMillion(whole))
  const goal = baseline === undefined ? 'the named baseline' : '> the baseline'
  figures.tell(`${name}: pairs for a million tokens, second half`, second, goal, second > (baseline ?? 0))
  figures.tell(`${name}: pairs`, whole.pairs)
  if (baseline !== undefined)
    figures.tell(`${name}: second half, over the baseline`, second / baseline, '> 1', second > baseline)
  baseline ??= second
}
rmSync(folder, { recursive: true })
