/** What a plan tells of itself: every number that it rests on, what each is, and whether it was measured by simulated models. */
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { assumedDomain } from '../../cli/capacity-assumptions.ts'
import { capacityOf, type CapacityInputs } from '../../cli/capacity.ts'
import { domainNumbers, ruleNumbers } from '../../cli/plan-numbers.ts'
import { domains } from '../../domains/index.ts'
import type { ModelCall } from '../../schemas/generated.ts'
import { topics } from '../../topics/catalogue.ts'
import { append, newCorpus } from '../exports/corpus.ts'
import * as make from '../processors/records.ts'
import { endAll, expectFailure, newFolder, removeFolders, run } from './command.ts'

const cwd = newFolder()
afterAll(() => {
  endAll()
  removeFolders()
})

const plan = ['plan', '--gpus', '8', '--tokens-per-second', '2000']

/** Lines of a table's rows by their first column. */
function rowsOf(stdout: string): Map<string, string[]> {
  const rows = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
  return new Map(rows.map(([name = '', ...cells]) => [name, cells]))
}

type Tree = { [key: string]: Leaf | Tree }
type Leaf = number | boolean | string

/** Paths of all numbers, switches and choices within. */
function leavesOf(tree: Tree, path: readonly string[] = []): string[][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object' ? leavesOf(value, [...path, key]) : [[...path, key]],
  )
}

/** The same with another value at one place. */
function changed(tree: Tree, [key = '', ...rest]: readonly string[]): Tree {
  const others: Readonly<Record<string, Leaf>> = {
    ...{ 'at-least': 'more-than', 'more-than': 'at-least', majority: 'plurality', plurality: 'majority' },
  }
  const value = tree[key]
  if (value === undefined) throw new Error(`there is no ${key}`)
  if (typeof value === 'object') return { ...tree, [key]: changed(value, rest) }
  if (typeof value === 'string') return { ...tree, [key]: others[value] ?? value }
  if (typeof value === 'boolean') return { ...tree, [key]: !value }
  return { ...tree, [key]: Number.isInteger(value) ? value + 1 : value * 0.9 }
}

describe('a number that is not told', () => {
  const inputs = (domain: (typeof domains)[number]): CapacityInputs => ({
    ...{ gpus: 8, tokensPerSecond: 2000, callTokensPerSecond: 40, utilisation: 0.97, judges: 1, teachers: 1 },
    rules: {
      attempts: {
        ...{ attempts: 6, tooEasyAt: 0.5, tooEasyWhen: 'at-least', maxRepeats: 3, adaptive: true, weighTests: true },
        giveUpAfterAttempts: 4,
      },
      votes: { generations: 5, rule: 'majority', margin: 1, stopWhenDecided: true },
      ...{ maxPairsPerProblem: 1, writerCalls: 1, retentionSeconds: 86_400 },
    },
    ...{ domains: [assumedDomain(domain, 1, 1)], diskFactor: 1.3 },
  })
  const told = (given: CapacityInputs): string =>
    JSON.stringify([
      ...ruleNumbers(given.rules, () => undefined),
      ...given.domains.flatMap((domain) => {
        const standing = { basis: 'assumed', source: '' } as const
        return domainNumbers(domain, given, { share: standing, figures: standing, bytes: standing })
      }),
    ])

  test.each(['math', 'code'])(
    'changes nothing: of a domain (%s)',
    (name) => {
      const domain = domains.find((one) => one.name === name)
      if (!domain) throw new Error(`there is no ${name}`)
      const given = inputs(domain)
      const figures = given.domains[0] as unknown as Tree
      const [planned, numbers] = [JSON.stringify(capacityOf(given)), told(given)]
      // One domain has the whole share, whatever it is.
      const leaves = leavesOf(figures).filter(([key]) => !['name', 'checkedBy', 'share'].includes(key ?? ''))
      let counting = 0
      for (const path of leaves) {
        const other = { ...given, domains: [changed(figures, path)] } as unknown as CapacityInputs
        if (JSON.stringify(capacityOf(other)) === planned) continue
        counting++
        expect([path.join('.'), told(other) === numbers]).toEqual([path.join('.'), false])
      }
      expect(counting).toBeGreaterThan(30)
    },
    60_000,
  )

  test('changes nothing: of the rules', () => {
    let counting = 0
    for (const domain of domains) {
      const given = inputs(domain)
      const [planned, numbers] = [JSON.stringify(capacityOf(given)), told(given)]
      for (const path of leavesOf(given.rules as unknown as Tree)) {
        const other = { ...given, rules: changed(given.rules as unknown as Tree, path) } as unknown as CapacityInputs
        if (JSON.stringify(capacityOf(other)) === planned) continue
        counting++
        expect([path.join('.'), told(other) === numbers]).toEqual([path.join('.'), false])
      }
    }
    expect(counting).toBeGreaterThan(10)
  }, 60_000)
})

test('what was not given is a default, and what is yes or no is told so', async () => {
  const rows = rowsOf((await run([...plan, '--set', 'plan-rollouts.adaptive=false'], { cwd })).stdout)
  expect(rows.get('days')).toEqual(['30 d', 'default', '--days'])
  expect(rows.get('replication')).toEqual(['3', 'default', '--replication'])
  expect(rows.get('solvers')).toEqual(['1', 'assumed', 'one model does everything'])
  expect(rows.get('attempts end where the outcome is decided')).toEqual([
    ...['no', 'setting', 'plan-rollouts.adaptive (--set plan-rollouts.adaptive)'],
  ])
  expect(rows.get('votes end where they are decided')).toEqual([
    ...['yes', 'setting', 'vote-answer.stopWhenDecided (default)'],
  ])
  expect(rows.get('combinations drawn, of all')).toEqual([
    ...['0.5 share', '0.5 share', 'setting', 'sample-concepts.domainShares (default)'],
  ])
  const given = rowsOf((await run([...plan, '--days', '1', '--replication', '2', '--problems', '90'], { cwd })).stdout)
  expect(given.get('days')).toEqual(['1 d', 'given', '--days'])
  expect(given.get('replication')).toEqual(['2', 'given', '--replication'])
  expect(given.get('problems')).toEqual(['90', 'given', '--problems'])
  expect(given.has('disk of each after a day')).toBe(true)
})

test("a processor's window is held against the one that is set for it", async () => {
  const { stdout } = await run([...plan, '--set', 'roll-out.maxInFlight=1'], { cwd })
  expect(stdout).toMatch(/; set roll-out\.maxInFlight=\d+$/m)
})

describe('wrong use is a line:', () => {
  test.each([
    ['a corpus that is not measured', ['--data', 'x'], /--data names a corpus, .*: add --from, or leave --data out/],
    ['brokers of one', ['--kafka', 'host:9092'], /--kafka names a corpus/],
    ['a corpus that grows for no time', ['--days', '0'], /--days: expected a number from 1 on, got "0"/],
    ['half a copy', ['--replication', '0.5'], /--replication: expected a whole number from 1 on, got "0\.5"/],
  ])('%s', async (_, args, line) => {
    const ended = await run([...plan, ...args], { cwd })
    expectFailure(ended, 2, line)
    expect(ended.stderr).toMatch(/; see `wellspring plan --help`\n$/)
  })
})

describe('a plan by a corpus', () => {
  const problems = 50

  /** Fifty problems with an outcome each. `isSimulated` tells which solver's attempts are a simulation's. */
  async function corpusOf(name: string, isSimulated: (index: number) => boolean): Promise<string> {
    const corpus = await newCorpus(join(cwd, name))
    const calls: ModelCall[] = [make.modelCall()]
    const all = Array.from({ length: problems }, (_, index) => ({ problemId: `problem-${index}`, index }))
    await append(corpus, topics.concepts, all.map(({ index }) => make.combination({ id: `concept-combination-${index}` }))) // prettier-ignore
    await append(corpus, topics.problems, all.map(({ problemId: id }) => make.problem({ id }))) // prettier-ignore
    await append(
      corpus,
      topics.testCases,
      all.map(({ problemId }) => make.testCases({ problemId })),
    )
    const verdicts = all.map(({ problemId, index }) =>
      make.verdict({ id: `verdict-${index}`, problemId, calls, simulated: isSimulated(index) }),
    )
    await append(corpus, topics.verdicts, verdicts)
    await append(corpus, topics.outcomes, all.map(({ problemId }) => make.outcome({ problemId }))) // prettier-ignore
    await corpus.log.close()
    return name
  }

  it.each([
    ['all', () => true, '50 simulated problems of the corpus'],
    ['some', (index: number) => index < 3, '50 problems of the corpus, 3 of them simulated'],
  ])('of which %s is simulated says so first, with each figure, and in JSON', async (name, isSimulated, source) => {
    const from = [...plan, '--call-tokens-per-second', '30', '--from', '--data', await corpusOf(name, isSimulated)]
    const { stdout } = await run(from, { cwd })
    expect(stdout).toMatch(/^simulated: /)
    expect(rowsOf(stdout).get('solver-model: written tokens of an attempt that passes')).toEqual([
      ...['20 tokens', 'measured', source],
    ])
    const json = JSON.parse((await run([...from, '--json'], { cwd })).stdout) as {
      simulated: boolean
      known: { name: string; basis: string; source: string }[]
    }
    expect(json.simulated).toBe(true)
    const ofCorpus = json.known.filter(({ basis, source: of }) => basis === 'measured' && of.includes('of the corpus'))
    expect(ofCorpus.length).toBeGreaterThan(20)
    expect(new Set(ofCorpus.map(({ source: of }) => of))).toEqual(new Set([source]))
  })

  it('that real models made says nothing of simulations', async () => {
    const from = [...plan, '--call-tokens-per-second', '30', '--from', '--data', await corpusOf('real', () => false)]
    const { stdout } = await run(from, { cwd })
    expect(stdout).not.toContain('simulated')
    expect(rowsOf(stdout).get('disk over stored bytes')?.slice(1)).toEqual(['measured', '50 problems of the corpus'])
    expect(JSON.parse((await run([...from, '--json'], { cwd })).stdout)).toMatchObject({ simulated: false })
  })
})
