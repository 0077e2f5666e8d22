/** The server of `browse`: what it finds, what it answers, whom it refuses. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CorpusIndex } from '../../pages/browse/corpus-index.ts'
import { addressOf, parseQuery } from '../../pages/browse/query.ts'
import { Texts, searchable } from '../../pages/browse/texts.ts'
import { Places } from '../../pages/browse/places.ts'
import { topics } from '../../topics/catalogue.ts'
import type { Corpus } from '../../topics/reading.ts'
import { newFolder, removeFolders } from '../cli/command.ts'
import { append, newCorpus, retraction, tell } from '../exports/corpus.ts'
import * as make from '../processors/records.ts'
import { discard } from './corpora.ts'
import { serveCorpus, type Served } from './serving.ts'

describe('a search over texts', () => {
  test('finds exactly the wanted texts that the words stand in', () => {
    const letters = fc.stringMatching(/^[ab\u00e9 ]*$/)
    fc.assert(
      fc.property(fc.array(letters), letters, fc.infiniteStream(fc.boolean()), (list, asked, chosen) => {
        const texts = new Texts()
        for (const [number, text] of list.entries()) texts.add(number, searchable(text))
        const found = new Set<number>()
        const words = searchable(asked)
        const wanted = Uint8Array.from(list, () => (chosen.next().value ? 1 : 0))
        texts.find(words, wanted, (owner) => found.add(owner))
        const expected = list.flatMap((text, number) =>
          wanted[number] === 1 && words !== '' && searchable(text).includes(words) ? [number] : [],
        )
        expect([...found].sort((a, b) => a - b)).toEqual(expected)
      }),
    )
  })

  test('finds texts that are larger than what they are kept in', () => {
    const texts = new Texts()
    texts.add(7, `${'x'.repeat(5 << 20)} needle`)
    texts.add(8, 'after it')
    const found: number[] = []
    for (const words of ['needle', 'after it'])
      texts.find(words, new Uint8Array(9).fill(1), (owner) => found.push(owner))
    expect(found).toEqual([7, 8])
  })
})

describe('places', () => {
  test('are told by problem in their order, and the problem by the place', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ problem: fc.nat(5), gap: fc.integer({ min: 1, max: 3 }) })), (records) => {
        const places = new Places(1)
        let offset = -1
        const at = records.map(({ problem, gap }) => ({ problem, offset: (offset += gap) }))
        for (const one of at) places.add(0, one.offset, one.problem)
        for (let problem = 0; problem <= 5; problem++)
          expect(places.offsetsOf(0, problem)).toEqual(
            at.filter((one) => one.problem === problem).map((one) => one.offset),
          )
        for (let any = 0; any <= offset + 1; any++)
          expect(places.problemAt(0, any)).toBe(at.find((one) => one.offset === any)?.problem)
      }),
    )
  })
})

describe('the index', () => {
  const indexed = (count: number, source: (number: number) => string): CorpusIndex => {
    const index = new CorpusIndex()
    for (let number = 0; number < count; number++) {
      const problem = make.problem({ id: `problem-${number}`, source: source(number) })
      index.add(topics.problems, problem, { partition: 0, offset: number })
    }
    return index
  }

  test('counts problems in time that does not grow with the dead letters of others', () => {
    const count = 40_000
    const index = indexed(count, () => 'wellspring')
    for (let number = 0; number < count; number++)
      index.addDeadLetter(topics.problems, `problem-${number}`, { partition: 0, offset: number })
    index.removeDeadLetter('0/7')
    expect(index.counts('status')).toEqual([
      { name: 'failed', count: count - 1 },
      { name: 'in_progress', count: 1 },
    ])
    expect(index.deadLettersOf(index.find('problem-7') ?? -1)).toEqual([])
    expect(index.deadLettersOf(index.find('problem-8') ?? -1)).toEqual([{ partition: 0, offset: 8 }])
  }, 10_000)

  test('tells the sources of problems apart, however many there are', () => {
    const index = indexed(70_000, (number) => `source ${number}`)
    expect(index.row(index.find('problem-69999') ?? -1).source).toBe('source 69999')
  })
})

describe('an address', () => {
  test('of a query says the same query again', () => {
    const name = fc.stringMatching(/^[a-z&=?#%+ "]{1,20}$/).filter((text) => text.trim() === text)
    const parameters = fc.record(
      {
        q: name,
        domain: name,
        level: name,
        reason: name,
        model: name,
        concept: name,
        status: fc.constantFrom('kept', 'failed'),
        origin: fc.constantFrom('human', 'synthetic'),
        from: fc.nat(100).map(String),
        to: fc.nat(100).map(String),
        sort: fc.constantFrom('oldest', 'newest', 'hardest'),
        page: fc.integer({ min: 1, max: 99 }).map(String),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(parameters, (given) => {
        const query = parseQuery(new URLSearchParams(given as Record<string, string>))
        expect(parseQuery(new URL(addressOf(query), 'http://localhost').searchParams)).toEqual(query)
      }),
    )
  })

  test('leaves out what is no query', () => {
    expect(parseQuery(new URLSearchParams('status=nonsense&page=-3&from=900&sort=x&origin=y'))).toEqual({
      text: '',
      words: [],
      page: 1,
      sort: 'newest',
    })
  })
})

describe('the server', () => {
  let corpus: Corpus
  let served: Served

  beforeAll(async () => {
    corpus = await newCorpus(join(newFolder(), 'data'))
    // What names a problem may come before it.
    await append(corpus, topics.discards, [discard({ id: 'discard-0', recordId: 'problem-left', reason: 'cut-off' })])
    await append(corpus, topics.seeds, [make.seed({ id: 'seed-1', statement: 'The seed of it all' })])
    await append(corpus, topics.conceptLists, [make.conceptList()])
    await append(corpus, topics.concepts, [make.combination({ tableVersions: { [topics.conceptLists.name]: 1 } })])
    await append(corpus, topics.rationales, [make.rationale()])
    await append(corpus, topics.problems, [
      make.problem({ id: 'problem-left', statement: 'A statement that ends in the' }),
    ])
    await tell(corpus, {
      id: 'problem-kept',
      attempts: ['passed', 'failed', 'failed', 'failed'],
      problem: { statement: 'How many OWLS are $x$?' },
    })
    await tell(corpus, {
      id: 'problem-easy',
      attempts: ['passed', 'passed'],
      problem: { domain: 'code', level: 'Codeforces', statement: 'Count the owls twice' },
    })
    const gone = await tell(corpus, { id: 'problem-gone', attempts: ['failed', 'failed'], simulated: true })
    await append(corpus, topics.retractions, [retraction('problem-gone')])
    await append(corpus, topics.discards, [
      discard({
        id: 'discard-1',
        recordId: gone.outcome.id,
        topic: 'outcomes',
        partition: 99,
        offset: 0,
        leftStream: false,
      }),
    ])
    await append(corpus, topics.problems, [
      make.problem({
        id: 'problem-human',
        origin: 'human',
        source: 'olympiad',
        concepts: [],
        level: '',
        rationale: null,
        parentIds: [],
        statement: 'A human one',
      }),
    ])
    served = await serveCorpus(corpus)
  })
  afterAll(async () => {
    await served?.close()
    await corpus?.log.close()
    removeFolders()
  })

  /** For what comes by itself: about as long as the test may take. */
  const patiently = { timeout: 50_000 }
  const idsOf = (body: string): string[] => [...body.matchAll(/href="\/problems\/([^"]+)"/g)].map(([, id = '']) => id)
  const list = async (query: string): Promise<string[]> => idsOf((await served.get(`/?${query}`)).body)

  test.each([
    ['', ['problem-human', 'problem-gone', 'problem-easy', 'problem-kept', 'problem-left']],
    ['sort=oldest', ['problem-left', 'problem-kept', 'problem-easy', 'problem-gone', 'problem-human']],
    ['sort=hardest', ['problem-gone', 'problem-kept', 'problem-easy', 'problem-left', 'problem-human']],
    ['q=owls', ['problem-easy', 'problem-kept']],
    ['q=%22the+owls%22', ['problem-easy']],
    ['q=problem-kept', ['problem-kept']],
    ['q=cut-off', ['problem-left']],
    ['q=owls+absent', []],
    ['status=kept', ['problem-kept']],
    ['status=retracted', ['problem-gone']],
    ['status=in_progress', ['problem-human']],
    ['reason=screen-problem%3A+cut-off', ['problem-left']],
    ['reason=absent', []],
    ['domain=code', ['problem-easy']],
    ['level=Codeforces', ['problem-easy']],
    ['origin=human', ['problem-human']],
    ['from=20&to=30', ['problem-kept']],
    ['concept=addition&q=twice', ['problem-easy']],
    ['concept=absent', []],
    ['model=solver-model', ['problem-gone', 'problem-easy', 'problem-kept']],
  ])('lists what %j asks for', async (query, expected) => {
    expect(await list(query)).toEqual(expected)
  })

  test('shows a problem with its attempts, its ancestry and why it was kept', async () => {
    const { body, status } = await served.get('/problems/problem-kept')
    expect(status).toBe(200)
    expect(body).toMatch(/Kept: solver-model passed 1 of 4 attempts/)
    for (const text of [
      'attempt 4',
      'Reference answer',
      'concept-combination-1',
      'named in 1 list',
      'The seed of it all',
      '<math',
    ])
      expect(body).toContain(text)
    expect((await served.get('/problems/problem-left')).body).toMatch(
      /Discarded by screen-problem as cut-off: same as problem-0\./,
    )
    expect((await served.get('/problems/problem-gone')).body).toMatch(/Retracted by a test as benchmark \(aime24 3\)/)
  })

  test('takes in what comes while it runs', async () => {
    await append(corpus, topics.problems, [make.problem({ id: 'problem-late', statement: 'Late owls' })])
    await expect.poll(() => list('q=late+owls'), patiently).toEqual(['problem-late'])
    await append(corpus, topics.discards, [discard({ id: 'discard-2', recordId: 'problem-late' })])
    await expect.poll(() => list('q=late&status=discarded'), patiently).toEqual(['problem-late'])
  })

  test('shows the records that a problem comes from, and nothing that is not there', async () => {
    expect((await served.get('/records/seed-1')).body).toContain('The seed of it all')
    expect((await served.get('/records/problem-kept')).headers.location).toBe('/problems/problem-kept')
    for (const path of [
      '/records/seed-2',
      '/problems/problem-none',
      '/problems/%',
      '/problems/..%2f..%2fetc%2fpasswd',
      '/nothing',
      '//evil/',
      '/problems/a/b',
    ])
      expect((await served.get(path)).status, path).toBe(404)
  })

  test('answers with a policy that lets nothing run or load', async () => {
    for (const path of ['/', '/problems/problem-kept', '/nothing']) {
      const { headers } = await served.get(path)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
      })
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self';/)
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test.each([
    ['another name, as after DNS rebinding', 421, { headers: { host: 'evil.example:80' } }],
    ['a name that begins like ours', 421, { headers: { host: 'localhost.evil.example' } }],
    ['a method that would change something', 405, { method: 'POST' }],
    ['another one', 405, { method: 'DELETE' }],
  ])('refuses %s', async (_, status, options) => {
    expect((await served.get('/', options)).status).toBe(status)
  })

  test('answers to its addresses, and to the head of a page alone', async () => {
    for (const host of ['localhost', 'LOCALHOST:1234', '127.0.0.1:99', '[::1]:80', '192.168.1.7'])
      expect((await served.get('/', { headers: { host } })).status, host).toBe(200)
    expect(await served.get('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect((await served.get(`/?q=${'x'.repeat(5000)}`)).status).toBe(414)
  })
})
