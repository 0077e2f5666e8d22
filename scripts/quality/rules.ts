/** What each rule drops: in the stream, alone, and beyond all others. */
import { NearDuplicateIndex, featuresOf, namesNumbers } from '../../curation/near-duplicates.ts'
import { brokenStatementRules } from '../../curation/statements.ts'
import { domainNamed } from '../../domains/index.ts'
import type { Processor } from '../../engine/processor.ts'
import { defaultOf, type Profile } from '../../engine/settings.ts'
import judgeProblem from '../../processors/judge-problem.ts'
import screenProblem from '../../processors/screen-problem.ts'
import { MODELS } from '../../simulator/models.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { judgeSettingsOf, SimulatedModels } from './simulated-judges.ts'
import type { JudgedProblem, SimulatedCorpus } from './simulated.ts'

/** What a rule drops of the synthetic problems of a corpus. */
export interface RuleCount {
  /** The processor and its reason. */
  rule: string
  /** In the stream, where it sees what the rules before it left. */
  dropped: number
  /** If it were the only rule; null for rules that stand behind the judges. */
  alone: number | null
  /** Of these, those that no other rule of screen-problem and judge-problem drops. */
  beyond: number | null
  /** Of what it dropped in the stream, flawed problems and repeats; null where nothing can be said. */
  rightly: number | null
}

/** Counts of every rule that dropped anything, or would have. */
export async function ruleCounts(
  { problems, discards, votedProblems }: SimulatedCorpus,
  { profile, simulator }: { profile: Profile; simulator: SimulatorOptions },
): Promise<RuleCount[]> {
  const dropped = new Map<string, Set<string>>()
  for (const { processor, reason, recordId } of discards) {
    const rule = `${processor}: ${reason}`
    dropped.set(rule, (dropped.get(rule) ?? new Set()).add(votedProblems.get(recordId) ?? recordId))
  }
  const byRule = new Map<string, Set<string>>()
  const note = (rule: string, id: string): void => void byRule.set(rule, (byRule.get(rule) ?? new Set()).add(id))
  statementRules(problems, profile, note)
  await judgeRules(problems, dropped, { profile, simulator }, note)
  const firing = new Map<string, number>()
  for (const ids of byRule.values()) for (const id of ids) firing.set(id, (firing.get(id) ?? 0) + 1)
  const wrong = new Set<string>()
  const seen = new Set<string>()
  for (const { problem, valid, key } of problems) {
    if (valid === false || (key !== undefined && seen.has(key))) wrong.add(problem.id)
    if (key !== undefined) seen.add(key)
  }
  const own = new Set(problems.map(({ problem }) => problem.id))
  return [...new Set([...byRule.keys(), ...dropped.keys()])].map((rule) => {
    const inStream = [...(dropped.get(rule) ?? [])]
    const ofProblems = inStream.filter((id) => own.has(id))
    const alone = byRule.get(rule)
    return {
      rule,
      dropped: inStream.length,
      alone: alone?.size ?? null,
      beyond: alone ? [...alone].filter((id) => firing.get(id) === 1).length : null,
      rightly: ofProblems.length < inStream.length ? null : ofProblems.filter((id) => wrong.has(id)).length,
    }
  })
}

/** What a setting is under a profile. */
function settingOf<Value>({ name: processor, settings }: Processor, name: string, profile: Profile): Value {
  const declared = settings[name]
  if (!declared) throw new Error(`${processor} has no setting ${name}`)
  return defaultOf(declared, profile) as Value
}

/** The rules of screen-problem, each for itself. */
function statementRules(
  problems: readonly JudgedProblem[],
  profile: Profile,
  note: (rule: string, id: string) => void,
): void {
  const value = <Value>(name: string): Value => settingOf<Value>(screenProblem, name, profile)
  const bounds = {
    minCharacters: value<number>('minStatementCharacters'),
    maxCharacters: value<number>('maxStatementCharacters'),
  }
  const duplicates = value<'exact' | 'words'>('duplicates')
  const wordsWithoutAnswer = value<number>('wordsWithoutAnswer')
  const index = new NearDuplicateIndex({
    rule: duplicates,
    wordSimilarity: value('wordSimilarity'),
    commonWordStatements: value<number>('commonWordStatements') || Infinity,
  })
  const texts = new Set<string>()
  for (const { problem } of problems) {
    const { id, domain, statement, contentHash } = problem
    for (const { rule } of brokenStatementRules(statement, bounds)) note(`${screenProblem.name}: ${rule}`, id)
    if (texts.has(contentHash)) {
      note(`${screenProblem.name}: duplicate`, id)
      // A repeat to the letter is alike too: the index would find itself.
      if (duplicates !== 'exact') note(`${screenProblem.name}: near-duplicate`, id)
      continue
    }
    texts.add(contentHash)
    const features = featuresOf(statement, duplicates)
    const isAnswered = domainNamed(domain).checkedBy === 'answer' && namesNumbers(features)
    if (index.find(features, isAnswered ? wordsWithoutAnswer : 0)) note(`${screenProblem.name}: near-duplicate`, id)
    else index.add(contentHash, features)
  }
}

/** The rules of judge-problem: what was dropped before it is judged now, by the same models. */
async function judgeRules(
  problems: readonly JudgedProblem[],
  dropped: ReadonlyMap<string, ReadonlySet<string>>,
  { profile, simulator }: { profile: Profile; simulator: SimulatorOptions },
  note: (rule: string, id: string) => void,
): Promise<void> {
  const screened = new Set(
    [...dropped].flatMap(([rule, ids]) => (rule.startsWith(`${screenProblem.name}: `) ? [...ids] : [])),
  )
  const judges = MODELS.flatMap(({ id }) => (id.startsWith('sim-judge') ? [id] : []))
  const models = new SimulatedModels(simulator)
  const settings = judgeSettingsOf(profile)
  for (const reason of judgeProblem.discards)
    for (const id of dropped.get(`${judgeProblem.name}: ${reason}`) ?? []) note(`${judgeProblem.name}: ${reason}`, id)
  for (const { problem } of problems) {
    if (!screened.has(problem.id)) continue
    const { reason } = await models.judge(problem, settings, judges)
    if (reason !== undefined) note(`${judgeProblem.name}: ${reason}`, problem.id)
  }
}
