/** *Corpus*: what it has come to, what it costs, and when it will be large enough. */
import type { Processor } from '../../../engine/processor.ts'
import { topics } from '../../../topics/catalogue.ts'
import { numberVariable, type DashboardDescription } from '../panel.ts'
import { corpusRate, declaredSeries, maxOf, rateOf, shareOf } from '../queries.ts'
import { targetVariables, processorVariable } from '../variables.ts'

const pairs = maxOf('corpusRecords', [], { topic: `="${topics.preferencePairs.name}"` })
const pairsASecond = corpusRate('corpusRecords', [], { topic: `="${topics.preferencePairs.name}"` }, '1h')

/** Topics on the way from concepts to pairs, as the processors' declarations join them, in the catalogue's order. */
export function funnelTopics(processors: readonly Processor[]): string[] {
  const reach = (from: string, next: (topic: string) => string[]): Set<string> => {
    const reached = new Set([from])
    for (const topic of reached) for (const one of next(topic)) reached.add(one)
    return reached
  }
  const names = (declared: Processor['inputs']): string[] => Object.values(declared).map(({ name }) => name)
  const after = reach(topics.concepts.name, (topic) =>
    processors.filter(({ inputs }) => names(inputs).includes(topic)).flatMap(({ outputs }) => names(outputs)),
  )
  const before = reach(topics.preferencePairs.name, (topic) =>
    processors.filter(({ outputs }) => names(outputs).includes(topic)).flatMap(({ inputs }) => names(inputs)),
  )
  return Object.values(topics)
    .map(({ name }) => name)
    .filter((name) => after.has(name) && before.has(name))
}

/** @returns the dashboard */
export function corpus(processors: readonly Processor[], named: (name: string) => Processor): DashboardDescription {
  const funnel = funnelTopics(processors)
  const verifier = named('verify-rollout')
  const planner = named('plan-rollouts')
  const attempts = (result: string): string =>
    `sum by (domain, level, model) (increase(${declaredSeries(planner, 'attemptsTotal', { result })}[1h]))`
  const forms = (form?: string): string =>
    `sum by (model) (increase(${declaredSeries(verifier, 'attemptsTotal', form === undefined ? {} : { form })}[1h]))`
  const tokens = `sum (${maxOf('spendTokens', ['role', 'model', 'outcome', 'type'], { type: '=~"prompt|completion"' })})`
  const money = `sum by (currency) (${maxOf('spendCost', ['role', 'model', 'outcome', 'currency'])})`
  return {
    uid: 'wellspring-corpus',
    title: 'Wellspring: Corpus',
    description: 'What the corpus has come to, what it costs, and when it will be large enough.',
    variables: [...targetVariables, processorVariable, numberVariable('goal', 'Goal (pairs)', 50_000)],
    sections: [
      {
        title: 'Pairs',
        panels: [
          {
            title: 'Pairs',
            description: 'Preference pairs since the corpus began, over all restarts.',
            ...{ unit: 'short', as: 'number' },
            queries: [{ expr: pairs, legend: 'pairs' }],
          },
          {
            title: 'Pairs an hour',
            description: 'As of the last hour. 0 for long: look at the funnel below for where the stream ends.',
            ...{ unit: 'short', as: 'number', decimals: 1 },
            queries: [{ expr: `3600 * ${pairsASecond}`, legend: 'pairs an hour' }],
          },
          {
            title: 'Time to the goal',
            description: 'Until so many pairs are there as the box at the top says, at the rate of the last hour.',
            ...{ unit: 's', as: 'number' },
            queries: [{ expr: `clamp_min($goal - ${pairs}, 0) / (${pairsASecond} > 0)`, legend: 'to the goal' }],
          },
          {
            title: 'Tokens a pair',
            description:
              'Prompt and completion tokens of everything that was paid for, wasted calls included, by the pairs that came of it.',
            ...{ unit: 'short', as: 'number' },
            queries: [{ expr: `${tokens} / (${pairs} > 0)`, legend: 'tokens a pair' }],
          },
          {
            title: 'Cost of a pair',
            description: 'The same in money; models without a price add nothing.',
            ...{ unit: 'none', as: 'number', decimals: 4 },
            queries: [{ expr: `${money} / on () group_left () (${pairs} > 0)`, legend: '{{currency}}' }],
          },
          {
            title: 'Work in progress',
            description: 'Problems that entered the stream and have not left it. The sampler keeps it level.',
            ...{ unit: 'short', as: 'number' },
            queries: [{ expr: maxOf('workInProgress', []), legend: 'in progress' }],
          },
          {
            title: 'Budget left',
            description: 'What of the budget nobody has spent or taken; empty without a budget (`--budget`).',
            ...{ unit: 'percentunit', as: 'number', max: 1 },
            queries: [
              { expr: `${maxOf('budgetLeft', ['unit'])} / ${maxOf('budgetLimit', ['unit'])}`, legend: '{{unit}}' },
            ],
          },
          {
            title: 'Budget spent',
            description: 'In what the budget counts; reserved is what processes have taken and not spent.',
            ...{ unit: 'short', as: 'number' },
            queries: [
              { expr: maxOf('budgetSpent', ['unit']), legend: 'spent, {{unit}}' },
              { expr: maxOf('budgetReserved', ['unit']), legend: 'reserved, {{unit}}' },
            ],
          },
        ],
      },
      {
        title: 'Yield',
        panels: [
          {
            title: 'From concept to pair',
            description:
              'Records of each topic on the way since the corpus began. Where a bar is much shorter than the one before, see the discards.',
            ...{ unit: 'short', as: 'bars' },
            queries: funnel.map((topic) => ({
              expr: maxOf('corpusRecords', [], { topic: `="${topic}"` }),
              legend: topic,
            })),
          },
          {
            title: 'Records an hour',
            description: 'What is committed to each of these topics.',
            unit: 'short',
            queries: [
              {
                expr: `3600 * ${corpusRate('corpusRecords', ['topic'], { topic: `=~"${funnel.join('|')}"` })}`,
                legend: '{{topic}}',
              },
            ],
          },
          {
            title: 'Pass rate by level and solver',
            description:
              'Attempts that passed among those that count, of problems closed in the last hour. Near 0 or 1 there is nothing to learn from.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [
              {
                expr: shareOf(attempts('="passed"'), attempts('=~"passed|failed|invalid"')),
                legend: '{{domain}} {{level}} {{model}}',
              },
            ],
          },
          {
            title: 'Invalid attempts by solver',
            description:
              'Attempts of the last hour that may be neither chosen nor rejected because of their form: cut off, empty, no answer, another script. High: the temperature, or the token limit.',
            ...{ unit: 'percentunit', max: 1 },
            queries: [{ expr: shareOf(forms('!~"valid|unverifiable"'), forms()), legend: '{{model}}' }],
          },
          {
            title: 'Discards by rule',
            description: 'Records that a rule put aside. The evidence of each is in the topic `discards`.',
            ...{ unit: 'cps', as: 'stack' },
            queries: [
              { expr: `${rateOf('discards', ['processor', 'reason'])} > 0`, legend: '{{processor}} {{reason}}' },
            ],
          },
          {
            title: 'Discarded share',
            description: 'Discards by what the processor has finished since the corpus began.',
            ...{ unit: 'percentunit', as: 'bars', max: 1 },
            queries: [
              {
                expr: `sort_desc(sum by (processor) (${maxOf('corpusDiscards', ['processor', 'reason'])}) / (${maxOf('corpusFinished', ['processor'])} > 0))`,
                legend: '{{processor}}',
              },
            ],
          },
          {
            title: 'Discards and dead letters since the corpus began',
            description: 'By processor and rule; dead letters by processor alone.',
            ...{ unit: 'short', as: 'table' },
            queries: [{ expr: `sort_desc(${maxOf('corpusDiscards', ['processor', 'reason'])} > 0)`, legend: '' }],
          },
          {
            title: 'Dead letters since the corpus began',
            description: '`wellspring dead-letters list` says why.',
            ...{ unit: 'short', as: 'bars' },
            queries: [{ expr: maxOf('corpusDeadLetters', ['processor']), legend: '{{processor}}' }],
          },
        ],
      },
      {
        title: 'Spending',
        panels: [
          {
            title: 'Tokens by role',
            description: 'Since the corpus began, by the job that they were spent on.',
            ...{ unit: 'short', as: 'bars' },
            queries: [
              {
                expr: `sum by (role) (${maxOf('spendTokens', ['role', 'model', 'outcome', 'type'], { type: '=~"prompt|completion"' })})`,
                legend: '{{role}}',
              },
            ],
          },
          {
            title: 'Tokens by what became of them',
            description:
              'kept: passed on; discarded: a rule put it aside; unfinished: kept for a record under way; wasted: no usable answer.',
            ...{ unit: 'short', as: 'bars' },
            queries: [
              {
                expr: `sum by (outcome) (${maxOf('spendTokens', ['role', 'model', 'outcome', 'type'], { type: '=~"prompt|completion"' })})`,
                legend: '{{outcome}}',
              },
            ],
          },
          {
            title: 'Slot time by model',
            description: 'Seconds of calls at endpoints since the corpus began.',
            ...{ unit: 's', as: 'bars' },
            queries: [
              {
                expr: `sum by (model) (${maxOf('spendSeconds', ['role', 'model', 'outcome'])})`,
                legend: '{{model}}',
              },
            ],
          },
          {
            title: 'Calls by role and what became of them',
            description: 'Since the corpus began.',
            ...{ unit: 'short', as: 'table' },
            queries: [
              { expr: `sum by (role, outcome) (${maxOf('spendCalls', ['role', 'model', 'outcome'])})`, legend: '' },
            ],
          },
          {
            title: 'Money',
            description: 'Since the corpus began, by role.',
            ...{ unit: 'none', as: 'bars', decimals: 2 },
            queries: [
              {
                expr: `sum by (role, currency) (${maxOf('spendCost', ['role', 'model', 'outcome', 'currency'])})`,
                legend: '{{role}} {{currency}}',
              },
            ],
          },
        ],
      },
    ],
  }
}
