/**
 * A domain of its own, of one file and one line in domains/all.ts, goes the whole way from a seed to pairs and training rows: no
 * processor knows any domain by name. What the file needs is what docs/domains.md tells.
 */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Domain } from '../../domains/domain.ts'
import type { DriveOptions, Driven } from '../../engine/drive.ts'
import type { Processor } from '../../engine/processor.ts'
import type { RecordTypes } from '../../schemas/generated.ts'
import type { RecordKind } from '../../topics/catalogue.ts'
import { seed } from '../processors/records.ts'

/** Ciphers: an answer is the last line, compared without regard to case. Voters agree where it is the same. */
const ciphers: Domain = {
  name: 'ciphers',
  levels: ['Caesar', 'Enigma'],
  checkedBy: 'answer',
  solverPrompt: (statement) => ({ version: 'cipher-1', text: `${statement}\nGive the plain text in the last line.` }),
  groupAnswers: (texts) => {
    const groups = new Map<string, { representative: string; members: number[] }>()
    for (const [at, text] of texts.entries()) {
      const answer = lastLine(text)
      const group = groups.get(answer) ?? { representative: answer, members: [] }
      groups.set(answer, { ...group, members: [...group.members, at] })
    }
    return Promise.resolve({
      groups: [...groups.values()].sort((a, b) => b.members.length - a.members.length),
      undecided: [],
    })
  },
  hasChecks: ({ answer }) => answer !== null,
  check: (text, { answer }) =>
    Promise.resolve({
      reason: lastLine(text) === answer?.toLowerCase() ? 'equal' : 'different',
      extracted: lastLine(text),
      detail: null,
      tests: [],
    }),
  hasAnswer: (text) => text.trim() !== '',
}
const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.toLowerCase() ?? ''

vi.mock(import('../../domains/all.ts'), async (original) => ({
  allDomains: [...(await original()).allDomains, ciphers],
}))

type Named = 'extract-concepts' | 'sample-concepts' | 'generate-rationale' | 'generate-problem' | 'screen-problem'
type Later =
  | 'judge-problem'
  | 'generate-test-cases'
  | 'vote-answer'
  | 'screen-answer'
  | 'plan-rollouts'
  | 'roll-out'
  | 'verify-rollout'
type Last = 'build-pairs' | 'teach' | 'build-sft' | 'report-yields'

describe('a domain of its own', () => {
  let processors: Map<string, Processor>
  let drive: (
    processor: Processor,
    given: { input: string; record: unknown } | undefined,
    options?: DriveOptions,
  ) => Promise<Driven>
  beforeAll(async () => {
    ;({ drive } = await import('../../engine/drive.ts'))
    const { processors: all } = await import('../../processors/index.ts')
    processors = new Map(all.map((processor) => [processor.name, processor]))
  })

  /** What one record comes to in one processor. */
  async function pass<Kind extends RecordKind>(
    name: Named | Later | Last,
    given: { input: string; record: unknown } | undefined,
    _kind: Kind,
    options: DriveOptions = {},
  ): Promise<RecordTypes[Kind][]> {
    const processor = processors.get(name)
    if (!processor) throw new Error(`no processor is called ${name}`)
    const driven = await drive(processor, given, options)
    expect([driven.discarded, driven.deadLettered]).toEqual([undefined, undefined])
    return driven.records.map(({ record }) => record as RecordTypes[Kind])
  }
  const one = <Value>(values: readonly Value[]): Value => {
    expect(values).toHaveLength(1)
    return values[0] as Value
  }

  it('goes from a seed to preference pairs, training rows and yields', async () => {
    const human = seed({ domain: 'ciphers', statement: 'Decode "khoor", shifted by three.' })
    const concepts = '["letter shifts", "alphabets", "frequencies", "decoding", "substitution"]'
    const list = one(
      await pass('extract-concepts', { input: 'seeds', record: human }, 'concept-list', { answers: [concepts] }),
    )

    const combination = one(
      await pass('sample-concepts', undefined, 'concept-combination', {
        tables: { conceptLists: [list] },
        settings: { domainShares: 'ciphers=1' },
      }),
    )
    expect(combination).toMatchObject({
      domain: 'ciphers',
      level: expect.stringMatching(/^(?:Caesar|Enigma)$/) as string,
    })

    const completion =
      '<!-- BEGIN RATIONALE --> A shift. <!-- END RATIONALE --> <!-- BEGIN PROBLEM --> Decode "jrrg" and give the word. <!-- END PROBLEM -->'
    const rationale = one(
      await pass('generate-rationale', { input: 'concepts', record: combination }, 'rationale', {
        answers: [completion],
      }),
    )
    const made = one(await pass('generate-problem', { input: 'rationales', record: rationale }, 'problem'))
    const screened = one(await pass('screen-problem', { input: 'problems', record: made }, 'problem'))
    const problem = one(
      await pass('judge-problem', { input: 'screenedProblems', record: screened }, 'problem', {
        models: { judge: [] },
      }),
    )

    expect(await pass('generate-test-cases', { input: 'acceptedProblems', record: problem }, 'test-cases')).toEqual([])
    const votes = ['good', 'Good', 'GOOD', 'good', 'good', 'food', 'mood', 'good'].map(
      (word) => `A shift by three.\n${word}`,
    )
    const voted = one(
      await pass('vote-answer', { input: 'acceptedProblems', record: problem }, 'test-cases', {
        answers: votes,
        verification: {},
      }),
    )
    const testCases = one(await pass('screen-answer', { input: 'votedProblems', record: voted }, 'test-cases'))
    expect(testCases).toMatchObject({ domain: 'ciphers', checks: { answer: 'good' }, votes: { asked: 5, counted: 5 } })

    const state = new Map<string, unknown>()
    const settings = { attempts: 3, adaptive: false }
    const requests = await pass('plan-rollouts', { input: 'testCases', record: testCases }, 'rollout-request', {
      state,
      settings,
    })
    expect(requests).toHaveLength(3)
    const verdicts: RecordTypes['verdict'][] = []
    let outcomes: RecordTypes['outcome'][] = []
    for (const [at, request] of requests.entries()) {
      const answers = [`I tried.\n${at === 1 ? 'good' : `wood ${at}`}`]
      const attempt = one(await pass('roll-out', { input: 'rolloutRequests', record: request }, 'rollout', { answers }))
      const verdict = one(
        await pass('verify-rollout', { input: 'rollouts', record: attempt }, 'verdict', { verification: {} }),
      )
      verdicts.push(verdict)
      outcomes = await pass('plan-rollouts', { input: 'verdicts', record: verdict }, 'outcome', {
        ...{ state, settings },
        position: { partition: 0, offset: at },
      })
    }
    expect(verdicts.map(({ reason }) => reason)).toEqual(['different', 'equal', 'different'])
    const outcome = one(outcomes)
    expect(outcome).toMatchObject({ domain: 'ciphers', result: 'kept', attempted: 3, passed: 1 })

    const pair = one(
      await pass('build-pairs', { input: 'outcomes', record: outcome }, 'preference-pair', {
        reads: (_, { offset }) => verdicts[offset] ?? expect.fail('no verdict lies there'),
      }),
    )
    expect(pair).toMatchObject({ domain: 'ciphers', chosen: 'I tried.\ngood', rejected: 'I tried.\nwood 0' })
    expect(pair.prompt).toBe('Decode "jrrg" and give the word.\nGive the plain text in the last line.')
    expect(one(await pass('report-yields', { input: 'outcomes', record: outcome }, 'concept-yield'))).toMatchObject({
      ...{ domain: 'ciphers', concepts: combination.concepts, result: 'kept', pairs: 1 },
    })

    const asked = one(await pass('teach', { input: 'acceptedProblems', record: problem }, 'trace-request'))
    const trace = one(
      await pass('teach', { input: 'traceRequests', record: asked }, 'trace', { answers: ['A shift.\ngood'] }),
    )
    const example = one(await pass('build-sft', { input: 'traces', record: trace }, 'sft-example'))
    expect(example).toMatchObject({ domain: 'ciphers', completion: 'A shift.\ngood' })
  })
})
