/** Where a corpus lies: by flag, variable, file or default, with all faults at once and no secret in a file. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  placeOf,
  placeSettings,
  secretVariables,
  type KafkaPlace,
  type Place,
  type PlaceFlags,
  type PlaceSetting,
} from '../../cli/place.ts'
import { shellWord } from '../../cli/terminal.ts'
import { ConfigurationError } from '../../engine/errors.ts'
import { expectFailure, newFolder, removeFolders, run } from './command.ts'

const folder = newFolder()
const config = join(folder, 'place.yaml')
const registry = 'http://127.0.0.1:8081'
const onKafka = { kafka: '127.0.0.1:9092', registry }

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('WELLSPRING_')) vi.stubEnv(name, undefined)
  writeFileSync(config, '')
})
afterEach(() => void vi.unstubAllEnvs())
afterAll(removeFolders)

const place = (flags: PlaceFlags = {}): Promise<Place> => placeOf({ config, ...flags })

async function kafkaPlace(flags: PlaceFlags = {}): Promise<KafkaPlace> {
  const found = await place(flags)
  if (found.kind !== 'kafka') throw new Error(`expected a place on Kafka, got the folder ${found.directory}`)
  return found
}

async function faultsOf(flags: PlaceFlags = {}): Promise<readonly string[]> {
  const error: unknown = await place(flags).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ConfigurationError) return error.faults
  throw new Error(`expected faults, got ${String(error)}`)
}

test('a file with faults has no say where the folder is named', async () => {
  writeFileSync(config, 'kafka: [')
  await expect(place({ data: 'here' })).rejects.toThrow(ConfigurationError)
  expect(await place({ data: 'here', kafka: false })).toMatchObject({ kind: 'embedded', directory: 'here' })
})

test('faults elsewhere in the file are none of the place', async () => {
  writeFileSync(config, 'endpoints: 7\nunknown: 1\n')
  expect(await place({ data: 'here' })).toMatchObject({ kind: 'embedded', directory: 'here' })
})

describe('without brokers the corpus lies in a folder', () => {
  test('by default', async () => {
    expect(await place()).toEqual({ kind: 'embedded', directory: 'wellspring-data', flags: '' })
  })

  test('that --data names before WELLSPRING_DATA', async () => {
    vi.stubEnv('WELLSPRING_DATA', 'by-variable')
    expect(await place()).toMatchObject({ directory: 'by-variable', flags: ' --data by-variable' })
    expect(await place({ data: 'my data' })).toMatchObject({ directory: 'my data', flags: " --data 'my data'" })
  })

  test('with --no-kafka whatever else names brokers, and the next command is told so', async () => {
    vi.stubEnv('WELLSPRING_KAFKA', 'nonsense')
    writeFileSync(config, 'kafka: { compression: nonsense }\n')
    expect(await place({ kafka: false })).toEqual({
      kind: 'embedded',
      directory: 'wellspring-data',
      flags: ' --no-kafka',
    })
  })

  test('and settings of Kafka that nobody would use are faults', async () => {
    expect(await faultsOf({ registry })).toEqual([
      expect.stringMatching(/^--registry belongs to a corpus on Kafka: name its brokers with --kafka HOST:PORT/),
    ])
    expect(await faultsOf({ kafka: false, namespace: 'x', registry })).toEqual([
      expect.stringMatching(/^--registry, --namespace belong to a corpus on Kafka/),
    ])
    writeFileSync(config, 'kafka: { replication: 3 }\n')
    expect(await faultsOf()).toEqual([expect.stringMatching(/^.*place\.yaml: kafka\.replication belongs to /)])
  })
})

describe('on Kafka', () => {
  test('every setting has a default that is told in the documentation', async () => {
    const found = await kafkaPlace({ ...onKafka, data: 'here' })
    expect(found).toMatchObject({
      brokers: ['127.0.0.1:9092'],
      namespace: placeSettings.namespace.setting.default,
      tls: undefined,
      login: undefined,
      compression: placeSettings.compression.setting.default,
      sessionTimeoutSeconds: placeSettings.sessionTimeoutSeconds.setting.default,
      replication: undefined,
      registry: { url: registry },
      stateDirectory: join('here', '.kafka-state'),
    })
  })

  /** For each layer a value of its own that the setting takes. */
  const layers: Partial<Record<keyof typeof placeSettings, [string, string, string]>> = {
    brokers: ['file:1', 'variable:2', 'flag:3'],
    namespace: ['file', 'variable', 'flag'],
    registryUrl: ['http://file', 'http://variable', 'http://flag'],
    compression: ['none', 'gzip', ''],
    sessionTimeoutSeconds: ['7', '8', ''],
    replication: ['2', '3', ''],
  }
  const valueOf: Record<keyof typeof layers, (found: KafkaPlace) => unknown> = {
    brokers: ({ brokers }) => brokers[0],
    namespace: ({ namespace }) => namespace,
    registryUrl: (found) => found.registry?.url,
    compression: ({ compression }) => compression,
    sessionTimeoutSeconds: ({ sessionTimeoutSeconds }) => sessionTimeoutSeconds,
    replication: ({ replication }) => replication,
  } as Record<keyof typeof layers, (found: KafkaPlace) => unknown>

  test.each(Object.keys(layers) as (keyof typeof layers)[])('%s: flag before variable before file', async (name) => {
    const [inFile, inVariable, inFlag] = layers[name] ?? ['', '', '']
    const { path, variable, flag }: PlaceSetting = placeSettings[name]
    const [section, key] = path.split('.')
    const others = name === 'brokers' || name === 'registryUrl' ? {} : onKafka
    const base = { ...others, ...(name === 'brokers' && { registry }), ...(name === 'registryUrl' && { kafka: 'a:1' }) }
    writeFileSync(config, `${section}: { ${key}: ${inFile.includes(':') ? `"${inFile}"` : inFile} }\n`)
    const value = async (flags: PlaceFlags = {}): Promise<string> =>
      String(valueOf[name](await kafkaPlace({ ...base, ...flags })))
    expect(await value()).toBe(inFile)
    vi.stubEnv(variable, inVariable)
    expect(await value()).toBe(inVariable)
    if (flag !== undefined) expect(await value({ [flag]: inFlag })).toBe(inFlag)
  })

  test('brokers are a list in the file, or a text with commas anywhere', async () => {
    writeFileSync(config, `kafka:\n  brokers: [a:1, b:2]\nregistry: { url: ${registry} }\n`)
    expect((await kafkaPlace()).brokers).toEqual(['a:1', 'b:2'])
    expect((await kafkaPlace({ kafka: 'c:3, d:4' })).brokers).toEqual(['c:3', 'd:4'])
  })

  test('the next command gets the flags of this one, quoted for a shell', async () => {
    const { flags } = await kafkaPlace({ ...onKafka, namespace: 'a.b' })
    expect(flags).toBe(` --kafka 127.0.0.1:9092 --registry ${registry} --namespace a.b --config ${shellWord(config)}`)
    vi.stubEnv('WELLSPRING_KAFKA', 'a:1')
    vi.stubEnv('WELLSPRING_REGISTRY', registry)
    expect((await kafkaPlace()).flags).toBe(` --config ${shellWord(config)}`)
  })

  test('a registry is needed, but for what can do without', async () => {
    expect(await faultsOf({ kafka: 'a:1' })).toEqual([
      '--kafka: a corpus on Kafka needs a schema registry: name it with --registry URL, WELLSPRING_REGISTRY or registry.url',
    ])
    expect(await placeOf({ config, kafka: 'a:1' }, { registry: false })).toMatchObject({ registry: undefined })
  })

  test('all faults are told at once, each with where it stands', async () => {
    vi.stubEnv('WELLSPRING_KAFKA_COMPRESSION', 'snappy')
    vi.stubEnv('WELLSPRING_KAFKA_SESION_TIMEOUT_SECONDS', '20')
    writeFileSync(
      config,
      [
        'kafka:',
        '  sessionTimeoutSeconds: 1',
        '  replicas: 3',
        '  tls: { caFile: /does/not/exist, certFile: /does/not/exist }',
        '  sasl: { mechanism: plain }',
        'registry: [1]',
      ].join('\n'),
    )
    const faults = await faultsOf({ kafka: 'a,b:99999', registry: 'ftp://x', namespace: 'a/b' })
    const expected = [
      /^--kafka: expected HOST:PORT\[,HOST:PORT\.\.\.\], got "a"$/,
      /^--kafka: .*got "b:99999"$/,
      /^--namespace: expected 1 to 100 letters, digits.*got "a\/b"$/,
      /^--registry: expected an http or https URL/,
      /^WELLSPRING_KAFKA_COMPRESSION: expected one of gzip, zstd, none, got "snappy"/,
      /^WELLSPRING_KAFKA_SESION_TIMEOUT_SECONDS: there is no such variable; there are .*WELLSPRING_KAFKA_SESSION_TIMEOUT/,
      /place\.yaml: kafka\.sessionTimeoutSeconds: expected a number between 6 and 1800, got 1/,
      /place\.yaml: kafka\.replicas: there is no such setting; kafka has brokers, .*replication/,
      /place\.yaml: kafka\.tls\.caFile: \/does\/not\/exist: cannot be read \(ENOENT\)/,
      /place\.yaml: kafka\.tls\.certFile: \/does\/not\/exist: cannot be read \(ENOENT\)/,
      /place\.yaml: kafka\.tls\.certFile: .*key go together: set kafka\.tls\.keyFile too/,
      /place\.yaml: kafka\.sasl\.mechanism: plain needs kafka\.sasl\.username/,
      /place\.yaml: kafka\.sasl\.mechanism: plain needs a password: set WELLSPRING_KAFKA_PASSWORD/,
      /place\.yaml: registry: expected a mapping of settings, got \[1\]/,
    ]
    for (const line of expected) expect(faults).toContainEqual(expect.stringMatching(line))
    expect(faults).toHaveLength(expected.length)
  })

  test('zstd is refused where this Node cannot write it, and taken where it can', async () => {
    vi.stubEnv('WELLSPRING_KAFKA_COMPRESSION', 'zstd')
    if ('zstdCompressSync' in zlib) expect((await kafkaPlace(onKafka)).compression).toBe('zstd')
    else
      expect(await faultsOf(onKafka)).toEqual([
        `WELLSPRING_KAFKA_COMPRESSION: zstd needs Node 22.15 or later, this is Node ${process.versions.node}: use gzip, or another Node`,
      ])
  })

  test('what Kubernetes sets for services of such names is no setting', async () => {
    vi.stubEnv('WELLSPRING_KAFKA_SERVICE_HOST', '10.0.0.1')
    vi.stubEnv('WELLSPRING_KAFKA_SERVICE_PORT_CLIENTS', '9092')
    vi.stubEnv('WELLSPRING_KAFKA_PORT', 'tcp://10.0.0.1:9092')
    vi.stubEnv('WELLSPRING_REGISTRY_PORT_8081_TCP_ADDR', '10.0.0.2')
    expect(await place()).toMatchObject({ kind: 'embedded' })
  })
})

describe('secrets', () => {
  test.each([
    ['kafka: { password: hunter2 }', 'kafka.password', 'WELLSPRING_KAFKA_PASSWORD'],
    ['kafka: { sasl: { password: hunter2 } }', 'kafka.sasl.password', 'WELLSPRING_KAFKA_PASSWORD'],
    ['kafka: { tls: { passphrase: hunter2 } }', 'kafka.tls.passphrase', 'WELLSPRING_KAFKA_KEY_PASSPHRASE'],
    ['registry: { password: hunter2 }', 'registry.password', 'WELLSPRING_REGISTRY_PASSWORD'],
    ['registry: { token: hunter2 }', 'registry.token', 'WELLSPRING_REGISTRY_TOKEN'],
  ])('%s is refused with the cure, and not shown', async (yaml, path, variable) => {
    writeFileSync(config, `${yaml}\n`)
    const faults = await faultsOf(onKafka)
    expect(faults).toEqual([`${config}: ${path}: a file holds no secret: remove it from there and set ${variable}`])
    expect(faults.join()).not.toContain('hunter2')
  })

  test.each(['http://me:hunter2@registry:8081', 'https://hunter2@registry'])(
    'in the URL of the registry are refused, and not shown: %s',
    async (url) => {
      const faults = await faultsOf({ ...onKafka, registry: url })
      expect(faults).toEqual([expect.stringMatching(/registry\.username and WELLSPRING_REGISTRY_PASSWORD instead$/)])
      expect(faults.join()).not.toContain('hunter2')
    },
  )

  test('come from the environment', async () => {
    writeFileSync(
      config,
      'kafka: { sasl: { mechanism: scram-sha-256, username: me } }\nregistry: { username: me-too }\n',
    )
    vi.stubEnv(secretVariables.password.variable, 'one')
    vi.stubEnv(secretVariables.registryPassword.variable, 'two')
    expect(await kafkaPlace(onKafka)).toMatchObject({
      login: { mechanism: 'scram-sha-256', username: 'me', password: 'one' },
      registry: { url: registry, user: 'me-too', password: 'two' },
    })
  })

  test('that nobody would use are faults', async () => {
    for (const { variable } of Object.values(secretVariables)) vi.stubEnv(variable, 'x')
    vi.stubEnv('WELLSPRING_REGISTRY_USERNAME', 'me')
    const faults = await faultsOf(onKafka)
    for (const line of [
      /^WELLSPRING_KAFKA_PASSWORD: set kafka\.sasl\.mechanism too/,
      /^WELLSPRING_KAFKA_KEY_PASSPHRASE is set and no key/,
      /^WELLSPRING_REGISTRY_TOKEN and WELLSPRING_REGISTRY_USERNAME: give one of the two/,
    ])
      expect(faults).toContainEqual(expect.stringMatching(line))
    expect(faults).toHaveLength(3)
  })

  test('an oauthbearer login takes its token from a command that no shell reads', async () => {
    writeFileSync(config, 'kafka: { sasl: { mechanism: oauthbearer, tokenCommand: [get-token, "; rm -rf ~"] } }\n')
    expect((await kafkaPlace(onKafka)).login).toEqual({
      mechanism: 'oauthbearer',
      tokenCommand: ['get-token', '; rm -rf ~'],
    })
    writeFileSync(config, 'kafka: { sasl: { mechanism: oauthbearer, tokenCommand: get-token } }\n')
    expect(await faultsOf(onKafka)).toContainEqual(
      expect.stringMatching(/kafka\.sasl\.tokenCommand: expected a list of texts, the program first/),
    )
    writeFileSync(config, 'kafka: { sasl: { mechanism: oauthbearer } }\n')
    expect(await faultsOf(onKafka)).toEqual([
      expect.stringMatching(/set kafka\.sasl\.tokenCommand in the configuration/),
    ])
  })

  test('a PEM file is read, and another file is refused', async () => {
    const certificate = join(folder, 'authority.pem')
    const text = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    writeFileSync(certificate, text)
    vi.stubEnv('WELLSPRING_KAFKA_TLS_CA_FILE', certificate)
    expect((await kafkaPlace(onKafka)).tls).toEqual({ ca: text })
    writeFileSync(certificate, 'nonsense')
    expect(await faultsOf(onKafka)).toEqual([
      `WELLSPRING_KAFKA_TLS_CA_FILE: ${certificate} is no PEM file: convert it to PEM`,
    ])
  })

  test('tls: true trusts the authorities that Node knows', async () => {
    writeFileSync(config, 'kafka: { tls: true }\n')
    expect((await kafkaPlace(onKafka)).tls).toEqual({})
  })
})

describe('shellWord', () => {
  test('gives a word that a shell reads back as it was', () => {
    const texts = fc.sample(
      fc.string({ unit: 'grapheme-composite' }).filter((text) => !/[\0\ud800-\udfff]/.test(text)),
      300,
    )
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${texts.map(shellWord).join(' ')}`], { encoding: 'utf8' })
    expect(stdout.split('\0').slice(0, -1)).toEqual(texts)
  })
})

describe('the command', () => {
  const cwd = newFolder()

  test('tells faults of the place and of other settings together, with exit code 78', async () => {
    writeFileSync(join(cwd, 'wellspring.yaml'), 'run: { drainSecond: 3 }\nkafka: { sasl: { password: hunter2 } }\n')
    const ended = await run(['up', '--kafka', 'nonsense', '--registry', registry], { cwd })
    const lines = ended.stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    for (const part of ['drainSecond', 'kafka.sasl.password', '--kafka: expected HOST:PORT'])
      expect(lines.filter((line) => line.includes(part))).toHaveLength(1)
    expect(ended.stderr + ended.stdout).not.toContain('hunter2')
    expect(ended.exitCode).toBe(78)
  })

  test.each([[['topics']], [['tail', 'seeds']], [['export', 'pairs']], [['explain', 'x']], [['dead-letters', 'list']]])(
    '%s refuses a wrong place like every other',
    async (args) => {
      const env = { WELLSPRING_CONFIG: '', WELLSPRING_KAFKA: 'a:1' }
      expectFailure(await run(args, { cwd: newFolder(), env }), 78, /^wellspring: WELLSPRING_KAFKA: .*schema registry/)
    },
  )
})
