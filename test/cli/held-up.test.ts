/** Sampling that would stop for want of a role is told of before it begins. */
import { expect, test } from 'vitest'
import { heldUpDomains } from '../../cli/held-up.ts'
import { loadConfiguration } from '../../cli/configuration.ts'

const chosen = (domainShares: string) => [
  ...loadConfiguration({ file: false, set: [`sample-concepts.domainShares=${domainShares}`] }).processors.values(),
]
const domainsOf = (sentences: string[]): (string | undefined)[] =>
  sentences.map((sentence) => /problems of (\S+) never/.exec(sentence)?.[1])

test.each<[string, string, string[], string[]]>([
  ['math without a voter', 'math=1,code=1', ['vote-answer'], ['math']],
  ['code without a test writer', 'math=1,code=1', ['generate-test-cases'], ['code']],
  ['every sampled domain without a solver', 'math=2,code=1', ['plan-rollouts', 'roll-out'], ['math', 'code']],
  ['no domain that is not sampled', 'math=0,code=1', ['vote-answer'], []],
  ['nothing where all that checks is on', 'math=1,code=1', ['teach', 'embed-concepts'], []],
])('names %s', (_, shares, off, expected) => {
  expect(domainsOf(heldUpDomains(chosen(shares), off)).sort()).toEqual(expected.sort())
})

test('names nothing where nothing is sampled', () => {
  const others = chosen('math=1').filter(({ declaration }) => declaration.name !== 'sample-concepts')
  expect(heldUpDomains(others, ['vote-answer'])).toEqual([])
})
