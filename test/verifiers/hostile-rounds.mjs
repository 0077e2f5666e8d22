// node test/verifiers/hostile-rounds.mjs [--rounds 10] [--json]
//
// Runs the hostile programs ten times in a row on every isolation rung of this machine: as the user who calls and, when
// that is root, as an ordinary user too. Prints what was covered; exits 1 when anything was missed or left behind.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, json: { type: 'boolean', default: false } },
})
const root = fileURLToPath(new URL('../..', import.meta.url))
// An id that no account has: nothing but this run belongs to it.
const ORDINARY = 54_321
const isRoot = process.getuid?.() === 0
const users = isRoot
  ? [
      ['root', {}],
      ['an ordinary user', { uid: ORDINARY, gid: ORDINARY }],
    ]
  : [['this user', {}]]

/** Runs the suite; resolves with its report. */
async function suite(identity) {
  const folder = mkdtempSync(join(tmpdir(), 'wellspring-rounds-'))
  chmodSync(folder, 0o777)
  const report = join(folder, 'report.json')
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const file = 'test/verifiers/sandbox.hostile.test.ts'
  const child = spawn(
    process.execPath,
    [vitest, 'run', file, '--reporter=json', `--outputFile=${report}`, '--cache=false', '--configLoader=runner'],
    {
      cwd: root,
      env: { ...process.env, HOME: folder, WELLSPRING_TEST_ROUNDS: values.rounds },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...identity,
    },
  )
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (part) => (text += part))
  await new Promise((resolve) => child.on('close', resolve))
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    throw new Error(`the suite gave no report: ${text.trim().split('\n').slice(-5).join(' | ')}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const rows = []
for (const [user, identity] of users) {
  const { testResults } = await suite(identity)
  const byRung = new Map()
  for (const { ancestorTitles, title, status, failureMessages } of testResults.flatMap(
    (each) => each.assertionResults,
  )) {
    const rung = ancestorTitles[0]?.replace('hostile programs on ', '') ?? ''
    const row = byRung.get(rung) ?? {
      user,
      rung,
      rounds: Number(values.rounds),
      passed: 0,
      failed: 0,
      skipped: 0,
      failures: [],
    }
    byRung.set(rung, row)
    if (status === 'passed') row.passed += 1
    else if (status === 'failed') {
      row.failed += 1
      row.failures.push(`${title}: ${(failureMessages?.[0] ?? '').split('\n')[0]}`)
    } else row.skipped += 1
  }
  for (const row of byRung.values()) {
    rows.push(row)
    if (values.json) continue
    console.log(
      `${user.padEnd(17)} ${row.rung.padEnd(30)} ${row.skipped > 0 ? 'not on this machine' : `${row.passed} of ${row.passed + row.failed} right in ${row.rounds} rounds`}`,
    )
    for (const failure of row.failures) console.log(`  ${failure}`)
  }
}
if (values.json) console.log(JSON.stringify(rows))
if (rows.length === 0 || rows.some(({ failed }) => failed > 0)) process.exitCode = 1
