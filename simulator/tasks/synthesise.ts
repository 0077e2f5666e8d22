/** Designs a problem from concepts: a rationale, then the problem of a family that the concepts point to. */
import { canonicalAnswer } from '../answers.ts'
import { CODE_FAMILIES, FAMILIES, MATH_FAMILIES, SQL_FAMILIES } from '../families/all.ts'
import type { Family, Problem } from '../families/family.ts'
import { type Concept, findConcept } from '../lexicon.ts'
import { type Continuation, TAGS } from '../prompts.ts'
import type { Random } from '../random.ts'
import { contradictorySentence, difficultyRange, flawAtLevel, unanswerableSentence } from '../statements.ts'
import type { Flaw } from '../truth.ts'
import type { Generation, StatementFact, TaskContext } from './task.ts'

const MATH_LEVELS = ['AMC12', 'HMMT-Nov', 'HMMT-Feb', 'AIME', 'USAJMO', 'USAMO', 'USOJMO', 'USOMO']
const STEP_WORDS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight']

interface Design {
  family: Family
  /** Wanted difficulty, 1 to 8. */
  difficulty: number
}

const FAMILIES_OF: Record<Problem['domain'], readonly Family[]> = {
  math: MATH_FAMILIES,
  code: CODE_FAMILIES,
  sql: SQL_FAMILIES,
}

function domainOf(concepts: readonly string[], level: string): Problem['domain'] {
  if (level === 'Codeforces') return 'code'
  if (level.startsWith('SQL-')) return 'sql'
  if (MATH_LEVELS.includes(level)) return 'math'
  const code = concepts.filter((name) => findConcept(name)?.domain === 'code').length
  return code * 2 > concepts.length ? 'code' : 'math'
}

/** Names and clusters of each family's concepts. */
const themes = new Map(
  FAMILIES.map((family) => {
    const names = new Set(family.concepts.map((name) => findConcept(name)?.name))
    return [family.name, { names, clusters: new Set(family.concepts.map((name) => findConcept(name)?.cluster)) }]
  }),
)

/** How well a family suits the concepts: shared concepts count most, shared clusters a little. */
function suitability(family: Family, concepts: readonly Concept[]): number {
  const theme = themes.get(family.name)
  return concepts.reduce((sum, concept) => {
    if (theme?.names.has(concept.name)) return sum + 2
    return sum + (theme?.clusters.has(concept.cluster) ? 0.4 : 0)
  }, 0)
}

function drawDesign(random: Random, concepts: readonly string[], level: string, badRate: number): Design {
  const families = FAMILIES_OF[domainOf(concepts, level)]
  const known = concepts.flatMap((name) => findConcept(name) ?? [])
  const family = random.weighted(families, (candidate) => Math.exp(suitability(candidate, known)))
  const [low, high] = difficultyRange(level)
  return {
    family,
    difficulty: random.chance(badRate / 5) ? offLevel(random, low, high) : low + (high - low) * random.next(),
  }
}

/** A difficulty outside of a level's range by more than judges forgive; inside where the range leaves no room. */
function offLevel(random: Random, low: number, high: number): number {
  const ranges = [
    [1, low - 1.8],
    [high + 1.8, 8],
  ] as const
  const possible = ranges.filter(([from, to]) => from < to)
  const [from, to] = possible.length > 0 ? random.pick(possible) : ([low, high] as const)
  return from + (to - from) * random.next()
}

function writeRationale(random: Random, design: Design, concepts: readonly string[], level: string): string {
  const [first = 'the first concept', second = first, ...others] = random.shuffle(concepts)
  const steps = STEP_WORDS[Math.min(7, Math.max(0, Math.round(design.difficulty) - 1))] ?? 'four'
  const sentences = [
    random.pick([
      `The concepts to be combined are ${concepts.join(', ')}.`,
      `We look for a setting where ${concepts.join(', ')} meet.`,
      `Starting from ${concepts.join(', ')}, the aim is one question that needs them together.`,
    ]),
    random.pick([
      `A natural meeting point of ${first} and ${second} is ${design.family.design}.`,
      `${first[0]?.toUpperCase() ?? ''}${first.slice(1)} suggests ${design.family.design}, and ${second} decides how the answer is found.`,
      `To connect ${first} with ${second}, the question is built round ${design.family.design}.`,
    ]),
    ...random.shuffle(
      [
        ...others.map((name) =>
          random.pick([
            `${name[0]?.toUpperCase() ?? ''}${name.slice(1)} enters when the intermediate result is interpreted.`,
            `A solver who overlooks ${name} will fall for a plausible wrong value.`,
            `The role of ${name} is kept implicit, so that it has to be recognised.`,
            `The data are chosen so that ${name} shortens the work considerably.`,
          ]),
        ),
        'The numbers are large enough to rule out guessing, yet the result can be checked by hand.',
        'A short story frames the question without giving the method away.',
        'The answer is a single exact value, so that it can be verified automatically.',
        'Special cases are excluded by the wording.',
      ].filter(() => random.chance(0.75)),
    ),
    random.pick([
      `For the level ${level} the solution should take about ${steps} steps.`,
      `The difficulty ${level} asks for about ${steps} steps of reasoning.`,
      `About ${steps} steps lead to the answer, which suits ${level}.`,
    ]),
  ]
  return sentences.join(' ')
}

/** The design that a rationale describes, as far as its text says. */
function readRationale(rationale: string): Partial<Design> {
  const family = FAMILIES.find((candidate) => rationale.includes(candidate.design))
  const steps = STEP_WORDS.indexOf(/\b[Aa]bout (\w+) steps/.exec(rationale)?.[1] ?? '')
  return { ...(family && { family }), ...(steps >= 0 && { difficulty: steps + 1 }) }
}

function cutOff(statement: string, random: Random): string {
  const words = statement.split(' ')
  let count = Math.floor(words.length * (0.4 + 0.4 * random.next()))
  while (count > 3 && !/[a-z]$/.test(words[count - 1] ?? '')) count--
  return words.slice(0, count).join(' ')
}

function spoil(
  context: TaskContext,
  flaw: Flaw | undefined,
  draw: (flawed: boolean) => string,
  domain: Problem['domain'],
): string {
  const { random } = context
  switch (flaw) {
    case 'unanswerable':
      return `${draw(domain !== 'math')} ${unanswerableSentence(domain, random)}`
    case 'contradictory':
      return `${contradictorySentence(random)} ${draw(false)}`
    case 'missing-condition':
      return draw(true)
    case 'cut-off':
      return cutOff(draw(false), random)
    default:
      return draw(false)
  }
}

function writeProblem(context: TaskContext, design: Design, level: string): { statement: string; fact: StatementFact } {
  const { random, settings } = context
  const problem = design.family.draw(random, design.difficulty)
  const flaws: Flaw[] = ['unanswerable', 'missing-condition', 'cut-off', 'contradictory']
  // The fifth kind, a missed level, was decided with the design.
  const flaw = random.chance(settings.noise.badProblems * 0.8) ? random.pick(flaws) : undefined
  const statement = spoil(context, flaw, (flawed) => problem.statement(random, { flawed }), problem.domain)
  const reading = context.statements.read(statement)
  const found = flawAtLevel(reading, level)
  return {
    statement,
    fact: {
      statementHash: reading.hash,
      requires: statement,
      body: {
        kind: 'problem',
        family: problem.family,
        difficulty: problem.difficulty,
        valid: found === undefined,
        ...(found && { flaw: found }),
        ...(problem.domain === 'math' && { rightAnswer: canonicalAnswer(problem.answer) }),
      },
    },
  }
}

/** Answers the synthesis prompt from wherever it stands. */
export function synthesise(
  context: TaskContext,
  concepts: readonly string[],
  level: string,
  continuation: Continuation,
): Generation {
  const { random, fault, settings } = context
  const drawn = drawDesign(random, concepts, level, settings.noise.badProblems)
  if (continuation.at === 'problem') {
    const design = { ...drawn, ...readRationale(continuation.rationale) }
    const { statement, fact } = writeProblem(context, design, level)
    const head = continuation.written === '' ? '\n' : ''
    const tag = continuation.written === '' && continuation.rationale !== '' ? '' : ' '
    return { content: `${head || tag}${statement}\n${TAGS.endProblem}`, facts: [fact] }
  }
  const open = continuation.at === 'rationale'
  const design = open ? { ...drawn, ...readRationale(continuation.written) } : drawn
  const rationale = writeRationale(random, design, concepts, level)
  const { statement, fact } = writeProblem(context, design, level)
  const start = open ? ' ' : ` ${TAGS.beginRationale} `
  if (fault === 'malformed') {
    const content = random.pick([
      `${start}${rationale}`,
      `${start}${rationale} ${TAGS.endRationale} ${TAGS.beginProblem} ${TAGS.endProblem}`,
      `${rationale}\n\n${statement}`,
    ])
    return { content, facts: content.includes(statement) ? [fact] : [] }
  }
  // Released models differ in spaces and line breaks round the tags, and some leave a closing tag out.
  const middle = random.weighted(
    [
      ` ${TAGS.endRationale} ${TAGS.beginProblem} `,
      `${TAGS.endRationale}\n\n${TAGS.beginProblem}\n`,
      `\n${TAGS.beginProblem}\n`,
    ],
    (text) => (text.startsWith(' ') ? 6 : text.includes(TAGS.endRationale) ? 3 : 0.3),
  )
  return { content: `${start}${rationale}${middle}${statement} ${TAGS.endProblem}`, facts: [fact] }
}
