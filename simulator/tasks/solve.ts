/** Attempts to solve a problem: right or wrong by skill, difficulty and luck. */
import { type Answer, writeAnswer } from '../answers.ts'
import type { Mistake, Program, ProgramDomain } from '../families/family.ts'
import { Random } from '../random.ts'
import { drawLength, writeReasoning, writeRunaway } from '../reasoning.ts'
import type { StatementReading } from '../statements.ts'
import type { Generation, TaskContext } from './task.ts'

/** Standard deviation, in logits, of how much harder or easier one problem is than its difficulty says. */
const PROBLEM_SPREAD = 0.75
/** Standard deviation, in logits, of how well one problem suits one model. */
const TASTE_SPREAD = 0.45
/** Logits lost with each point of difficulty. */
const DIFFICULTY_SLOPE = 0.38

/** The probability that this model solves this problem in one attempt. */
function solveProbability(context: TaskContext, reading: StatementReading): number {
  const { model, settings } = context
  const difficulty = reading.problem?.difficulty ?? reading.known?.difficulty ?? 4.5
  const skill = settings.skills[model.id] ?? model.skill
  const problem = new Random('problem', settings.seed, reading.hash).normal() * PROBLEM_SPREAD
  const taste = new Random('taste', settings.seed, reading.hash, model.id).normal() * TASTE_SPREAD
  const family = reading.problem?.family ?? 'human'
  const topic = new Random('topic', settings.seed, family, model.id).normal() * settings.topicSpread
  return 1 / (1 + Math.exp(-(skill + topic - DIFFICULTY_SLOPE * (difficulty - 4.5) + problem + taste)))
}

/** One of several mistakes. Each problem has its own favourite, so that wrong answers can agree. */
function fallFor<T extends { name: string }>(
  context: TaskContext,
  reading: StatementReading,
  mistakes: readonly T[],
): T {
  return context.random.weighted(mistakes, ({ name }) => Math.exp(2 * new Random('lure', reading.hash, name).next()))
}

interface Attempt {
  /** The text after the reasoning. */
  answer: string
  steps: readonly string[]
  right: boolean | null
  mistake?: string
  wellFormed: boolean
}

function finish(context: TaskContext, reading: StatementReading, attempt: Attempt): Generation {
  const { model, random, settings, fault } = context
  const runaway = fault === 'runaway'
  const length = Math.min(model.outputLimit * 0.8, drawLength(random, model.medianTokens) * settings.lengthFactor)
  const reasoning = runaway ? writeRunaway(random, model.outputLimit) : writeReasoning(random, attempt.steps, length)
  const right = runaway || !attempt.wellFormed ? (attempt.right === null ? null : false) : attempt.right
  const mistake = runaway ? 'never answered' : attempt.mistake
  const fact = {
    kind: 'rollout' as const,
    model: model.id,
    seed: context.seed,
    index: context.index,
    right,
    ...(right !== true && mistake !== undefined && { mistake }),
    wellFormed: attempt.wellFormed && !runaway,
  }
  const facts = [{ statementHash: reading.hash, body: fact }]
  const answer = runaway ? '' : attempt.answer
  if (model.reasoning === 'field') return { content: answer, reasoning, facts }
  if (model.reasoning === 'inline') {
    return { content: runaway ? `<think>\n${reasoning}` : `<think>\n${reasoning}\n</think>\n\n${answer}`, facts }
  }
  return { content: runaway ? reasoning : `${reasoning}\n\n${answer}`, facts }
}

/** Plausible guesses at a problem that nobody can solve: a few small values, the same favourites for the same text. */
function guesses(reading: StatementReading): Mistake[] {
  const numbers = (reading.statement.match(/\d+/g) ?? []).slice(0, 4).map((digits) => digits.slice(0, 6))
  const candidates = new Set(['0', '1', '2', ...numbers, ...numbers.map((digits) => String(Number(digits) + 1))])
  return [...candidates].map((latex) => ({ name: 'guess', answer: { kind: 'given', latex } }))
}

function guess(context: TaskContext, reading: StatementReading): Mistake {
  return context.random.weighted(guesses(reading), ({ answer }) =>
    Math.exp(3 * new Random('guess', reading.hash, answer.kind === 'given' ? answer.latex : '').next()),
  )
}

/** Answers the solver prompt of mathematics. */
export function solveMath(context: TaskContext, statement: string): Generation {
  const { random, fault } = context
  const reading = context.statements.read(statement)
  const problem = reading.problem?.domain === 'math' && reading.flaw === undefined ? reading.problem : undefined
  const rightAnswer = problem?.answer ?? reading.known?.answer
  let answer: Answer
  let right: boolean | null
  let mistake: string | undefined
  if (rightAnswer === undefined) {
    const guessed = guess(context, reading)
    answer = guessed.answer
    right = reading.flaw === undefined ? null : false
    mistake = reading.flaw === undefined ? 'guess' : `problem is ${reading.flaw}`
  } else if (random.chance(solveProbability(context, reading))) {
    answer = rightAnswer
    right = true
  } else {
    const fallen = fallFor(context, reading, problem?.mistakes ?? reading.known?.mistakes ?? [])
    answer = fallen.answer
    right = false
    mistake = fallen.name
  }
  const written = writeAnswer(answer, random)
  const steps = [
    ...(problem?.steps ?? ['The statement gives everything that is needed.']),
    `This gives ${written.length < 40 ? `$${written}$` : 'the value below'}.`,
  ]
  const wellFormed = fault !== 'malformed'
  const text = wellFormed
    ? random.pick([
        `The final answer is $\\boxed{${written}}$.`,
        `Therefore the answer is\n\\[\\boxed{${written}}\\]`,
        `**Answer.** $\\boxed{${written}}$`,
        `Putting this together, we obtain $\\boxed{${written}}$.`,
      ])
    : random.pick([
        `The answer is $${written}$.`,
        `So the final answer is \\boxed{${written}`,
        'I could not find a definite answer.',
      ])
  return finish(context, reading, { answer: text, steps, right, wellFormed, ...(mistake && { mistake }) })
}

const COMMENTS = [
  '# read everything first',
  '# solution',
  '# straightforward approach',
  '# one pass',
  '# see the explanation above',
  '',
]

/** A copy of a program that crashes or does not compile, in a way that happens to models. */
function crash(source: string, random: Random): Program {
  return random.pick<Program>([
    { name: 'module that is not there', source: `from sortedcontainers import SortedList\n${source}` },
    { name: 'bracket never closed', source: `${source.trimEnd().slice(0, -1)}\n` },
    { name: 'reads past the end', source: `${source.trimEnd()}\nleft_over = int(input())\n` },
    { name: 'name never defined', source: `limit = MAXIMUM\n${source}` },
    { name: 'index out of range', source: `import sys\nvalues = []\nprint(values[0])\n${source}` },
  ])
}

/** A query that the database refuses, in a way that happens to models. */
function refused(source: string, random: Random): Program {
  return random.pick<Program>([
    { name: 'column that is not there', source: `SELECT created_at FROM (${source.trimEnd()})\n` },
    { name: 'bracket never closed', source: `SELECT * FROM (${source}` },
    { name: 'function of another database', source: `SELECT TO_CHAR(NOW()), q.* FROM (${source.trimEnd()}) q\n` },
  ])
}

/** A program that never ends: it forgets to move on. */
function endless(): Program {
  return {
    name: 'loop that never moves on',
    source: [
      'import sys',
      '',
      'data = sys.stdin.read().split()',
      'position = 0',
      'total = 0',
      'while position < len(data):',
      '    total += len(data[position])',
      'print(total)',
      '',
    ].join('\n'),
  }
}

function wrongProgram(context: TaskContext, reading: StatementReading, domain: ProgramDomain): Program {
  const { random, settings } = context
  const problem = reading.problem?.domain === domain ? reading.problem : undefined
  const right = problem?.right ?? reading.known?.right ?? []
  if (random.chance(settings.noise.crashingPrograms))
    return (domain === 'sql' ? refused : crash)(random.pick(right).source, random)
  const slow = [...(problem?.slow ?? []), ...(domain === 'code' ? [endless()] : [])]
  if (slow.length > 0 && random.chance(settings.noise.slowPrograms)) return random.pick(slow)
  return fallFor(context, reading, problem?.wrong ?? reading.known?.wrong ?? [])
}

/** A program that fits the look of an unknown problem and is most likely wrong. */
function bestEffort(context: TaskContext, domain: ProgramDomain): Program {
  if (domain === 'sql') return { name: 'best effort', source: "SELECT name FROM sqlite_master WHERE type = 'table'\n" }
  const rule = context.random.pick([
    'max(numbers)',
    'min(numbers)',
    'sum(numbers)',
    'len(numbers)',
    'sorted(numbers)[0]',
  ])
  return {
    name: 'best effort',
    source: [
      'import sys',
      '',
      'numbers = [int(word) for word in sys.stdin.read().split() if word.lstrip("-").isdigit()]',
      `print(${rule} if numbers else 0)`,
      '',
    ].join('\n'),
  }
}

/** Answers the solver prompt of programming, or of questions to a database. */
export function solveCode(context: TaskContext, statement: string, domain: ProgramDomain = 'code'): Generation {
  const { random, fault } = context
  const reading = context.statements.read(statement)
  const problem = reading.problem?.domain === domain && reading.flaw === undefined ? reading.problem : undefined
  const rightPrograms = problem?.right ?? reading.known?.right ?? []
  let program: Program
  let right: boolean | null
  if (rightPrograms.length === 0) {
    program = bestEffort(context, domain)
    right = reading.flaw === undefined ? null : false
  } else if (random.chance(solveProbability(context, reading))) {
    program = random.pick(rightPrograms)
    right = true
  } else {
    program = wrongProgram(context, reading, domain)
    right = false
  }
  const comment = random.pick(COMMENTS).replace('#', domain === 'sql' ? '--' : '#')
  const source = comment === '' ? program.source : `${comment}\n${program.source}`
  const steps = problem?.steps ?? ['The program has to read the input and print the result.']
  const fence = domain === 'sql' ? '```sql' : '```python'
  const explanation = random.pick(steps)
  const wellFormed = fault !== 'malformed'
  const answer = wellFormed
    ? random.pick([
        `${fence}\n${source}\`\`\``,
        `${explanation}\n\n${fence}\n${source}\`\`\``,
        `${fence}\n${source}\`\`\`\n\n${explanation}`,
      ])
    : random.pick([`${fence}\n${source}`, explanation, `Here is an outline of the solution: ${steps.join(' ')}`])
  const mistake = right === true ? undefined : program.name
  return finish(context, reading, { answer, steps, right, wellFormed, ...(mistake && { mistake }) })
}
