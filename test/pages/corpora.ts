/** Corpora to look at: many problems, and one whose every text is hostile. */
import type { Discard, PreferencePair, Problem } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { partitionOf } from '../../topics/partitioner.ts'
import type { Corpus } from '../../topics/reading.ts'
import { append, pair } from '../exports/corpus.ts'
import * as make from '../processors/records.ts'

export function discard(given: Partial<Discard> = {}): Discard {
  return {
    ...{ id: 'discard-1', parentIds: [], domain: 'math', recipe: '0123456789abcdef', createdAtMs: 0, simulated: false },
    ...{ processor: 'screen-problem', reason: 'near-duplicate', evidence: 'same as problem-0', recordId: 'problem-1' },
    ...{ topic: 'problems', partition: 0, offset: 0, concepts: [], leftStream: true, calls: [] },
    ...given,
  }
}

const nouns = ['tank', 'train', 'garden', 'clock', 'ladder', 'polygon', 'lattice', 'queue', 'bridge', 'signal']
const verbs = ['fills', 'passes', 'borders', 'divides', 'reaches', 'covers', 'meets', 'counts']

/** The statement of one of many problems: words that some others have too, and a formula. */
export function manyStatement(number: number): string {
  const [noun, verb] = [nouns[number % nouns.length] ?? '', verbs[number % verbs.length] ?? '']
  return `The ${noun} number ${number} ${verb} ${(number * 7919) % 1009} units while another one waits. Let $x_{${number % 97}} = \\frac{${(number % 13) + 1}}{${(number % 7) + 2}}$ be its share. ${'A long story tells what is not needed. '.repeat(3 + (number % 9))}How many units are left after ${number % 53} minutes?`
}

export const manyId = (number: number): string => `problem-${number.toString(16).padStart(24, '0')}`

/** Problems as a stream leaves them: a third discarded, the others with checks, attempts and an outcome. Simulated. */
export async function writeManyProblems(corpus: Corpus, count: number): Promise<void> {
  const batch = 2000
  for (let from = 0; from < count; from += batch) {
    const numbers = Array.from({ length: Math.min(batch, count - from) }, (_, index) => from + index)
    const problems = numbers.map((number): Problem =>
      make.problem({
        id: manyId(number),
        simulated: true,
        createdAtMs: 1_790_000_000_000 + number * 1000,
        domain: number % 4 === 0 ? 'code' : 'math',
        level: number % 4 === 0 ? 'Codeforces' : (['AIME', 'USAMO', 'AMC12'][number % 3] ?? ''),
        statement: manyStatement(number),
        concepts: [`concept ${number % 500}`, `concept ${(number * 31) % 2000}`, `concept ${(number * 17) % 5000}`],
        calls: [make.modelCall({ model: `writer-${number % 3}` })],
      }),
    )
    await append(corpus, topics.problems, problems)
    const left = problems.filter((_, index) => index % 3 === 0)
    await append(
      corpus,
      topics.discards,
      left.map(({ id }, index) =>
        discard({ id: `discard-of-${id}`, recordId: id, reason: ['near-duplicate', 'cut-off'][index % 2] ?? '' }),
      ),
    )
    const attempted = problems.filter((_, index) => index % 3 !== 0)
    await append(
      corpus,
      topics.testCases,
      attempted.map(({ id, statement }) => make.testCases({ id: `test-cases-of-${id}`, problemId: id, statement })),
    )
    await append(
      corpus,
      topics.verdicts,
      attempted.flatMap(({ id }) =>
        [0, 1].map((attempt) =>
          make.verdict({
            id: `verdict-${attempt}-of-${id}`,
            problemId: id,
            attempt,
            verdict: attempt === 0 ? 'passed' : 'failed',
            reason: attempt === 0 ? 'equal' : 'different',
          }),
        ),
      ),
    )
    await append(
      corpus,
      topics.outcomes,
      attempted.map(({ id, statement }, index) =>
        make.outcome({
          id: `outcome-of-${id}`,
          problemId: id,
          statement,
          attempted: 8,
          passed: index % 9,
          result: index % 9 === 0 ? 'unsolved' : index % 9 < 4 ? 'kept' : 'too_easy',
        }),
      ),
    )
  }
}

const bidi = '\u202eenac\u2066 hidden \u200f\u061c'

/** What a model may write to harm its reader. */
export const attacks: Readonly<Record<string, string>> = {
  script: `<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>`,
  attribute: `" onmouseover="alert(4)" style="position:fixed;inset:0" x="' autofocus onfocus='alert(5)`,
  closing: `</pre></div></details></section></main></bdi></textarea></title></style><h1>mine</h1><base href="http://127.0.0.1:9/"><meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">`,
  loading: `<link rel=stylesheet href=http://127.0.0.1:9/x.css><iframe src=http://127.0.0.1:9/></iframe><form action=http://127.0.0.1:9/><button>ok</button></form> [x](javascript:alert(6))`,
  bidi: `${bidi} the end \u0000\u0007\u001b[2J`,
  unbroken: 'W'.repeat(5000),
  zalgo: `z${'\u0300\u0301\u0302\u0303\u0333'.repeat(200)}y`,
  tex: `$\\href{javascript:alert(7)}{x}$ $\\htmlClass{top}{y}$ $\\includegraphics{http://127.0.0.1:9/i.png}$ $\\htmlStyle{position:fixed;inset:0}{z}$ $\\text{<script>alert(8)</script>}$ $\\rule{900em}{900em}$ $\\kern-90em x$ $$\\huge{\\hspace{-200em} over}$$`,
  bomb: `$\\def\\a{xxxxxxxxxx}\\def\\b{\\a\\a\\a\\a\\a\\a\\a\\a\\a\\a}\\def\\c{\\b\\b\\b\\b\\b\\b\\b\\b\\b\\b}\\c\\c\\c\\c\\c\\c\\c\\c$ $${'{'.repeat(2000)}x${'}'.repeat(2000)}$ $${'\\sqrt'.repeat(500)} x$ $${'x^{'.repeat(300)}1${'}'.repeat(300)}$ $$\\begin{matrix}${'a&b&c\\\\'.repeat(900)}\\end{matrix}$$ ${'$a '.repeat(3000)} ${'\\('.repeat(3000)}`,
  fence:
    '```python\n' +
    `print("</code></pre><script>alert(9)</script>")\n`.repeat(30) +
    '\n~~~\n```html\n<script>alert(10)</script>\n',
  rtl: '\u05d0\u05d1\u05d2 (what) 1 + 2 = \u0634\u0643\u0631\u0627 <b>bold</b>',
}

/** Writes problems all of whose texts are one attack each, in every field that a model or a stranger can write. @returns their ids */
export async function writeHostileProblems(corpus: Corpus): Promise<string[]> {
  const ids: string[] = []
  for (const [name, attack] of Object.entries(attacks)) {
    const short = attack.slice(0, 300)
    const id = `problem-${name}-${short}`
    ids.push(id)
    const about = { problemId: id, domain: short.slice(0, 80), simulated: true }
    const calls = [
      make.modelCall({ model: short, endpoint: short, purpose: short, promptVersion: short, finishReason: short }),
    ]
    const texts = { statement: attack, concepts: [short, `concept ${name}`], level: short, source: short }
    const judgement = {
      format: 'bad',
      factualAccuracy: 'bad',
      difficultyAlignment: 'bad',
      conceptCoverage: 'bad',
      solvability: 'bad',
      overall: 'bad',
    } as const
    const seed = make.seed({ id: `seed-${name}`, ...texts, sourceId: short })
    const list = make.conceptList({
      id: `concept-list-${name}`,
      parentIds: [seed.id],
      domain: about.domain,
      annotator: short,
      concepts: texts.concepts,
      source: short,
      statement: attack,
    })
    const combination = make.combination({
      id: `concept-combination-${name}`,
      domain: about.domain,
      concepts: texts.concepts,
      level: short,
      sampler: short,
      tableVersions: { [topics.conceptLists.name]: 1000 },
    })
    const rationale = make.rationale({
      id: `rationale-${name}`,
      parentIds: [combination.id],
      domain: about.domain,
      rationale: attack,
      calls,
    })
    const problem = make.problem({
      ...{
        id,
        parentIds: [rationale.id],
        domain: about.domain,
        simulated: true,
        ...texts,
        sourceId: short,
        publishedAt: short,
      },
      ...{
        rationale: attack,
        contentHash: short,
        recipe: short,
        judgements: [{ judge: short, opinion: 1, ...judgement }],
        calls,
      },
    })
    const tests = [{ input: attack, output: attack, kind: short }]
    const testCases = make.testCases({
      ...about,
      id: `test-cases-of-${id}`,
      ...texts,
      checks: { answer: attack, tests, trusted: false },
      votes: { asked: 3, counted: 2, notAsked: 0, classes: [{ answer: attack, votes: 2 }] },
      calls,
    })
    const verdicts = [0, 1].map((attempt) =>
      make.verdict({
        ...{
          ...about,
          id: `verdict-${attempt}-of-${id}`,
          solver: short,
          attempt,
          verdict: attempt === 0 ? 'passed' : 'failed',
          reason: short,
        },
        ...{ extracted: attack, detail: attack, text: attack, reasoning: attack, calls },
        tests: [{ verdict: 'failed', reason: short, seconds: 1, memoryMb: 1, outputDigest: short }],
      }),
    )
    const partition = partitionOf(id, topics.verdicts.partitions)
    const counted = verdicts.map((one, offset) => ({
      verdictId: one.id,
      partition,
      offset,
      verdict: one.verdict,
      valid: true,
      recomputed: true,
    }))
    const outcome = make.outcome({
      ...about,
      id: `outcome-of-${id}`,
      solver: short,
      ...texts,
      verdicts: counted,
      reason: short,
      setAside: [
        {
          test: 0,
          kind: short,
          rule: short,
          agreed: [short],
          seconded: 1,
          contradicted: 1,
          of: 3,
          outputDigest: short,
        },
      ],
    })
    const rows: PreferencePair = pair({
      ...about,
      id: `pair-of-${id}`,
      solver: short,
      ...texts,
      prompt: attack,
      chosen: attack,
      rejected: attack,
      chosenVerdictId: `verdict-0-of-${id}`,
      rejectedVerdictId: `verdict-1-of-${id}`,
    })
    const trace = make.trace({
      ...about,
      id: `trace-of-${id}`,
      teacher: short,
      statement: attack,
      text: attack,
      reasoning: attack,
      calls,
    })
    await append(corpus, topics.seeds, [seed])
    await append(corpus, topics.conceptLists, [list])
    await append(corpus, topics.concepts, [combination])
    await append(corpus, topics.rationales, [rationale])
    await append(corpus, topics.problems, [problem])
    await append(corpus, topics.testCases, [testCases])
    await append(corpus, topics.verdicts, verdicts)
    await append(corpus, topics.outcomes, [outcome])
    await append(corpus, topics.preferencePairs, [rows])
    await append(corpus, topics.traces, [trace])
    await append(corpus, topics.discards, [
      discard({
        id: `discard-of-${id}`,
        recordId: id,
        processor: short,
        reason: short,
        evidence: attack,
        leftStream: true,
        domain: about.domain,
      }),
      discard({
        id: `discard-beside-${id}`,
        recordId: id,
        processor: short,
        reason: short,
        evidence: attack,
        leftStream: false,
        domain: about.domain,
      }),
    ])
  }
  return ids
}
