/** What the capacity model is fed with: figures measured in a corpus, or assumed where there is none yet. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { domains } from '../domains/index.ts'
import type { ModelCall, Outcome, Verdict } from '../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../topics/catalogue.ts'
import { NewestRecords } from '../topics/reading.ts'
import { comparisonSeconds } from './capacity-assumptions.ts'
import { callRoles, chanceOf, type CallTokens, type DomainFigures, type SolverFigures, type Tally } from './capacity.ts'
import { readTopic, type Corpus } from './corpus.ts'

/** What a corpus tells. */
export interface MeasuredFigures {
  domains: DomainFigures[]
  judges: number
  teachers: number
  diskFactor: number
  /** Written tokens a second of one call, in the mean over all calls. */
  callTokensPerSecond: number
  /** Synthetic problems that they rest on. */
  problems: number
  /** Of these, those that a simulated model had a part in, from their concepts to their last attempt. */
  simulatedProblems: number
}

/** A mean as it grows. */
class Mean {
  count = 0
  #sum = 0
  add(value: number): void {
    this.count++
    this.#sum += value
  }
  or(fallback: number): number {
    return this.count === 0 ? fallback : this.#sum / this.count
  }
}

/** Mean tokens of calls as they are told one by one. */
class TokenMeans {
  readonly #prompt = new Mean()
  readonly #completion = new Mean()
  add({ promptTokens, completionTokens }: Pick<ModelCall, 'promptTokens' | 'completionTokens'>): void {
    this.#prompt.add(promptTokens)
    this.#completion.add(completionTokens)
  }
  or(fallback: CallTokens): CallTokens {
    return { prompt: this.#prompt.or(fallback.prompt), completion: this.#completion.or(fallback.completion) }
  }
}

/** Everything that is counted of a domain in a corpus. */
class DomainCounts {
  combinations = 0
  problems = 0
  checked = 0
  examples = 0
  traces = 0
  pairs = 0
  /** Pairs that the counts of kept problems would allow. */
  pairsAllowed = 0
  readonly discards = new Map<string, number>()
  readonly votes: Tally[] = []
  readonly second: Tally = { hits: 0, misses: 0 }
  readonly voteless: Tally = { hits: 0, misses: 0 }
  readonly tokens = new Map<string, TokenMeans>()
  readonly solvers = new Map<string, SolverCounts>()
  readonly verdictCoreSeconds = new Mean()

  discardsOf(processor: string, ...reasons: readonly string[]): number {
    return [...this.discards]
      .filter(([key]) =>
        reasons.length === 0
          ? key.startsWith(`${processor} `)
          : reasons.some((reason) => key === `${processor} ${reason}`),
      ) // prettier-ignore
      .reduce((sum, [, count]) => sum + count, 0)
  }
}

class SolverCounts {
  readonly weighed: Tally[] = []
  readonly plain: Tally[] = []
  readonly failed: Tally = { hits: 0, misses: 0 }
  readonly tokensPassed = new TokenMeans()
  readonly tokensFailed = new TokenMeans()
}

/** Ends of a vote that is not won, as vote-answer names them; its other discards are of winners, or of no votes at all. */
const lostVotes = ['no-majority', 'tie', 'narrow']

/** Reads a whole corpus. Human problems are left out: they come as somebody brings them. */
export async function measureFigures(
  corpus: Corpus,
  { maxPairs, directory }: { maxPairs: number; directory: string | undefined },
): Promise<MeasuredFigures> {
  const counts = new Map<string, DomainCounts>()
  const of = (name: string): DomainCounts => {
    const known = counts.get(name) ?? new DomainCounts()
    counts.set(name, known)
    return known
  }
  const tokensOf = (domain: string, role: string): TokenMeans => {
    const { tokens } = of(domain)
    const known = tokens.get(role) ?? new TokenMeans()
    tokens.set(role, known)
    return known
  }
  const each = async <Kind extends RecordKind>(
    topic: Topic<Kind>,
    take: (record: Parameters<Topic<Kind>['keyOf']>[0]) => void,
  ): Promise<void> => {
    // prettier-ignore
    for await (const { record } of readTopic(corpus, topic)) take(record)
  }
  const judges = new Set<string>()
  const synthetic = new Set<string>()
  const simulated = new Set<string>()
  /** Of any record about a synthetic problem. */
  const note = (problemId: string, record: { simulated: boolean }): void => {
    if (record.simulated) simulated.add(problemId)
  }
  await each(topics.concepts, ({ domain }) => void of(domain).combinations++)
  await each(topics.rationales, ({ domain, calls }) => calls.forEach((call) => tokensOf(domain, 'problem-writer').add(call))) // prettier-ignore
  await each(topics.problems, (problem) => {
    const { id, domain, origin } = problem
    if (origin !== 'synthetic') return
    synthetic.add(id)
    note(id, problem)
    of(domain).problems++
  })
  await each(topics.discards, (discard) => {
    const { domain, processor, reason, evidence, concepts, parentIds } = discard
    for (const id of parentIds) if (synthetic.has(id)) note(id, discard)
    if (concepts.length === 0 && !parentIds.some((id) => synthetic.has(id))) return
    const { discards, votes } = of(domain)
    const key = `${processor} ${reason}`
    discards.set(key, (discards.get(key) ?? 0) + 1)
    if (processor === 'vote-answer' && lostVotes.includes(reason)) countVotes(of(domain), [...evidence.matchAll(/(?:^|, )(\d+) x /g)].map((match) => Number(match[1])), votes) // prettier-ignore
  })
  await each(topics.testCases, (record) => {
    const { problemId, domain, origin, votes, calls } = record
    if (origin !== 'synthetic') return
    synthetic.add(problemId)
    note(problemId, record)
    const domainCounts = of(domain)
    domainCounts.checked++
    for (const call of calls) tokensOf(domain, votes ? 'voter' : 'test-writer').add(call)
    if (!votes) return
    countVotes(domainCounts, votes.classes.map((one) => one.votes), domainCounts.votes) // prettier-ignore
    domainCounts.voteless.hits += votes.asked - votes.counted
    domainCounts.voteless.misses += votes.counted
  })
  await each(topics.outcomes, (outcome) => {
    if (outcome.origin === 'synthetic') countOutcome(of(outcome.domain), outcome, maxPairs)
  })
  await each(topics.verdicts, (record) => {
    const { problemId, domain, solver, verdict, valid, calls } = record
    if (!synthetic.has(problemId)) return
    note(problemId, record)
    of(domain).verdictCoreSeconds.add(coreSecondsOf(record))
    const solverCounts = solverOf(of(domain), solver)
    for (const call of calls) (verdict === 'passed' ? solverCounts.tokensPassed : solverCounts.tokensFailed).add(call)
    if (verdict === 'failed') solverCounts.failed[valid ? 'misses' : 'hits']++
  })
  await each(topics.preferencePairs, ({ domain, origin }) => void (origin === 'synthetic' && of(domain).pairs++))
  const teachers = new Set<string>()
  await each(topics.traces, (trace) => {
    const { problemId, domain, origin, teacher, calls } = trace
    if (origin !== 'synthetic') return
    note(problemId, trace)
    teachers.add(teacher)
    of(domain).traces++
    for (const call of calls) tokensOf(domain, 'teacher').add(call)
  })
  await each(topics.sftExamples, ({ domain, origin }) => void (origin === 'synthetic' && of(domain).examples++))

  const roles = new Map<string, TokenMeans>()
  const lines = new NewestRecords(topics.expenses)
  await each(topics.expenses, (line) => lines.add(line))
  let [written, seconds] = [0, 0]
  for (const { role, model, calls, promptTokens, completionTokens, callSeconds } of lines.all()) {
    if (calls === 0 || role === 'embedder') continue
    if (role === 'judge') judges.add(model)
    written += completionTokens
    seconds += callSeconds
    const means = roles.get(role) ?? new TokenMeans()
    roles.set(role, means)
    means.add({ promptTokens: promptTokens / calls, completionTokens: completionTokens / calls })
  }
  const { bytesOf, diskFactor } = await storedBytes(corpus, directory)
  const found = domains.flatMap(({ name, checkedBy }): DomainFigures[] => {
    const one = counts.get(name)
    return one === undefined || one.problems === 0
      ? []
      : [{ ...figuresOf(name, checkedBy, one, roles), bytes: bytesOf(name) }]
  })
  return {
    domains: found,
    judges: judges.size,
    teachers: teachers.size,
    diskFactor,
    callTokensPerSecond: seconds === 0 ? 0 : written / seconds,
    problems: [...counts.values()].reduce((sum, { problems }) => sum + problems, 0),
    simulatedProblems: simulated.size,
  }
}

function solverOf({ solvers }: DomainCounts, name: string): SolverCounts {
  const known = solvers.get(name) ?? new SolverCounts()
  solvers.set(name, known)
  return known
}

/** Votes for the classes of a problem, most first. */
function countVotes(counts: DomainCounts, classes: readonly number[], into: Tally[]): void {
  const [first = 0, second = 0] = classes
  const others = classes.slice(1).reduce((sum, votes) => sum + votes, 0)
  if (first + others === 0) return
  into.push({ hits: first, misses: others })
  counts.second.hits += second
  counts.second.misses += others - second
}

function countOutcome(counts: DomainCounts, outcome: Outcome, maxPairs: number): void {
  const { solver, attempted, passed, result, verdicts } = outcome
  if (attempted === 0) return
  const solverCounts = solverOf(counts, solver)
  solverCounts.weighed.push({ hits: passed, misses: attempted - passed })
  const recomputed = verdicts.filter((one) => one.recomputed && one.verdict === 'passed').length
  solverCounts.plain.push({ hits: passed - recomputed, misses: attempted - passed + recomputed })
  if (result !== 'kept') return
  const usable = verdicts.filter((one) => one.verdict === 'failed' && one.valid).length
  counts.pairsAllowed += Math.min(passed, usable, maxPairs)
}

function figuresOf(
  name: string,
  checkedBy: 'answer' | 'tests',
  one: DomainCounts,
  roles: ReadonlyMap<string, TokenMeans>,
): Omit<DomainFigures, 'bytes'> {
  // prettier-ignore
  const share = (part: number, whole: number): number => (whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole)))
  const screened = one.problems - one.discardsOf('screen-problem')
  const accepted = screened - one.discardsOf('judge-problem')
  const lost = one.discardsOf('vote-answer', ...lostVotes)
  const ended = accepted - (checkedBy === 'answer' ? lost : 0)
  const unmade = one.discardsOf('generate-rationale') + one.discardsOf('generate-problem')
  const rowless = one.discardsOf('build-sft')
  const none = { prompt: 0, completion: 0 }
  const tokens = Object.fromEntries(
    callRoles.map((role) => [role, one.tokens.get(role)?.or(none) ?? roles.get(role)?.or(none) ?? none]),
  ) as DomainFigures['tokens']
  const solvers = [...one.solvers].map(([solver, counts]): [string, SolverFigures] => {
    const { weighed, plain, failed, tokensPassed, tokensFailed } = counts
    return [
      solver,
      {
        weighed: chanceOf(weighed),
        plain: chanceOf(plain),
        invalidFailures: failed.hits / Math.max(1, failed.hits + failed.misses),
        passed: tokensPassed.or(tokensFailed.or(none)),
        failed: tokensFailed.or(tokensPassed.or(none)),
      },
    ]
  })
  return {
    name,
    share: one.combinations,
    checkedBy,
    written: share(one.problems, one.problems + unmade),
    screened: share(screened, one.problems),
    accepted: share(accepted, screened),
    checked: share(ended - one.discardsOf(checkedBy === 'answer' ? 'vote-answer' : 'generate-test-cases') + (checkedBy === 'answer' ? lost : 0), ended), // prettier-ignore
    agreement: chanceOf(one.votes),
    secondAnswer: one.second.hits / Math.max(1, one.second.hits + one.second.misses),
    voteless: one.voteless.hits / Math.max(1, one.voteless.hits + one.voteless.misses),
    solvers: Object.fromEntries(solvers),
    pairsMade: share(one.pairs, one.pairsAllowed),
    rowsOfTraces: share(one.examples, one.examples + rowless),
    tokens,
    verdictCoreSeconds: one.verdictCoreSeconds.or(0),
  }
}

/** Seconds that the sandbox takes for one run beyond what the program itself does: 1 ms where it was measured (docs/capacity.md). */
const sandboxSecondsPerRun = 0.001

/**
 * Seconds of one core that a verdict took, without what it waited for a verifier thread. A probe is taken to cost what the
 * program's tests cost: nobody keeps its time.
 */
export function coreSecondsOf({
  tests,
  probes,
  verifierSeconds,
}: Pick<Verdict, 'tests' | 'probes' | 'verifierSeconds'>): number {
  if (tests.length === 0) return Math.min(verifierSeconds, comparisonSeconds)
  const runs = tests.length + probes.length
  const programSeconds = tests.reduce((sum, { seconds }) => sum + seconds, 0)
  return (programSeconds / tests.length + sandboxSecondsPerRun) * runs
}

/** Records of a partition that are looked at for how large those of each domain are. */
const sampledRecords = 200

/** Bytes of one stored record of a domain by topic, and what the disk takes for each. On Kafka nobody tells them. */
async function storedBytes(
  corpus: Corpus,
  directory: string | undefined,
): Promise<{ bytesOf: (domain: string) => Record<string, number>; diskFactor: number }> {
  // prettier-ignore
  const described = (await corpus.log.describeTopics()).filter(({ records }) => records > 0)
  const stored = described.reduce((sum, topic) => sum + topic.bytes, 0)
  const sizes = new Map<string, { mean: number; ofDomain: ReadonlyMap<string, number> }>()
  for (const { name, bytes, records } of described) {
    const topic = Object.values(topics).find((one) => one.name === name)
    const ofDomain = topic && bytes > 0 ? await shareOfDomains(corpus, topic) : new Map<string, number>()
    sizes.set(name, { mean: bytes / records, ofDomain })
  }
  return {
    bytesOf: (domain) =>
      Object.fromEntries([...sizes].map(([name, { mean, ofDomain }]) => [name, mean * (ofDomain.get(domain) ?? 1)])),
    diskFactor: directory === undefined || stored === 0 ? 1 : fileBytes(directory) / stored,
  }
}

/** How large the records of each domain are, in a sample, against those of all. */
async function shareOfDomains(corpus: Corpus, topic: Topic): Promise<Map<string, number>> {
  const [all, domainSizes] = [new Mean(), new Map<string, Mean>()]
  for (let partition = 0; partition < topic.partitions; partition++) {
    let read = 0
    for await (const { record, stored } of readTopic(corpus, topic, partition)) {
      const { domain } = record as { domain?: string }
      if (domain !== undefined) {
        const size = stored.value?.length ?? 0
        const mean = domainSizes.get(domain) ?? new Mean()
        domainSizes.set(domain, mean)
        for (const one of [all, mean]) one.add(size)
      }
      if (++read >= sampledRecords) break
    }
  }
  return new Map([...domainSizes].map(([domain, mean]) => [domain, mean.or(1) / all.or(1)]))
}

/** Bytes that the log's file takes on the disk: states, indexes and free pages included. */
function fileBytes(directory: string): number {
  return statSync(join(directory, 'data.mdb')).blocks * 512
}
