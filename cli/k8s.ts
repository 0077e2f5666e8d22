/** `wellspring k8s`: manifests for Kubernetes, and rules that they keep. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Command } from 'commander'
import { ConfigurationError } from '../engine/errors.ts'
import { processors } from '../processors/index.ts'
import { makeFolder } from '../topics/make-folder.ts'
import { parseBudget, budgetFault } from './budget.ts'
import { runSettings } from './configuration.ts'
import { CommandError, exitCodes } from './exit.ts'
import { fewOfEach } from './few.ts'
import { renderedMark, type Resource } from './kubernetes/manifests.ts'
import type { ClusterOptions } from './kubernetes/options.ts'
import { brokenRules, ruleNames } from './kubernetes/policy.ts'
import { readResources } from './kubernetes/reading.ts'
import { renderManifests } from './kubernetes/render.ts'
import { release } from './release.ts'
import { note, printable, say, sayJson, shellWord } from './terminal.ts'
import { noSuch } from './wrong-use.ts'

/** What the committed manifests are rendered with. */
export function defaultClusterOptions(): ClusterOptions {
  return {
    processors,
    image: `wellspring:${release()}`,
    namespace: 'wellspring',
    corpus: 'wellspring',
    kafkaCluster: 'kafka',
    kafkaNamespace: '',
    registryNamespace: '',
    replication: undefined,
    login: true,
    drainSeconds: runSettings.drainSeconds.default,
    budget: '',
    verifierThreads: 2,
    recordsPerReplica: 1000,
    prometheus: 'http://prometheus-operated.monitoring.svc:9090',
    monitoringNamespace: 'monitoring',
    documentation: '',
  }
}

/** Flags of `render`, as they are typed. */
interface Flags {
  into: string
  image: string
  namespace: string
  corpus: string
  kafkaCluster: string
  kafkaNamespace?: string
  registryNamespace?: string
  replication?: string
  login: boolean
  drainSeconds: string
  budget?: string
  verifierThreads: string
  recordsPerReplica: string
  prometheus: string
  monitoringNamespace: string
  documentation?: string
}

export function k8sCommand(): Command {
  return new Command('k8s')
    .addCommand(renderCommand())
    .addCommand(checkCommand())
    .addHelpText(
      'after',
      `
Examples:
  wellspring k8s render --into k8s/base/generated --image registry.example/wellspring:1.2.0
  kubectl kustomize k8s/overlays/production | wellspring k8s check`,
    )
}

function renderCommand(): Command {
  const defaults = defaultClusterOptions()
  return new Command('render')
    .description('write the manifests of the stream, made of the declarations')
    .argument('[processor...]', 'their names; all where none is named')
    .requiredOption(
      '--into <folder>',
      'where to write; files that an earlier rendering left there are replaced or removed',
    )
    .option('--image <reference>', 'image, with a tag or a digest', defaults.image)
    .option('--namespace <name>', 'namespace of Kubernetes', defaults.namespace)
    .option('--corpus <name>', "which corpus: the prefix of its topics, and of its pods' users", defaults.corpus)
    .option('--kafka-cluster <name>', "Strimzi's name of the Kafka cluster", defaults.kafkaCluster)
    .option('--kafka-namespace <name>', 'the namespace in which pods may reach brokers (default: any)')
    .option('--registry-namespace <name>', 'the namespace in which pods may reach a registry (default: any)')
    .option('--replication <count>', "copies of each partition of topics (default: the brokers')")
    .option('--no-login', 'pods log in to the brokers without a password')
    .option('--drain-seconds <seconds>', 'what calls in flight have when a pod ends', String(defaults.drainSeconds))
    .option('--budget <amount>', 'as run.budget, with the rights that it needs (default: none)')
    .option('--verifier-threads <count>', 'programs that a pod runs at once', String(defaults.verifierThreads))
    .option(
      '--records-per-replica <count>',
      'waiting records for one replica more, where no model is called',
      String(defaults.recordsPerReplica),
    )
    .option('--prometheus <url>', 'where KEDA asks for backlogs', defaults.prometheus)
    .option('--monitoring-namespace <name>', 'the namespace that may read /metrics', defaults.monitoringNamespace)
    .option(
      '--documentation <url>',
      "where this project's folder is read, for the links from alerts to runbooks (default: paths in it)",
    )
    .addHelpText(
      'after',
      `
A processor becomes a Deployment, one that keeps state a StatefulSet with a volume, each with a disruption budget; where it has several
tasks, a ScaledObject of KEDA. Alerts, network policies, topics and users (resources of Strimzi), the job that makes schemas, and a pod
for commands come with them. Partition counts are those of the catalogue: another count is another corpus.

Endpoints, brokers and secrets are not rendered: pods read them from the config map wellspring-config and from Secrets (k8s/README.md).

Examples:
  wellspring k8s render --into k8s/base/generated --image registry.example/wellspring:1.2.0
  wellspring k8s render --into out --corpus math-1 --drain-seconds 300 --budget 500usd
  wellspring k8s render roll-out verify-rollout --into out`,
    )
    .action((names: string[], flags: Flags) => {
      const files = renderManifests(optionsOf(names, flags))
      const { written, removed } = writeRendered(flags.into, files)
      say(
        `${files.size} files in ${flags.into}: ${written} written, ${files.size - written} as they were, ${removed} removed`,
      )
    })
}

/** @throws CommandError naming every flag that is wrong */
function optionsOf(names: readonly string[], flags: Flags): ClusterOptions {
  const { kafkaNamespace = '', registryNamespace = '', budget = '', documentation = '' } = flags
  const faults: string[] = []
  const whole = (flag: string, text: string, least: number, most: number): number => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most)
      faults.push(`--${flag}: expected a whole number from ${least} to ${most}, got "${text}"`)
    return value
  }
  const label = (flag: string, text: string, mostCharacters = 63): string => {
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text) || text.length > mostCharacters) {
      faults.push(
        `--${flag}: expected up to ${mostCharacters} small letters, digits and "-", as names of Kubernetes are, got "${text}"`,
      )
    }
    return text
  }
  const unknown = names.filter((name) => !processors.some((one) => one.name === name))
  if (unknown.length > 0) {
    faults.push(
      noSuch(
        'processor',
        unknown,
        processors.map(({ name }) => name),
      ),
    )
  }
  const tag = /^[^\s@]+?(?::([\w][\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?$/.exec(flags.image)
  const isPinned = tag !== null && (flags.image.includes('@sha256:') || (tag[1] !== undefined && tag[1] !== 'latest'))
  if (!isPinned) {
    faults.push(
      `--image: expected a reference with a tag other than latest, or a digest, such as wellspring:1.2.0, got "${flags.image}"`,
    )
  }
  if (budget !== '' && !parseBudget(budget)) faults.push(budgetFault(budget, '--budget'))
  const isHttp = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (!isHttp(flags.prometheus)) faults.push(`--prometheus: expected an http or https URL, got "${flags.prometheus}"`)
  if (documentation !== '' && !isHttp(documentation))
    faults.push(`--documentation: expected an http or https URL, got "${documentation}"`)
  const options: ClusterOptions = {
    processors: names.length === 0 ? processors : processors.filter(({ name }) => names.includes(name)),
    image: flags.image,
    namespace: label('namespace', flags.namespace),
    corpus: label('corpus', flags.corpus, 32),
    kafkaCluster: label('kafka-cluster', flags.kafkaCluster, 32),
    kafkaNamespace: kafkaNamespace === '' ? '' : label('kafka-namespace', kafkaNamespace),
    registryNamespace: registryNamespace === '' ? '' : label('registry-namespace', registryNamespace),
    replication: flags.replication === undefined ? undefined : whole('replication', flags.replication, 1, 32_767),
    login: flags.login,
    drainSeconds: whole('drain-seconds', flags.drainSeconds, 0, runSettings.drainSeconds.max),
    budget,
    verifierThreads: whole('verifier-threads', flags.verifierThreads, 1, runSettings.verifierThreads.max),
    recordsPerReplica: whole('records-per-replica', flags.recordsPerReplica, 1, 1_000_000_000),
    prometheus: flags.prometheus,
    monitoringNamespace: label('monitoring-namespace', flags.monitoringNamespace),
    documentation,
  }
  if (faults.length > 0) throw new CommandError(exitCodes.usage, faults.join('; '))
  return options
}

/** Writes what differs, and removes what an earlier rendering left that is none of these. Files of others stay. @throws CommandError */
function writeRendered(folder: string, files: ReadonlyMap<string, string>): { written: number; removed: number } {
  const found = new Map([...files.keys()].map((path) => [path, textOf(join(folder, path))]))
  for (const [path, text] of found) {
    if (text === undefined || text.startsWith(renderedMark)) continue
    const file = join(folder, path)
    throw new CommandError(exitCodes.usage, `${file} is not a rendered file: move it, or render into another folder`)
  }
  makeFolder(folder)
  const changed = [...files].filter(([path, text]) => found.get(path) !== text)
  for (const [path, text] of changed) {
    makeFolder(dirname(join(folder, path)))
    writeFileSync(join(folder, path), text)
  }
  // Only beside what this rendering holds: another one may lie in a folder below.
  const own = new Set([...files.keys()].map((path) => dirname(join(folder, path))))
  const left = [...own]
    .flatMap((inside) => readdirSync(inside, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !files.has(relative(folder, file)) && textOf(file)?.startsWith(renderedMark))
  for (const file of left) rmSync(file)
  return { written: changed.length, removed: left.length }
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function checkCommand(): Command {
  return new Command('check')
    .description('whether manifests keep the rules of this project')
    .argument('[file...]', 'YAML with any number of resources; all files together (default: standard input)')
    .option('--json', 'a JSON line for each rule that is broken')
    .addHelpText(
      'after',
      `
Rules: ${ruleNames.join(', ')}.
It ends with 0 where all are kept, else with 65. Rules that a workload need not keep stand in its annotation wellspring/exempt.

Examples:
  kubectl kustomize k8s/overlays/production | wellspring k8s check
  wellspring k8s check workloads.yaml policies.yaml
  wellspring k8s check manifests.yaml --json | jq -r .rule`,
    )
    .action((files: string[], options: { json?: boolean }) => {
      const read = (files.length === 0 ? ['-'] : files).map((file) => readManifests(file, options.json === true))
      // Of a part of them rules would tell what only lies in the other part.
      const resources = read.every((one) => one !== undefined) ? read.flat() : undefined
      const broken = resources ? brokenRules(resources) : []
      if (options.json) for (const { rule, resource, fault } of broken) sayJson({ rule, resource, fault })
      else
        for (const { shown, more } of fewOfEach(broken, ({ rule }) => rule)) {
          for (const { rule, resource, fault } of shown) say(printable(`${resource}: ${fault} (${rule})`))
          if (more > 0) say(`${more} more like it (${shown[0]?.rule}); --json lists all`)
        }
      if (!resources) process.exitCode = exitCodes.badInput
      else if (broken.length > 0) process.exitCode = exitCodes.badInput
      else if (!options.json) say(`${resources.length} resources keep all ${ruleNames.length} rules`)
    })
}

/** The resources of a file, or of standard input; undefined where that holds none, which has been said then. @throws CommandError */
function readManifests(file: string, json: boolean): Resource[] | undefined {
  const name = file === '-' ? 'standard input' : file
  if (file !== '-' && existsSync(file) && statSync(file).isDirectory())
    throw new CommandError(
      exitCodes.usage,
      `${file} is a folder: give a file of manifests, or pipe one in with \`kubectl kustomize ${shellWord(file)} | wellspring k8s check\``,
    )
  try {
    return readResources(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    if (json) for (const fault of error.faults) sayJson({ rule: null, resource: null, fault: `${name}: ${fault}` })
    else
      // What is no YAML is so all the way down: more of it says no more.
      for (const { shown, more } of fewOfEach(error.faults, () => 'no YAML')) {
        for (const fault of shown) note(`wellspring: ${name}: ${fault}`)
        if (more > 0) note(`wellspring: ${name}: ${more} more like it; --json lists all`)
      }
    return undefined
  }
}
