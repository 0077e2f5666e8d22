import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CODE_FAMILIES, FAMILIES, MATH_FAMILIES } from '../../simulator/families/all.ts'
import { CONCEPTS, findConcept } from '../../simulator/lexicon.ts'
import { recogniseTask } from '../../simulator/prompts.ts'
import { Random } from '../../simulator/random.ts'
import { type Fact, readTruth, statementHash } from '../../simulator/truth.ts'
import { type Endpoint, NO_NOISE, openEndpoint, prompts } from './client.ts'
import { runPython, tokens } from './python.ts'

const folder = mkdtempSync(join(tmpdir(), 'wellspring-tasks-'))
const LEVELS = ['AMC12', 'HMMT-Nov', 'HMMT-Feb', 'AIME', 'USAJMO', 'USAMO', 'USOJMO', 'USOMO']
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function problemOf(text: string): string | undefined {
  return /<!-- BEGIN PROBLEM -->(.*?)<!-- END PROBLEM -->/s.exec(text)?.[1]?.trim()
}

/** Synthesises problems of both domains; those whose text can be taken out. */
async function synthesise(
  endpoint: Endpoint,
  count: number,
): Promise<{ statement: string; level: string; rationale: string }[]> {
  const random = new Random('synthesis test')
  const written: { statement: string; level: string; rationale: string }[] = []
  for (let i = 0; i < count; i++) {
    const level = i % 2 === 0 ? random.pick(LEVELS) : 'Codeforces'
    const domain = i % 2 === 0 ? 'math' : 'code'
    const concepts = random
      .sample(
        CONCEPTS.filter((concept) => concept.domain === domain),
        5,
      )
      .map(({ name }) => name)
    const body = { model: 'sim-problem-writer', prompt: prompts.synthesise(concepts, level), max_tokens: 4096, seed: i }
    const text = (await endpoint.post('/v1/completions', body)).body.choices[0]?.text ?? ''
    const statement = problemOf(text)
    const rationale = /<!-- BEGIN RATIONALE -->(.*?)<!--/s.exec(text)?.[1]?.trim() ?? ''
    if (statement !== undefined && statement !== '') written.push({ statement, level, rationale })
  }
  return written
}

describe('the lexicon', () => {
  it('knows at least 150 concepts, every concept of every family among them', () => {
    expect(new Set(CONCEPTS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(150)
    for (const family of FAMILIES) {
      for (const name of family.concepts) expect(findConcept(name), `${family.name}: ${name}`).toBeDefined()
    }
  })

  it('has at least twelve families of each domain, named once', () => {
    expect(MATH_FAMILIES.length).toBeGreaterThanOrEqual(12)
    expect(CODE_FAMILIES.length).toBeGreaterThanOrEqual(12)
    expect(new Set(FAMILIES.map(({ name }) => name)).size).toBe(FAMILIES.length)
  })

  it('reads no statement of one family as one of another', () => {
    for (const family of FAMILIES) {
      for (let seed = 0; seed < 12; seed++) {
        const random = new Random('cross', family.name, seed)
        const statement =
          family
            .draw(random, 1 + (seed % 8))
            .statement(random)
            .split('\n\nExample\n')[0] ?? ''
        const readers = FAMILIES.filter((other) => other.read(statement.replace(/\s+/g, ' ').trim()) !== undefined)
        expect(readers.map(({ name }) => name)).toEqual([family.name])
      }
    }
  })
})

describe('recognising prompts', () => {
  it('takes each prompt apart', () => {
    expect(recogniseTask(prompts.annotate('X\n\nY'))).toEqual({ kind: 'annotate', statement: 'X\n\nY' })
    expect(recogniseTask(prompts.solveMath('X'))).toEqual({ kind: 'solve-math', statement: 'X' })
    expect(recogniseTask(prompts.solveCode('X\n\nY'))).toEqual({ kind: 'solve-code', statement: 'X\n\nY' })
    expect(recogniseTask(prompts.writeTest('edge case', 'X'))).toEqual({
      kind: 'write-test',
      testKind: 'edge case',
      statement: 'X',
    })
    expect(recogniseTask(prompts.judge('AIME', ['a', 'b'], 'Z', 'X\n\nY'))).toEqual({
      kind: 'judge',
      level: 'AIME',
      concepts: ['a', 'b'],
      rationale: 'Z',
      statement: 'X\n\nY',
    })
    expect(recogniseTask('hello')).toEqual({ kind: 'other', text: 'hello' })
  })

  it('sees how far a synthesis has come', () => {
    const start = prompts.synthesise(['a', 'b'], 'AIME')
    const common = { kind: 'synthesise', concepts: ['a', 'b'], level: 'AIME' }
    expect(recogniseTask(start)).toEqual({ ...common, continuation: { at: 'start' } })
    expect(recogniseTask(`${start}<!-- BEGIN RATIONALE -->half`)).toEqual({
      ...common,
      continuation: { at: 'rationale', written: 'half' },
    })
    expect(recogniseTask(`${start}<!-- BEGIN RATIONALE -->Z<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->`)).toEqual({
      ...common,
      continuation: { at: 'problem', rationale: 'Z', written: '' },
    })
  })
})

describe('a run without noise', () => {
  const truthFile = join(folder, 'clean.jsonl')
  let endpoint: Endpoint
  let written: Awaited<ReturnType<typeof synthesise>>
  beforeAll(async () => {
    endpoint = await openEndpoint({ noise: NO_NOISE, truthFile })
    written = await synthesise(endpoint, 120)
  })
  afterAll(() => endpoint.close())

  it('writes valid problems that suit the concepts and differ from one another', () => {
    expect(written).toHaveLength(120)
    expect(new Set(written.map(({ statement }) => statement)).size).toBe(120)
    const truth = readTruth(truthFile)
    const facts = written.map(({ statement }) => truth.problem(statement))
    expect(facts.filter((fact) => fact?.valid === true).length).toBeGreaterThanOrEqual(115)
    expect(new Set(facts.map((fact) => fact?.family)).size).toBeGreaterThanOrEqual(20)
  })

  it('points to a family of the concepts, alone or continued from its own rationale', async () => {
    for (const family of FAMILIES) {
      const level = family.domain === 'math' ? 'HMMT-Feb' : 'Codeforces'
      const prompt = prompts.synthesise(family.concepts.slice(0, 5), level)
      const call = async (text: string, stop: string): Promise<string> => {
        const body = { model: 'sim-problem-writer', prompt: text, max_tokens: 4096, temperature: 0, stop }
        return (await endpoint.post('/v1/completions', body)).body.choices[0]?.text ?? ''
      }
      const rationale = await call(prompt, '<!-- END RATIONALE -->')
      for (const name of family.concepts) expect(rationale.toLowerCase()).toContain(name.toLowerCase())
      const staged = `${prompt}${rationale}<!-- END RATIONALE -->\n\n<!-- BEGIN PROBLEM -->`
      const statement = await call(staged, '<!-- END PROBLEM -->')
      const fact = readTruth(truthFile).problem(statement)
      // The rationale names one family's design; the problem keeps to it.
      const design = FAMILIES.find(({ name }) => name === fact?.family)?.design ?? 'no family'
      expect(rationale).toContain(design)
    }
  })

  it('writes tests that its right programs pass, of every kind', async () => {
    const code = written.filter(({ level }) => level === 'Codeforces').slice(0, 25)
    const jobs: { source: string; inputs: string[]; expected: string }[] = []
    for (const [i, { statement }] of code.entries()) {
      const kind = ['edge case', 'complex case', 'error-prone input', 'critical path'][i % 4] ?? ''
      const content = (await endpoint.ask('sim-test-writer', prompts.writeTest(kind, statement))).message.content ?? ''
      const block = /```json\n(.*?)\n```/s.exec(content)?.[1] ?? ''
      const test = JSON.parse(block) as { input: string; output: string }
      expect(Object.keys(test)).toEqual(['input', 'output'])
      const right = await endpoint.ask('sim-teacher', prompts.solveCode(statement), { seed: i })
      const fact = readTruth(truthFile)
        .about(statement)
        .findLast((entry) => entry.kind === 'rollout')
      if (fact?.kind !== 'rollout' || fact.right !== true) continue
      jobs.push({
        source: /```python\n(.*?)```/s.exec(right.message.content ?? '')?.[1] ?? '',
        inputs: [test.input],
        expected: test.output,
      })
    }
    expect(jobs.length).toBeGreaterThan(10)
    runPython(jobs).forEach((outputs, i) => {
      expect(tokens(outputs[0])).toBe(tokens(jobs[i]?.expected))
    })
  })

  it('has judges that call a good problem good and each kind of bad one bad', async () => {
    const good = written.find(({ level }) => level === 'AIME' || level === 'HMMT-Feb')
    const statement = good?.statement ?? ''
    const judge = async (x: string, level = good?.level ?? ''): Promise<string> =>
      (await endpoint.ask('sim-judge-b', prompts.judge(level, ['a'], 'Z', x), { seed: 1 })).message.content ?? ''
    expect(await judge(statement)).toMatch(/Final Judgement: (perfect|acceptable)$/)
    const bad = [
      `${statement} Prove that your result is the only possible one.`,
      `In addition, every quantity above is known to be smaller than itself. ${statement}`,
      statement.slice(0, statement.lastIndexOf(' the ')),
      'A dial has numbered positions and starts at position $0$. It is advanced by one position $7^{123}$ times. At which position does it stop?',
    ]
    for (const x of bad) expect(await judge(x)).toMatch(/Final Judgement: bad$/)
    const easy = 'Find the remainder when $3^{9}$ is divided by $5$.'
    expect(await judge(easy, 'USAMO')).toMatch(/Difficulty Alignment: Bad/)
  })

  it('names concepts of the real text of human problems', async () => {
    const list = async (model: string, x: string): Promise<string> =>
      (await endpoint.ask(model, prompts.annotate(x), { seed: 1 })).message.content ?? ''
    const geometry = 'A circle is inscribed in a right triangle with hypotenuse 13 and one leg 5. What is its radius?'
    expect(await list('sim-annotator-a', geometry)).toMatch(/circle|triangle|Pythag/i)
    const text = 'Write a function to find the most common words in a string and count how often each word occurs.'
    expect(await list('sim-annotator-a', text)).toMatch(/frequency|string|word/i)
    const lists = await Promise.all(
      written
        .slice(0, 20)
        .flatMap(({ statement }) => ['sim-annotator-a', 'sim-annotator-b'].map((m) => list(m, statement))),
    )
    const counts = lists.map((item) => (item.match(/"[^"]+"|'[^']+'/g) ?? []).length)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3)
    expect(Math.max(...counts)).toBeLessThanOrEqual(8)
    // The two annotators disagree somewhere.
    expect(lists.some((item, i) => i % 2 === 0 && item !== lists[i + 1])).toBe(true)
  })

  it('knows what it answered: the truth agrees with the box', async () => {
    const math = written.filter(({ level }) => level !== 'Codeforces').slice(0, 20)
    let [right, wrong] = [0, 0]
    for (const { statement } of math) {
      const choice = await endpoint.ask('sim-solver', prompts.solveMath(statement), { seed: 1 })
      const truth = readTruth(truthFile)
      const fact = truth.about(statement).findLast((entry) => entry.kind === 'rollout')
      const boxed = /\\boxed\{(.*)\}/s.exec(choice.message.content ?? '')?.[1] ?? ''
      const answer = truth.problem(statement)?.rightAnswer ?? ''
      if (fact?.kind !== 'rollout' || !/^-?\d+$/.test(answer) || !/^-?\d+$/.test(boxed)) continue
      expect(boxed === answer).toBe(fact.right)
      if (fact.right === true) right++
      else wrong++
    }
    expect(right).toBeGreaterThan(0)
    expect(wrong).toBeGreaterThan(0)
  })
})

describe('skill', () => {
  it('gives a solver many problems that it solves once to three times in eight, and better models more', async () => {
    const truthFile = join(folder, 'skill.jsonl')
    const endpoint = await openEndpoint({ noise: { ...NO_NOISE }, truthFile })
    const written = await synthesise(endpoint, 160)
    const models = ['sim-solver', 'sim-voter', 'sim-teacher']
    for (const model of models) {
      for (const { statement, level } of written) {
        const prompt = level === 'Codeforces' ? prompts.solveCode(statement) : prompts.solveMath(statement)
        const body = { model, messages: [{ role: 'user', content: prompt }], n: 8, seed: 11 }
        await endpoint.post('/v1/chat/completions', body, { 'x-request-id': `${model} ${statementHash(statement)}` })
      }
    }
    await endpoint.close()
    const facts = readTruth(truthFile).facts.filter(
      (fact): fact is Fact & { kind: 'rollout' } => fact.kind === 'rollout',
    )
    const counts = (model: string): number[] =>
      written.map(({ statement }) => {
        const requestId = `${model} ${statementHash(statement)}`
        return facts.filter((fact) => fact.requestId === requestId && fact.right === true).length
      })
    const solver = counts('sim-solver')
    expect(solver.filter((count) => count >= 1 && count <= 3).length / solver.length).toBeGreaterThanOrEqual(0.3)
    const mean = (model: string): number => counts(model).reduce((sum, count) => sum + count, 0) / written.length
    const [low = 0, middle = 0, high = 0] = models.map(mean)
    expect(low).toBeLessThan(middle)
    expect(middle).toBeLessThan(high)
  })
})

describe('noise', () => {
  it('spoils what it is told to spoil, and the truth file says so', async () => {
    const truthFile = join(folder, 'noise.jsonl')
    const endpoint = await openEndpoint({ noise: { ...NO_NOISE, badProblems: 1, wrongTests: 1 }, truthFile })
    const written = await synthesise(endpoint, 60)
    for (const { statement, level } of written.slice(0, 12)) {
      if (level === 'Codeforces') await endpoint.ask('sim-test-writer', prompts.writeTest('critical path', statement))
    }
    await endpoint.close()
    const { facts } = readTruth(truthFile)
    const flaws = facts.flatMap((fact) => (fact.kind === 'problem' && fact.flaw !== undefined ? [fact.flaw] : []))
    expect(flaws.length).toBeGreaterThan(40)
    expect(new Set(flaws)).toEqual(
      new Set(['unanswerable', 'missing-condition', 'cut-off', 'contradictory', 'wrong-level']),
    )
    const tests = facts.filter((fact) => fact.kind === 'test')
    expect(tests.length).toBeGreaterThan(0)
    for (const fact of tests) expect(fact.right).not.toBe(true)
  })

  it('breaks formats: no list, no box, no closed block', async () => {
    const endpoint = await openEndpoint({ noise: { ...NO_NOISE, malformedAnswers: 1 } })
    const x = 'Find the remainder when $7^{123}$ is divided by $41$.'
    const list = (await endpoint.ask('sim-annotator-a', prompts.annotate(x))).message.content ?? ''
    const solved = (await endpoint.ask('sim-solver', prompts.solveMath(x))).message.content ?? ''
    await endpoint.close()
    expect(list).not.toMatch(/^\[.*\]$/)
    expect(solved).not.toMatch(/\\boxed\{[^{}]*\}/)
  })

  it('lets a runaway answer end by length without an answer', async () => {
    const endpoint = await openEndpoint({ noise: { ...NO_NOISE, runawayAnswers: 1 } })
    const choice = await endpoint.ask(
      'sim-solver',
      prompts.solveMath('Find the remainder when $7^{123}$ is divided by $41$.'),
    )
    await endpoint.close()
    expect(choice).toMatchObject({ finish_reason: 'length', message: { content: null } })
  })
})

describe('statements from elsewhere', () => {
  it('are guessed at, at once, where their numbers are beyond what a family writes', async () => {
    const endpoint = await openEndpoint({ noise: NO_NOISE })
    const statements = [
      'Consider all paths from $(0, 0)$ to $(900000000, 900000000)$ in the coordinate plane that consist of unit steps to the east and to the north. Of these, only the paths that pass through $(3, 4)$ are allowed. Compute their number.',
      'Find the remainder when $7^{123}$ is divided by $0$.',
      'In triangle $ABC$ the sides measure $900000001$, $900000007$ and $900000011$. Find the area of the triangle in simplest radical form.',
      'Find the larger real root of the equation $x^2 - 999999999x + 7 = 0$.',
      'A club has $900000000$ seniors and $900000000$ juniors. How many teams of $450000000$ people are there with at least $2$ of the former?',
    ]
    for (const statement of statements) {
      const choice = await endpoint.ask('sim-voter', prompts.solveMath(statement))
      expect(choice.message.content).toContain('\\boxed{')
    }
    await endpoint.close()
  })
})

describe('human problems', () => {
  const known = join(folder, 'known.jsonl')
  const truthFile = join(folder, 'known-truth.jsonl')
  const math = 'How many apples has a tree with $12$ branches and $3$ apples on each?'
  const code = 'Read two integers from one line and print their sum.'
  const solution = 'a, b = map(int, input().split())\nprint(a + b)\n'
  const lines = [
    { problem: math, answer: '36' },
    { problem: code, domain: 'code', solution, tests: [{ input: '1 2\n', output: '3\n' }] },
  ]
  writeFileSync(known, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

  it('are solved by skill when known from a file, and guessed at otherwise', async () => {
    const endpoint = await openEndpoint({
      knowsFiles: [known],
      truthFile,
      noise: NO_NOISE,
      skills: { 'sim-solver': 10, 'sim-voter': -10 },
    })
    const wrapped = `  ${math.replace(' with', '\n with')} `
    const right = await endpoint.ask('sim-solver', prompts.solveMath(wrapped))
    const wrong = await endpoint.ask('sim-voter', prompts.solveMath(math))
    const program = await endpoint.ask('sim-solver', prompts.solveCode(code))
    await endpoint.close()
    expect(right.message.content).toContain('\\boxed{36}')
    expect(wrong.message.content).not.toContain('\\boxed{36}')
    const source = /```python\n(.*?)```/s.exec(program.message.content ?? '')?.[1] ?? ''
    expect(tokens(runPython([{ source, inputs: ['20 22\n'] }])[0]?.[0])).toBe('42')
    expect(readTruth(truthFile).problem(math)).toMatchObject({ family: 'human', valid: true, rightAnswer: '36' })

    const stranger = await openEndpoint({ noise: NO_NOISE })
    const answers = await Promise.all(
      Array.from(
        { length: 40 },
        async (_, seed) =>
          /\\boxed\{(.*)\}/.exec(
            (await stranger.ask('sim-voter', prompts.solveMath(math), { seed })).message.content ?? '',
          )?.[1],
      ),
    )
    await stranger.close()
    // Guesses come from a few small values, so that votes agree now and then.
    expect(new Set(answers).size).toBeLessThan(12)
    expect(new Set(answers).size).toBeGreaterThan(1)
  })
})

describe('the truth file', () => {
  it('leaves out a last line that is not complete and refuses any other that is malformed', () => {
    const path = join(folder, 'broken.jsonl')
    writeFileSync(path, '{"kind":"problem","statementHash":"a"}\n{"kind":"pro')
    expect(readTruth(path).facts).toHaveLength(1)
    writeFileSync(path, 'nonsense\n{"kind":"problem","statementHash":"a"}\n')
    expect(() => readTruth(path)).toThrow(/line 1 is not JSON/)
  })

  it('finds a statement however it is wrapped', () => {
    expect(statementHash(' a\n\n b ')).toBe(statementHash('a b'))
    expect(statementHash('a b')).not.toBe(statementHash('ab'))
  })
})
