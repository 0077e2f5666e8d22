/** The rules of manifests: what is rendered keeps them all, and each finds what is planted against it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Resource } from '../../cli/kubernetes/manifests.ts'
import { brokenRules, ruleNames } from '../../cli/kubernetes/policy.ts'
import { readResources } from '../../cli/kubernetes/reading.ts'
import { ConfigurationError } from '../../engine/errors.ts'
import { find, podOf, rendered, type Pod } from './manifests.ts'

const name = 'roll-out'
const verifier = 'verify-rollout'

/** Any key that tells by its beginning whose it is. */
const plantedKey = `sk-${'0123456789abcdef'.repeat(2)}`

/** Rule -> a fault in words, and what plants it into rendered resources. */
const plants: Record<string, [string, (resources: Resource[]) => void][]> = {
  privileged: [
    ['a privileged container', changing((pod) => (pod.containers[0].securityContext['privileged'] = true))],
    [
      'a container that may gain privileges',
      changing((pod) => delete pod.containers[0].securityContext['allowPrivilegeEscalation']),
    ],
  ],
  'host-access': [
    ['the network of the node', changing((pod) => (pod.hostNetwork = true))],
    ['a folder of the node', changing((pod) => pod.volumes.push({ name: 'node', hostPath: { path: '/var/run' } }))],
  ],
  'non-root': [
    ['root', changing((pod) => (pod.securityContext['runAsUser'] = 0))],
    ['whatever user the image names', changing((pod) => delete pod.securityContext['runAsNonRoot'])],
  ],
  capabilities: [
    [
      'a capability',
      changing((pod) => (pod.containers[0].securityContext['capabilities'] = { drop: ['ALL'], add: ['SYS_ADMIN'] })),
    ],
    ['the capabilities of the runtime', changing((pod) => delete pod.containers[0].securityContext['capabilities'])],
  ],
  'read-only-root': [
    [
      'an image that can be written to',
      changing((pod) => delete pod.containers[0].securityContext['readOnlyRootFilesystem']),
    ],
  ],
  seccomp: [
    ['no profile', changing((pod) => delete pod.securityContext['seccompProfile'])],
    ['the open profile', changing((pod) => (pod.securityContext['seccompProfile'] = { type: 'Unconfined' }))],
  ],
  'resource-limits': [
    ['no memory limit', changing((pod) => delete pod.containers[0].resources.limits['memory'])],
    [
      'a limit of 0',
      changing((pod) =>
        Object.assign(pod.containers[0].resources, {
          limits: { cpu: '0', memory: '1Gi' },
          requests: { cpu: '0', memory: '1Gi' },
        }),
      ),
    ],
    ['a request above its limit', changing((pod) => (pod.containers[0].resources.requests['memory'] = '1Ti'))],
  ],
  'volume-limits': [
    ['a folder that may grow without end', changing((pod) => pod.volumes.push({ name: 'spool', emptyDir: {} }))],
  ],
  probes: [
    ['no liveness probe', changing((pod) => delete pod.containers[0].livenessProbe)],
    ['no readiness probe', changing((pod) => delete pod.containers[0].readinessProbe)],
    [
      'a probe at a port that no port is called',
      changing((pod) => (pod.containers[0].livenessProbe = { httpGet: { path: '/healthz', port: 'health' } })),
    ],
    [
      'a probe that is answered whatever the state is',
      changing((pod) => (pod.containers[0].readinessProbe = { httpGet: { path: '/metrics', port: 'metrics' } })),
    ],
  ],
  'service-token': [
    ['a token of the service account', changing((pod) => delete pod.automountServiceAccountToken)],
    [
      'a volume with one',
      changing((pod) =>
        pod.volumes.push({ name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }),
      ),
    ],
  ],
  'grace-period': [
    ['a grace period that ends while calls still drain', changing((pod) => (pod.terminationGracePeriodSeconds = 40))],
    [
      'no drain and no grace period that are said',
      changing((pod) => {
        pod.containers[0].env = pod.containers[0].env.filter((one) => one.name !== 'WELLSPRING_RUN_DRAIN_SECONDS')
        pod.terminationGracePeriodSeconds = 5
      }),
    ],
    ['a preStop that uses it up', changing((pod) => (pod.containers[0].lifecycle.preStop.sleep.seconds = 45))],
    ['a drain by --set that is longer', running('run', name, '--set', 'run.drainSeconds=300')],
    ['one in the same word', running('run', name, '--set=run.drainSeconds=300')],
    [
      'a drain that is no number',
      changing((pod) => pod.containers[0].env.push({ name: 'WELLSPRING_RUN_DRAIN_SECONDS', value: 'soon' })),
    ],
  ],
  'pinned-image': [
    ['the tag latest', changing((pod) => (pod.containers[0].image = 'registry.example:5000/wellspring:latest'))],
    ['half a digest', changing((pod) => (pod.containers[0].image = 'wellspring@sha256:abc'))],
    ['no tag', changing((pod) => (pod.containers[0].image = 'registry.example:5000/wellspring'))],
  ],
  secrets: [
    [
      'a password in plain text',
      changing((pod) => pod.containers[0].env.push({ name: 'REGISTRY_PASSWORD', value: 'x' })),
    ],
    [
      'a password in an address',
      changing((pod) =>
        pod.containers[0].env.push({ name: 'OPENAI_BASE_URL', value: 'http://user:hunter2@models/v1' }),
      ),
    ],
    ['a key by --set', running('run', name, '--set', `endpoints.x.key=${plantedKey}`)],
    ['a short one', running('run', name, '--set', 'endpoints.x.key=sk-planted')],
    ['a password among arguments', running('run', name, '--registry', 'https://user:hunter2@registry')],
  ],
  'disruption-budget': [
    ['no budget', (resources) => remove(resources, 'PodDisruptionBudget', name)],
    [
      'a budget that lets no pod go',
      (resources) =>
        (find(resources, 'PodDisruptionBudget', name).spec = { maxUnavailable: 0, selector: selectorOf(name) }),
    ],
    ['a budget for no pod', (resources) => (find(resources, 'PodDisruptionBudget', name).spec = { maxUnavailable: 1 })],
    [
      'two budgets',
      (resources) => {
        const { spec } = find(resources, 'PodDisruptionBudget', name)
        resources.push({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'other' }, spec })
      },
    ],
    [
      'a budget that wants the only one',
      (resources) => {
        const { spec } = find(resources, 'Deployment', verifier)
        ;(spec as { replicas?: number }).replicas = 1
        remove(resources, 'ScaledObject', verifier)
        const selector = selectorOf(verifier)
        find(resources, 'PodDisruptionBudget', verifier).spec = { minAvailable: 1, selector }
      },
    ],
    [
      'a budget that wants them all',
      (resources) =>
        (find(resources, 'PodDisruptionBudget', name).spec = { minAvailable: '100%', selector: selectorOf(name) }),
    ],
  ],
  'network-policy': [
    ['no policy', (resources) => remove(resources, 'NetworkPolicy', 'wellspring')],
    ['a way out to whoever', allowing(name, { policyTypes: ['Egress'], egress: [{}] })],
    [
      'a way in from every namespace',
      allowing(name, { policyTypes: ['Ingress'], ingress: [{ from: [{ namespaceSelector: {} }] }] }),
    ],
    [
      'a way in from every address',
      allowing(name, { policyTypes: ['Ingress'], ingress: [{ from: [{ ipBlock: { cidr: '::/0' } }] }] }),
    ],
    ['a way in for whoever', allowing(name, { policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 9464 }] }] })],
  ],
  'programs-apart': [
    [
      'a way out for programs that models wrote',
      allowing(verifier, { policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] }),
    ],
    [
      'a way to every pod for them',
      allowing(verifier, {
        policyTypes: ['Egress'],
        egress: [{ to: [{ namespaceSelector: {}, podSelector: {} }] }],
      }),
    ],
    [
      'a way to pods that only lack something',
      allowing(verifier, {
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] } }] }],
      }),
    ],
    [
      'a volume of keys beside them',
      (resources) =>
        podOf(find(resources, 'Deployment', verifier)).volumes.push({ name: 'keys', secret: { secretName: 'keys' } }),
    ],
    [
      'one key beside them',
      (resources) =>
        podOf(find(resources, 'Deployment', verifier)).containers[0].env.push({
          name: 'JUDGES_API_KEY',
          valueFrom: { secretKeyRef: { name: 'keys', key: 'judges' } },
        }),
    ],
    [
      'keys beside programs that models wrote',
      (resources) =>
        podOf(find(resources, 'Deployment', verifier)).containers[0].envFrom.push({ secretRef: { name: 'keys' } }),
    ],
    ['keys and ways out for all processors in one', running('up')],
    ['for those of `run` without names', running('run')],
    ['for several, of which one runs programs', running('run', name, verifier)],
    [
      'in a line for a shell',
      changing((pod) =>
        Object.assign(pod.containers[0], { command: ['sh', '-c'], args: [`wellspring run ${name} "${verifier}"`] }),
      ),
    ],
    ['for the command that runs given programs', running('verify', 'code')],
  ],
  sandbox: [
    [
      'a variable that switches it off',
      changing((pod) => pod.containers[0].env.push({ name: 'WELLSPRING_RUN_UNSAFE_NO_SANDBOX', value: 'true' })),
    ],
    [
      'a flag in a line for a shell',
      changing((pod) => (pod.containers[0].args = ['-c', `wellspring run ${name} --unsafe-no-sandbox`])),
    ],
    [
      'a setting by --set',
      changing((pod) => (pod.containers[0].args = ['run', name, '--set', 'run.unsafeNoSandbox=true'])),
    ],
    ['a variable whose first words are a prefix', configuring({ UNSAFE_NO_SANDBOX: 'true' })],
    ['one in bytes', configuring({}, { WELLSPRING_RUN_UNSAFE_NO_SANDBOX: Buffer.from('true').toString('base64') })],
    ['a flag that does', running('run', name, '--unsafe-no-sandbox')],
    ['the same in a config map', configuring({ WELLSPRING_RUN_UNSAFE_NO_SANDBOX: '1' })],
    ['a configuration that does', configuring({ 'wellspring.yaml': 'run:\n  unsafeNoSandbox: true\n' })],
  ],
  scaling: [
    ['the lag of a consumer group', scaling((spec) => (spec['triggers'] = [{ type: 'apache-kafka', metadata: {} }]))],
    ['processors that are busy', scaling((spec) => (spec['triggers'] = [{ type: 'cpu', metadata: { value: '80' } }]))],
    ['a scale to zero', scaling((spec) => (spec['minReplicaCount'] = 0))],
    ['a scale from 5 to 3', scaling((spec) => Object.assign(spec, { minReplicaCount: 5, maxReplicaCount: 3 }))],
    ['a target that is not there', scaling((spec) => (spec['scaleTargetRef'] = { kind: 'Deployment', name: 'gone' }))],
    ['more replicas than tasks', scaling((spec) => (spec['maxReplicaCount'] = 13))],
    ['as many as KEDA has by default', scaling((spec) => delete spec['maxReplicaCount'])],
    ['the backlog of another processor', asking((query) => query.replace(name, verifier))],
    ['the backlog of all processors', asking((query) => query.replace(`,processor="${name}"`, ''))],
    [
      'processors that are busy besides',
      scaling((spec) => (spec['triggers'] as object[]).push({ type: 'cpu', metadata: { value: '80' } })),
    ],
    ['an autoscaler beside', (resources) => resources.push(autoscalerOf(name))],
    [
      'an autoscaler instead',
      (resources) => {
        remove(resources, 'ScaledObject', name)
        resources.push(autoscalerOf(name))
      },
    ],
    [
      'replicas beside a scale',
      (resources) => ((find(resources, 'Deployment', name).spec as { replicas?: number }).replicas = 3),
    ],
  ],
  'secret-values': [
    [
      'a Secret with its values',
      (resources) =>
        resources.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { KEY: 'x' } }),
    ],
    ['a key in a configuration', configuring({ 'wellspring.yaml': `endpoints: { x: { url: '${plantedKey}' } }` })],
    ['one in a comment of it', configuring({ 'wellspring.yaml': `run: {} # ${plantedKey}\n# no other` })],
    [
      'a password in an address',
      configuring({ 'wellspring.yaml': "endpoints:\n  x:\n    url: 'http://user:hunter2@models'\n" }),
    ],
    ['a password by its name', configuring({ 'wellspring.yaml': 'kafka:\n  sasl:\n    password: hunter2\n' })],
    ['lines with one', configuring({ 'client.properties': 'user=a\nsasl.password=hunter2\n' })],
    ['a key among the variables', configuring({ OPENAI_API_KEY: 'hunter2' })],
    ['an address with a password among them', configuring({ OPENAI_BASE_URL: 'http://user:hunter2@models/v1' })],
    ['a key in bytes', configuring({}, { notes: Buffer.from(plantedKey).toString('base64') })],
  ],
  'known-processors': [
    ['one that is not there', running('run', 'rol-out')],
    ['one among several', running('run', name, 'score-rationales', '--for', '10m')],
  ],
  exemptions: [
    ['no reason', exempting('probes')],
    ['a rule that is not there', exempting('probs: it only waits')],
    ['a rule from which nothing is exempt', exempting('sandbox: it is slow')],
  ],
  'given-once': [
    [
      'a resource twice',
      (resources) => resources.push(structuredClone(find(resources, 'NetworkPolicy', 'wellspring'))),
    ],
    [
      'one with another version of its kind',
      (resources) =>
        resources.push({ ...find(resources, 'NetworkPolicy', 'wellspring'), apiVersion: 'networking.k8s.io/v2' }),
    ],
  ],
  'well-formed': [
    ['an image that is a number', replacing('Deployment', 'spec.template.spec.containers.0.image', 5)],
    ['variables that are a map', replacing('Deployment', 'spec.template.spec.containers.0.env', { A: 'b' })],
    ['a variable that is a number', replacing('Deployment', 'spec.template.spec.containers.0.env.0.value', 9464)],
    ['volumes that are a map', replacing('Deployment', 'spec.template.spec.volumes', {})],
    ['containers that are a text', replacing('Deployment', 'spec.template.spec.containers', 'x')],
    ['no container', replacing('Deployment', 'spec.template.spec.containers', [])],
    [
      'a limit that is no quantity',
      replacing('Deployment', 'spec.template.spec.containers.0.resources.limits.cpu', 'two'),
    ],
    [
      'an exemption that is a map',
      replacing('Deployment', 'metadata.annotations', { 'wellspring/exempt': { probes: 'slow' } }),
    ],
    ['a query that is a number', replacing('ScaledObject', 'spec.triggers.0.metadata.query', 5)],
    ['a share that is none', replacing('PodDisruptionBudget', 'spec.maxUnavailable', 'some')],
    [
      'ways out that are a text',
      (resources) => ((find(resources, 'NetworkPolicy', 'wellspring').spec as { egress: unknown }).egress = 'all'),
    ],
  ],
}

function running(...args: string[]): (resources: Resource[]) => void {
  return changing((pod) => (pod.containers[0].args = args))
}

function exempting(annotation: string): (resources: Resource[]) => void {
  return (resources) => (find(resources, 'Deployment', name).metadata.annotations = { 'wellspring/exempt': annotation })
}

/** Puts another value in the place of a field of the one of this kind that has the processor's name. */
function replacing(kind: string, path: string, value: unknown): (resources: Resource[]) => void {
  return (resources) => {
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    const holder = keys.reduce<unknown>(
      (inner, key) => (inner as Record<string, unknown>)[key],
      find(resources, kind, name),
    )
    ;(holder as Record<string, unknown>)[last] = value
  }
}

function asking(change: (query: string) => string): (resources: Resource[]) => void {
  return scaling((spec) => {
    const [trigger] = spec['triggers'] as [{ metadata: { query: string } }]
    trigger.metadata.query = change(trigger.metadata.query)
  })
}

const autoscalerOf = (target: string): Resource => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: target },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target }, maxReplicas: 12 },
})

function changing(change: (pod: Pod) => void): (resources: Resource[]) => void {
  return (resources) => change(podOf(find(resources, 'Deployment', name)))
}

function scaling(change: (spec: Record<string, unknown>) => void): (resources: Resource[]) => void {
  return (resources) => change(find(resources, 'ScaledObject', name).spec as Record<string, unknown>)
}

function configuring(
  data: Record<string, string>,
  binaryData: Record<string, string> = {},
): (resources: Resource[]) => void {
  const metadata = { name: 'wellspring-config' }
  return (resources) => resources.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data, binaryData })
}

/** Adds a policy for a workload's pods. */
function allowing(workload: string, spec: object): (resources: Resource[]) => void {
  return (resources) =>
    resources.push({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'open' },
      spec: { podSelector: selectorOf(workload), ...spec },
    })
}

function remove(resources: Resource[], kind: string, named: string): void {
  resources.splice(resources.indexOf(find(resources, kind, named)), 1)
}

const selectorOf = (workload: string): object => ({ matchLabels: { 'app.kubernetes.io/name': workload } })

describe('rules of manifests', () => {
  it('are kept by what is rendered', () => {
    expect(brokenRules(rendered())).toEqual([])
  })

  const cases = Object.entries(plants).flatMap(([rule, list]) => list.map(([fault, plant]) => ({ rule, fault, plant })))

  it.each(cases)('$rule finds $fault, and no other rule does', ({ rule, plant }) => {
    const resources = rendered()
    plant(resources)
    const broken = brokenRules(resources)
    expect(broken.length).toBeGreaterThan(0)
    expect([...new Set(broken.map((one) => one.rule))]).toEqual([rule])
  })

  it('are all planted against', () => {
    expect(Object.keys(plants).sort()).toEqual([...ruleNames].sort())
  })

  it('leave out what the annotation of a workload exempts, and nothing else', () => {
    const resources = rendered()
    const deployment = find(resources, 'Deployment', name)
    const pod = podOf(deployment)
    delete pod.containers[0].livenessProbe
    pod.securityContext['runAsUser'] = 0
    deployment.metadata.annotations = { 'wellspring/exempt': 'probes, capabilities: a reason' }
    expect(brokenRules(resources).map(({ rule }) => rule)).toEqual(['non-root'])
    deployment.metadata.annotations = { 'wellspring/exempt': 'probes, capabilities' }
    expect(brokenRules(resources).map(({ rule }) => rule)).toEqual(['non-root', 'probes', 'exemptions'])
  })

  it('are kept by counts of tokens, files of secrets, and policies that bound what they have rules for', () => {
    const resources = rendered()
    const [container] = podOf(find(resources, 'Deployment', name)).containers
    container.env.push({ name: 'WELLSPRING_BUILD_SFT_MAX_TOKENS', value: '8192' })
    container.env.push({ name: 'KAFKA_PASSWORD_FILE', value: '/run/password' })
    container.env.push({ name: 'OAUTH_TOKEN_URL', value: 'https://login.example/token?for=models' })
    container.args = [
      'run',
      name,
      '--set',
      'roll-out.maxInFlight=64',
      '--registry',
      'http://registry:8080/apis/ccompat/v7',
    ]
    const wellspringYaml = [
      '# user and password: of each pod its own',
      'endpoints: { judges: { url: https://models.example/v1, apiKeyVariable: JUDGES_API_KEY } }',
      'kafka: { sasl: { tokenCommand: [get-token, --audience, kafka] } }',
      'models: { judge: { sampling: { maxTokens: 16384 } } }',
    ].join('\n')
    configuring({ 'wellspring.yaml': wellspringYaml, 'client.properties': 'sasl.password=${PASSWORD}\nretries=5\n' })(
      resources,
    )
    const policy = find(resources, 'NetworkPolicy', 'wellspring')
    delete (policy.spec as { policyTypes?: string[] }).policyTypes
    // Rules for a direction that a policy does not bound mean nothing.
    allowing(name, { policyTypes: ['Ingress'], egress: [{}] })(resources)
    expect(brokenRules(resources)).toEqual([])
  })

  it('look at what lies in the namespace of a workload', () => {
    const elsewhere = (kinds: readonly string[], namespace: string) =>
      rendered().map((one) =>
        kinds.includes(one.kind)
          ? { ...one, metadata: { ...one.metadata, namespace } }
          : { ...one, metadata: { ...one.metadata, namespace: 'wellspring' } },
      )
    const rules = new Set(brokenRules(elsewhere(['NetworkPolicy'], 'other')).map(({ rule }) => rule))
    expect([...rules]).toEqual(['network-policy'])
    expect(brokenRules(elsewhere(['NetworkPolicy'], 'wellspring'))).toEqual([])
  })

  it('know whoever runs programs by what it runs, too', () => {
    const resources = rendered()
    const { template } = find(resources, 'Deployment', verifier).spec as {
      template: { metadata: { labels: Record<string, string> } }
    }
    delete template.metadata.labels['wellspring/runs-programs']
    template.metadata.labels['wellspring/calls-models'] = 'true'
    expect(brokenRules(resources).map(({ rule }) => rule)).toEqual(['programs-apart'])
  })

  it('take what is null for what is not there', () => {
    const text = [
      'apiVersion: networking.k8s.io/v1',
      'kind: NetworkPolicy',
      'metadata: { name: one }',
      'spec: { podSelector: null, policyTypes: [Ingress, Egress], ingress: null, egress: }',
      '---',
      'apiVersion: batch/v1',
      'kind: Job',
      'metadata: { name: one, annotations: null }',
      'spec: { template: { spec: { volumes: [{ name: a, emptyDir: null }], containers: [{ name: a, env: null, args: [a] }] } } }',
      '---',
      'apiVersion: example.org/v1',
      'kind: Other',
      'metadata: { name: one }',
      'spec: { template: { spec: { containers: { a: b } } } }',
    ].join('\n')
    const rules = brokenRules(readResources(text)).map(({ rule }) => rule)
    expect(rules).toContain('volume-limits')
    expect(rules).not.toContain('network-policy')
  })

  it('take pods of all processors for as many tasks, whose backlogs they may follow together', () => {
    const resources = rendered()
    podOf(find(resources, 'Deployment', name)).containers[0].args = ['up']
    asking((query) => query.replace(`,processor="${name}"`, ''))(resources)
    scaling((spec) => (spec['maxReplicaCount'] = 24))(resources)
    expect(new Set(brokenRules(resources).map(({ rule }) => rule))).toEqual(new Set(['programs-apart']))
  })

  it('leave to others how what runs no processor is scaled', () => {
    const resources = rendered()
    expect(brokenRules([...resources, autoscalerOf('simulator')])).toEqual([])
  })

  it('ask containers that only begin for no probes', () => {
    const resources = rendered()
    const pod = podOf(find(resources, 'Deployment', name)) as Pod & { initContainers?: object[] }
    const { livenessProbe: _, readinessProbe: __, ...first } = pod.containers[0]
    pod.initContainers = [first]
    expect(brokenRules(resources)).toEqual([])
  })

  it('look at pods, jobs, cron jobs, daemon sets and what starts pods by other names', () => {
    const template = { spec: { containers: [{ name: 'one', image: 'one' }] } }
    const of = (kind: string, spec: object): Resource => ({ apiVersion: 'v1', kind, metadata: { name: 'one' }, spec })
    const resources = [
      of('Pod', template.spec),
      of('Job', { template }),
      of('CronJob', { jobTemplate: { spec: { template } } }),
      of('DaemonSet', { template }),
      of('ReplicaSet', { template }),
      of('Rollout', { template }),
      of('ScaledJob', { jobTargetRef: { template } }),
    ]
    for (const resource of resources) {
      const rules = brokenRules([resource]).map(({ rule }) => rule)
      expect(rules).toEqual(expect.arrayContaining(['privileged', 'pinned-image', 'network-policy', 'service-token']))
    }
  })
})

it('takes a config map with the sandbox on, or with no configuration, for what it is', () => {
  const data = { 'wellspring.yaml': 'run:\n  unsafeNoSandbox: false\n', notes: ': [', text: 'null' }
  expect(brokenRules([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data }])).toEqual([])
})

it('takes a resource without a spec for one that says nothing', () => {
  const bare = ['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'ScaledObject'].map((kind): Resource => ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'bare' },
  }))
  const broken = brokenRules([...rendered(), ...bare]).map(({ rule, resource }) => `${resource}: ${rule}`)
  expect(broken).toContain('ScaledObject/bare: scaling')
})

describe('what is not well-formed', () => {
  it('is told by its path, and what is expected and given', () => {
    const resources = rendered()
    replacing('Deployment', 'spec.template.spec.containers.0.env', { A: 'b' })(resources)
    replacing('Deployment', 'spec.template.spec.containers.0.image', 5)(resources)
    replacing('PodDisruptionBudget', 'spec.maxUnavailable', 'some')(resources)
    expect(brokenRules(resources).map(({ resource, fault }) => `${resource}: ${fault}`)).toEqual([
      `Deployment/${name}: spec.template.spec.containers.0.image: expected a text, got 5`,
      `Deployment/${name}: spec.template.spec.containers.0.env: expected a list, got a map`,
      `PodDisruptionBudget/${name}: spec.maxUnavailable: expected a whole number from 0 up, or a share such as 50%, got "some"`,
    ])
  })

  it('keeps no other resource from being checked', () => {
    const resources = rendered()
    replacing('Deployment', 'spec.template.spec.volumes', 'all')(resources)
    podOf(find(resources, 'Deployment', verifier)).hostNetwork = true
    expect(brokenRules(resources).map(({ rule, resource }) => `${rule} ${resource}`)).toEqual([
      `host-access Deployment/${verifier}`,
      `well-formed Deployment/${name}`,
    ])
  })

  const sound = rendered()
  const fields = sound.flatMap((resource, index) => pathsOf(resource).map((path) => ({ index, path })))
  const anything = fc.constantFrom<unknown>(5, -0.5, 'all', '', true, [], ['all', null], {}, { all: 5 }, null)

  it('never ends the check otherwise, whichever fields of what is rendered it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(fields.length - 1), anything), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const changed = new Map<number, unknown>()
          for (const [at, value] of changes) {
            const { index = 0, path = [] } = fields[at] ?? {}
            changed.set(index, withValue(changed.get(index) ?? sound[index], path, value))
          }
          const others = sound.filter((_, index) => !changed.has(index))
          try {
            const read = readResources([...changed.values()].map((one) => JSON.stringify(one)).join('\n---\n'))
            for (const { fault, resource } of brokenRules([...others, ...read])) {
              expect(fault).not.toMatch(/undefined|NaN|\[object/)
              expect(resource).toMatch(/^.*\/.*$/)
            }
          } catch (error) {
            // What has no kind or no name is no resource at all.
            expect(error).toBeInstanceOf(ConfigurationError)
            expect((error as ConfigurationError).faults.join()).toMatch(/^document \d+: expected a resource/)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})

/** The paths of all fields, those of maps and lists, too. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsOf(inner).map((path) => [key, ...path])])
}

/** A copy with another value at a path; the same where an earlier change has taken the path away. */
function withValue(value: unknown, [key, ...path]: readonly string[], other: unknown): unknown {
  if (key === undefined) return other
  if (typeof value !== 'object' || value === null) return value
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>
  copy[key] = withValue(copy[key], path, other)
  return copy
}

describe('reading manifests', () => {
  it('opens lists and passes over empty documents', () => {
    const one = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } }
    expect(readResources(`---\n---\n${JSON.stringify({ kind: 'List', items: [one, one] })}`)).toEqual([one, one])
  })

  it.each([
    ['nothing', '', /expected resources of Kubernetes, got none/],
    ['no YAML', 'a: [', /./],
    ['what is no resource', 'a: 1', /document 1: expected a resource/],
    ['a list without items', 'kind: List', /document 1: expected a resource/],
    ['each of several that are none', 'a: 1\n---\nkind: x', /document 1: expected.*\n?.*document 2: expected/],
    ['what holds itself', 'a: &a { b: *a }', /an alias \(\*name\) stands within what it names/],
  ])('refuses %s', (_, text, message) => {
    expect(() => readResources(text)).toThrow(message)
  })
})
