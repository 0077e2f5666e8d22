/**
 * How truly screening tells what is the same: near-duplicates among statements of the simulator's families, whose parameters
 * are known, by the rules of each profile; human problems that it would drop; and benchmark problems that were planted in
 * other writings. `node dist/bench/screening-truth.js [--problems 5000] [--draw NAME] [--data ../shared/data] [--json]`
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { BenchmarkIndex, type DecontaminationSettings } from '../curation/decontamination.ts'
import {
  answerKey,
  areTheSame,
  comparedOf,
  ownersKey,
  type ComparedStatement,
} from '../curation/answered-duplicates.ts'
import { featuresOf, namesNumbers, NearDuplicateIndex } from '../curation/near-duplicates.ts'
import { defaultOf, type Profile } from '../engine/settings.ts'
import screenProblem from '../processors/screen-problem.ts'
import { FAMILIES } from '../simulator/families/all.ts'
import { canonicalAnswer } from '../simulator/answers.ts'
import { Random } from '../simulator/random.ts'
import { Figures } from './figures.ts'

const { values: options } = parseArgs({
  options: {
    problems: { type: 'string', default: '5000' },
    /** Names the statements that are drawn. */
    draw: { type: 'string', default: 'screening-truth' },
    data: { type: 'string', default: '../shared/data' },
    json: { type: 'boolean', default: false },
  },
})
const figures = new Figures(options.json)

/** How statements are compared. */
interface Screening {
  rule: 'words' | 'words-and-numbers'
  wordsWithoutAnswer: number
  index: NearDuplicateIndex
}

/** What screen-problem has under a profile. */
function settingsOf(profile: Profile): Screening & { overlap: DecontaminationSettings } {
  const value = (name: string): unknown => {
    const declared = screenProblem.settings[name]
    if (!declared) throw new Error(`screen-problem has no setting ${name}`)
    return defaultOf(declared, profile)
  }
  const rule = value('duplicates') as 'words'
  return {
    rule,
    wordsWithoutAnswer: value('wordsWithoutAnswer') as number,
    index: new NearDuplicateIndex({
      rule,
      wordSimilarity: value('wordSimilarity') as number,
      commonWordStatements: (value('commonWordStatements') as number) || Infinity,
    }),
    overlap: {
      rule: value('decontamination') as '13-gram',
      commonWords: value('commonWords') as number,
      commonShare: value('commonShare') as number,
    },
  }
}

interface Statement {
  /** Equal for the same problem; undefined where nothing else is the same. */
  key?: string
  text: string
  /** The right answer, where it is checked by one. */
  answer?: string
}

/** What the index takes for the same as something before it; with `answers` what the numbers and the answer tell, too. */
function screen(
  { rule, wordsWithoutAnswer, index }: Screening,
  statements: readonly Statement[],
  answers = false,
): { dropped: number; right: number; missed: number } {
  const keys = new Set<string>()
  const owners = new Map<string, ComparedStatement[]>()
  const counts = { dropped: 0, right: 0, missed: 0 }
  for (const [number, { key, text, answer }] of statements.entries()) {
    const features = featuresOf(text, rule)
    const isRepeat = key !== undefined && keys.has(key)
    const isAnswered = answer !== undefined && namesNumbers(features)
    const compared = answers && isAnswered ? comparedOf(text) : undefined
    const shortAnswer = answerKey(answer ?? '')
    const owner = compared && { compared, place: ownersKey('math', shortAnswer, compared) }
    const others = owners.get(owner?.place ?? '') ?? []
    const isTold = index.find(features, isAnswered ? wordsWithoutAnswer : 0) !== undefined
    if (isTold || (compared && others.some((other) => areTheSame(other, compared, shortAnswer)))) {
      counts.dropped++
      if (isRepeat) counts.right++
      continue
    }
    if (isRepeat) counts.missed++
    index.add(number.toString(16).padStart(64, '0'), features)
    if (owner) owners.set(owner.place, [...others, owner.compared])
    if (key !== undefined) keys.add(key)
  }
  return counts
}

const drawn = Array.from({ length: Number(options.problems) }, (_, number) => {
  const random = new Random(options.draw, number)
  const problem = random.pick(FAMILIES).draw(random, 1.5 + 6 * random.next())
  const write = (words: string): string => problem.statement(new Random('words', number, words))
  const answer = problem.domain === 'math' ? { answer: canonicalAnswer(problem.answer) } : {}
  return { key: problem.key, ...answer, text: write('first'), reworded: write('second') }
})
const distinct = [...new Map(drawn.map((one) => [one.key, one])).values()]
const planted = distinct
  .slice(0, Math.ceil(distinct.length / 3))
  .map(({ reworded, ...one }) => ({ ...one, text: reworded }))

for (const profile of ['wellspring', 'scripts'] as const) {
  const isOurs = profile === 'wellspring'
  const sets = [
    ['as a model repeats itself', drawn],
    ['planted in other words', [...distinct, ...planted]],
  ] as const
  for (const [name, statements] of sets)
    for (const answers of isOurs ? [false, true] : [false]) {
      const { dropped, right, missed } = screen(settingsOf(profile), statements, answers)
      const told = `near-duplicates ${name}, ${profile}${isOurs ? (answers ? ', once they have answers' : ', by the text') : ''}`
      const hasGoal = answers
      const recall = right / (right + missed)
      const precision = right / dropped
      figures.tell(`${told}: recall`, recall, hasGoal ? '>= 0.95' : 'stated', !hasGoal || recall >= 0.95)
      figures.tell(`${told}: precision`, precision, hasGoal ? '>= 0.99' : 'stated', !hasGoal || precision >= 0.99)
    }
}

interface Line {
  id?: string
  problem: string
  answer?: string
}

function linesOf(folder: string): { file: string; lines: Line[] }[] {
  return readdirSync(join(options.data, folder))
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => ({
      file: basename(file, '.jsonl'),
      lines: readFileSync(join(options.data, folder, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line),
    }))
}

const seeds = linesOf('seeds')
for (const profile of ['wellspring', 'scripts'] as const) {
  const human = seeds.flatMap(({ lines }) =>
    lines.map(({ problem, answer }) => ({ text: problem, ...(answer === undefined ? {} : { answer }) })),
  )
  const isOurs = profile === 'wellspring'
  for (const answers of isOurs ? [false, true] : [false]) {
    const share = screen(settingsOf(profile), human, answers).dropped / human.length
    figures.tell(
      `human problems dropped as near-duplicates, ${profile}${answers ? ', once they have answers' : ''}`,
      share,
      isOurs ? '< 0.05' : 'stated',
      !isOurs || share < 0.05,
    )
  }
}

/** Other writings of a statement. */
const writings: Record<string, (text: string, random: Random) => string> = {
  'as it is': (text) => text,
  spacing: (text, random) => text.replace(/ /g, () => (random.chance(0.3) ? ' \n ' : ' ')),
  case: (text) => text.toUpperCase().replace(/\\[A-Z]+/g, (command) => command.toLowerCase()),
  LaTeX: (text) =>
    text
      .replace(/\$([^$]+)\$/g, '\\($1\\)')
      .replace(/\\frac/g, '\\dfrac')
      .replace(/\\le(?![a-z])/g, '\\leq')
      .replace(/\\(?:left|right)(?![a-z])/g, ''),
  punctuation: (text) => text.replace(/[.,;:!?'"]/g, ' '),
  variables: (text) =>
    text.replace(/(?<![A-Za-z\\])[b-hj-z](?![A-Za-z])/g, (name) =>
      String.fromCharCode(97 + ((name.charCodeAt(0) - 97 + 7) % 26)),
    ),
  'in a longer text': (text) =>
    `Consider this with care. ${text} Give a single number and explain every step in detail.`,
  'a twelfth of the words left out': (text, random) =>
    text
      .split(' ')
      .filter(() => !random.chance(1 / 12))
      .join(' '),
}

const benchmarks = linesOf('benchmarks')
const index = new BenchmarkIndex()
for (const { file, lines } of benchmarks)
  for (const [number, { id, problem }] of lines.entries()) index.add(file, id ?? String(number), problem)
const all = benchmarks.flatMap(({ lines }) => lines.map(({ problem }) => problem))
for (const profile of ['wellspring', 'paper'] as const) {
  const { overlap } = settingsOf(profile)
  const isOurs = profile === 'wellspring'
  let found = 0
  for (const [name, write] of Object.entries(writings)) {
    const hits = all.filter((text, number) => index.overlapOf(write(text, new Random(name, number)), overlap)).length
    const goal = name === 'as it is' ? 1 : 0.98
    found += hits
    figures.tell(
      `benchmark problems found, ${name}, ${profile}`,
      hits / all.length,
      isOurs ? (goal === 1 ? '1' : `>= ${goal}`) : 'stated',
      !isOurs || hits / all.length >= goal,
    )
  }
  figures.tell(
    `benchmark problems found, of ${all.length * Object.keys(writings).length}, ${profile}`,
    found,
    'stated',
    true,
  )
  const human = seeds.flatMap(({ lines }) => lines)
  const dropped = human.filter(({ problem }) => index.overlapOf(problem, overlap)).length / human.length
  figures.tell(
    `human problems in no benchmark dropped, ${profile}`,
    dropped,
    isOurs ? '< 0.005' : 'stated',
    !isOurs || dropped < 0.005,
  )
}
process.exitCode = figures.missed > 0 ? 1 : 0
