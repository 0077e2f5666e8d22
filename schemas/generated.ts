// Written by `npm run generate` from schemas/*.avsc. Do not edit.

/** A test that was written because those before it were too weak. Its text lies in the runs of the further tests. */
export interface AddedTest {
  /** Its place among the further tests, from 0. */
  test: number
  /** Kind of test that was asked for. */
  kind: string
  /** Name of the rule by which it does not count: nobody-passes, agreement (programs that print the same outvote it) or contradiction (no program passes all); empty where it counts. */
  setAside: string
  /** Attempts of all solvers that pass it, of those that passed the tests before it. */
  passed: number
  /** Attempts that were run on it. */
  of: number
}

/** Equal answers among the votes. */
export interface AnswerClass {
  /** One of the equal answers, as written. */
  answer: string
  /** How many generations gave it. */
  votes: number
}

export interface AnswerOwner {
  /** The problem. */
  problemId: string
  /** Hashes of the numbers of its statement, 0 to 65535, ascending; those of 0, 1 and 2 are these numbers. */
  numbers: number[]
  /** Hashes of pairs of neighbours in its formulas, 0 to 4294967295, ascending. */
  formulas: number[]
  /** What its formulas say one way or the other, ascending, 0 to 4294967295: a hash of what it is, and one bit for the way. Which of two numbers comes first; whether a letter is added or taken away. */
  orders: number[]
  /** What its formulas say of numbers, ascending, 0 to 4294967295: a hash of what it is about above one of what is said (equationsOf in curation/formulas.ts). Empty where an earlier release wrote it. */
  equations: number[]
  /** A set of bits, 0 to 2147483647: one for each condition that it names, and for each side of a contrast (curation/contrasts.ts). 0 where an earlier release wrote it. */
  contrasts: number
}

/** State of screen-answer: the problems that have the same answer and name the same numbers, and what a further one is compared with. */
export interface AnswerOwners {
  /** First to last; no two of them are the same problem. Never more than mostOwners (curation/answered-duplicates.ts). */
  problems: AnswerOwner[]
}

/** How a reference answer was voted. */
export interface AnswerVotes {
  /** Generations asked for. */
  asked: number
  /** Generations with a boxed answer. */
  counted: number
  /** Equivalence classes of the answers, most votes first. */
  classes: AnswerClass[]
  /** Generations that might have voted and were not asked for: they could not have changed the result. */
  notAsked: number
}

/** A verdict that has come. */
export interface AttemptVerdict {
  /** Ordinal of the attempt. */
  attempt: number
  /** Id of the verdict. */
  verdictId: string
  /** Its partition. */
  partition: number
  /** Its offset. */
  offset: number
  /** Its conclusion. */
  verdict: VerdictKind
  /** May it be chosen or rejected? */
  valid: boolean
  /** Whether another attempt may help; false where the fault was our own. */
  again: boolean
  /** Tokens of the attempt's model calls, prompts included. */
  tokens: number
  /** What its program came to on each test, where tests are weighed; empty where they are not, and for verdicts that were taken in before. */
  tests: TestResult[]
  /** Its probes; see the verdict. */
  probes: string[]
}

/** A problem of an evaluation benchmark: nothing like it may become training data. The newest record of a key stands. */
export interface BenchmarkProblem {
  /** Hash of benchmark, domain and statement. */
  id: string
  /** Name of the benchmark. */
  benchmark: string
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Its id in the benchmark; its own id where it has none there. */
  sourceId: string
  /** The problem text. */
  statement: string
  /** When it was added or removed, in milliseconds since 1970 (UTC). */
  addedAtMs: number
  /** True once the benchmark was removed: it is compared no longer. */
  removed: boolean
}

/** A share of a budget that a process takes for itself before it spends it, or the rest of one that it gives back. Claims are granted in the order in which they lie in the topic, which all processes see alike. */
export interface BudgetClaim {
  /** Id of the claim: of its process and a number. */
  id: string
  /** What is counted: tokens, or a currency such as USD. */
  unit: string
  /** The budget that the process goes by, in the unit. */
  limit: number
  /** What is asked for, in the unit; below 0: what is given back. Granted is as much of it as is left of the limit. */
  amount: number
  /** What the ledger told as spent when the claim was made, in the unit: it counts where it is more than all claims, as for calls made without a budget. */
  spentBefore: number
  /** When, in milliseconds since 1970 (UTC). */
  claimedAtMs: number
}

/** What an attempt is checked by: a reference answer, unit tests, or both. */
export interface Checks {
  /** Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone. */
  answer: string | null
  /** Unit tests; empty where the problem is checked by its answer alone. */
  tests: ProgramTest[]
  /** True when a human source gave them; false when models made them. */
  trusted: boolean
}

/** A combination whose draws go on. */
export interface CombinationUnderWay {
  /** Its domain. */
  domain: string
  /** Its concepts, in the order in which they were drawn. */
  concepts: string[]
  /** Its difficulty level. */
  level: string
  /** How it was sampled, as in its records. */
  sampler: string
  /** Temperature that it was drawn at, 0.01 to 1000. */
  temperature: number
  /** Number of steps by which the choice was widened. */
  widening: number
  /** Whether yields had a part in it. */
  guided: boolean
  /** Live pass rate of its level, 0 to 1. */
  livePassRate: number | null
}

/** A set of concepts and a difficulty level that a problem is to be made from (c). */
export interface ConceptCombination {
  /** Id of the combination: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: none; the tables it was sampled from are given by version. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Concepts in the order in which they were drawn. */
  concepts: string[]
  /** Difficulty level, one of the domain's. */
  level: string
  /** Which draw of this combination it is, from 0; each has a seed of its own. Draws of lists that were given count apart. */
  draw: number
  /** Sampling seed of the draw: the setting `firstSeed` and the draw added, for a line that was ingested a hash. */
  seed: number
  /** How it was sampled: cooccurrence-and-similarity, cooccurrence, released (a concept file taken as it is), or given (a list of the user's). */
  sampler: string
  /** Version (records read) of each table it was sampled from. */
  tableVersions: Record<string, number>
  /** Temperature of the softmax that it was drawn at, 0.01 to 1000: higher than the setting where the choice was widened; 0 where none had a part. */
  temperature: number
  /** Number of steps by which the choice was widened because every narrower one gave combinations that have had all their draws. */
  widening: number
  /** True where the yields of concepts had a part in its weights; false for the share that explores. */
  guided: boolean
  /** Live pass rate of its level when it was drawn, 0 to 1; null where too few attempts of the level had ended, or the rate had no part. */
  livePassRate: number | null
}

/** A vector for one distinct concept. */
export interface ConceptEmbedding {
  /** Id of the embedding: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the concept list that named the concept first. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The concept, in normal form. */
  concept: string
  /** Embedding model. */
  model: string
  /** Unit vector; its length is the model's dimension. */
  vector: number[]
}

/** The foundational concepts of one human problem, as one annotator model lists them. */
export interface ConceptList {
  /** Id of the concept list: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the seed. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Model that listed them. */
  annotator: string
  /** Source of the seed. */
  source: string
  /** The seed's problem text (x). */
  statement: string
  /** Concepts in the annotator's order, in normal form: lower case, single spaces. */
  concepts: string[]
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** What one synthetic unit of work came to, for the sampler: one record for each outcome, and for each discard that ended it before. */
export interface ConceptYield {
  /** Id of the yield: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the outcome or the discard. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Concepts that it was made from. */
  concepts: string[]
  /** Difficulty level; empty where a discard ended it. */
  level: string
  /** kept, too_easy, unsolved or abandoned (see Outcome), or discarded. */
  result: string
  /** Attempts that count. */
  attempted: number
  /** Attempts that passed. */
  passed: number
  /** Most preference pairs that its valid attempts can make: as many as passed or as failed, whichever are fewer; 0 unless it was kept. */
  pairs: number
  /** Tokens of the model calls behind its checks and attempts, or of the step that discarded it; prompts included. */
  tokens: number
}

/** A verdict that an outcome counted, and where it lies. */
export interface CountedVerdict {
  /** Id of the verdict. */
  verdictId: string
  /** Partition of the topic verdicts. */
  partition: number
  /** Offset in that partition. */
  offset: number
  /** Its conclusion here: without the tests that were set aside, with those that were added. */
  verdict: VerdictKind
  /** May it be chosen or rejected? */
  valid: boolean
  /** True where the verdict itself says otherwise, because of a test that was set aside or added. */
  recomputed: boolean
}

/** A decision not to pass a record on, by a named rule, with its evidence. */
export interface Discard {
  /** Id of the discard: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the record. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Processor that decided. */
  processor: string
  /** Name of the rule. */
  reason: string
  /** What the rule saw, in one line. */
  evidence: string
  /** Id of the record. */
  recordId: string
  /** Topic of the record. */
  topic: string
  /** Partition of the record. */
  partition: number
  /** Offset of the record. */
  offset: number
  /** Concepts of the record, where it has any. */
  concepts: string[]
  /** True where the unit of work ended here; false where only something beside it was left out. */
  leftStream: boolean
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** State of sample-concepts: how often an ordered combination was drawn, and the combination whose draws go on. */
export interface DrawnCombination {
  /** Draws so far. */
  draws: number
  /** Draws of the combination under way that follow at once; 0 in all other records. */
  remaining: number
  /** The combination under way; null in all other records. */
  combination: CombinationUnderWay | null
}

/** How far one step of rationale learning has been planned: written whenever the last concept list known has had its request. */
export interface EmStep {
  /** Id of the step: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: none. */
  parentIds: string[]
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Step of rationale learning: cold-start, e or m. */
  step: string
  /** Number of the EM iteration, from 1; 0 in the cold start. */
  iteration: number
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  /** How many concept lists the step has been through. */
  lists: number
  /** How many requests the step has made. */
  requests: number
}

/** What one task has spent on one model at one endpoint with one outcome, since it began. The last one of its key stands; those of an outcome add up to what all tasks have spent. */
export interface Expense {
  /** The processor. */
  processor: string
  /** Number of the task, from 0: the partition of its inputs. */
  task: number
  /** Job that the model did. */
  role: string
  /** Model, by the name that its endpoint knows. */
  model: string
  /** Endpoint, by its name in the configuration. */
  endpoint: string
  /** What became of the calls: kept (their record was passed on), discarded (a rule of this processor discarded it), unfinished (the answer is kept for a record that is not finished), wasted (no usable answer came, or the record became a dead letter). */
  outcome: string
  /** Currency of the cost, such as USD; empty where the model has no price. */
  currency: string
  /** Number of the commit that it belongs to, from 1 in each task. */
  sequence: number
  /** Model calls. */
  calls: number
  /** Calls whose tokens are an estimate, as the endpoint told none. */
  estimatedCalls: number
  /** Prompt tokens. */
  promptTokens: number
  /** Prompt tokens that the endpoint had in its prefix cache. */
  cachedTokens: number
  /** Completion tokens, reasoning included. */
  completionTokens: number
  /** Completion tokens that were reasoning, where the endpoint tells. */
  reasoningTokens: number
  /** Seconds at the endpoint, added up over calls: slot time. */
  callSeconds: number
  /** What the tokens cost, in the currency, by the prices in force when they were spent. */
  cost: number
  /** When, in milliseconds since 1970 (UTC). */
  committedAtMs: number
}

/** Tests that were written because those before them were too weak. They have been run on nothing yet. */
export interface FurtherTests {
  /** Id of the further tests: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the test request. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** The further tests; none that has the input of another one. Empty where none came of the request. */
  tests: ProgramTest[]
  /** Test cases that were asked for but could not be parsed. */
  malformedTests: number
  /** Verdicts of the attempts of all solvers that passed the tests. */
  verdicts: PassedVerdict[]
  /** The model calls behind the further tests, in the order in which they were made. */
  calls: ModelCall[]
}

/** Progress in one input topic, in the task's partition. */
export interface InputProgress {
  /** The input topic. */
  topic: string
  /** First offset that was never admitted. */
  nextOffset: number
  /** Offsets below nextOffset that are not finished: the first as it is, each later one as the distance from the one before. */
  unfinished: number[]
}

/** One judge model's rating of a problem. */
export interface Judgement {
  /** Model that judged. */
  judge: string
  /** Is it well formed and complete? */
  format: Rating
  /** Are its facts right? */
  factualAccuracy: Rating
  /** Does it match the difficulty level? */
  difficultyAlignment: Rating
  /** Does it use the concepts? */
  conceptCoverage: Rating
  /** Can it be solved as stated? */
  solvability: Rating
  /** Aggregated by the five ratings: perfect, acceptable or bad. */
  overall: Rating
  /** Which of the judge's ratings of the problem it is, from 1: where judges disagree they rate again. */
  opinion: number
}

/** A finished model call of a record that is not finished yet, kept in the task's state so that it is never made again. */
export interface KeptCall {
  /** The completion or embedding as JSON. */
  result: string
  /** When it was kept, in milliseconds since 1970 (UTC). */
  keptAtMs: number
  /** Job that the model did; empty where an earlier version kept the call, which no spending counts. */
  role: string
}

/** State of embed-concepts: a concept that has its vector already. */
export interface KnownConcept {
  /** Id of its embedding. */
  embeddingId: string
}

/** Counts of one task as of a commit, for the table ledger. The last one of a task stands. */
export interface LedgerEntry {
  /** The processor. */
  processor: string
  /** Number of the task, from 0: the partition of its inputs. */
  task: number
  /** Number of the commit that it belongs to, from 1 in each task. */
  sequence: number
  /** Cumulative counts. */
  counts: TaskCounts
  /** When, in milliseconds since 1970 (UTC). */
  committedAtMs: number
}

/** A version of a role's model that a trainer serves from now on. The last one of a role is in force. */
export interface ModelAnnouncement {
  /** When it was announced, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** Job of the model: problem-writer or rationale-writer. */
  role: string
  /** Name by which its endpoint knows it. */
  model: string
  /** Endpoint that serves it, by its name in the configuration; empty: those of the role's configured model. */
  endpoint: string
  /** The trainer's name for these weights; stands in every record that the model makes. */
  version: string
  /** Ordinal among the announcements of the corpus, from 1. */
  ordinal: number
  /** Step of rationale learning that is due from now on: cold-start, e or m. */
  step: string
  /** Number of the EM iteration that the step belongs to, from 1; 0 in the cold start. */
  iteration: number
}

/** One finished model call: who answered, how it was sampled and what it cost. */
export interface ModelCall {
  /** What it was for within the processor, such as completion, test-2 or judge-sim-judge-a. */
  purpose: string
  /** X-Request-Id of the call: the record id and the purpose. */
  requestId: string
  /** Model that answered, by the name that its endpoint knows. */
  model: string
  /** Endpoint that answered, by its name in the configuration. */
  endpoint: string
  /** Version of the prompt text that was sent. */
  promptVersion: string
  /** Sampling temperature, 0 to 2; null: the endpoint decided. */
  temperature: number | null
  /** Nucleus sampling mass, 0 to 1; null: the endpoint decided. */
  topP: number | null
  /** Most completion tokens allowed; null: the endpoint decided. */
  maxTokens: number | null
  /** Sampling seed; null: none was sent. */
  seed: number | null
  /** Tokens of the prompt. */
  promptTokens: number
  /** Prompt tokens that the endpoint had in its prefix cache. */
  cachedTokens: number
  /** Tokens of the completion, reasoning included. */
  completionTokens: number
  /** Tokens of the completion that were reasoning, where the endpoint tells; else 0. */
  reasoningTokens: number
  /** Seconds from the start of the request to its last byte, without time in our own queue. */
  latencySeconds: number
  /** Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none. */
  finishReason: string
  /** Announced version of the model; empty where none was announced for its role. */
  modelVersion: string
}

export type Origin = 'synthetic' | 'human'

/** How a problem ended for one solver model: the difficulty filter's decision, with the verdicts that it counted. */
export interface Outcome {
  /** Id of the outcome: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the test cases, and the runs of further tests where some were written. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Origin of the problem. */
  origin: Origin
  /** Source of the problem. */
  source: string
  /** Solver model. */
  solver: string
  /** kept: some attempts passed and fewer than the limit; too_easy; unsolved: none passed; abandoned: too few attempts could be verified. */
  result: OutcomeResult
  /** Attempts that count: passed, failed and invalid ones. */
  attempted: number
  /** Attempts that passed. */
  passed: number
  /** Attempts counted as not passed that may be neither chosen nor rejected. */
  invalid: number
  /** Attempts that could not be verified and were asked for again. */
  unverifiable: number
  /** The verdicts that it counted, in the order of their attempts. */
  verdicts: CountedVerdict[]
  /** The problem text (x). */
  statement: string
  /** Concepts of the problem. */
  concepts: string[]
  /** Difficulty level of the problem. */
  level: string
  /** Tokens of the model calls behind its checks and its attempts, prompts included. Problems of several solvers: the checks count in each outcome. */
  tokens: number
  /** Why it ended so where the counts do not say it: no_test_left (abandoned), given_up (unsolved), decided (too_easy before all attempts were made); else empty. */
  reason: string
  /** Attempts that were never asked for, because none of them could have changed the result. */
  spared: number
  /** Attempts that passed the tests as they were at first, by what they print for other inputs, most first: more than one number means that these tests are too weak to tell them apart. Empty where that was not looked at. */
  behaviours: number[]
  /** Written tests that did not count, with what spoke against them. */
  setAside: SetAsideTest[]
  /** Further tests that were written because programs that passed disagreed; those that were set aside included. */
  addedTests: AddedTest[]
}

export type OutcomeResult = 'kept' | 'too_easy' | 'unsolved' | 'abandoned'

/** The verdict of an attempt that passed, and where it lies. */
export interface PassedVerdict {
  /** Id of the verdict. */
  verdictId: string
  /** Partition of the topic verdicts. */
  partition: number
  /** Offset in that partition. */
  offset: number
}

/** State of plan-rationales: how far a step has gone through the concept lists. */
export interface PlannedStep {
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  /** How many concept lists it has been through, in their order. */
  lists: number
  /** How many requests it has made. */
  requests: number
}

/** A chosen and a rejected attempt at one problem, for preference training. */
export interface PreferencePair {
  /** Id of the pair: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the outcome and the two verdicts. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Origin of the problem. */
  origin: Origin
  /** Source of the problem. */
  source: string
  /** Model that made both attempts. */
  solver: string
  /** The problem text (x). */
  statement: string
  /** Concepts of the problem. */
  concepts: string[]
  /** Difficulty level of the problem. */
  level: string
  /** Passed attempts over counted attempts, 0 to 1. */
  passRate: number
  /** Text that the solver was sent. */
  prompt: string
  /** The attempt that passed, its reasoning in a think block. */
  chosen: string
  /** The attempt that failed, in the same form. */
  rejected: string
  /** Verdict of the chosen attempt. */
  chosenVerdictId: string
  /** Verdict of the rejected attempt. */
  rejectedVerdictId: string
}

/** A problem statement (x) on its way through screening and judging. Its id stays the same in problems, screened-problems and accepted-problems. */
export interface Problem {
  /** Id of the problem: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the rationale, or none for a human problem. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Made here, or taken in from a human source. */
  origin: Origin
  /** wellspring for synthetic problems, else the human source. */
  source: string
  /** Its id in the human source; empty where it has none. */
  sourceId: string
  /** Publication date of a human problem, ISO 8601, where known. */
  publishedAt: string | null
  /** The problem text (x). */
  statement: string
  /** SHA-256 of the normalised statement, hexadecimal: equal for exact duplicates. */
  contentHash: string
  /** Concepts it was made from; empty for a human problem. */
  concepts: string[]
  /** Difficulty level; empty for a human problem. */
  level: string
  /** The reasoning (z) it was made by; null for a human problem. */
  rationale: string | null
  /** Trusted checks of a human problem; null where checks are still to be made. */
  checks: Checks | null
  /** Ratings by judge models; empty before judging or where no judge is configured. */
  judgements: Judgement[]
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** One program that passed, run on the further tests. */
export interface ProgramRuns {
  /** Id of the verdict that it passed by. */
  verdictId: string
  /** One result for each further test, in their order; fewer where it ran out of time. */
  tests: TestResult[]
}

/** One test of a program: what it reads and what it must write. */
export interface ProgramTest {
  /** Text that the program reads from stdin. */
  input: string
  /** Text that the program must write to stdout. */
  output: string
  /** Kind of test that was asked for, such as edge case; human for a test that came with the problem. */
  kind: string
}

/** Progress of one task: the last record of each of its commits, and what a new owner believes. */
export interface Progress {
  /** Number of this commit in the task, from 1. */
  sequence: number
  /** One entry for each input. */
  inputs: InputProgress[]
  /** Cumulative counts as of this commit. */
  counts: TaskCounts
  /** When, in milliseconds since 1970 (UTC). */
  committedAtMs: number
}

export type Rating = 'perfect' | 'acceptable' | 'bad'

/** The designer's reasoning from concepts to a problem (z). */
export interface Rationale {
  /** Id of the rationale: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the concept combination. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Concepts of the combination. */
  concepts: string[]
  /** Difficulty level. */
  level: string
  /** Sampling seed, handed on to the problem's own call. */
  seed: number
  /** The reasoning (z). */
  rationale: string
  /** The problem (x) where one completion gave both (joint mode); null in staged mode. */
  statement: string | null
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** All rationales that were drawn for one observed pair of concepts and problem in one step. */
export interface RationaleCandidates {
  /** Id of the candidates: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the request. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The concept list: the observed pair of concepts and problem. */
  conceptListId: string
  /** Source of the human problem. */
  source: string
  /** The human problem's text (x). */
  statement: string
  /** Its concepts (c). */
  concepts: string[]
  /** Difficulty level that the prompts name. */
  level: string
  /** Step of rationale learning: cold-start, e or m. */
  step: string
  /** Number of the EM iteration, from 1; 0 in the cold start. */
  iteration: number
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  /** Model that writes the rationales: an annotator in the cold start, else the rationale writer. */
  writer: string
  /** Announced version of that model; empty where none was. */
  writerVersion: string
  /** Announced version of the problem writer that is to score them; empty where the step needs no score. */
  scorerVersion: string
  /** The rationales (z), in the order of their draws; draws that gave none are left out. */
  rationales: string[]
  /** How many draws gave no rationale that can be used. */
  lost: number
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** Asks for rationales of one observed pair of concepts and problem, in one step of rationale learning. */
export interface RationaleRequest {
  /** Id of the request: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the concept list. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The concept list: the observed pair of concepts and problem. */
  conceptListId: string
  /** Source of the human problem. */
  source: string
  /** The human problem's text (x). */
  statement: string
  /** Its concepts (c). */
  concepts: string[]
  /** Difficulty level that the prompts name. */
  level: string
  /** Step of rationale learning: cold-start, e or m. */
  step: string
  /** Number of the EM iteration, from 1; 0 in the cold start. */
  iteration: number
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  /** Job of the model that writes: annotator in the cold start, else rationale-writer. */
  role: string
  /** Model that writes the rationales: an annotator in the cold start, else the rationale writer. */
  writer: string
  /** Announced version of that model; empty where none was. */
  writerVersion: string
  /** Announced version of the problem writer that is to score them; empty where the step needs no score. */
  scorerVersion: string
  /** How many rationales are to be drawn. */
  candidates: number
  /** Sampling temperature, 0 to 2; null: as configured for the model. */
  temperature: number | null
}

/** Log-probabilities of one rationale and its problem under the problem writer. */
export interface RationaleScore {
  /** log p(z|c) in nats: the sum over the tokens of the rationale with its tags. */
  rationaleLogProbability: number
  /** Tokens of the rationale with its tags. */
  rationaleTokens: number
  /** log p(x|z,c) in nats: the sum over the tokens of the problem with its tags. */
  problemLogProbability: number
  /** Tokens of the problem with its tags. */
  problemTokens: number
}

/** The rules behind a recipe, for the table recipes: what a record that names the recipe was made by. */
export interface Recipe {
  /** The hash that records name. */
  recipe: string
  /** The processor. */
  processor: string
  /** Number of the version of its rule, from 1. */
  version: number
  /** Profile that gave the settings that nobody had given: wellspring, paper or scripts. No part of the recipe: where two profiles give the same values, it is that of the last process that used it. */
  profile: string
  /** Its settings that shape results, in the order of their declaration. */
  settings: RecipeSetting[]
  /** Models of its roles, with their sampling. */
  models: RecipeModel[]
  /** When a task last began to use it, in milliseconds since 1970 (UTC). */
  committedAtMs: number
}

/** A model in a role. */
export interface RecipeModel {
  /** Its job. */
  role: string
  /** Name by which its endpoint knows it. */
  model: string
  /** Version that a trainer announced; empty where none was. */
  modelVersion: string
  /** chat: a chat message; raw: a text to be continued. */
  mode: string
  /** Sampling temperature, 0 to 2; null: the endpoint's own. */
  temperature: number | null
  /** Nucleus sampling, a share from 0 to 1; null: the endpoint's own. */
  topP: number | null
  /** Most tokens of an answer; null: the endpoint's own. */
  maxTokens: number | null
}

/** A setting that is part of the recipe. */
export interface RecipeSetting {
  /** Its name. */
  name: string
  /** Its value, as JSON. */
  value: string
}

/** What was accepted before and should not have been, such as a problem of a benchmark that was added later. Exports and trainers leave out all that was made of the problem; nothing is deleted. */
export interface Retraction {
  /** Id of the retraction: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the problem, and what speaks against it. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem: nothing that was made of it may be trained on any longer. */
  problemId: string
  /** Name of the rule, as a discard would have it. */
  reason: string
  /** What the rule saw, in one line. */
  evidence: string
  /** Who retracted it: a processor, or the command of a person. */
  by: string
}

/** One attempted solution. */
export interface Rollout {
  /** Id of the rollout: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the rollout request. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Model that attempted it. */
  solver: string
  /** Ordinal of the attempt. */
  attempt: number
  /** The problem text (x). */
  statement: string
  /** The checks. */
  checks: Checks
  /** The answer as the model wrote it, without its reasoning. */
  text: string
  /** The reasoning, where the model gave one. */
  reasoning: string | null
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** State of plan-rollouts: one problem, all solvers. */
export interface RolloutPlan {
  /** The problem's test cases; null while only verdicts have come. */
  testCases: TestCases | null
  /** One plan for each solver. */
  solvers: SolverPlan[]
  /** True once further tests were asked for. */
  testsAsked: boolean
  /** What came of the further tests; null while nothing has. */
  runs: TestRuns | null
}

/** One attempt that a solver model is asked for. */
export interface RolloutRequest {
  /** Id of the request: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the test cases. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Model that is to attempt it. */
  solver: string
  /** Ordinal of the attempt for this problem and solver, from 0. */
  attempt: number
  /** Sampling seed of the attempt. */
  seed: number
  /** The problem text (x). */
  statement: string
  /** The checks. */
  checks: Checks
}

/** The rationales of one observed pair with their scores: R = log p(x|z,c) + log p(z|c). */
export interface ScoredRationales {
  /** Id of the scored rationales: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the candidates. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The concept list: the observed pair of concepts and problem. */
  conceptListId: string
  /** Source of the human problem. */
  source: string
  /** The human problem's text (x). */
  statement: string
  /** Its concepts (c). */
  concepts: string[]
  /** Difficulty level that the prompts name. */
  level: string
  /** Step of rationale learning: cold-start, e or m. */
  step: string
  /** Number of the EM iteration, from 1; 0 in the cold start. */
  iteration: number
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  /** Model that writes the rationales: an annotator in the cold start, else the rationale writer. */
  writer: string
  /** Announced version of that model; empty where none was. */
  writerVersion: string
  /** The rationales (z), in the order of their draws. */
  rationales: string[]
  /** Their scores, in the same order; empty where the step needs none. */
  scores: RationaleScore[]
  /** Problem writer that scored them; empty where the step needs none. */
  scorer: string
  /** Announced version of the scorer; empty where there is none. */
  scorerVersion: string
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** A human problem that concepts are extracted from. Its id is the hash of kind, domain and text. */
export interface Seed {
  /** Id of the seed: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: none. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** Where it comes from, such as math-500. */
  source: string
  /** Its id in the source; empty where it has none. */
  sourceId: string
  /** The problem text (x). */
  statement: string
  /** Trusted answer or tests that came with it. */
  checks: Checks | null
  /** Publication date, ISO 8601 (YYYY-MM-DD), where known. */
  publishedAt: string | null
}

/** A written test that the attempts speak against: it did not count for this outcome. */
export interface SetAsideTest {
  /** Its place among the tests of the checks, from 0. */
  test: number
  /** Kind of test that was asked for. */
  kind: string
  /** Name of the rule: agreement (programs that pass the other tests outvote it) or no-test-agrees (most programs agree, and no test with them). */
  rule: string
  /** Verdicts of the attempts, of any solver, that pass every test that stands and printed the same for all. */
  agreed: string[]
  /** Other attempts that printed the same for this test, though they fail one that stands. */
  seconded: number
  /** Attempts that pass this test. */
  contradicted: number
  /** Attempts whose programs were run on every test. */
  of: number
  /** Digest of what they printed. */
  outputDigest: string
}

/** One row of supervised fine-tuning: a prompt and the completion to learn. */
export interface SftExample {
  /** Id of the example: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the trace. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Origin of the problem. */
  origin: Origin
  /** Source of the problem. */
  source: string
  /** Teacher model. */
  teacher: string
  /** The prompt. */
  prompt: string
  /** Reasoning in a think block, then the answer. */
  completion: string
  /** Tokens of prompt and completion together, as the teacher's endpoint counted them. */
  tokens: number
}

/** Attempts of one solver. */
export interface SolverPlan {
  /** Solver model. */
  solver: string
  /** Attempts asked for so far. */
  requested: number
  /** True once the outcome was written. */
  closed: boolean
  /** Attempts that could not be verified. */
  unverifiable: number
  /** Verdicts so far, one an attempt. */
  verdicts: AttemptVerdict[]
}

/** State of screen-problem: which problem had a normalised statement first, and what other statements are compared with. */
export interface StatementOwner {
  /** The first problem with this statement. */
  problemId: string
  /** What near-duplicates are found by, as 32-bit numbers (StatementFeatures in curation/near-duplicates.ts); empty where the problem was discarded or is of an earlier release. */
  features: Buffer
}

/** Cumulative counts of one task since it began. */
export interface TaskCounts {
  /** Records processed to their end, discards included. */
  finished: number
  /** Records discarded. */
  discarded: number
  /** Records put into dead-letters. */
  deadLettered: number
  /** Units of work that entered the stream here (concept combinations, human problems). */
  entered: number
  /** Units of work that left the stream here: by discard, dead letter or closing outcome. */
  left: number
  /** Model calls finished. */
  calls: number
  /** Prompt tokens of those calls. */
  promptTokens: number
  /** Completion tokens of those calls. */
  completionTokens: number
  /** Seconds that those calls took at their endpoints. */
  callSeconds: number
  /** Records emitted, by topic. */
  emitted: Record<string, number>
  /** Records discarded, by reason. */
  discards: Record<string, number>
}

/** What a problem is checked by. One record a problem. */
export interface TestCases {
  /** Id of the test cases: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the problem. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Origin of the problem. */
  origin: Origin
  /** Source of the problem. */
  source: string
  /** The problem text (x). */
  statement: string
  /** Concepts of the problem. */
  concepts: string[]
  /** Difficulty level of the problem. */
  level: string
  /** The checks. */
  checks: Checks
  /** How the answer was voted; null where it was not. */
  votes: AnswerVotes | null
  /** Test cases that were asked for but could not be parsed. */
  malformedTests: number
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** A problem whose tests are too weak to tell apart programs that disagree: more tests are asked for. At most one a problem. */
export interface TestRequest {
  /** Id of the request: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the test cases. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** The problem text (x). */
  statement: string
  /** The checks as they are. */
  checks: Checks
  /** How many further tests are asked for. */
  count: number
  /** Inputs for which programs that pass the tests print different things, those first that tell most of them apart. Nobody knows whether they are valid. */
  inputs: string[]
  /** Verdicts of the attempts of all solvers that passed the tests. */
  verdicts: PassedVerdict[]
}

/** Result of one unit test. */
export interface TestResult {
  /** Whether the program passed it. */
  verdict: VerdictKind
  /** Named reason. */
  reason: string
  /** CPU seconds that the program took. */
  seconds: number
  /** Most memory that the program held, in MiB. */
  memoryMb: number
  /** The same for equal outputs, numbers and white space normalised; empty where the program did not end well, or no digest was asked for. */
  outputDigest: string
}

/** Further tests of a problem, and what the programs that passed the tests before them came to. Every test request ends in exactly one. */
export interface TestRuns {
  /** Id of the runs: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the further tests. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** The further tests; none that has the input of another one. Empty where none came of the request. */
  tests: ProgramTest[]
  /** Test cases that were asked for but could not be parsed. */
  malformedTests: number
  /** The programs that were run; empty where there is no test, or the sandbox failed. */
  programs: ProgramRuns[]
  /** Wall seconds that all runs took, queueing included. */
  verifierSeconds: number
  /** The model calls behind the further tests, in the order in which they were made. */
  calls: ModelCall[]
}

/** One teacher attempt at a problem, for supervised fine-tuning. */
export interface Trace {
  /** Id of the trace: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the request, and the problem. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Origin of the problem. */
  origin: Origin
  /** Source of the problem. */
  source: string
  /** Teacher model. */
  teacher: string
  /** The problem text (x). */
  statement: string
  /** Text that the teacher was sent. */
  prompt: string
  /** The answer, without its reasoning. */
  text: string
  /** The reasoning, where the teacher gave one. */
  reasoning: string | null
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

/** One trace that a teacher model is asked for. */
export interface TraceRequest {
  /** Id of the request: hash of kind, problem and teacher; the same whoever asks. */
  id: string
  /** Ids of the records it was made from: the problem. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Origin of the problem. */
  origin: Origin
  /** Source of the problem. */
  source: string
  /** Model that is to attempt it. */
  teacher: string
  /** The problem text (x). */
  statement: string
}

/** One training example of rationale learning: concepts, rationale and problem. */
export interface Triple {
  /** Id of the triple: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the scored rationales and the concept list. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The concept list: the observed pair of concepts and problem. */
  conceptListId: string
  /** Source of the human problem. */
  source: string
  /** The human problem's text (x). */
  statement: string
  /** Its concepts (c). */
  concepts: string[]
  /** Difficulty level that the prompts name. */
  level: string
  /** Step of rationale learning: cold-start, e or m. */
  step: string
  /** Number of the EM iteration, from 1; 0 in the cold start. */
  iteration: number
  /** Ordinal of the announcement that began the step; 0 in the cold start. */
  announcement: number
  /** Model that writes the rationales: an annotator in the cold start, else the rationale writer. */
  writer: string
  /** Announced version of that model; empty where none was. */
  writerVersion: string
  /** The rationale that was kept (z). */
  rationale: string
  /** Its rank among those that were kept, from 0. */
  rank: number
  /** How it was chosen: best, random or first. */
  rule: string
  /** Its score; null where the step needs none. */
  score: RationaleScore | null
  /** Scores of all candidates, itself included, in the order of their draws. */
  alternatives: RationaleScore[]
  /** Its place among the candidates, from 0. */
  chosen: number
  /** Problem writer that scored them; empty where the step needs none. */
  scorer: string
  /** Announced version of the scorer; empty where there is none. */
  scorerVersion: string
}

/** What a verifier concluded of one attempt. Every rollout request ends in exactly one verdict. */
export interface Verdict {
  /** Id of the verdict: hash of kind, parent ids, recipe and ordinal; never of the output. */
  id: string
  /** Ids of the records it was made from: the rollout, or the request where nothing could be run. */
  parentIds: string[]
  /** Domain of the problem: math, code, or one added by the user. */
  domain: string
  /** Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling. */
  recipe: string
  /** When it was made, in milliseconds since 1970 (UTC). */
  createdAtMs: number
  /** True when a simulated model had a part in it or in any of its ancestors. */
  simulated: boolean
  /** The problem. */
  problemId: string
  /** Id of the rollout request that it answers. */
  requestId: string
  /** Model that attempted it. */
  solver: string
  /** Ordinal of the attempt. */
  attempt: number
  /** The conclusion; unverifiable is not counted as an attempt. */
  verdict: VerdictKind
  /** Named reason, such as equal, different, wrong_answer, time_limit, no_answer. */
  reason: string
  /** True when the rollout may be chosen or rejected: complete, well formed, with an answer to extract. */
  valid: boolean
  /** The answer that was checked, as it stood in the text; null where none was found, or where it is the text's own code block. */
  extracted: string | null
  /** What the reason leaves open, in one line: the first difference, an exit code, why nothing could be run. */
  detail: string | null
  /** One result for each test that was run, in the order of the checks: all of them, or up to the first that did not pass. */
  tests: TestResult[]
  /** Of a program that passed written tests: digests of what it printed for inputs made from theirs, empty where it did not end well. They decide nothing. */
  probes: string[]
  /** The attempt as the model wrote it, without its reasoning; kept here alone. */
  text: string
  /** The reasoning of the attempt; kept here alone. */
  reasoning: string | null
  /** Wall seconds that verification took, queueing included. */
  verifierSeconds: number
  /** The model calls behind it, in the order in which they were made. */
  calls: ModelCall[]
}

export type VerdictKind = 'passed' | 'failed' | 'unverifiable'

/** The TypeScript type of each record kind. */
export interface RecordTypes {
  'answer-owners': AnswerOwners
  'answer-votes': AnswerVotes
  'benchmark-problem': BenchmarkProblem
  'budget-claim': BudgetClaim
  'checks': Checks
  'concept-combination': ConceptCombination
  'concept-embedding': ConceptEmbedding
  'concept-list': ConceptList
  'concept-yield': ConceptYield
  'discard': Discard
  'drawn-combination': DrawnCombination
  'em-step': EmStep
  'expense': Expense
  'further-tests': FurtherTests
  'judgement': Judgement
  'kept-call': KeptCall
  'known-concept': KnownConcept
  'ledger-entry': LedgerEntry
  'model-announcement': ModelAnnouncement
  'model-call': ModelCall
  'outcome': Outcome
  'planned-step': PlannedStep
  'preference-pair': PreferencePair
  'problem': Problem
  'program-test': ProgramTest
  'progress': Progress
  'rationale': Rationale
  'rationale-candidates': RationaleCandidates
  'rationale-request': RationaleRequest
  'rationale-score': RationaleScore
  'recipe': Recipe
  'retraction': Retraction
  'rollout': Rollout
  'rollout-plan': RolloutPlan
  'rollout-request': RolloutRequest
  'scored-rationales': ScoredRationales
  'seed': Seed
  'sft-example': SftExample
  'statement-owner': StatementOwner
  'task-counts': TaskCounts
  'test-cases': TestCases
  'test-request': TestRequest
  'test-runs': TestRuns
  'trace': Trace
  'trace-request': TraceRequest
  'triple': Triple
  'verdict': Verdict
}

/** Every schema as one self-contained Avro schema text. */
export const schemaTexts: { [Kind in keyof RecordTypes]: string } = {
  'answer-owners': "{\"type\":\"record\",\"name\":\"AnswerOwners\",\"namespace\":\"wellspring\",\"doc\":\"State of screen-answer: the problems that have the same answer and name the same numbers, and what a further one is compared with.\",\"fields\":[{\"name\":\"problems\",\"doc\":\"First to last; no two of them are the same problem. Never more than mostOwners (curation/answered-duplicates.ts).\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"AnswerOwner\",\"fields\":[{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"numbers\",\"doc\":\"Hashes of the numbers of its statement, 0 to 65535, ascending; those of 0, 1 and 2 are these numbers.\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},{\"name\":\"formulas\",\"doc\":\"Hashes of pairs of neighbours in its formulas, 0 to 4294967295, ascending.\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},{\"name\":\"orders\",\"doc\":\"What its formulas say one way or the other, ascending, 0 to 4294967295: a hash of what it is, and one bit for the way. Which of two numbers comes first; whether a letter is added or taken away.\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},{\"name\":\"equations\",\"doc\":\"What its formulas say of numbers, ascending, 0 to 4294967295: a hash of what it is about above one of what is said (equationsOf in curation/formulas.ts). Empty where an earlier release wrote it.\",\"default\":[],\"type\":{\"type\":\"array\",\"items\":\"long\"}},{\"name\":\"contrasts\",\"type\":\"int\",\"default\":0,\"doc\":\"A set of bits, 0 to 2147483647: one for each condition that it names, and for each side of a contrast (curation/contrasts.ts). 0 where an earlier release wrote it.\"}]}}}]}",
  'answer-votes': "{\"type\":\"record\",\"name\":\"AnswerVotes\",\"namespace\":\"wellspring\",\"doc\":\"How a reference answer was voted.\",\"fields\":[{\"name\":\"asked\",\"type\":\"int\",\"doc\":\"Generations asked for.\"},{\"name\":\"counted\",\"type\":\"int\",\"doc\":\"Generations with a boxed answer.\"},{\"name\":\"classes\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"AnswerClass\",\"namespace\":\"wellspring\",\"doc\":\"Equal answers among the votes.\",\"fields\":[{\"name\":\"answer\",\"type\":\"string\",\"doc\":\"One of the equal answers, as written.\"},{\"name\":\"votes\",\"type\":\"int\",\"doc\":\"How many generations gave it.\"}]}},\"doc\":\"Equivalence classes of the answers, most votes first.\"},{\"name\":\"notAsked\",\"type\":\"int\",\"default\":0,\"doc\":\"Generations that might have voted and were not asked for: they could not have changed the result.\"}]}",
  'benchmark-problem': "{\"type\":\"record\",\"name\":\"BenchmarkProblem\",\"namespace\":\"wellspring\",\"doc\":\"A problem of an evaluation benchmark: nothing like it may become training data. The newest record of a key stands.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Hash of benchmark, domain and statement.\"},{\"name\":\"benchmark\",\"type\":\"string\",\"doc\":\"Name of the benchmark.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"sourceId\",\"type\":\"string\",\"doc\":\"Its id in the benchmark; its own id where it has none there.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text.\"},{\"name\":\"addedAtMs\",\"type\":\"long\",\"doc\":\"When it was added or removed, in milliseconds since 1970 (UTC).\"},{\"name\":\"removed\",\"type\":\"boolean\",\"doc\":\"True once the benchmark was removed: it is compared no longer.\",\"default\":false}]}",
  'budget-claim': "{\"type\":\"record\",\"name\":\"BudgetClaim\",\"namespace\":\"wellspring\",\"doc\":\"A share of a budget that a process takes for itself before it spends it, or the rest of one that it gives back. Claims are granted in the order in which they lie in the topic, which all processes see alike.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the claim: of its process and a number.\"},{\"name\":\"unit\",\"type\":\"string\",\"doc\":\"What is counted: tokens, or a currency such as USD.\"},{\"name\":\"limit\",\"type\":\"double\",\"doc\":\"The budget that the process goes by, in the unit.\"},{\"name\":\"amount\",\"type\":\"double\",\"doc\":\"What is asked for, in the unit; below 0: what is given back. Granted is as much of it as is left of the limit.\"},{\"name\":\"spentBefore\",\"type\":\"double\",\"doc\":\"What the ledger told as spent when the claim was made, in the unit: it counts where it is more than all claims, as for calls made without a budget.\"},{\"name\":\"claimedAtMs\",\"type\":\"long\",\"doc\":\"When, in milliseconds since 1970 (UTC).\"}]}",
  'checks': "{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]}",
  'concept-combination': "{\"type\":\"record\",\"name\":\"ConceptCombination\",\"namespace\":\"wellspring\",\"doc\":\"A set of concepts and a difficulty level that a problem is to be made from (c).\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the combination: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: none; the tables it was sampled from are given by version.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts in the order in which they were drawn.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level, one of the domain's.\"},{\"name\":\"draw\",\"type\":\"int\",\"doc\":\"Which draw of this combination it is, from 0; each has a seed of its own. Draws of lists that were given count apart.\"},{\"name\":\"seed\",\"type\":\"long\",\"doc\":\"Sampling seed of the draw: the setting `firstSeed` and the draw added, for a line that was ingested a hash.\"},{\"name\":\"sampler\",\"type\":\"string\",\"doc\":\"How it was sampled: cooccurrence-and-similarity, cooccurrence, released (a concept file taken as it is), or given (a list of the user's).\"},{\"name\":\"tableVersions\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Version (records read) of each table it was sampled from.\",\"default\":{}},{\"name\":\"temperature\",\"type\":\"double\",\"default\":0,\"doc\":\"Temperature of the softmax that it was drawn at, 0.01 to 1000: higher than the setting where the choice was widened; 0 where none had a part.\"},{\"name\":\"widening\",\"type\":\"int\",\"default\":0,\"doc\":\"Number of steps by which the choice was widened because every narrower one gave combinations that have had all their draws.\"},{\"name\":\"guided\",\"type\":\"boolean\",\"default\":false,\"doc\":\"True where the yields of concepts had a part in its weights; false for the share that explores.\"},{\"name\":\"livePassRate\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Live pass rate of its level when it was drawn, 0 to 1; null where too few attempts of the level had ended, or the rate had no part.\"}]}",
  'concept-embedding': "{\"type\":\"record\",\"name\":\"ConceptEmbedding\",\"namespace\":\"wellspring\",\"doc\":\"A vector for one distinct concept.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the embedding: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the concept list that named the concept first.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"concept\",\"type\":\"string\",\"doc\":\"The concept, in normal form.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Embedding model.\"},{\"name\":\"vector\",\"type\":{\"type\":\"array\",\"items\":\"float\"},\"doc\":\"Unit vector; its length is the model's dimension.\"}]}",
  'concept-list': "{\"type\":\"record\",\"name\":\"ConceptList\",\"namespace\":\"wellspring\",\"doc\":\"The foundational concepts of one human problem, as one annotator model lists them.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the concept list: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the seed.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"annotator\",\"type\":\"string\",\"doc\":\"Model that listed them.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the seed.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The seed's problem text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts in the annotator's order, in normal form: lower case, single spaces.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'concept-yield': "{\"type\":\"record\",\"name\":\"ConceptYield\",\"namespace\":\"wellspring\",\"doc\":\"What one synthetic unit of work came to, for the sampler: one record for each outcome, and for each discard that ended it before.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the yield: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the outcome or the discard.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts that it was made from.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level; empty where a discard ended it.\"},{\"name\":\"result\",\"type\":\"string\",\"doc\":\"kept, too_easy, unsolved or abandoned (see Outcome), or discarded.\"},{\"name\":\"attempted\",\"type\":\"int\",\"doc\":\"Attempts that count.\"},{\"name\":\"passed\",\"type\":\"int\",\"doc\":\"Attempts that passed.\"},{\"name\":\"pairs\",\"type\":\"int\",\"doc\":\"Most preference pairs that its valid attempts can make: as many as passed or as failed, whichever are fewer; 0 unless it was kept.\"},{\"name\":\"tokens\",\"type\":\"long\",\"doc\":\"Tokens of the model calls behind its checks and attempts, or of the step that discarded it; prompts included.\"}]}",
  'discard': "{\"type\":\"record\",\"name\":\"Discard\",\"namespace\":\"wellspring\",\"doc\":\"A decision not to pass a record on, by a named rule, with its evidence.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the discard: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the record.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"processor\",\"type\":\"string\",\"doc\":\"Processor that decided.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Name of the rule.\"},{\"name\":\"evidence\",\"type\":\"string\",\"doc\":\"What the rule saw, in one line.\"},{\"name\":\"recordId\",\"type\":\"string\",\"doc\":\"Id of the record.\"},{\"name\":\"topic\",\"type\":\"string\",\"doc\":\"Topic of the record.\"},{\"name\":\"partition\",\"type\":\"int\",\"doc\":\"Partition of the record.\"},{\"name\":\"offset\",\"type\":\"long\",\"doc\":\"Offset of the record.\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Concepts of the record, where it has any.\"},{\"name\":\"leftStream\",\"type\":\"boolean\",\"default\":false,\"doc\":\"True where the unit of work ended here; false where only something beside it was left out.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'drawn-combination': "{\"type\":\"record\",\"name\":\"DrawnCombination\",\"namespace\":\"wellspring\",\"doc\":\"State of sample-concepts: how often an ordered combination was drawn, and the combination whose draws go on.\",\"fields\":[{\"name\":\"draws\",\"type\":\"int\",\"doc\":\"Draws so far.\"},{\"name\":\"remaining\",\"type\":\"int\",\"default\":0,\"doc\":\"Draws of the combination under way that follow at once; 0 in all other records.\"},{\"name\":\"combination\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"CombinationUnderWay\",\"namespace\":\"wellspring\",\"doc\":\"A combination whose draws go on.\",\"fields\":[{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Its domain.\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Its concepts, in the order in which they were drawn.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Its difficulty level.\"},{\"name\":\"sampler\",\"type\":\"string\",\"doc\":\"How it was sampled, as in its records.\"},{\"name\":\"temperature\",\"type\":\"double\",\"doc\":\"Temperature that it was drawn at, 0.01 to 1000.\"},{\"name\":\"widening\",\"type\":\"int\",\"doc\":\"Number of steps by which the choice was widened.\"},{\"name\":\"guided\",\"type\":\"boolean\",\"doc\":\"Whether yields had a part in it.\"},{\"name\":\"livePassRate\",\"type\":[\"null\",\"double\"],\"doc\":\"Live pass rate of its level, 0 to 1.\"}]}],\"default\":null,\"doc\":\"The combination under way; null in all other records.\"}]}",
  'em-step': "{\"type\":\"record\",\"name\":\"EmStep\",\"namespace\":\"wellspring\",\"doc\":\"How far one step of rationale learning has been planned: written whenever the last concept list known has had its request.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the step: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: none.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"step\",\"type\":\"string\",\"doc\":\"Step of rationale learning: cold-start, e or m.\"},{\"name\":\"iteration\",\"type\":\"int\",\"doc\":\"Number of the EM iteration, from 1; 0 in the cold start.\"},{\"name\":\"announcement\",\"type\":\"long\",\"doc\":\"Ordinal of the announcement that began the step; 0 in the cold start.\"},{\"name\":\"lists\",\"type\":\"long\",\"doc\":\"How many concept lists the step has been through.\"},{\"name\":\"requests\",\"type\":\"long\",\"doc\":\"How many requests the step has made.\"}]}",
  'expense': "{\"type\":\"record\",\"name\":\"Expense\",\"namespace\":\"wellspring\",\"doc\":\"What one task has spent on one model at one endpoint with one outcome, since it began. The last one of its key stands; those of an outcome add up to what all tasks have spent.\",\"fields\":[{\"name\":\"processor\",\"type\":\"string\",\"doc\":\"The processor.\"},{\"name\":\"task\",\"type\":\"int\",\"doc\":\"Number of the task, from 0: the partition of its inputs.\"},{\"name\":\"role\",\"type\":\"string\",\"doc\":\"Job that the model did.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint, by its name in the configuration.\"},{\"name\":\"outcome\",\"type\":\"string\",\"doc\":\"What became of the calls: kept (their record was passed on), discarded (a rule of this processor discarded it), unfinished (the answer is kept for a record that is not finished), wasted (no usable answer came, or the record became a dead letter).\"},{\"name\":\"currency\",\"type\":\"string\",\"doc\":\"Currency of the cost, such as USD; empty where the model has no price.\"},{\"name\":\"sequence\",\"type\":\"long\",\"doc\":\"Number of the commit that it belongs to, from 1 in each task.\"},{\"name\":\"calls\",\"type\":\"long\",\"doc\":\"Model calls.\"},{\"name\":\"estimatedCalls\",\"type\":\"long\",\"doc\":\"Calls whose tokens are an estimate, as the endpoint told none.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Completion tokens, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Completion tokens that were reasoning, where the endpoint tells.\"},{\"name\":\"callSeconds\",\"type\":\"double\",\"doc\":\"Seconds at the endpoint, added up over calls: slot time.\"},{\"name\":\"cost\",\"type\":\"double\",\"doc\":\"What the tokens cost, in the currency, by the prices in force when they were spent.\"},{\"name\":\"committedAtMs\",\"type\":\"long\",\"doc\":\"When, in milliseconds since 1970 (UTC).\"}]}",
  'further-tests': "{\"type\":\"record\",\"name\":\"FurtherTests\",\"namespace\":\"wellspring\",\"doc\":\"Tests that were written because those before them were too weak. They have been run on nothing yet.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the further tests: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the test request.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"The further tests; none that has the input of another one. Empty where none came of the request.\"},{\"name\":\"malformedTests\",\"type\":\"int\",\"doc\":\"Test cases that were asked for but could not be parsed.\"},{\"name\":\"verdicts\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"PassedVerdict\",\"namespace\":\"wellspring\",\"doc\":\"The verdict of an attempt that passed, and where it lies.\",\"fields\":[{\"name\":\"verdictId\",\"type\":\"string\",\"doc\":\"Id of the verdict.\"},{\"name\":\"partition\",\"type\":\"int\",\"doc\":\"Partition of the topic verdicts.\"},{\"name\":\"offset\",\"type\":\"long\",\"doc\":\"Offset in that partition.\"}]}},\"doc\":\"Verdicts of the attempts of all solvers that passed the tests.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"default\":[],\"doc\":\"The model calls behind the further tests, in the order in which they were made.\"}]}",
  'judgement': "{\"type\":\"record\",\"name\":\"Judgement\",\"namespace\":\"wellspring\",\"doc\":\"One judge model's rating of a problem.\",\"fields\":[{\"name\":\"judge\",\"type\":\"string\",\"doc\":\"Model that judged.\"},{\"name\":\"format\",\"type\":{\"type\":\"enum\",\"name\":\"Rating\",\"symbols\":[\"perfect\",\"acceptable\",\"bad\"]},\"doc\":\"Is it well formed and complete?\"},{\"name\":\"factualAccuracy\",\"type\":\"wellspring.Rating\",\"doc\":\"Are its facts right?\"},{\"name\":\"difficultyAlignment\",\"type\":\"wellspring.Rating\",\"doc\":\"Does it match the difficulty level?\"},{\"name\":\"conceptCoverage\",\"type\":\"wellspring.Rating\",\"doc\":\"Does it use the concepts?\"},{\"name\":\"solvability\",\"type\":\"wellspring.Rating\",\"doc\":\"Can it be solved as stated?\"},{\"name\":\"overall\",\"type\":\"wellspring.Rating\",\"doc\":\"Aggregated by the five ratings: perfect, acceptable or bad.\"},{\"name\":\"opinion\",\"type\":\"int\",\"default\":1,\"doc\":\"Which of the judge's ratings of the problem it is, from 1: where judges disagree they rate again.\"}]}",
  'kept-call': "{\"type\":\"record\",\"name\":\"KeptCall\",\"namespace\":\"wellspring\",\"doc\":\"A finished model call of a record that is not finished yet, kept in the task's state so that it is never made again.\",\"fields\":[{\"name\":\"result\",\"type\":\"string\",\"doc\":\"The completion or embedding as JSON.\"},{\"name\":\"keptAtMs\",\"type\":\"long\",\"doc\":\"When it was kept, in milliseconds since 1970 (UTC).\"},{\"name\":\"role\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Job that the model did; empty where an earlier version kept the call, which no spending counts.\"}]}",
  'known-concept': "{\"type\":\"record\",\"name\":\"KnownConcept\",\"namespace\":\"wellspring\",\"doc\":\"State of embed-concepts: a concept that has its vector already.\",\"fields\":[{\"name\":\"embeddingId\",\"type\":\"string\",\"doc\":\"Id of its embedding.\"}]}",
  'ledger-entry': "{\"type\":\"record\",\"name\":\"LedgerEntry\",\"namespace\":\"wellspring\",\"doc\":\"Counts of one task as of a commit, for the table ledger. The last one of a task stands.\",\"fields\":[{\"name\":\"processor\",\"type\":\"string\",\"doc\":\"The processor.\"},{\"name\":\"task\",\"type\":\"int\",\"doc\":\"Number of the task, from 0: the partition of its inputs.\"},{\"name\":\"sequence\",\"type\":\"long\",\"doc\":\"Number of the commit that it belongs to, from 1 in each task.\"},{\"name\":\"counts\",\"type\":{\"type\":\"record\",\"name\":\"TaskCounts\",\"namespace\":\"wellspring\",\"doc\":\"Cumulative counts of one task since it began.\",\"fields\":[{\"name\":\"finished\",\"type\":\"long\",\"doc\":\"Records processed to their end, discards included.\"},{\"name\":\"discarded\",\"type\":\"long\",\"doc\":\"Records discarded.\"},{\"name\":\"deadLettered\",\"type\":\"long\",\"doc\":\"Records put into dead-letters.\"},{\"name\":\"entered\",\"type\":\"long\",\"doc\":\"Units of work that entered the stream here (concept combinations, human problems).\"},{\"name\":\"left\",\"type\":\"long\",\"doc\":\"Units of work that left the stream here: by discard, dead letter or closing outcome.\"},{\"name\":\"calls\",\"type\":\"long\",\"doc\":\"Model calls finished.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens of those calls.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Completion tokens of those calls.\"},{\"name\":\"callSeconds\",\"type\":\"double\",\"doc\":\"Seconds that those calls took at their endpoints.\"},{\"name\":\"emitted\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Records emitted, by topic.\"},{\"name\":\"discards\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Records discarded, by reason.\"}]},\"doc\":\"Cumulative counts.\"},{\"name\":\"committedAtMs\",\"type\":\"long\",\"doc\":\"When, in milliseconds since 1970 (UTC).\"}]}",
  'model-announcement': "{\"type\":\"record\",\"name\":\"ModelAnnouncement\",\"namespace\":\"wellspring\",\"doc\":\"A version of a role's model that a trainer serves from now on. The last one of a role is in force.\",\"fields\":[{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was announced, in milliseconds since 1970 (UTC).\"},{\"name\":\"role\",\"type\":\"string\",\"doc\":\"Job of the model: problem-writer or rationale-writer.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Name by which its endpoint knows it.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that serves it, by its name in the configuration; empty: those of the role's configured model.\"},{\"name\":\"version\",\"type\":\"string\",\"doc\":\"The trainer's name for these weights; stands in every record that the model makes.\"},{\"name\":\"ordinal\",\"type\":\"long\",\"doc\":\"Ordinal among the announcements of the corpus, from 1.\"},{\"name\":\"step\",\"type\":\"string\",\"doc\":\"Step of rationale learning that is due from now on: cold-start, e or m.\"},{\"name\":\"iteration\",\"type\":\"int\",\"doc\":\"Number of the EM iteration that the step belongs to, from 1; 0 in the cold start.\"}]}",
  'model-call': "{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}",
  'outcome': "{\"type\":\"record\",\"name\":\"Outcome\",\"namespace\":\"wellspring\",\"doc\":\"How a problem ended for one solver model: the difficulty filter's decision, with the verdicts that it counted.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the outcome: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the test cases, and the runs of further tests where some were written.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"solver\",\"type\":\"string\",\"doc\":\"Solver model.\"},{\"name\":\"result\",\"type\":{\"type\":\"enum\",\"name\":\"OutcomeResult\",\"symbols\":[\"kept\",\"too_easy\",\"unsolved\",\"abandoned\"]},\"doc\":\"kept: some attempts passed and fewer than the limit; too_easy; unsolved: none passed; abandoned: too few attempts could be verified.\"},{\"name\":\"attempted\",\"type\":\"int\",\"doc\":\"Attempts that count: passed, failed and invalid ones.\"},{\"name\":\"passed\",\"type\":\"int\",\"doc\":\"Attempts that passed.\"},{\"name\":\"invalid\",\"type\":\"int\",\"doc\":\"Attempts counted as not passed that may be neither chosen nor rejected.\"},{\"name\":\"unverifiable\",\"type\":\"int\",\"doc\":\"Attempts that could not be verified and were asked for again.\"},{\"name\":\"verdicts\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"CountedVerdict\",\"namespace\":\"wellspring\",\"doc\":\"A verdict that an outcome counted, and where it lies.\",\"fields\":[{\"name\":\"verdictId\",\"type\":\"string\",\"doc\":\"Id of the verdict.\"},{\"name\":\"partition\",\"type\":\"int\",\"doc\":\"Partition of the topic verdicts.\"},{\"name\":\"offset\",\"type\":\"long\",\"doc\":\"Offset in that partition.\"},{\"name\":\"verdict\",\"type\":{\"type\":\"enum\",\"name\":\"VerdictKind\",\"symbols\":[\"passed\",\"failed\",\"unverifiable\"]},\"doc\":\"Its conclusion here: without the tests that were set aside, with those that were added.\"},{\"name\":\"valid\",\"type\":\"boolean\",\"doc\":\"May it be chosen or rejected?\"},{\"name\":\"recomputed\",\"type\":\"boolean\",\"default\":false,\"doc\":\"True where the verdict itself says otherwise, because of a test that was set aside or added.\"}]}},\"doc\":\"The verdicts that it counted, in the order of their attempts.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts of the problem.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level of the problem.\"},{\"name\":\"tokens\",\"type\":\"long\",\"default\":0,\"doc\":\"Tokens of the model calls behind its checks and its attempts, prompts included. Problems of several solvers: the checks count in each outcome.\"},{\"name\":\"reason\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Why it ended so where the counts do not say it: no_test_left (abandoned), given_up (unsolved), decided (too_easy before all attempts were made); else empty.\"},{\"name\":\"spared\",\"type\":\"int\",\"default\":0,\"doc\":\"Attempts that were never asked for, because none of them could have changed the result.\"},{\"name\":\"behaviours\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":[],\"doc\":\"Attempts that passed the tests as they were at first, by what they print for other inputs, most first: more than one number means that these tests are too weak to tell them apart. Empty where that was not looked at.\"},{\"name\":\"setAside\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"SetAsideTest\",\"namespace\":\"wellspring\",\"doc\":\"A written test that the attempts speak against: it did not count for this outcome.\",\"fields\":[{\"name\":\"test\",\"type\":\"int\",\"doc\":\"Its place among the tests of the checks, from 0.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for.\"},{\"name\":\"rule\",\"type\":\"string\",\"doc\":\"Name of the rule: agreement (programs that pass the other tests outvote it) or no-test-agrees (most programs agree, and no test with them).\"},{\"name\":\"agreed\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Verdicts of the attempts, of any solver, that pass every test that stands and printed the same for all.\"},{\"name\":\"seconded\",\"type\":\"int\",\"doc\":\"Other attempts that printed the same for this test, though they fail one that stands.\"},{\"name\":\"contradicted\",\"type\":\"int\",\"doc\":\"Attempts that pass this test.\"},{\"name\":\"of\",\"type\":\"int\",\"doc\":\"Attempts whose programs were run on every test.\"},{\"name\":\"outputDigest\",\"type\":\"string\",\"doc\":\"Digest of what they printed.\"}]}},\"default\":[],\"doc\":\"Written tests that did not count, with what spoke against them.\"},{\"name\":\"addedTests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"AddedTest\",\"namespace\":\"wellspring\",\"doc\":\"A test that was written because those before it were too weak. Its text lies in the runs of the further tests.\",\"fields\":[{\"name\":\"test\",\"type\":\"int\",\"doc\":\"Its place among the further tests, from 0.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for.\"},{\"name\":\"setAside\",\"type\":\"string\",\"doc\":\"Name of the rule by which it does not count: nobody-passes, agreement (programs that print the same outvote it) or contradiction (no program passes all); empty where it counts.\"},{\"name\":\"passed\",\"type\":\"int\",\"doc\":\"Attempts of all solvers that pass it, of those that passed the tests before it.\"},{\"name\":\"of\",\"type\":\"int\",\"doc\":\"Attempts that were run on it.\"}]}},\"default\":[],\"doc\":\"Further tests that were written because programs that passed disagreed; those that were set aside included.\"}]}",
  'planned-step': "{\"type\":\"record\",\"name\":\"PlannedStep\",\"namespace\":\"wellspring\",\"doc\":\"State of plan-rationales: how far a step has gone through the concept lists.\",\"fields\":[{\"name\":\"announcement\",\"type\":\"long\",\"doc\":\"Ordinal of the announcement that began the step; 0 in the cold start.\"},{\"name\":\"lists\",\"type\":\"long\",\"doc\":\"How many concept lists it has been through, in their order.\"},{\"name\":\"requests\",\"type\":\"long\",\"doc\":\"How many requests it has made.\"}]}",
  'preference-pair': "{\"type\":\"record\",\"name\":\"PreferencePair\",\"namespace\":\"wellspring\",\"doc\":\"A chosen and a rejected attempt at one problem, for preference training.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the pair: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the outcome and the two verdicts.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"solver\",\"type\":\"string\",\"doc\":\"Model that made both attempts.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts of the problem.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level of the problem.\"},{\"name\":\"passRate\",\"type\":\"double\",\"doc\":\"Passed attempts over counted attempts, 0 to 1.\"},{\"name\":\"prompt\",\"type\":\"string\",\"doc\":\"Text that the solver was sent.\"},{\"name\":\"chosen\",\"type\":\"string\",\"doc\":\"The attempt that passed, its reasoning in a think block.\"},{\"name\":\"rejected\",\"type\":\"string\",\"doc\":\"The attempt that failed, in the same form.\"},{\"name\":\"chosenVerdictId\",\"type\":\"string\",\"doc\":\"Verdict of the chosen attempt.\"},{\"name\":\"rejectedVerdictId\",\"type\":\"string\",\"doc\":\"Verdict of the rejected attempt.\"}]}",
  'problem': "{\"type\":\"record\",\"name\":\"Problem\",\"namespace\":\"wellspring\",\"doc\":\"A problem statement (x) on its way through screening and judging. Its id stays the same in problems, screened-problems and accepted-problems.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the problem: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the rationale, or none for a human problem.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Made here, or taken in from a human source.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"wellspring for synthetic problems, else the human source.\"},{\"name\":\"sourceId\",\"type\":\"string\",\"doc\":\"Its id in the human source; empty where it has none.\",\"default\":\"\"},{\"name\":\"publishedAt\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Publication date of a human problem, ISO 8601, where known.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"contentHash\",\"type\":\"string\",\"doc\":\"SHA-256 of the normalised statement, hexadecimal: equal for exact duplicates.\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts it was made from; empty for a human problem.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level; empty for a human problem.\"},{\"name\":\"rationale\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The reasoning (z) it was made by; null for a human problem.\"},{\"name\":\"checks\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]}],\"default\":null,\"doc\":\"Trusted checks of a human problem; null where checks are still to be made.\"},{\"name\":\"judgements\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Judgement\",\"namespace\":\"wellspring\",\"doc\":\"One judge model's rating of a problem.\",\"fields\":[{\"name\":\"judge\",\"type\":\"string\",\"doc\":\"Model that judged.\"},{\"name\":\"format\",\"type\":{\"type\":\"enum\",\"name\":\"Rating\",\"symbols\":[\"perfect\",\"acceptable\",\"bad\"]},\"doc\":\"Is it well formed and complete?\"},{\"name\":\"factualAccuracy\",\"type\":\"wellspring.Rating\",\"doc\":\"Are its facts right?\"},{\"name\":\"difficultyAlignment\",\"type\":\"wellspring.Rating\",\"doc\":\"Does it match the difficulty level?\"},{\"name\":\"conceptCoverage\",\"type\":\"wellspring.Rating\",\"doc\":\"Does it use the concepts?\"},{\"name\":\"solvability\",\"type\":\"wellspring.Rating\",\"doc\":\"Can it be solved as stated?\"},{\"name\":\"overall\",\"type\":\"wellspring.Rating\",\"doc\":\"Aggregated by the five ratings: perfect, acceptable or bad.\"},{\"name\":\"opinion\",\"type\":\"int\",\"default\":1,\"doc\":\"Which of the judge's ratings of the problem it is, from 1: where judges disagree they rate again.\"}]}},\"doc\":\"Ratings by judge models; empty before judging or where no judge is configured.\",\"default\":[]},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'program-test': "{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}",
  'progress': "{\"type\":\"record\",\"name\":\"Progress\",\"namespace\":\"wellspring\",\"doc\":\"Progress of one task: the last record of each of its commits, and what a new owner believes.\",\"fields\":[{\"name\":\"sequence\",\"type\":\"long\",\"doc\":\"Number of this commit in the task, from 1.\"},{\"name\":\"inputs\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"InputProgress\",\"namespace\":\"wellspring\",\"doc\":\"Progress in one input topic, in the task's partition.\",\"fields\":[{\"name\":\"topic\",\"type\":\"string\",\"doc\":\"The input topic.\"},{\"name\":\"nextOffset\",\"type\":\"long\",\"doc\":\"First offset that was never admitted.\"},{\"name\":\"unfinished\",\"type\":{\"type\":\"array\",\"items\":\"long\"},\"doc\":\"Offsets below nextOffset that are not finished: the first as it is, each later one as the distance from the one before.\"}]}},\"doc\":\"One entry for each input.\"},{\"name\":\"counts\",\"type\":{\"type\":\"record\",\"name\":\"TaskCounts\",\"namespace\":\"wellspring\",\"doc\":\"Cumulative counts of one task since it began.\",\"fields\":[{\"name\":\"finished\",\"type\":\"long\",\"doc\":\"Records processed to their end, discards included.\"},{\"name\":\"discarded\",\"type\":\"long\",\"doc\":\"Records discarded.\"},{\"name\":\"deadLettered\",\"type\":\"long\",\"doc\":\"Records put into dead-letters.\"},{\"name\":\"entered\",\"type\":\"long\",\"doc\":\"Units of work that entered the stream here (concept combinations, human problems).\"},{\"name\":\"left\",\"type\":\"long\",\"doc\":\"Units of work that left the stream here: by discard, dead letter or closing outcome.\"},{\"name\":\"calls\",\"type\":\"long\",\"doc\":\"Model calls finished.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens of those calls.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Completion tokens of those calls.\"},{\"name\":\"callSeconds\",\"type\":\"double\",\"doc\":\"Seconds that those calls took at their endpoints.\"},{\"name\":\"emitted\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Records emitted, by topic.\"},{\"name\":\"discards\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Records discarded, by reason.\"}]},\"doc\":\"Cumulative counts as of this commit.\"},{\"name\":\"committedAtMs\",\"type\":\"long\",\"doc\":\"When, in milliseconds since 1970 (UTC).\"}]}",
  'rationale': "{\"type\":\"record\",\"name\":\"Rationale\",\"namespace\":\"wellspring\",\"doc\":\"The designer's reasoning from concepts to a problem (z).\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the rationale: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the concept combination.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts of the combination.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level.\"},{\"name\":\"seed\",\"type\":\"long\",\"doc\":\"Sampling seed, handed on to the problem's own call.\"},{\"name\":\"rationale\",\"type\":\"string\",\"doc\":\"The reasoning (z).\"},{\"name\":\"statement\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The problem (x) where one completion gave both (joint mode); null in staged mode.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'rationale-candidates': "{\"type\":\"record\",\"name\":\"RationaleCandidates\",\"namespace\":\"wellspring\",\"doc\":\"All rationales that were drawn for one observed pair of concepts and problem in one step.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the candidates: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the request.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"conceptListId\",\"type\":\"string\",\"doc\":\"The concept list: the observed pair of concepts and problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the human problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The human problem's text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Its concepts (c).\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level that the prompts name.\"},{\"name\":\"step\",\"type\":\"string\",\"doc\":\"Step of rationale learning: cold-start, e or m.\"},{\"name\":\"iteration\",\"type\":\"int\",\"doc\":\"Number of the EM iteration, from 1; 0 in the cold start.\"},{\"name\":\"announcement\",\"type\":\"long\",\"doc\":\"Ordinal of the announcement that began the step; 0 in the cold start.\"},{\"name\":\"writer\",\"type\":\"string\",\"doc\":\"Model that writes the rationales: an annotator in the cold start, else the rationale writer.\"},{\"name\":\"writerVersion\",\"type\":\"string\",\"doc\":\"Announced version of that model; empty where none was.\"},{\"name\":\"scorerVersion\",\"type\":\"string\",\"doc\":\"Announced version of the problem writer that is to score them; empty where the step needs no score.\"},{\"name\":\"rationales\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"The rationales (z), in the order of their draws; draws that gave none are left out.\"},{\"name\":\"lost\",\"type\":\"int\",\"doc\":\"How many draws gave no rationale that can be used.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'rationale-request': "{\"type\":\"record\",\"name\":\"RationaleRequest\",\"namespace\":\"wellspring\",\"doc\":\"Asks for rationales of one observed pair of concepts and problem, in one step of rationale learning.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the request: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the concept list.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"conceptListId\",\"type\":\"string\",\"doc\":\"The concept list: the observed pair of concepts and problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the human problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The human problem's text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Its concepts (c).\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level that the prompts name.\"},{\"name\":\"step\",\"type\":\"string\",\"doc\":\"Step of rationale learning: cold-start, e or m.\"},{\"name\":\"iteration\",\"type\":\"int\",\"doc\":\"Number of the EM iteration, from 1; 0 in the cold start.\"},{\"name\":\"announcement\",\"type\":\"long\",\"doc\":\"Ordinal of the announcement that began the step; 0 in the cold start.\"},{\"name\":\"role\",\"type\":\"string\",\"doc\":\"Job of the model that writes: annotator in the cold start, else rationale-writer.\"},{\"name\":\"writer\",\"type\":\"string\",\"doc\":\"Model that writes the rationales: an annotator in the cold start, else the rationale writer.\"},{\"name\":\"writerVersion\",\"type\":\"string\",\"doc\":\"Announced version of that model; empty where none was.\"},{\"name\":\"scorerVersion\",\"type\":\"string\",\"doc\":\"Announced version of the problem writer that is to score them; empty where the step needs no score.\"},{\"name\":\"candidates\",\"type\":\"int\",\"doc\":\"How many rationales are to be drawn.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: as configured for the model.\"}]}",
  'rationale-score': "{\"type\":\"record\",\"name\":\"RationaleScore\",\"doc\":\"Log-probabilities of one rationale and its problem under the problem writer.\",\"fields\":[{\"name\":\"rationaleLogProbability\",\"type\":\"double\",\"doc\":\"log p(z|c) in nats: the sum over the tokens of the rationale with its tags.\"},{\"name\":\"rationaleTokens\",\"type\":\"long\",\"doc\":\"Tokens of the rationale with its tags.\"},{\"name\":\"problemLogProbability\",\"type\":\"double\",\"doc\":\"log p(x|z,c) in nats: the sum over the tokens of the problem with its tags.\"},{\"name\":\"problemTokens\",\"type\":\"long\",\"doc\":\"Tokens of the problem with its tags.\"}],\"namespace\":\"wellspring\"}",
  'recipe': "{\"type\":\"record\",\"name\":\"Recipe\",\"namespace\":\"wellspring\",\"doc\":\"The rules behind a recipe, for the table recipes: what a record that names the recipe was made by.\",\"fields\":[{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"The hash that records name.\"},{\"name\":\"processor\",\"type\":\"string\",\"doc\":\"The processor.\"},{\"name\":\"version\",\"type\":\"int\",\"doc\":\"Number of the version of its rule, from 1.\"},{\"name\":\"profile\",\"type\":\"string\",\"doc\":\"Profile that gave the settings that nobody had given: wellspring, paper or scripts. No part of the recipe: where two profiles give the same values, it is that of the last process that used it.\"},{\"name\":\"settings\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"RecipeSetting\",\"doc\":\"A setting that is part of the recipe.\",\"fields\":[{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Its name.\"},{\"name\":\"value\",\"type\":\"string\",\"doc\":\"Its value, as JSON.\"}]}},\"doc\":\"Its settings that shape results, in the order of their declaration.\"},{\"name\":\"models\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"RecipeModel\",\"doc\":\"A model in a role.\",\"fields\":[{\"name\":\"role\",\"type\":\"string\",\"doc\":\"Its job.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Name by which its endpoint knows it.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"doc\":\"Version that a trainer announced; empty where none was.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"chat: a chat message; raw: a text to be continued.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint's own.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"doc\":\"Nucleus sampling, a share from 0 to 1; null: the endpoint's own.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"int\"],\"doc\":\"Most tokens of an answer; null: the endpoint's own.\"}]}},\"doc\":\"Models of its roles, with their sampling.\"},{\"name\":\"committedAtMs\",\"type\":\"long\",\"doc\":\"When a task last began to use it, in milliseconds since 1970 (UTC).\"}]}",
  'retraction': "{\"type\":\"record\",\"name\":\"Retraction\",\"namespace\":\"wellspring\",\"doc\":\"What was accepted before and should not have been, such as a problem of a benchmark that was added later. Exports and trainers leave out all that was made of the problem; nothing is deleted.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the retraction: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the problem, and what speaks against it.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem: nothing that was made of it may be trained on any longer.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Name of the rule, as a discard would have it.\"},{\"name\":\"evidence\",\"type\":\"string\",\"doc\":\"What the rule saw, in one line.\"},{\"name\":\"by\",\"type\":\"string\",\"doc\":\"Who retracted it: a processor, or the command of a person.\"}]}",
  'rollout': "{\"type\":\"record\",\"name\":\"Rollout\",\"namespace\":\"wellspring\",\"doc\":\"One attempted solution.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the rollout: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the rollout request.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"solver\",\"type\":\"string\",\"doc\":\"Model that attempted it.\"},{\"name\":\"attempt\",\"type\":\"int\",\"doc\":\"Ordinal of the attempt.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"checks\",\"type\":{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]},\"doc\":\"The checks.\"},{\"name\":\"text\",\"type\":\"string\",\"doc\":\"The answer as the model wrote it, without its reasoning.\"},{\"name\":\"reasoning\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The reasoning, where the model gave one.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'rollout-plan': "{\"type\":\"record\",\"name\":\"RolloutPlan\",\"namespace\":\"wellspring\",\"doc\":\"State of plan-rollouts: one problem, all solvers.\",\"fields\":[{\"name\":\"testCases\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"TestCases\",\"namespace\":\"wellspring\",\"doc\":\"What a problem is checked by. One record a problem.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the test cases: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the problem.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts of the problem.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level of the problem.\"},{\"name\":\"checks\",\"type\":{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]},\"doc\":\"The checks.\"},{\"name\":\"votes\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"AnswerVotes\",\"namespace\":\"wellspring\",\"doc\":\"How a reference answer was voted.\",\"fields\":[{\"name\":\"asked\",\"type\":\"int\",\"doc\":\"Generations asked for.\"},{\"name\":\"counted\",\"type\":\"int\",\"doc\":\"Generations with a boxed answer.\"},{\"name\":\"classes\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"AnswerClass\",\"namespace\":\"wellspring\",\"doc\":\"Equal answers among the votes.\",\"fields\":[{\"name\":\"answer\",\"type\":\"string\",\"doc\":\"One of the equal answers, as written.\"},{\"name\":\"votes\",\"type\":\"int\",\"doc\":\"How many generations gave it.\"}]}},\"doc\":\"Equivalence classes of the answers, most votes first.\"},{\"name\":\"notAsked\",\"type\":\"int\",\"default\":0,\"doc\":\"Generations that might have voted and were not asked for: they could not have changed the result.\"}]}],\"default\":null,\"doc\":\"How the answer was voted; null where it was not.\"},{\"name\":\"malformedTests\",\"type\":\"int\",\"doc\":\"Test cases that were asked for but could not be parsed.\",\"default\":0},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}],\"default\":null,\"doc\":\"The problem's test cases; null while only verdicts have come.\"},{\"name\":\"solvers\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"SolverPlan\",\"namespace\":\"wellspring\",\"doc\":\"Attempts of one solver.\",\"fields\":[{\"name\":\"solver\",\"type\":\"string\",\"doc\":\"Solver model.\"},{\"name\":\"requested\",\"type\":\"int\",\"doc\":\"Attempts asked for so far.\"},{\"name\":\"closed\",\"type\":\"boolean\",\"doc\":\"True once the outcome was written.\"},{\"name\":\"unverifiable\",\"type\":\"int\",\"doc\":\"Attempts that could not be verified.\"},{\"name\":\"verdicts\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"AttemptVerdict\",\"namespace\":\"wellspring\",\"doc\":\"A verdict that has come.\",\"fields\":[{\"name\":\"attempt\",\"type\":\"int\",\"doc\":\"Ordinal of the attempt.\"},{\"name\":\"verdictId\",\"type\":\"string\",\"doc\":\"Id of the verdict.\"},{\"name\":\"partition\",\"type\":\"int\",\"doc\":\"Its partition.\"},{\"name\":\"offset\",\"type\":\"long\",\"doc\":\"Its offset.\"},{\"name\":\"verdict\",\"type\":{\"type\":\"enum\",\"name\":\"VerdictKind\",\"symbols\":[\"passed\",\"failed\",\"unverifiable\"]},\"doc\":\"Its conclusion.\"},{\"name\":\"valid\",\"type\":\"boolean\",\"doc\":\"May it be chosen or rejected?\"},{\"name\":\"again\",\"type\":\"boolean\",\"default\":true,\"doc\":\"Whether another attempt may help; false where the fault was our own.\"},{\"name\":\"tokens\",\"type\":\"long\",\"default\":0,\"doc\":\"Tokens of the attempt's model calls, prompts included.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"TestResult\",\"namespace\":\"wellspring\",\"doc\":\"Result of one unit test.\",\"fields\":[{\"name\":\"verdict\",\"type\":\"wellspring.VerdictKind\",\"doc\":\"Whether the program passed it.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Named reason.\"},{\"name\":\"seconds\",\"type\":\"double\",\"doc\":\"CPU seconds that the program took.\"},{\"name\":\"memoryMb\",\"type\":\"double\",\"doc\":\"Most memory that the program held, in MiB.\"},{\"name\":\"outputDigest\",\"type\":\"string\",\"doc\":\"The same for equal outputs, numbers and white space normalised; empty where the program did not end well, or no digest was asked for.\",\"default\":\"\"}]}},\"default\":[],\"doc\":\"What its program came to on each test, where tests are weighed; empty where they are not, and for verdicts that were taken in before.\"},{\"name\":\"probes\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Its probes; see the verdict.\"}]}},\"doc\":\"Verdicts so far, one an attempt.\"}]}},\"doc\":\"One plan for each solver.\"},{\"name\":\"testsAsked\",\"type\":\"boolean\",\"default\":false,\"doc\":\"True once further tests were asked for.\"},{\"name\":\"runs\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"TestRuns\",\"namespace\":\"wellspring\",\"doc\":\"Further tests of a problem, and what the programs that passed the tests before them came to. Every test request ends in exactly one.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the runs: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the further tests.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":\"wellspring.ProgramTest\"},\"doc\":\"The further tests; none that has the input of another one. Empty where none came of the request.\"},{\"name\":\"malformedTests\",\"type\":\"int\",\"doc\":\"Test cases that were asked for but could not be parsed.\"},{\"name\":\"programs\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramRuns\",\"namespace\":\"wellspring\",\"doc\":\"One program that passed, run on the further tests.\",\"fields\":[{\"name\":\"verdictId\",\"type\":\"string\",\"doc\":\"Id of the verdict that it passed by.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":\"wellspring.TestResult\"},\"doc\":\"One result for each further test, in their order; fewer where it ran out of time.\"}]}},\"doc\":\"The programs that were run; empty where there is no test, or the sandbox failed.\"},{\"name\":\"verifierSeconds\",\"type\":\"double\",\"doc\":\"Wall seconds that all runs took, queueing included.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":\"wellspring.ModelCall\"},\"default\":[],\"doc\":\"The model calls behind the further tests, in the order in which they were made.\"}]}],\"default\":null,\"doc\":\"What came of the further tests; null while nothing has.\"}]}",
  'rollout-request': "{\"type\":\"record\",\"name\":\"RolloutRequest\",\"namespace\":\"wellspring\",\"doc\":\"One attempt that a solver model is asked for.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the request: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the test cases.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"solver\",\"type\":\"string\",\"doc\":\"Model that is to attempt it.\"},{\"name\":\"attempt\",\"type\":\"int\",\"doc\":\"Ordinal of the attempt for this problem and solver, from 0.\"},{\"name\":\"seed\",\"type\":\"long\",\"doc\":\"Sampling seed of the attempt.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"checks\",\"type\":{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]},\"doc\":\"The checks.\"}]}",
  'scored-rationales': "{\"type\":\"record\",\"name\":\"ScoredRationales\",\"namespace\":\"wellspring\",\"doc\":\"The rationales of one observed pair with their scores: R = log p(x|z,c) + log p(z|c).\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the scored rationales: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the candidates.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"conceptListId\",\"type\":\"string\",\"doc\":\"The concept list: the observed pair of concepts and problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the human problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The human problem's text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Its concepts (c).\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level that the prompts name.\"},{\"name\":\"step\",\"type\":\"string\",\"doc\":\"Step of rationale learning: cold-start, e or m.\"},{\"name\":\"iteration\",\"type\":\"int\",\"doc\":\"Number of the EM iteration, from 1; 0 in the cold start.\"},{\"name\":\"announcement\",\"type\":\"long\",\"doc\":\"Ordinal of the announcement that began the step; 0 in the cold start.\"},{\"name\":\"writer\",\"type\":\"string\",\"doc\":\"Model that writes the rationales: an annotator in the cold start, else the rationale writer.\"},{\"name\":\"writerVersion\",\"type\":\"string\",\"doc\":\"Announced version of that model; empty where none was.\"},{\"name\":\"rationales\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"The rationales (z), in the order of their draws.\"},{\"name\":\"scores\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"RationaleScore\",\"doc\":\"Log-probabilities of one rationale and its problem under the problem writer.\",\"fields\":[{\"name\":\"rationaleLogProbability\",\"type\":\"double\",\"doc\":\"log p(z|c) in nats: the sum over the tokens of the rationale with its tags.\"},{\"name\":\"rationaleTokens\",\"type\":\"long\",\"doc\":\"Tokens of the rationale with its tags.\"},{\"name\":\"problemLogProbability\",\"type\":\"double\",\"doc\":\"log p(x|z,c) in nats: the sum over the tokens of the problem with its tags.\"},{\"name\":\"problemTokens\",\"type\":\"long\",\"doc\":\"Tokens of the problem with its tags.\"}],\"namespace\":\"wellspring\"}},\"doc\":\"Their scores, in the same order; empty where the step needs none.\"},{\"name\":\"scorer\",\"type\":\"string\",\"doc\":\"Problem writer that scored them; empty where the step needs none.\"},{\"name\":\"scorerVersion\",\"type\":\"string\",\"doc\":\"Announced version of the scorer; empty where there is none.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'seed': "{\"type\":\"record\",\"name\":\"Seed\",\"namespace\":\"wellspring\",\"doc\":\"A human problem that concepts are extracted from. Its id is the hash of kind, domain and text.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the seed: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: none.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Where it comes from, such as math-500.\"},{\"name\":\"sourceId\",\"type\":\"string\",\"doc\":\"Its id in the source; empty where it has none.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"checks\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]}],\"default\":null,\"doc\":\"Trusted answer or tests that came with it.\"},{\"name\":\"publishedAt\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Publication date, ISO 8601 (YYYY-MM-DD), where known.\"}]}",
  'sft-example': "{\"type\":\"record\",\"name\":\"SftExample\",\"namespace\":\"wellspring\",\"doc\":\"One row of supervised fine-tuning: a prompt and the completion to learn.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the example: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the trace.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"teacher\",\"type\":\"string\",\"doc\":\"Teacher model.\"},{\"name\":\"prompt\",\"type\":\"string\",\"doc\":\"The prompt.\"},{\"name\":\"completion\",\"type\":\"string\",\"doc\":\"Reasoning in a think block, then the answer.\"},{\"name\":\"tokens\",\"type\":\"long\",\"doc\":\"Tokens of prompt and completion together, as the teacher's endpoint counted them.\"}]}",
  'statement-owner': "{\"type\":\"record\",\"name\":\"StatementOwner\",\"namespace\":\"wellspring\",\"doc\":\"State of screen-problem: which problem had a normalised statement first, and what other statements are compared with.\",\"fields\":[{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The first problem with this statement.\"},{\"name\":\"features\",\"type\":\"bytes\",\"default\":\"\",\"doc\":\"What near-duplicates are found by, as 32-bit numbers (StatementFeatures in curation/near-duplicates.ts); empty where the problem was discarded or is of an earlier release.\"}]}",
  'task-counts': "{\"type\":\"record\",\"name\":\"TaskCounts\",\"namespace\":\"wellspring\",\"doc\":\"Cumulative counts of one task since it began.\",\"fields\":[{\"name\":\"finished\",\"type\":\"long\",\"doc\":\"Records processed to their end, discards included.\"},{\"name\":\"discarded\",\"type\":\"long\",\"doc\":\"Records discarded.\"},{\"name\":\"deadLettered\",\"type\":\"long\",\"doc\":\"Records put into dead-letters.\"},{\"name\":\"entered\",\"type\":\"long\",\"doc\":\"Units of work that entered the stream here (concept combinations, human problems).\"},{\"name\":\"left\",\"type\":\"long\",\"doc\":\"Units of work that left the stream here: by discard, dead letter or closing outcome.\"},{\"name\":\"calls\",\"type\":\"long\",\"doc\":\"Model calls finished.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens of those calls.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Completion tokens of those calls.\"},{\"name\":\"callSeconds\",\"type\":\"double\",\"doc\":\"Seconds that those calls took at their endpoints.\"},{\"name\":\"emitted\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Records emitted, by topic.\"},{\"name\":\"discards\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"doc\":\"Records discarded, by reason.\"}]}",
  'test-cases': "{\"type\":\"record\",\"name\":\"TestCases\",\"namespace\":\"wellspring\",\"doc\":\"What a problem is checked by. One record a problem.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the test cases: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the problem.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Concepts of the problem.\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level of the problem.\"},{\"name\":\"checks\",\"type\":{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]},\"doc\":\"The checks.\"},{\"name\":\"votes\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"AnswerVotes\",\"namespace\":\"wellspring\",\"doc\":\"How a reference answer was voted.\",\"fields\":[{\"name\":\"asked\",\"type\":\"int\",\"doc\":\"Generations asked for.\"},{\"name\":\"counted\",\"type\":\"int\",\"doc\":\"Generations with a boxed answer.\"},{\"name\":\"classes\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"AnswerClass\",\"namespace\":\"wellspring\",\"doc\":\"Equal answers among the votes.\",\"fields\":[{\"name\":\"answer\",\"type\":\"string\",\"doc\":\"One of the equal answers, as written.\"},{\"name\":\"votes\",\"type\":\"int\",\"doc\":\"How many generations gave it.\"}]}},\"doc\":\"Equivalence classes of the answers, most votes first.\"},{\"name\":\"notAsked\",\"type\":\"int\",\"default\":0,\"doc\":\"Generations that might have voted and were not asked for: they could not have changed the result.\"}]}],\"default\":null,\"doc\":\"How the answer was voted; null where it was not.\"},{\"name\":\"malformedTests\",\"type\":\"int\",\"doc\":\"Test cases that were asked for but could not be parsed.\",\"default\":0},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'test-request': "{\"type\":\"record\",\"name\":\"TestRequest\",\"namespace\":\"wellspring\",\"doc\":\"A problem whose tests are too weak to tell apart programs that disagree: more tests are asked for. At most one a problem.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the request: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the test cases.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"checks\",\"type\":{\"type\":\"record\",\"name\":\"Checks\",\"namespace\":\"wellspring\",\"doc\":\"What an attempt is checked by: a reference answer, unit tests, or both.\",\"fields\":[{\"name\":\"answer\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Reference answer, as LaTeX or plain text; null where the problem is checked by tests alone.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"Unit tests; empty where the problem is checked by its answer alone.\"},{\"name\":\"trusted\",\"type\":\"boolean\",\"doc\":\"True when a human source gave them; false when models made them.\"}]},\"doc\":\"The checks as they are.\"},{\"name\":\"count\",\"type\":\"int\",\"doc\":\"How many further tests are asked for.\"},{\"name\":\"inputs\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Inputs for which programs that pass the tests print different things, those first that tell most of them apart. Nobody knows whether they are valid.\"},{\"name\":\"verdicts\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"PassedVerdict\",\"namespace\":\"wellspring\",\"doc\":\"The verdict of an attempt that passed, and where it lies.\",\"fields\":[{\"name\":\"verdictId\",\"type\":\"string\",\"doc\":\"Id of the verdict.\"},{\"name\":\"partition\",\"type\":\"int\",\"doc\":\"Partition of the topic verdicts.\"},{\"name\":\"offset\",\"type\":\"long\",\"doc\":\"Offset in that partition.\"}]}},\"doc\":\"Verdicts of the attempts of all solvers that passed the tests.\"}]}",
  'test-runs': "{\"type\":\"record\",\"name\":\"TestRuns\",\"namespace\":\"wellspring\",\"doc\":\"Further tests of a problem, and what the programs that passed the tests before them came to. Every test request ends in exactly one.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the runs: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the further tests.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramTest\",\"namespace\":\"wellspring\",\"doc\":\"One test of a program: what it reads and what it must write.\",\"fields\":[{\"name\":\"input\",\"type\":\"string\",\"doc\":\"Text that the program reads from stdin.\"},{\"name\":\"output\",\"type\":\"string\",\"doc\":\"Text that the program must write to stdout.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of test that was asked for, such as edge case; human for a test that came with the problem.\",\"default\":\"human\"}]}},\"doc\":\"The further tests; none that has the input of another one. Empty where none came of the request.\"},{\"name\":\"malformedTests\",\"type\":\"int\",\"doc\":\"Test cases that were asked for but could not be parsed.\"},{\"name\":\"programs\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ProgramRuns\",\"namespace\":\"wellspring\",\"doc\":\"One program that passed, run on the further tests.\",\"fields\":[{\"name\":\"verdictId\",\"type\":\"string\",\"doc\":\"Id of the verdict that it passed by.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"TestResult\",\"namespace\":\"wellspring\",\"doc\":\"Result of one unit test.\",\"fields\":[{\"name\":\"verdict\",\"type\":{\"type\":\"enum\",\"name\":\"VerdictKind\",\"symbols\":[\"passed\",\"failed\",\"unverifiable\"]},\"doc\":\"Whether the program passed it.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Named reason.\"},{\"name\":\"seconds\",\"type\":\"double\",\"doc\":\"CPU seconds that the program took.\"},{\"name\":\"memoryMb\",\"type\":\"double\",\"doc\":\"Most memory that the program held, in MiB.\"},{\"name\":\"outputDigest\",\"type\":\"string\",\"doc\":\"The same for equal outputs, numbers and white space normalised; empty where the program did not end well, or no digest was asked for.\",\"default\":\"\"}]}},\"doc\":\"One result for each further test, in their order; fewer where it ran out of time.\"}]}},\"doc\":\"The programs that were run; empty where there is no test, or the sandbox failed.\"},{\"name\":\"verifierSeconds\",\"type\":\"double\",\"doc\":\"Wall seconds that all runs took, queueing included.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"default\":[],\"doc\":\"The model calls behind the further tests, in the order in which they were made.\"}]}",
  'trace': "{\"type\":\"record\",\"name\":\"Trace\",\"namespace\":\"wellspring\",\"doc\":\"One teacher attempt at a problem, for supervised fine-tuning.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the trace: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the request, and the problem.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"teacher\",\"type\":\"string\",\"doc\":\"Teacher model.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"},{\"name\":\"prompt\",\"type\":\"string\",\"doc\":\"Text that the teacher was sent.\"},{\"name\":\"text\",\"type\":\"string\",\"doc\":\"The answer, without its reasoning.\"},{\"name\":\"reasoning\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The reasoning, where the teacher gave one.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
  'trace-request': "{\"type\":\"record\",\"name\":\"TraceRequest\",\"namespace\":\"wellspring\",\"doc\":\"One trace that a teacher model is asked for.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the request: hash of kind, problem and teacher; the same whoever asks.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the problem.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"origin\",\"type\":{\"type\":\"enum\",\"name\":\"Origin\",\"symbols\":[\"synthetic\",\"human\"]},\"doc\":\"Origin of the problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the problem.\"},{\"name\":\"teacher\",\"type\":\"string\",\"doc\":\"Model that is to attempt it.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The problem text (x).\"}]}",
  'triple': "{\"type\":\"record\",\"name\":\"Triple\",\"namespace\":\"wellspring\",\"doc\":\"One training example of rationale learning: concepts, rationale and problem.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the triple: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the scored rationales and the concept list.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"conceptListId\",\"type\":\"string\",\"doc\":\"The concept list: the observed pair of concepts and problem.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source of the human problem.\"},{\"name\":\"statement\",\"type\":\"string\",\"doc\":\"The human problem's text (x).\"},{\"name\":\"concepts\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Its concepts (c).\"},{\"name\":\"level\",\"type\":\"string\",\"doc\":\"Difficulty level that the prompts name.\"},{\"name\":\"step\",\"type\":\"string\",\"doc\":\"Step of rationale learning: cold-start, e or m.\"},{\"name\":\"iteration\",\"type\":\"int\",\"doc\":\"Number of the EM iteration, from 1; 0 in the cold start.\"},{\"name\":\"announcement\",\"type\":\"long\",\"doc\":\"Ordinal of the announcement that began the step; 0 in the cold start.\"},{\"name\":\"writer\",\"type\":\"string\",\"doc\":\"Model that writes the rationales: an annotator in the cold start, else the rationale writer.\"},{\"name\":\"writerVersion\",\"type\":\"string\",\"doc\":\"Announced version of that model; empty where none was.\"},{\"name\":\"rationale\",\"type\":\"string\",\"doc\":\"The rationale that was kept (z).\"},{\"name\":\"rank\",\"type\":\"int\",\"doc\":\"Its rank among those that were kept, from 0.\"},{\"name\":\"rule\",\"type\":\"string\",\"doc\":\"How it was chosen: best, random or first.\"},{\"name\":\"score\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"RationaleScore\",\"doc\":\"Log-probabilities of one rationale and its problem under the problem writer.\",\"fields\":[{\"name\":\"rationaleLogProbability\",\"type\":\"double\",\"doc\":\"log p(z|c) in nats: the sum over the tokens of the rationale with its tags.\"},{\"name\":\"rationaleTokens\",\"type\":\"long\",\"doc\":\"Tokens of the rationale with its tags.\"},{\"name\":\"problemLogProbability\",\"type\":\"double\",\"doc\":\"log p(x|z,c) in nats: the sum over the tokens of the problem with its tags.\"},{\"name\":\"problemTokens\",\"type\":\"long\",\"doc\":\"Tokens of the problem with its tags.\"}],\"namespace\":\"wellspring\"}],\"default\":null,\"doc\":\"Its score; null where the step needs none.\"},{\"name\":\"alternatives\",\"type\":{\"type\":\"array\",\"items\":\"wellspring.RationaleScore\"},\"doc\":\"Scores of all candidates, itself included, in the order of their draws.\"},{\"name\":\"chosen\",\"type\":\"int\",\"doc\":\"Its place among the candidates, from 0.\"},{\"name\":\"scorer\",\"type\":\"string\",\"doc\":\"Problem writer that scored them; empty where the step needs none.\"},{\"name\":\"scorerVersion\",\"type\":\"string\",\"doc\":\"Announced version of the scorer; empty where there is none.\"}]}",
  'verdict': "{\"type\":\"record\",\"name\":\"Verdict\",\"namespace\":\"wellspring\",\"doc\":\"What a verifier concluded of one attempt. Every rollout request ends in exactly one verdict.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Id of the verdict: hash of kind, parent ids, recipe and ordinal; never of the output.\"},{\"name\":\"parentIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"Ids of the records it was made from: the rollout, or the request where nothing could be run.\"},{\"name\":\"domain\",\"type\":\"string\",\"doc\":\"Domain of the problem: math, code, or one added by the user.\"},{\"name\":\"recipe\",\"type\":\"string\",\"doc\":\"Hash of what made it: processor, rule and prompt version, recipe settings, models and sampling.\"},{\"name\":\"createdAtMs\",\"type\":\"long\",\"doc\":\"When it was made, in milliseconds since 1970 (UTC).\"},{\"name\":\"simulated\",\"type\":\"boolean\",\"doc\":\"True when a simulated model had a part in it or in any of its ancestors.\"},{\"name\":\"problemId\",\"type\":\"string\",\"doc\":\"The problem.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"Id of the rollout request that it answers.\"},{\"name\":\"solver\",\"type\":\"string\",\"doc\":\"Model that attempted it.\"},{\"name\":\"attempt\",\"type\":\"int\",\"doc\":\"Ordinal of the attempt.\"},{\"name\":\"verdict\",\"type\":{\"type\":\"enum\",\"name\":\"VerdictKind\",\"symbols\":[\"passed\",\"failed\",\"unverifiable\"]},\"doc\":\"The conclusion; unverifiable is not counted as an attempt.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Named reason, such as equal, different, wrong_answer, time_limit, no_answer.\"},{\"name\":\"valid\",\"type\":\"boolean\",\"doc\":\"True when the rollout may be chosen or rejected: complete, well formed, with an answer to extract.\"},{\"name\":\"extracted\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The answer that was checked, as it stood in the text; null where none was found, or where it is the text's own code block.\"},{\"name\":\"detail\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"What the reason leaves open, in one line: the first difference, an exit code, why nothing could be run.\"},{\"name\":\"tests\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"TestResult\",\"namespace\":\"wellspring\",\"doc\":\"Result of one unit test.\",\"fields\":[{\"name\":\"verdict\",\"type\":\"wellspring.VerdictKind\",\"doc\":\"Whether the program passed it.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Named reason.\"},{\"name\":\"seconds\",\"type\":\"double\",\"doc\":\"CPU seconds that the program took.\"},{\"name\":\"memoryMb\",\"type\":\"double\",\"doc\":\"Most memory that the program held, in MiB.\"},{\"name\":\"outputDigest\",\"type\":\"string\",\"doc\":\"The same for equal outputs, numbers and white space normalised; empty where the program did not end well, or no digest was asked for.\",\"default\":\"\"}]}},\"doc\":\"One result for each test that was run, in the order of the checks: all of them, or up to the first that did not pass.\"},{\"name\":\"probes\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Of a program that passed written tests: digests of what it printed for inputs made from theirs, empty where it did not end well. They decide nothing.\"},{\"name\":\"text\",\"type\":\"string\",\"doc\":\"The attempt as the model wrote it, without its reasoning; kept here alone.\"},{\"name\":\"reasoning\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The reasoning of the attempt; kept here alone.\"},{\"name\":\"verifierSeconds\",\"type\":\"double\",\"doc\":\"Wall seconds that verification took, queueing included.\"},{\"name\":\"calls\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"ModelCall\",\"namespace\":\"wellspring\",\"doc\":\"One finished model call: who answered, how it was sampled and what it cost.\",\"fields\":[{\"name\":\"purpose\",\"type\":\"string\",\"doc\":\"What it was for within the processor, such as completion, test-2 or judge-sim-judge-a.\"},{\"name\":\"requestId\",\"type\":\"string\",\"doc\":\"X-Request-Id of the call: the record id and the purpose.\"},{\"name\":\"model\",\"type\":\"string\",\"doc\":\"Model that answered, by the name that its endpoint knows.\"},{\"name\":\"endpoint\",\"type\":\"string\",\"doc\":\"Endpoint that answered, by its name in the configuration.\"},{\"name\":\"promptVersion\",\"type\":\"string\",\"doc\":\"Version of the prompt text that was sent.\"},{\"name\":\"temperature\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Sampling temperature, 0 to 2; null: the endpoint decided.\"},{\"name\":\"topP\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Nucleus sampling mass, 0 to 1; null: the endpoint decided.\"},{\"name\":\"maxTokens\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Most completion tokens allowed; null: the endpoint decided.\"},{\"name\":\"seed\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Sampling seed; null: none was sent.\"},{\"name\":\"promptTokens\",\"type\":\"long\",\"doc\":\"Tokens of the prompt.\"},{\"name\":\"cachedTokens\",\"type\":\"long\",\"doc\":\"Prompt tokens that the endpoint had in its prefix cache.\"},{\"name\":\"completionTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion, reasoning included.\"},{\"name\":\"reasoningTokens\",\"type\":\"long\",\"doc\":\"Tokens of the completion that were reasoning, where the endpoint tells; else 0.\"},{\"name\":\"latencySeconds\",\"type\":\"double\",\"doc\":\"Seconds from the start of the request to its last byte, without time in our own queue.\"},{\"name\":\"finishReason\",\"type\":\"string\",\"doc\":\"Why the model stopped: stop, length, content_filter or other; given: it scored a text and wrote none.\"},{\"name\":\"modelVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Announced version of the model; empty where none was announced for its role.\"}]}},\"doc\":\"The model calls behind it, in the order in which they were made.\",\"default\":[]}]}",
}
