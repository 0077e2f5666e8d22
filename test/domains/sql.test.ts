import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verificationBy } from '../../cli/verification.ts'
import type { Conclusion } from '../../domains/domain.ts'
import { domainNamed } from '../../domains/index.ts'
import { meaningOf } from '../../domains/verdict-reasons.ts'
import { bindVerification } from '../../engine/context.ts'
import { VerifierPool } from '../../verifiers/pool.ts'
import { requireOrSkip } from '../requirements.ts'

const sql = domainNamed('sql')

const script = [
  'CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);',
  'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount REAL);',
  "INSERT INTO customers VALUES (1, 'Zoe', 'Oslo'), (2, 'Ben', 'Oslo'), (3, 'Ada', NULL);",
  'INSERT INTO orders VALUES (1, 1, 2.5), (2, 1, 4), (3, 2, 1);',
].join('\n')
const sums = 'SELECT c.name, SUM(o.amount) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id'

const probe = new VerifierPool({ threads: 1 })
const { rung } = await probe.isolation()
await probe.close()

describe.runIf(requireOrSkip('a sandbox for programs', rung !== 'none'))('the domain sql', () => {
  let pool: VerifierPool
  beforeAll(() => {
    pool = new VerifierPool({ threads: 1 })
  })
  afterAll(() => pool.close())

  const check = (text: string, output: string, input = script): Promise<Conclusion> =>
    sql.check(
      text,
      { answer: null, tests: [{ input, output, kind: 'edge case' }], trusted: false },
      bindVerification(verificationBy(pool), new AbortController().signal),
      { allTests: false, probes: 0 },
    )
  const fenced = (query: string): string => `Thus:\n\`\`\`sql\n${query}\n\`\`\`\n`

  it('passes a query that gives the rows of the test, in whatever order they come', async () => {
    for (const order of ['', ' ORDER BY c.name', ' ORDER BY c.name DESC'])
      expect(await check(fenced(sums + order), 'Zoe|6.5\nBen|1.0\nAda|NULL\n')).toMatchObject({
        reason: 'passed',
        extracted: sums + order,
      })
  })

  it('holds a query to its order where the test asks for one', async () => {
    const input = `-- ordered\n${script}`
    const query = 'SELECT name FROM customers ORDER BY name'
    expect((await check(fenced(query), 'Ada\nBen\nZoe', input)).reason).toBe('passed')
    expect((await check(fenced(`${query} DESC`), 'Ada\nBen\nZoe', input)).reason).toBe('wrong_answer')
  })

  it.each([
    ['other rows', 'SELECT name FROM customers', 'Zoe\nBen', 'wrong_answer'],
    [
      'a row too often',
      'SELECT name FROM customers UNION ALL SELECT name FROM customers',
      'Zoe\nBen\nAda',
      'wrong_answer',
    ],
    ['a column that is not there', 'SELECT age FROM customers', '', 'runtime_error'],
    ['no SQL at all', 'import os', '', 'runtime_error'],
    ['two statements', 'SELECT 1; SELECT 2', '1', 'runtime_error'],
  ])('fails a query with %s', async (_, query, output, reason) => {
    const conclusion = await check(fenced(query), output)
    expect(conclusion.reason).toBe(reason)
    expect(meaningOf(conclusion.reason)).toMatchObject({ verdict: 'failed', valid: true })
  })

  it.each([
    ['rows', 'DELETE FROM customers RETURNING name', 'Zoe\nBen\nAda'],
    ['another file', "ATTACH DATABASE '/tmp/x.db' AS other", ''],
    ['the settings', 'PRAGMA writable_schema = 1', ''],
    ['the tables', 'CREATE TABLE customers2 AS SELECT * FROM customers', ''],
    ['an extension', "SELECT load_extension('x')", ''],
  ])('lets a query read and nothing else: not touch %s', async (_, query, output) => {
    expect((await check(fenced(query), output)).reason).toBe('runtime_error')
  })

  it('takes what stands in the fence as it is, whatever it holds', async () => {
    const query = `SELECT 'naïve "x" ''' || '\`\`' || '\\n' AS "a'b" -- '''\n`
    expect(await check(fenced(query), `naïve "x" '\`\`\\n`)).toMatchObject({ reason: 'passed' })
    expect((await check('````sql\nSELECT 1\n````', '1')).reason).toBe('passed')
    expect(
      (
        await check(
          '```\nWITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n;\n```',
          '3\n2\n1',
        )
      ).reason,
    ).toBe('passed')
  })

  it('finds no query where no fence of SQL is closed', async () => {
    for (const text of ['SELECT 1', '```sql\nSELECT 1', '```python\nprint(1)\n```', '```sql\n\n```']) {
      expect(await check(text, '1')).toMatchObject({ reason: 'no_code', tests: [] })
      expect(sql.hasAnswer(text)).toBe(false)
    }
    expect(sql.hasAnswer(fenced('SELECT 1'))).toBe(true)
  })

  it('holds the fault of a test against no query', async () => {
    const conclusion = await check(fenced('SELECT 1'), '1', 'CREATE TABLE t (a INTEGER); INSERT INTO u VALUES (1);')
    expect(conclusion).toMatchObject({ reason: 'unsupported', detail: 'the script of a test fails' })
    expect(meaningOf(conclusion.reason).verdict).toBe('unverifiable')
  })

  it('ends a query that never does', async () => {
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n'
    expect((await check(fenced(endless), '1')).reason).toBe('time_limit')
  }, 60_000)
})
