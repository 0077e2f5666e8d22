/**
 * Questions to a database, answered by one SQL query: checked by running it on SQLite in the sandbox. A test is a script that
 * fills an empty database, and the rows that the query must give on it.
 */
import type { ProgramTest } from '../schemas/generated.ts'
import { extractProgram } from '../verifiers/program.ts'
import type { Domain } from './domain.ts'

const labels = new Set(['sql', 'sqlite', 'sqlite3', ''])

/** First line of a test whose rows must come in their order. */
const orderedMark = '-- ordered'

/** How the program below ends where no query can help: what it exits with, and why. */
const unsupported: Readonly<Record<number, string>> = {
  97: 'the script of a test fails',
  98: 'the python3 of the sandbox has no sqlite3',
}

export const sql: Domain = {
  name: 'sql',
  levels: ['SQL-Basic', 'SQL-Intermediate', 'SQL-Advanced'],
  checkedBy: 'tests',
  testPrompt: (statement, kind) => ({
    version: 'sql-test-1',
    text:
      `Write one test case for the SQL problem below: a ${kind}. Work out the expected rows with care. ` +
      'Answer with one fenced json block that holds exactly two keys, "input" and "output", both strings. ' +
      'input: SQLite statements that create the tables of the problem in an empty database and fill them; where the problem asks for an order of the rows, ' +
      `its first line is "${orderedMark}". output: the rows that a right query gives, one a line, values joined by "|", NULL for a missing value.\n\n` +
      `Problem:\n${statement}`,
  }),
  solverPrompt: (statement) => ({
    version: 'sql-solve-1',
    text:
      'You will be given a question to a SQLite database and will write one SQL query that answers it on every database with these tables. ' +
      'Return exactly the columns asked for, in that order.\n\n' +
      `${statement}\n\n` +
      'Reason step by step, then write the query, a single SELECT or WITH statement that changes nothing, in a fenced block:\n' +
      '```sql\n-- YOUR QUERY HERE\n```\n',
  }),
  hasChecks: (checks) => checks.tests.length > 0,
  async check(text, checks, verify, { allTests }) {
    const found = extractProgram(text, labels)
    if ('missing' in found) return { reason: 'no_code', extracted: null, detail: found.missing, tests: [] }
    const program = programOf(found.program)
    const run = await verify.runProgram({ program, tests: checks.tests.map(comparable), allTests, digests: allTests })
    const ours = run.tests.find(({ reason }) => reason === 'sandbox_error')
    const fault =
      run.reason === 'runtime_error' ? unsupported[Number(/^exit code (\d+)$/.exec(run.message ?? '')?.[1])] : undefined
    return {
      reason: ours ? ours.reason : fault === undefined ? run.reason : 'unsupported',
      extracted: found.program.trim(),
      detail: ours?.message ?? fault ?? run.message ?? run.tests.at(-1)?.message ?? null,
      tests: run.tests.map(({ verdict, reason, seconds, memoryMb, digest }) => ({
        ...{ verdict, reason, seconds, memoryMb },
        outputDigest: digest ?? '',
      })),
    }
  },
  hasAnswer: (text) => 'program' in extractProgram(text, labels),
}

/** Where no order is asked for, the expected lines are sorted as the program below sorts its own. */
function comparable({ input, output }: ProgramTest): { input: string; output: string } {
  if (input.trimStart().startsWith(orderedMark)) return { input, output }
  const lines = output.split('\n').map((line) => line.trim())
  const rows = lines.filter((line) => line !== '').sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return { input, output: rows.join('\n') }
}

/**
 * A Python program that fills a database by the script on stdin, runs the query, which may read and nothing else, and prints its
 * rows as the sqlite3 shell does. The query is data to it, whatever it holds.
 */
function programOf(query: string): string {
  return `
import base64, sys
try:
    import sqlite3
except ImportError:
    sys.exit(98)

query = base64.b64decode('${Buffer.from(query).toString('base64')}').decode()
script = sys.stdin.read()
database = sqlite3.connect(':memory:')
try:
    database.executescript(script)
except (sqlite3.Error, sqlite3.Warning, ValueError):
    sys.exit(97)
reading = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in reading else sqlite3.SQLITE_DENY)

def text(value):
    if value is None:
        return 'NULL'
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        digits = format(value, '.12g')
        return digits if any(sign in digits for sign in '.en') else digits + '.0'
    return str(value)

lines = [' '.join('|'.join(text(value) for value in row).split()) for row in database.execute(query)]
if not script.lstrip().startswith('${orderedMark}'):
    lines.sort(key=lambda line: line.encode())
print('\\n'.join(lines))
`
}
