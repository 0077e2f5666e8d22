/** `npm run audit`, against a registry of the test's own. */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000 })

const advisory = {
  id: 1,
  url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
  ...{
    title: 'planted',
    severity: 'high',
    vulnerable_versions: '<99',
    cwe: [],
    cvss: { score: 7, vectorString: null },
  },
}
const day = (fromToday: number): string => new Date(Date.now() + fromToday * 86_400_000).toISOString().slice(0, 10)
const entry = { advisory: 'GHSA-aaaa-bbbb-cccc', package: 'yaml', reason: 'planted', until: day(30) }

let answers: boolean
let server: Server
const folder = mkdtempSync(join(tmpdir(), 'wellspring-audit-'))

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isAudit = answers && request.url?.includes('advisories/bulk') === true
      response.writeHead(isAudit ? 200 : 404, { 'content-type': 'application/json' })
      response.end(isAudit ? JSON.stringify({ yaml: [advisory] }) : '{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  mkdirSync(join(folder, 'scripts'))
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(file, join(folder, file))
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

async function audit(allowed: object[]): Promise<{ exitCode: number; text: string }> {
  writeFileSync(join(folder, 'scripts', 'audit-allowed.json'), JSON.stringify(allowed))
  const { port } = server.address() as AddressInfo
  const args = [join(process.cwd(), 'dist', 'scripts', 'audit.js'), '--registry', `http://127.0.0.1:${port}/`]
  return await new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ exitCode: error ? Number(error.code) : 0, text: stdout + stderr }),
    )
  })
}

test.each([
  ['fails on an advisory', [], 1, /^yaml: high: planted \(https:.*update it, or say in/m],
  ['lets one pass that was looked at', [entry], 0, /^1 advisories, 1 of them let pass$/m],
  ['until its day', [{ ...entry, until: day(-1) }], 1, /GHSA-aaaa-bbbb-cccc was let pass until .*: look again/],
  ['which is no further than half a year', [{ ...entry, until: day(200) }], 1, /until: expected a day up to/],
  ['with a reason', [{ ...entry, reason: ' ' }], 1, /say why it does no harm/],
  ['as long as it is one', [entry, { ...entry, advisory: 'GHSA-dddd' }], 1, /GHSA-dddd is no more: remove it/],
])('%s', async (_, allowed, exitCode, line) => {
  answers = true
  const found = await audit(allowed)
  expect(found.text).toMatch(line)
  expect(found.exitCode).toBe(exitCode)
})

test('says so and passes where the registry tells no advisories', async () => {
  answers = false
  expect(await audit([])).toEqual({
    exitCode: 0,
    text: expect.stringMatching(/^not audited: the registry does not tell advisories \(.*\)\n$/) as string,
  })
})
