/**
 * Java, and the programs of a development cluster: fetched by name through Maven, once per user, and kept in
 * `$XDG_CACHE_HOME/wellspring` (`~/.cache/wellspring`). What is there already needs neither Maven nor a network.
 */
import { execFile } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../cache.ts'
import { ClusterError } from './error.ts'

const run = promisify(execFile)

/** The oldest Java that both Kafka 4.x and the registry run on. */
const javaVersion = 17
const javaCure = `install it (Debian, Ubuntu: apt-get install openjdk-${javaVersion}-jre-headless; macOS: brew install openjdk@${javaVersion}) and set JAVA_HOME or PATH`

/**
 * The path of a Java that is new enough: JAVA_HOME's, or the first on PATH.
 * @throws ClusterError (tool_missing)
 */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  const java = home ? join(home, 'bin', 'java') : 'java'
  let said: string
  try {
    said = (await run(java, ['-version'])).stderr
  } catch (error) {
    const place = home ? `JAVA_HOME is ${home}, and bin/java there does not run` : 'no java on PATH runs'
    throw new ClusterError('tool_missing', `Java ${javaVersion} or newer is needed: ${place}; ${javaCure}`, {
      cause: error,
    })
  }
  // Old releases call themselves 1.8; all later ones begin with their number.
  const version = /version "(\d+)(?:\.(\d+))?/.exec(said)
  const major = Number(version?.[1] === '1' ? version[2] : version?.[1])
  if (!(major >= javaVersion)) {
    const found = said.split('\n')[0] ?? 'no version'
    throw new ClusterError('tool_missing', `Java ${javaVersion} or newer is needed, found ${found}; ${javaCure}`)
  }
  return java
}

/** @throws ClusterError (tool_missing, download_failed) */
export async function maven(what: string, folder: string, goal: readonly string[]): Promise<void> {
  try {
    await run('mvn', ['--batch-mode', '--no-transfer-progress', ...goal], {
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { stdout?: string }
    if (failure.code === 'ENOENT')
      throw new ClusterError(
        'tool_missing',
        `Maven is needed to fetch ${what} once: no mvn on PATH; install it (Debian, Ubuntu: apt-get install maven; macOS: brew install maven)`,
        { cause: error },
      )
    // eslint-disable-next-line no-control-regex -- Maven colours its lines even where nobody sees them
    const lines = (failure.stdout ?? '').replace(/\u001b\[[0-9;]*m/g, '').split('\n')
    const reason = lines.find((line) => line.startsWith('[ERROR]'))?.slice('[ERROR] '.length) ?? failure.message
    throw new ClusterError(
      'download_failed',
      `could not fetch ${what}: ${reason.replace(/ -> \[Help \d+\]$/, '')}; check the network and Maven's settings, then try again`,
      { cause: error },
    )
  }
}

/** A progress line for people: called once before a download that may take a minute. */
export type Report = (line: string) => void

/**
 * The folder with Kafka's jars, fetched where it is not there yet (about 45 MB).
 * @param version of `org.apache.kafka:kafka_2.13`, for example `4.1.1` or `3.9.1`
 * @throws ClusterError (tool_missing, download_failed)
 */
export async function installKafka(version: string, report: Report = () => {}): Promise<string> {
  if (!/^\d+\.\d+\.\d+$/.test(version))
    throw new ClusterError('download_failed', `expected a version of Kafka such as 4.1.1, got ${version}`)
  return cached(`kafka-${version}`, async (folder) => {
    report(`fetching Kafka ${version} (once, about 45 MB)`)
    // Kafka 3.x calls classes of this one logging library; 4.x takes any.
    const logging = majorVersion(version) < 4 ? 'slf4j-reload4j' : 'slf4j-simple'
    const dependency = (group: string, name: string, wanted: string) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${wanted}</version></dependency>`
    await writeFile(
      join(folder, 'pom.xml'),
      `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>wellspring</groupId><artifactId>kafka-for-development</artifactId><version>1</version><dependencies>
${dependency('org.apache.kafka', 'kafka_2.13', version)}
${dependency('org.slf4j', logging, '1.7.36')}
</dependencies></project>
`,
    )
    await maven(`Kafka ${version}`, folder, [
      'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
      '-DincludeScope=runtime',
      '-DoutputDirectory=lib',
    ])
  })
}

/** The first number of a version. */
export function majorVersion(version: string): number {
  return Number(version.split('.')[0])
}

/**
 * The registry's release: the last of Apicurio Registry 3.0, which runs on Java 17 (3.2 and later need 21).
 */
export const registryVersion = '3.0.9'

/**
 * The path of the registry's jar, fetched where it is not there yet (about 110 MB).
 * @throws ClusterError (tool_missing, download_failed)
 */
export async function installRegistry(report: Report = () => {}): Promise<string> {
  const what = `Apicurio Registry ${registryVersion}`
  const folder = await cached(`apicurio-registry-${registryVersion}`, async (unfinished) => {
    report(`fetching ${what} (once, about 110 MB)`)
    // One file without its dependencies: this release of the plugin asks for no parent project of the file.
    await maven(what, unfinished, [
      'org.apache.maven.plugins:maven-dependency-plugin:2.10:copy',
      `-Dartifact=io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`,
      '-DoutputDirectory=.',
    ])
    const archive = `apicurio-registry-app-${registryVersion}-all.tar.gz`
    await run('tar', ['-xzf', archive], { cwd: unfinished })
    await rm(join(unfinished, archive))
  })
  const jar = (await readdir(folder)).find((name) => name.endsWith('-runner.jar'))
  if (jar === undefined)
    throw new ClusterError('download_failed', `${folder} has no *-runner.jar; delete that folder and try again`)
  return join(folder, jar)
}
