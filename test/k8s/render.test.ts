/** Manifests of the stream: made of the declarations alone. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { commonSettings, runSettings, simulatorSettings } from '../../cli/configuration.ts'
import { aclSets } from '../../cli/acls.ts'
import { alerts } from '../../cli/alerts.ts'
import { defaultClusterOptions } from '../../cli/k8s.ts'
import type { Resource } from '../../cli/kubernetes/manifests.ts'
import { brokenRules } from '../../cli/kubernetes/policy.ts'
import { renderManifests } from '../../cli/kubernetes/render.ts'
import { placeSettings, secretVariables } from '../../cli/place.ts'
import { callsModels } from '../../engine/processor.ts'
import { groupOf } from '../../engine/runtime.ts'
import { variableName } from '../../engine/settings.ts'
import { processors } from '../../processors/index.ts'
import { manifestFolder } from '../../scripts/generated-pages.ts'
import { topics, topicSpecifications } from '../../topics/catalogue.ts'
import { jsonLines, run } from '../cli/command.ts'
import { find, podOf, rendered } from './manifests.ts'

const resources = rendered()
const workloads = resources.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
const workloadNamed = (name: string) => {
  const found = workloads.find(({ metadata }) => metadata.name === name)
  if (!found) throw new Error(`there is no workload ${name}`)
  return found
}

describe('a processor', () => {
  it.each(processors.map((one) => [one.name, one] as const))('%s has what its declaration asks for', (name, one) => {
    const workload = workloadNamed(name)
    const { containers } = podOf(workload)
    const labels = (workload.spec as { template: { metadata: { labels: Record<string, string> } } }).template.metadata
      .labels
    expect(containers[0].args).toEqual(['run', name])
    expect(workload.kind).toBe(one.state ? 'StatefulSet' : 'Deployment')
    expect(labels['wellspring/calls-models'] === 'true').toBe(callsModels(one))
    expect(labels['wellspring/runs-programs'] === 'true').toBe(one.runsPrograms === true)
    expect(containers[0].envFrom.some(({ secretRef }) => secretRef)).toBe(callsModels(one))
    find(resources, 'PodDisruptionBudget', name)
    const user = find(resources, 'KafkaUser', `wellspring-${name}`)
    const password = containers[0].env.find((variable) => variable.name === 'WELLSPRING_KAFKA_PASSWORD')
    expect(password?.valueFrom?.secretKeyRef).toEqual({ name: user.metadata.name, key: 'password' })
  })

  it.each(processors.map((one) => [one.name, one] as const))(
    '%s scales to its tasks by its own backlog, where that helps',
    (name, one) => {
      const { tasks } = groupOf(one)
      const scaled = resources.find(({ kind, metadata }) => kind === 'ScaledObject' && metadata.name === name)
      const { replicas } = workloadNamed(name).spec as { replicas?: number }
      if (tasks === 1 || Object.keys(one.inputs).length === 0) {
        expect(scaled).toBeUndefined()
        expect(replicas).toBe(1)
        return
      }
      expect(replicas).toBeUndefined()
      expect(scaled?.spec).toMatchObject({
        minReplicaCount: 1,
        maxReplicaCount: tasks,
        scaleTargetRef: { kind: workloadNamed(name).kind, name },
        triggers: [
          {
            type: 'prometheus',
            metadata: { query: `sum(wellspring_backlog_records{namespace="wellspring",processor="${name}"})` },
          },
        ],
      })
    },
  )

  it('gets variables that are settings, and no other one of ours', () => {
    const known = new Set([
      ...['run', 'simulator'].flatMap((scope) =>
        Object.keys(scope === 'run' ? runSettings : simulatorSettings).map((name) => variableName(scope, name)),
      ),
      ...processors.flatMap(({ name, settings }) =>
        Object.keys({ ...settings, ...commonSettings }).map((one) => variableName(name, one)),
      ),
      ...Object.values(placeSettings).map(({ variable }) => variable),
      ...Object.values(secretVariables).map(({ variable }) => variable),
      ...['WELLSPRING_CONFIG', 'WELLSPRING_DATA', 'NODE_OPTIONS'],
    ])
    const given = workloads
      .filter(({ metadata }) => metadata.name !== 'simulator')
      .flatMap((one) => podOf(one).containers.flatMap(({ env }) => env.map(({ name }) => name)))
    expect([...new Set(given)].filter((name) => !known.has(name))).toEqual([])
  })

  it('that is added appears with its workload, budget, scale, user and changelog, and keeps all rules', () => {
    const [first] = processors
    if (!first) throw new Error('there is no processor')
    const added = { ...first, name: 'translate-seed', summary: 'Added by a test.' }
    const all = rendered({ processors: [...processors, added] })
    for (const [kind, name] of [
      ['Deployment', added.name],
      ['PodDisruptionBudget', added.name],
      ['ScaledObject', added.name],
      ['KafkaUser', `wellspring-${added.name}`],
      ['KafkaTopic', `wellspring.${added.name}-changelog`],
    ] as const)
      find(all, kind, name)
    expect(brokenRules(all, [...processors, added])).toEqual([])
    const files = renderManifests({ ...defaultClusterOptions(), processors: [...processors, added] })
    const { resources: listed } = parse(files.get('kustomization.yaml') ?? '') as { resources: string[] }
    expect(listed).toContain(`processors/${added.name}.yaml`)
  })
})

describe('topics', () => {
  it('are those of the catalogue, changelogs and the record of appends, with the partitions that this release needs', () => {
    const found = resources.filter(({ kind }) => kind === 'KafkaTopic')
    expect(found).toHaveLength(topicSpecifications().length + processors.length + 1)
    expect(find(resources, 'KafkaTopic', `wellspring.${topics.rollouts.name}`).spec).toMatchObject({
      partitions: topics.rollouts.partitions,
      config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' },
    })
  })

  it('have the replicas of the brokers unless they are given', () => {
    const specOf = (all: typeof resources): object => find(all, 'KafkaTopic', 'wellspring.seeds').spec as object
    expect(specOf(resources)).not.toHaveProperty('replicas')
    expect(specOf(rendered({ replication: 3 }))).toHaveProperty('replicas', 3)
  })
})

describe('monitoring', () => {
  it('scrapes every processor under the job name that the alerts ask for', () => {
    const asked = alerts().flatMap(({ expr }) => [...expr.matchAll(/job="([^"]*)"/g)].map(([, job]) => job))
    const { jobLabel } = find(resources, 'PodMonitor', 'wellspring').spec as { jobLabel: string }
    const given = processors.map(({ name }) => {
      const { template } = workloadNamed(name).spec as { template: { metadata: { labels: Record<string, string> } } }
      return template.metadata.labels[jobLabel]
    })
    expect(asked.length).toBeGreaterThan(0)
    expect(new Set(given)).toEqual(new Set(asked))
  })

  it('has all alerts, with links to where the runbooks are read', () => {
    const linksOf = (own: readonly Resource[]): string[] => {
      const { groups } = find(own, 'PrometheusRule', 'wellspring').spec as {
        groups: { rules: { alert: string; annotations: { runbook_url: string } }[] }[]
      }
      const rules = groups.flatMap((group) => group.rules)
      expect(rules.map(({ alert }) => alert)).toEqual([
        ...alerts().map(({ name }) => name),
        'WellspringProcessorMissing',
      ])
      return rules.map(({ annotations }) => annotations.runbook_url)
    }
    for (const link of linksOf(resources)) expect(link).toMatch(/^docs\/operations\.md#[a-z-]+$/)
    for (const documentation of ['https://git.example/wellspring', 'https://git.example/wellspring/'])
      for (const link of linksOf(rendered({ documentation })))
        expect(link).toMatch(/^https:\/\/git\.example\/wellspring\/docs\/operations\.md#[a-z-]+$/)
  })

  it('asks for every processor that there must be', () => {
    const { groups } = find(rendered({ namespace: 'mine' }), 'PrometheusRule', 'wellspring').spec as {
      groups: { rules: { alert: string; expr: string }[] }[]
    }
    const rule = groups.flatMap(({ rules }) => rules).find(({ alert }) => alert === 'WellspringProcessorMissing')
    for (const { name } of processors)
      expect(rule?.expr).toContain(`absent(wellspring_tasks{namespace="mine",processor="${name}"})`)
  })

  it.each(['retention', 'metrics'])('has a source with the rights of %s, as one process must have them', (wanted) => {
    const entries = aclSets('wellspring').find(({ name }) => name === wanted)?.entries ?? []
    expect(entries.length).toBeGreaterThan(0)
    const { authorization } = find(resources, 'KafkaUser', 'wellspring-sample-concepts').spec as {
      authorization: { acls: { resource: { name: string }; operations: string[] }[] }
    }
    for (const { name, operations } of entries)
      expect(authorization.acls.find(({ resource }) => resource.name === name)?.operations).toEqual(
        expect.arrayContaining([...operations]),
      )
  })
})

describe('options', () => {
  it('lengthen the grace period with the drain', () => {
    const pod = podOf(find(rendered({ drainSeconds: 600 }), 'Deployment', 'roll-out'))
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(600)
    expect(pod.containers[0].env).toContainEqual({ name: 'WELLSPRING_RUN_DRAIN_SECONDS', value: '600' })
  })

  it('give a budget to every pod, with the rights that it needs', () => {
    const all = rendered({ budget: '50usd' })
    const user = find(all, 'KafkaUser', 'wellspring-build-sft').spec as { authorization: { acls: object[] } }
    expect(user.authorization.acls).toContainEqual(
      expect.objectContaining({ resource: expect.objectContaining({ name: 'wellspring.budget-claims' }) as object }),
    )
    expect(podOf(find(all, 'Deployment', 'build-sft')).containers[0].env).toContainEqual({
      name: 'WELLSPRING_RUN_BUDGET',
      value: '50usd',
    })
  })

  it('leave passwords out where pods do not log in', () => {
    const [container] = podOf(find(rendered({ login: false }), 'Deployment', 'build-sft')).containers
    expect(container.env.map(({ name }) => name)).not.toContain('WELLSPRING_KAFKA_PASSWORD')
  })

  const jobOf = (options: Parameters<typeof rendered>[0]) => rendered(options).find(({ kind }) => kind === 'Job')

  it.each([
    { image: 'wellspring:9.9.9' },
    { corpus: 'other' },
    { kafkaCluster: 'other' },
    { login: false },
    { replication: 3 },
  ])('name the job anew with %o, as a job cannot be changed', (options) => {
    expect(jobOf({})?.metadata.name).toBe(jobOf({})?.metadata.name)
    expect(jobOf(options)?.metadata.name).not.toBe(jobOf({})?.metadata.name)
  })

  it('have the job make topics with the copies that the resources ask for', () => {
    const argumentsOf = (options: Parameters<typeof rendered>[0]): string[] | undefined => {
      const job = jobOf(options)
      return job && podOf(job).containers[0].args
    }
    expect(argumentsOf({})).toEqual(['topics', 'apply'])
    expect(argumentsOf({ replication: 3 })).toEqual(['topics', 'apply', '--replication', '3'])
  })
})

describe('the committed manifests', () => {
  it('are these files and no other', () => {
    const listed = readdirSync(manifestFolder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
    expect(listed).toHaveLength(renderManifests(defaultClusterOptions()).size)
  })
})

describe('wellspring k8s', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wellspring-k8s-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const wellspring = (...args: string[]) => run(['k8s', ...args], { cwd: folder })

  it('renders, renders the same again without a write, and removes what an earlier rendering left', async () => {
    expect((await wellspring('render', '--into', 'out')).stdout).toMatch(
      /^\d+ files in out: \d+ written, 0 as they were, 0 removed\n$/,
    )
    expect((await wellspring('render', '--into', 'out')).stdout).toMatch(/: 0 written, \d+ as they were, 0 removed\n$/)
    writeFileSync(join(folder, 'out', 'processors', 'mine.yaml'), 'a: 1\n')
    const { stdout } = await wellspring('render', 'roll-out', '--into', 'out')
    expect(stdout).toContain(`, ${processors.length - 1} removed`)
    expect(readdirSync(join(folder, 'out', 'processors'))).toEqual(['mine.yaml', 'roll-out.yaml'])
  })

  it('overwrites no file that it has not written', async () => {
    writeFileSync(join(folder, 'common.yaml'), 'a: 1\n')
    const { exitCode, stderr } = await wellspring('render', '--into', '.')
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/common\.yaml is not a rendered file: move it, or render into another folder/)
    expect(readFileSync(join(folder, 'common.yaml'), 'utf8')).toBe('a: 1\n')
    expect(existsSync(join(folder, 'kustomization.yaml'))).toBe(false)
  })

  it.each([
    [['--image', 'wellspring'], /--image: expected a reference with a tag/],
    [['--image', 'registry:5000/wellspring'], /--image: expected/],
    [['--image', 'wellspring:latest'], /--image: expected/],
    [['--namespace', 'Big'], /--namespace: expected up to 63 small letters/],
    [['--corpus', 'a_b'], /--corpus: expected/],
    [['--drain-seconds', 'soon'], /--drain-seconds: expected a whole number from 0 to 86400, got "soon"/],
    [['--budget', 'much'], /--budget/],
    [['--prometheus', 'prometheus'], /--prometheus: expected an http or https URL/],
    [['--documentation', 'docs'], /--documentation: expected an http or https URL, got "docs"/],
    [['--replication', '0'], /--replication: expected a whole number from 1/],
    [['nobody'], /there is no processor "nobody"; there are extract-concepts/],
  ])('refuses %s with one line', async (args, message) => {
    const { exitCode, stderr } = await wellspring('render', '--into', 'refused', ...args)
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(existsSync(join(folder, 'refused'))).toBe(false)
  })

  it('takes a digest, and a registry with a port', async () => {
    const image = `registry.example:5000/wellspring@sha256:${'0'.repeat(64)}`
    expect((await wellspring('render', '--into', 'digest', '--image', image)).exitCode).toBe(0)
  })

  it('checks a file or standard input, names what is wrong, and ends with 65', async () => {
    const text = renderManifests(defaultClusterOptions()).get('processors/roll-out.yaml') ?? ''
    writeFileSync(
      join(folder, 'open.yaml'),
      text.replace('readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'),
    )
    const { exitCode, stdout } = await wellspring('check', 'open.yaml')
    expect(exitCode).toBe(65)
    expect(stdout).toContain('Deployment/roll-out: container wellspring can write to its image')
    const piped = await run(['k8s', 'check'], { cwd: folder, input: 'kind: x' })
    expect(piped.exitCode).toBe(65)
    expect(piped.stderr).toContain('standard input: document 1: expected a resource of Kubernetes')
  })

  it('checks several files as one', async () => {
    const files = renderManifests(defaultClusterOptions())
    for (const part of ['processors/roll-out.yaml', 'network.yaml'])
      writeFileSync(join(folder, part.replace('/', '-')), files.get(part) ?? '')
    const { exitCode, stdout } = await wellspring('check', 'processors-roll-out.yaml', 'network.yaml')
    expect(stdout).toMatch(/^5 resources keep all \d+ rules\n$/)
    expect(exitCode).toBe(0)
    expect((await wellspring('check', 'processors-roll-out.yaml')).stdout).toContain('no NetworkPolicy bounds')
    writeFileSync(join(folder, 'stray.yaml'), 'a: 1\n')
    const refused = await wellspring('check', 'stray.yaml', 'processors-roll-out.yaml', '--json')
    expect(refused.exitCode).toBe(65)
    expect(jsonLines(refused.stdout)).toEqual([
      { rule: null, resource: null, fault: expect.stringMatching(/^stray\.yaml: document 1: expected/) as string },
    ])
  })

  it.each([
    [
      'image: wellspring:',
      'image: 5 #',
      /spec\.template\.spec\.containers\.0\.image: expected a text, got 5 \(well-formed\)/,
    ],
    ['env:', 'env: { A: b }\n          unread:', /containers\.0\.env: expected a list, got a map \(well-formed\)/],
    [
      'annotations:',
      'annotations:\n    wellspring/exempt: { probes: slow }',
      /wellspring\/exempt: expected a text, got a map/,
    ],
  ])('tells what is malformed, and no bug: %s', async (from, to, fault) => {
    const text = renderManifests(defaultClusterOptions()).get('processors/roll-out.yaml') ?? ''
    writeFileSync(join(folder, 'malformed.yaml'), text.replace(from, to))
    const { exitCode, stdout, stderr } = await wellspring('check', 'malformed.yaml')
    expect(exitCode).toBe(65)
    expect(stdout).toMatch(fault)
    expect(stderr).toBe('')
  })

  it('says each default of its flags once', async () => {
    const { stdout } = await wellspring('render', '--help')
    expect(stdout).toContain('(default: any)')
    expect(stdout).not.toMatch(/default: ""|\(default: [^)]*\) \(default/)
  })

  it('says what it takes where it is given a folder', async () => {
    mkdirSync(join(folder, 'overlay'), { recursive: true })
    const { exitCode, stderr } = await wellspring('check', 'overlay')
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/overlay is a folder: give a file .*`kubectl kustomize overlay \| wellspring k8s check`/)
  })

  it('names the first few faults of a kind and counts the others; with --json it names all', async () => {
    writeFileSync(join(folder, 'wrong.yaml'), 'a: [\n'.repeat(20))
    const { exitCode, stderr } = await wellspring('check', 'wrong.yaml')
    expect(exitCode).toBe(65)
    const lines = stderr.trimEnd().split('\n')
    const all = jsonLines((await wellspring('check', 'wrong.yaml', '--json')).stdout)
    expect(all.length).toBeGreaterThan(lines.length)
    const more = lines.map((line) => Number(/^wellspring: wrong\.yaml: (\d+) more like it/.exec(line)?.[1] ?? 1))
    expect(more.reduce((sum, count) => sum + count, 0)).toBe(all.length)

    const text = renderManifests(defaultClusterOptions()).get('processors/roll-out.yaml') ?? ''
    const open = text.replace('readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false')
    const many = Array.from({ length: 9 }, (_, index) => open.replaceAll('name: roll-out', `name: roll-out-${index}`))
    writeFileSync(join(folder, 'many.yaml'), many.join('---\n'))
    const { stdout } = await wellspring('check', 'many.yaml')
    expect(stdout.match(/can write to its image/g)).toHaveLength(5)
    expect(stdout).toMatch(/^4 more like it \(.*\); --json lists all$/m)
    const told = (await wellspring('check', 'many.yaml', '--json')).stdout
    expect(told.match(/can write to its image/g)).toHaveLength(9)
  })
})
