/**
 * screen-problem: problems, table benchmarks -> screened-problems. Statement rules, exact and near duplicates, overlap with benchmarks, and a
 * date cut-off for human problems, before any GPU time is spent further on. One task, in offset order: the first of several
 * alike wins. No model call; a replay keeps the same problems as long as the benchmarks are the same.
 */
import { BenchmarkIndex, overlapText, type DecontaminationSettings } from '../curation/decontamination.ts'
import {
  decodeFeatures,
  encodeFeatures,
  featuresOf,
  namesNumbers,
  NearDuplicateIndex,
  type Likeness,
} from '../curation/near-duplicates.ts'
import { brokenStatementRules } from '../curation/statements.ts'
import { domainNamed } from '../domains/index.ts'
import { defineProcessor, table } from '../engine/processor.ts'
import { setting, type SettingValues } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

/** The settings of decontamination, which `wellspring recheck` goes by too. */
export const decontaminationSettings = {
  decontamination: setting.choice(
    "When a problem is one of a benchmark. common-subsequence: Qwen2.5's rule, by what the words tell. 13-gram: 13 words in a row in common (the paper). off: never.",
    ['common-subsequence', '13-gram', 'off'],
    { default: 'common-subsequence', profiles: { paper: '13-gram', scripts: '13-gram' }, recipe: true },
  ),
  commonWords: setting.integer('Fewest words in common with a benchmark problem, in order. Qwen2.5: 13.', {
    min: 3,
    max: 1000,
    default: 13,
    recipe: true,
  }),
  commonShare: setting.number(
    'Least share of the shorter text that the words in common make up, by what they tell. Qwen2.5: 0.6 of the words.',
    { min: 0, max: 1, default: 0.6, recipe: true },
  ),
}

/** The benchmarks as they are compared. */
export const benchmarks = table(topics.benchmarks, {
  create: () => new BenchmarkIndex(),
  add: (index, { benchmark, sourceId, statement, removed }) => {
    if (removed) index.remove(benchmark, sourceId)
    else index.add(benchmark, sourceId, statement)
  },
})

/** The rule in force; undefined where nothing is compared. */
export function decontaminationRule(
  config: SettingValues<typeof decontaminationSettings>,
): DecontaminationSettings | undefined {
  const { decontamination: rule, commonWords, commonShare } = config
  return rule === 'off' ? undefined : { rule, commonWords, commonShare }
}

export default defineProcessor({
  name: 'screen-problem',
  summary: 'Statement rules, duplicates and benchmark overlap, before GPU time is spent.',
  version: 5,
  inputs: { problems: topics.problems },
  tables: { benchmarks },
  outputs: { screened: topics.screenedProblems },
  roles: [],
  settings: {
    minStatementCharacters: setting.integer('Shortest statement kept, in characters.', {
      min: 1,
      max: 10_000,
      default: 20,
      recipe: true,
    }),
    maxStatementCharacters: setting.integer('Longest statement kept, in characters.', {
      min: 100,
      max: 1_000_000,
      default: 20_000,
      recipe: true,
    }),
    duplicates: setting.choice(
      'When two statements are the same. exact: but for case and white space. words: by the words they share (the scripts). words-and-numbers: the same numbers and formulas in other words.',
      ['exact', 'words', 'words-and-numbers'],
      { default: 'words-and-numbers', profiles: { paper: 'exact', scripts: 'words' }, recipe: true },
    ),
    wordSimilarity: setting.number(
      'Share of their words (Jaccard similarity) from which two statements are the same. The scripts: 0.2.',
      { min: 0.05, max: 1, default: 0.8, profiles: { scripts: 0.2 }, recipe: true },
    ),
    commonWordStatements: setting.integer(
      'A word that more statements have is not compared from then on; 0: all are. The scripts: 1000.',
      { min: 0, max: 1e9, default: 0, profiles: { scripts: 1000 }, recipe: true },
    ),
    wordsWithoutAnswer: setting.number(
      'Share of their words from which two statements that are alike by their numbers are the same, whatever their answers. What shares fewer is left to screen-answer where the problem is checked by an answer. 0: the text alone decides.',
      { min: 0, max: 1, default: 0.3, profiles: { paper: 0, scripts: 0 }, recipe: true },
    ),
    ...decontaminationSettings,
    publishedBefore: setting.text(
      'Human problems of this day or later are left out, so that later benchmarks stay clean; those without a date stay. The paper: 2024-08-01.',
      {
        default: '',
        form: { pattern: /^(?:\d{4}-\d{2}-\d{2})?$/, expected: 'a day such as 2024-08-01, or nothing' },
        profiles: { paper: '2024-08-01' },
        recipe: true,
      },
    ),
  },
  metrics: {},
  discards: [
    'too-short',
    'too-long',
    'unanswerable',
    'cut-off',
    'no-question',
    'duplicate',
    'near-duplicate',
    'benchmark-overlap',
    'after-cut-off',
  ],
  onSpine: ['problems'],
  onFailure: { transient: { attempts: 1, firstDelaySeconds: 1, maxDelaySeconds: 1 } },
  state: {
    kind: 'statement-owner',
    index: {
      create: ({ duplicates, wordSimilarity, commonWordStatements }) =>
        new NearDuplicateIndex({
          rule: duplicates,
          wordSimilarity: Number(wordSimilarity),
          commonWordStatements: Number(commonWordStatements) || Infinity,
        }),
      add: (index, contentHash, { features }) => {
        const decoded = decodeFeatures(features)
        if (decoded) index.add(contentHash, decoded)
      },
    },
  },
  process: {
    problems(problem, { config, state, index, tables, emit, discard, enterStream }) {
      const { id, domain, origin, statement, contentHash, publishedAt } = problem
      if (origin === 'human') enterStream()
      const first = state.get(contentHash)
      if (first) return discard('duplicate', `same statement as ${first.problemId}`)
      const { minStatementCharacters, maxStatementCharacters, publishedBefore } = config
      const [broken] = brokenStatementRules(statement, {
        minCharacters: minStatementCharacters,
        maxCharacters: maxStatementCharacters,
      })
      // What is left out is remembered, so that its exact repeats are told as such, and nothing else is compared with it.
      const leaveOut = (reason: Parameters<typeof discard>[0], evidence: string) => {
        state.set(contentHash, { problemId: id, features: Buffer.alloc(0) })
        return discard(reason, evidence)
      }
      if (broken) return leaveOut(broken.rule, broken.evidence)
      if (publishedBefore !== '' && publishedAt !== null && publishedAt >= publishedBefore)
        return leaveOut('after-cut-off', `published at ${publishedAt}`)
      const features = featuresOf(statement, config.duplicates)
      const isAnswered = domainNamed(domain).checkedBy === 'answer' && namesNumbers(features)
      const alike = index.find(features, isAnswered ? config.wordsWithoutAnswer : 0)
      if (alike) {
        const owner = state.get(alike.key)?.problemId ?? alike.key
        return leaveOut('near-duplicate', `${likenessText(alike.likeness)} as ${owner}`)
      }
      const rule = decontaminationRule(config)
      const overlap = rule && tables.benchmarks.index.overlapOf(statement, rule)
      if (overlap) return leaveOut('benchmark-overlap', overlapText(overlap))
      state.set(contentHash, { problemId: id, features: encodeFeatures(features) })
      return emit.screened(problem)
    },
  },
})

function likenessText({ words, numbers }: Likeness): string {
  const same = numbers === undefined ? '' : `, the same ${numbers} numbers`
  return `${(100 * words).toFixed(0)} % of words${same}`
}
