/** The built command on a Kafka that checks who its clients are: every set of `topics acls` is enough, and what is missing is said. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AclEntry as KafkaAcl, Admin } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { aclSets, type AclEntry } from '../../cli/acls.ts'
import { startCluster, type Cluster, type ClusterSecurity } from '../../scripts/kafka/cluster.ts'
import { openAdmin } from '../../topics/kafka/connections.ts'
import {
  endAll,
  expectFailure,
  jsonLines,
  newFolder,
  removeFolders,
  run,
  seedLines,
  type Ended,
} from '../cli/command.ts'

// Many short processes on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 })

const principal = 'User:processor'
const resourceTypes = { topic: 2, group: 3, 'transactional-id': 5 } as const
const patternTypes = { literal: 3, prefixed: 4 } as const
const operations = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Describe: 8,
  DescribeConfigs: 10,
  AlterConfigs: 11,
} as const
const ANY = 1
const ALLOW = 3

const cwd = newFolder()
const folder = mkdtempSync(join(tmpdir(), 'wellspring-secured-'))
const namespace = `secured-${randomBytes(5).toString('hex')}`
const { registry } = inject('kafka')
let cluster: Cluster
let security: ClusterSecurity
/** Everybody who comes without a login may do everything. */
let admin: Admin

beforeAll(async () => {
  cluster = await startCluster({ directory: join(folder, 'kafka'), version: inject('kafka').version, secured: true })
  if (!cluster.security) throw new Error('a secured cluster was asked for')
  security = cluster.security
  admin = openAdmin({ brokers: cluster.bootstrapServers.split(','), clientId: 'wellspring-test' })
  await admin.connect()
  configure('wellspring.yaml', security.tls, clientOf('client'))
}, 180_000)
afterAll(async () => {
  endAll()
  await admin.disconnect()
  await cluster.stop()
  removeFolders()
  rmSync(folder, { recursive: true })
})

/** Settings of a certificate that the test cluster knows, or not. */
function clientOf(name: 'client' | 'foreign'): object {
  const { authority, [name]: own } = security.certificates
  return { tls: { caFile: authority, certFile: own.certificate, keyFile: own.key } }
}

/** A configuration file; JSON is YAML. */
function configure(file: string, brokers: string, settings: object): void {
  const content = { kafka: { brokers, namespace, ...settings }, registry: { url: registry } }
  writeFileSync(join(cwd, file), JSON.stringify(content))
}

/** The user may do this from now on, and nothing else. */
async function allow(entries: readonly AclEntry[]): Promise<void> {
  const filter = {
    principal,
    host: '*',
    resourceType: ANY,
    operation: ANY,
    permissionType: ANY,
    resourcePatternType: ANY,
  }
  await admin.deleteAcls({ filters: [filter] })
  const acl = entries.flatMap(({ resource, pattern, name, operations: allowed }) =>
    allowed.map((operation): KafkaAcl => ({
      ...{ principal, host: '*', permissionType: ALLOW, operation: operations[operation] },
      ...{ resourceType: resourceTypes[resource], resourceName: name, resourcePatternType: patternTypes[pattern] },
    })),
  )
  if (acl.length > 0) await admin.createAcls({ acl })
  // Sets share some; the controller answers before the brokers know.
  const distinct = new Set(acl.map((one) => JSON.stringify(one))).size
  await vi.waitUntil(
    async () => {
      const { resources } = await admin.describeAcls(filter)
      return resources.reduce((sum, { acls }) => sum + acls.length, 0) === distinct
    },
    { timeout: 30_000, interval: 20 },
  )
}

/** The entries of sets, as the command prints them. */
async function entriesOf(...sets: string[]): Promise<AclEntry[]> {
  const args = ['topics', 'acls', ...sets, '--principal', principal, '--json']
  return jsonLines<AclEntry>((await run(args, { cwd })).stdout)
}

const command = (...args: string[]): Promise<Ended> => run(args, { cwd, input: seedLines(10) })

describe('the sets are enough', () => {
  test('apply makes and compares topics', async () => {
    await allow(await entriesOf('apply'))
    expect(await command('topics', 'apply')).toMatchObject({ stderr: '', exitCode: 0 })
    expect(await command('topics', 'diff')).toEqual({ stdout: 'no differences\n', stderr: '', exitCode: 0 })
  })

  test('ingest takes in', async () => {
    await allow(await entriesOf('ingest'))
    for (const sort of ['seeds', 'problems'])
      expect(await command('ingest', '-', '--as', sort)).toMatchObject({ stderr: '', exitCode: 0 })
  })

  test('read reads, and does not take in', async () => {
    await allow(await entriesOf('read'))
    const { stdout } = await command('tail', 'seeds')
    const ids = jsonLines<{ id: string }>(stdout).map(({ id }) => id)
    expect(ids).toHaveLength(10)
    expect(await command('explain', ids[0] ?? '')).toMatchObject({ stderr: '', exitCode: 0 })
    expect(await command('export', 'pairs')).toMatchObject({ stdout: '', exitCode: 0 })
    expect(await command('dead-letters', 'list')).toMatchObject({ stdout: 'no dead letters\n', exitCode: 0 })
    const other = await run(['ingest', '-', '--as', 'seeds'], { cwd, input: seedLines(11) })
    expectFailure(other, 77, /AUTHORIZATION_FAILED.*`wellspring topics acls`$/m)
  })

  test('list lists', async () => {
    await allow(await entriesOf('list'))
    const { stdout, exitCode } = await command('topics')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^seeds +kept +12 .*extract-concepts ~\d+$/m)
  })

  test('who may not see whether a corpus is half a copy takes nothing in', async () => {
    const entries = await entriesOf('ingest')
    await allow(entries.filter(({ name }) => name !== `${namespace}.copy-changelog`))
    const refused = await run(['ingest', '-', '--as', 'seeds'], { cwd, input: seedLines(11) })
    expectFailure(refused, 77, /copy-changelog \(TOPIC_AUTHORIZATION_FAILED\).*`wellspring topics acls`$/m)
  })

  test('all processors and retention together are enough for up', async () => {
    const sets = aclSets(namespace).flatMap(({ name, isTool }) => (isTool ? [] : [name]))
    await allow(await entriesOf(...sets, 'retention'))
    const args = ['up', '--problems', '3', '--set', 'simulator.speed=500', 'run.retentionSeconds=0']
    const { stdout, stderr, exitCode } = await command(...args)
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(stdout).toMatch(/^complete after/m)
    expect(stdout).toMatch(/^made: 3 synthetic problems, [1-9]\d* problems with checks/m)
    expect(stdout).not.toMatch(/transient topics are left|upkeep failed/)
  })

  test('copy takes a corpus away, and with apply brings it into another namespace', async () => {
    await allow(await entriesOf('copy'))
    const taken = await command('copy', '--from', 'kafka', '--to', 'backup')
    // Work that takes long tells how far it is; nothing else is said.
    expect(taken.stderr).toMatch(
      /^(?:(?:\w+ [\d,]+ of about [\d,]+ records, .*|copying progress and state of [\w-]+)\n)*$/,
    )
    expect(taken.exitCode).toBe(0)
    const other = ['--namespace', `${namespace}-2`]
    await allow([...(await entriesOf('copy', ...other)), ...(await entriesOf('apply', ...other))])
    expect(await command('copy', '--from', 'backup', '--to', 'kafka', '--apply', ...other)).toMatchObject({
      exitCode: 0,
    })
    await allow(await entriesOf('copy', ...other))
    const { stdout, exitCode } = await command('copy', '--from', 'backup', '--to', 'kafka', ...other)
    expect(stdout).toMatch(/: [\d,]+ records \([\d,]+ by an earlier run\), [1-9]\d* tasks with [1-9]/)
    expect(exitCode).toBe(0)
  })

  test('that of one processor is enough for it, and doctor says for which', async () => {
    await allow(await entriesOf('verify-rollout'))
    const { stdout, exitCode } = await command('run', 'verify-rollout', '--for', '3s')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(
      /^transient topics are left to processes with the rights for it \(`wellspring topics acls retention`\)$/m,
    )
    const doctor = await command('doctor')
    expect(doctor.stdout).toMatch(/^warning {2}rights: this user may run 1 of \d+ processors; not extract-concepts, /m)
    expect(doctor.stdout).not.toMatch(/rights: .*not [^:]*verify-rollout/)
  })
})

describe('a right that is missing ends with exit code 77 and one line that says which', () => {
  test.each([
    ['the group', 'group', 'Read', /the group \S+build-sft \(GROUP_AUTHORIZATION_FAILED\).*topics acls/],
    [
      'the transactional ids',
      'transactional-id',
      'Write',
      /build-sft\.\d+ \(TRANSACTIONAL_ID_AUTHORIZATION_FAILED\).*topics acls/,
    ],
    ['an input', 'traces', 'Read', /traces\S* \(TOPIC_AUTHORIZATION_FAILED\).*topics acls/],
    ['an output', 'sft-examples', 'Write', /sft-examples \(TOPIC_AUTHORIZATION_FAILED\).*topics acls/],
    [
      'the changelog',
      'build-sft-changelog',
      'Read',
      /build-sft-changelog\S* \(TOPIC_AUTHORIZATION_FAILED\).*topics acls/,
    ],
  ])('%s', async (_, what, operation, line) => {
    const all = await entriesOf('build-sft')
    const isMeant = ({ resource, name }: AclEntry): boolean => resource === what || name === `${namespace}.${what}`
    expect(all.some((entry) => isMeant(entry) && entry.operations.some((one) => one === operation))).toBe(true)
    await allow(all.filter((entry) => !isMeant(entry)))
    const { stderr, exitCode } = await command('run', 'build-sft', '--for', '20s')
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(line)
    expect(exitCode).toBe(77)
  })
})

describe('who may not log in', () => {
  const topics = async (file: string, env: Record<string, string> = {}): Promise<Ended> =>
    await run(['topics', 'list', '--config', file], { cwd, env })

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
    '%s: the right password does, a wrong one is told',
    async (mechanism) => {
      configure('sasl.yaml', security.sasl, { sasl: { mechanism, username: 'admin' } })
      const env = (password: string): Record<string, string> => ({ WELLSPRING_KAFKA_PASSWORD: password })
      expect(await topics('sasl.yaml', env(security.passwords.admin))).toMatchObject({ stderr: '', exitCode: 0 })
      const ended = await topics('sasl.yaml', env('hunter2'))
      expectFailure(ended, 77, /Kafka refused connecting .*wrong user or password: see kafka\.sasl/)
      const doctor = await run(['doctor', '--config', 'sasl.yaml'], { cwd, env: env('hunter2') })
      expect(doctor.stdout).toMatch(/^fault {4}brokers: .*wrong user or password/m)
      expect(doctor.stdout).not.toMatch(/start the brokers/)
      expect(ended.stderr).not.toContain('hunter2')
    },
  )

  test('over TLS, with the authority and without it', async () => {
    const sasl = { mechanism: 'scram-sha-512', username: 'admin' }
    const env = { WELLSPRING_KAFKA_PASSWORD: security.passwords.admin }
    configure('tls.yaml', security.saslTls, { sasl, tls: { caFile: security.certificates.authority } })
    expect(await topics('tls.yaml', env)).toMatchObject({ stderr: '', exitCode: 0 })
    configure('tls.yaml', security.saslTls, { sasl, tls: true })
    expectFailure(await topics('tls.yaml', env), 69, /certificate.*kafka\.tls\.caFile/)
    configure('tls.yaml', security.saslTls, { sasl })
    expectFailure(await topics('tls.yaml', env), 69, /without TLS, with scram-sha-512.*kafka\.tls/)
  })

  test('a client certificate of an authority that the brokers do not know', async () => {
    configure('foreign.yaml', security.tls, clientOf('foreign'))
    expectFailure(await topics('foreign.yaml'), 69, /certificate.*do they know that of kafka\.tls\.certFile/)
  })

  test('a token from a command; one that gives none is told without what it was given', async () => {
    // Tokens without a signature are taken there: whoever asks is let in under the name that the token gives.
    const now = Math.floor(Date.now() / 1000)
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = `${part({ alg: 'none' })}.${part({ sub: 'admin', iat: now, exp: now + 3600 })}.`
    configure('token.yaml', security.sasl, { sasl: { mechanism: 'oauthbearer', tokenCommand: ['echo', token] } })
    expect(await topics('token.yaml')).toMatchObject({ stderr: '', exitCode: 0 })
    const failing = ['sh', '-c', 'echo hunter2; exit 3']
    configure('token.yaml', security.sasl, { sasl: { mechanism: 'oauthbearer', tokenCommand: failing } })
    const ended = await topics('token.yaml')
    expectFailure(ended, 77, /kafka\.sasl\.tokenCommand: sh gave no token \(exit code 3\)/)
    expect(ended.stderr).not.toContain('hunter2')
  })
})
