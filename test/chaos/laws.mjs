// What must hold of a corpus and of the endpoint's request log, at every stop and at the end. Each law counts what it looked at and
// collects what broke it; none trusts what the command prints.
import { refutedAttempts, weighFurtherTests } from '../../dist/curation/further-tests.js'
import { domainNamed } from '../../dist/domains/index.js'
import { recordId } from '../../dist/engine/ids.js'
import { processors } from '../../dist/processors/index.js'
import { deadLetters, topics } from '../../dist/topics/catalogue.js'
import { deadLettersOf } from './corpus.mjs'

/** The laws looked at so far: name -> { checked, violations }. */
export class Laws {
  #laws = new Map()

  /** Counts one thing looked at; `message` tells what is wrong where it does not hold. */
  expect(law, holds, message) {
    const entry = this.#laws.get(law) ?? { checked: 0, violations: [] }
    this.#laws.set(law, entry)
    entry.checked += 1
    if (!holds) entry.violations.push(typeof message === 'function' ? message() : message)
  }

  get rows() {
    return [...this.#laws].map(([law, { checked, violations }]) => ({ law, checked, violations }))
  }
}

/** The settings that the laws rest on, by their defaults: the program runs with no others. */
const defaultOf = (processor, name) => processors.find((one) => one.name === processor).settings[name].default
const attempts = defaultOf('plan-rollouts', 'attempts')
const maxRepeats = defaultOf('plan-rollouts', 'maxRepeats')
const drawsPerCombination = defaultOf('sample-concepts', 'drawsPerCombination')
const firstSeed = defaultOf('sample-concepts', 'firstSeed')
/** Passes of k that make a problem too easy: that many attempts are on their way or have passed until nothing is left to ask for. */
const passesTooEasy = Math.ceil(attempts * defaultOf('plan-rollouts', 'tooEasyAt'))
/** Calls that a record needs, at least and at most, which is decided by votes or by written tests. A vote may be decided early. */
export const callsNeeded = {
  'vote-answer': {
    least: Math.floor(defaultOf('vote-answer', 'generations') / 2) + 1,
    most: defaultOf('vote-answer', 'generations'),
  },
  // Four of a problem, fewer of a request for further ones.
  'generate-test-cases': { least: Math.min(4, defaultOf('plan-rollouts', 'testsForWeakSuites')), most: 4 },
}

const checkedBy = (sort) => (record) => domainNamed(record.domain).checkedBy === sort
const usuallyOne = (count) => count === 1

/**
 * How the records of each input end: in outputs (found by parent id, or by the same id where a record is handed on) or a discard
 * or a dead letter. `when`: which records the processor takes on at all. `outputs`: how many there may be where it ends so.
 */
const ways = [
  {
    processor: 'extract-concepts',
    input: 'seeds',
    output: 'concept-lists',
    outputs: (count) => count === 1 || count === 2,
  },
  { processor: 'generate-rationale', input: 'concepts', output: 'rationales', outputs: usuallyOne },
  { processor: 'generate-problem', input: 'rationales', output: 'problems', outputs: usuallyOne },
  { processor: 'screen-problem', input: 'problems', output: 'screened-problems', handedOn: true, outputs: usuallyOne },
  {
    processor: 'judge-problem',
    input: 'screened-problems',
    output: 'accepted-problems',
    handedOn: true,
    outputs: usuallyOne,
  },
  {
    processor: 'generate-test-cases',
    input: 'accepted-problems',
    output: 'test-cases',
    when: checkedBy('tests'),
    outputs: usuallyOne,
  },
  {
    processor: 'vote-answer',
    input: 'accepted-problems',
    output: 'voted-problems',
    when: checkedBy('answer'),
    outputs: usuallyOne,
  },
  {
    processor: 'screen-answer',
    input: 'voted-problems',
    output: 'test-cases',
    handedOn: true,
    when: checkedBy('answer'),
    outputs: usuallyOne,
  },
  { processor: 'roll-out', input: 'rollout-requests', output: 'rollouts', outputs: usuallyOne },
  { processor: 'verify-rollout', input: 'rollouts', output: 'verdicts', outputs: usuallyOne },
  { processor: 'generate-test-cases', input: 'test-requests', output: 'further-tests', outputs: usuallyOne },
  { processor: 'verify-rollout', input: 'further-tests', output: 'test-runs', outputs: usuallyOne },
  { processor: 'build-pairs', input: 'outcomes', output: 'preference-pairs', outputs: (count) => count >= 1 },
  { processor: 'teach', input: 'accepted-problems', output: 'trace-requests', outputs: usuallyOne },
  { processor: 'teach', input: 'trace-requests', output: 'traces', outputs: usuallyOne },
  { processor: 'build-sft', input: 'traces', output: 'sft-examples', outputs: usuallyOne },
]

const placeOf = ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`

/** Whether a processor's committed progress is past a record. */
function isFinished(snapshot, processor, { topic, partition, offset }) {
  const at = snapshot.progress.get(processor)?.get(partition)?.inputs.get(topic)
  return at !== undefined && offset < at.nextOffset && !at.unfinished.has(offset)
}

/** Lists by key. */
function grouped(values, keyOf) {
  const groups = new Map()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group) group.push(value)
    else groups.set(key, [value])
  }
  return groups
}

/** All laws of the corpus. At a stop every finished record must have had its whole effect and every other one none. */
export function checkCorpus(laws, corpus, snapshot, where) {
  checkUnique(laws, corpus, where)
  checkWays(laws, corpus, snapshot, where)
  checkSampling(laws, corpus, snapshot, where)
  checkYields(laws, corpus, snapshot, where)
  checkEmbeddings(laws, corpus, snapshot, where)
  checkPlans(laws, corpus, snapshot, where)
  checkCounts(laws, corpus, snapshot, where)
  checkRecipes(laws, corpus, where)
}

/** What a record names as its recipe, the table recipes tells: in the commit of the first record that names it, so at every stop. */
export function checkRecipes(laws, corpus, where) {
  const told = new Set(corpus.of(topics.recipes.name).map(({ record }) => record.recipe))
  // What people took in was made by no rules, and who hands it on leaves its recipe as it was.
  const takenIn = new Set(
    [...corpus.of(topics.seeds.name), ...corpus.of(topics.problems.name)]
      .filter(({ record }) => record && record.parentIds.length === 0)
      .map(({ record }) => record.recipe),
  )
  for (const { name } of Object.values(topics)) {
    const named = corpus.of(name).filter(({ record }) => record?.recipe !== undefined && !takenIn.has(record.recipe))
    for (const [recipe, records] of grouped(named, ({ record }) => record.recipe))
      laws.expect(
        'every recipe is told of',
        told.has(recipe),
        () => `${where}: recipes says nothing of ${recipe}, which ${records.length} records of ${name} name`,
      )
  }
}

function checkUnique(laws, corpus, where) {
  for (const { name, retention } of Object.values(topics)) {
    if (retention === 'table') continue
    for (const [id, records] of grouped(
      corpus.of(name).filter(({ record }) => record),
      (one) => one.id,
    )) {
      laws.expect(
        'no record twice',
        records.length === 1,
        () => `${where}: ${name} holds ${id} ${records.length} times (${records.map(placeOf).join(', ')})`,
      )
    }
  }
  const problems = corpus.of('problems').filter(({ record }) => record)
  const screened = new Set(corpus.of('screened-problems').map(({ id }) => id))
  for (const [hash, records] of grouped(problems, ({ record }) => record.contentHash)) {
    const passed = records.filter(({ id }) => screened.has(id))
    laws.expect(
      'no statement screened twice',
      passed.length <= 1,
      () => `${where}: statement ${hash} passed as ${passed.map(({ id }) => id).join(', ')}`,
    )
  }
}

function checkWays(laws, corpus, snapshot, where) {
  const discards = grouped(corpus.of('discards'), ({ record }) => `${record.processor} ${placeOf(record)}`)
  const letters = grouped(deadLettersOf(corpus), (letter) => `${letter.processor} ${placeOf(letter)}`)
  for (const { processor, input, output, handedOn, when, outputs } of ways) {
    const law = `${processor}: ${input} -> ${output} | discard | dead letter`
    const made = grouped(
      // Two processors may write one topic, each for its own domains.
      corpus.of(output).filter(({ record }) => record && (!when || when(record))),
      ({ id, record }) => (handedOn ? id : record.parentIds[0]),
    )
    const inputIds = new Set()
    for (const one of corpus.of(input)) {
      inputIds.add(one.id)
      if (one.record && when && !when(one.record)) continue
      const count = (one.record && made.get(one.id)?.length) ?? 0
      const discarded = discards.get(`${processor} ${placeOf(one)}`)?.length ?? 0
      const dead = letters.get(`${processor} ${placeOf(one)}`)?.length ?? 0
      const tell = (expected) => () =>
        `${where}: ${placeOf(one)} (${one.id ?? 'undecodable'}) of ${processor}: expected ${expected}, got ${count} outputs, ${discarded} discards, ${dead} dead letters`
      if (!isFinished(snapshot, processor, one))
        laws.expect(law, count + discarded + dead === 0, tell('nothing, it is unfinished'))
      else if (!one.record) laws.expect(law, dead === 1 && discarded === 0, tell('one dead letter'))
      // A discarded or dead record of roll-out may still have its verdict; no other leaves anything besides.
      else if (discarded + dead > 0) laws.expect(law, discarded + dead === 1 && count === 0, tell('one end'))
      else laws.expect(law, outputs(count), tell('its outputs'))
    }
    // Human problems and concept files have no parents here; two processors write verdicts.
    for (const [parentId, records] of made) {
      const foreign =
        records.every(({ record }) => record.origin === 'human' && output === 'problems') ||
        (output === 'verdicts' && records.every(({ record }) => record.reason === 'not_run'))
      if (!foreign)
        laws.expect(
          'no output without its input',
          inputIds.has(parentId),
          () => `${where}: ${output} has ${records[0].id} of ${parentId}, which is not in ${input}`,
        )
    }
  }
}

/** The source: step n is drawn once, and its state and its outputs agree. */
function checkSampling(laws, corpus, snapshot, where) {
  const drawn = corpus.of('concepts')
  const steps = snapshot.progress.get('sample-concepts')?.get(0)?.counts.finished ?? 0
  const ids = new Set(drawn.map(({ id }) => id))
  const recipes = [...new Set(drawn.map(({ record }) => record.recipe))]
  const missing = Array.from({ length: steps }, (_, step) => step).filter(
    (step) => !recipes.some((recipe) => ids.has(recordId('concept-combination', [], recipe, step))),
  )
  laws.expect(
    'sample-concepts: every step drawn once',
    drawn.length === steps && missing.length === 0,
    () =>
      `${where}: ${steps} steps, ${drawn.length} combinations, steps without one: ${missing.slice(0, 5).join(', ')}`,
  )
  for (const [combination, records] of grouped(
    drawn,
    ({ record }) => `${record.domain} ${JSON.stringify(record.concepts)}`,
  )) {
    const draws = records.map(({ record }) => record.draw).sort((a, b) => a - b)
    laws.expect(
      'sample-concepts: draws of a combination counted',
      draws.every((draw, index) => draw === index),
      () => `${where}: draws ${draws.join(', ')} of ${combination}`,
    )
    laws.expect(
      'sample-concepts: no combination beyond its draws, each with its own seed',
      draws.length <= drawsPerCombination && records.every(({ record }) => record.seed === firstSeed + record.draw),
      () =>
        `${where}: ${draws.length} draws with seeds ${records.map(({ record }) => record.seed).join(', ')} of ${combination}`,
    )
  }
}

/** What ended is told to the sampler once: each outcome of a synthetic problem, and each discard that ended one before. */
function checkYields(laws, corpus, snapshot, where) {
  const told = grouped(corpus.of('concept-yields'), ({ record }) => record.parentIds[0])
  const ended = [
    ...corpus.of('outcomes').filter(({ record }) => record.origin === 'synthetic'),
    ...corpus.of('discards').filter(({ record }) => record.leftStream && record.concepts.length > 0),
  ]
  for (const one of ended) {
    const wanted = isFinished(snapshot, 'report-yields', one) ? 1 : 0
    laws.expect(
      'report-yields: one yield for each synthetic outcome, and for each discard before it',
      (told.get(one.id)?.length ?? 0) === wanted,
      () => `${where}: ${one.id} has ${told.get(one.id)?.length ?? 0} yields, expected ${wanted}`,
    )
  }
  const known = new Set(ended.map(({ id }) => id))
  for (const id of told.keys())
    laws.expect('report-yields: no yield of nothing', known.has(id), () => `${where}: a yield of ${id}`)
}

/** Every distinct concept of the finished lists has one vector. */
function checkEmbeddings(laws, corpus, snapshot, where) {
  if (!snapshot.progress.get('embed-concepts')?.size) return
  const law = 'embed-concepts: one vector a concept'
  const vectors = grouped(corpus.of('concept-embeddings'), ({ record }) => `${record.domain} ${record.concept}`)
  const finished = corpus.of('concept-lists').filter((one) => isFinished(snapshot, 'embed-concepts', one))
  const named = new Set(
    finished.flatMap(({ record }) => record.concepts.map((concept) => `${record.domain} ${concept}`)),
  )
  for (const concept of named)
    laws.expect(
      law,
      vectors.get(concept)?.length === 1,
      () => `${where}: ${concept} has ${vectors.get(concept)?.length ?? 0} vectors`,
    )
  for (const concept of vectors.keys())
    laws.expect(law, named.has(concept), () => `${where}: ${concept} has a vector, but no finished list names it`)
}

/** Requests, verdicts and outcomes of every problem and solver, from the test cases and the verdicts that the planner has finished. */
function checkPlans(laws, corpus, snapshot, where) {
  const keyOf = (problemId, solver) => `${problemId} ${solver}`
  const requests = grouped(corpus.of('rollout-requests'), ({ record }) => keyOf(record.problemId, record.solver))
  const outcomes = grouped(corpus.of('outcomes'), ({ record }) => keyOf(record.problemId, record.solver))
  const verdicts = grouped(
    corpus.of('verdicts').filter(({ record }) => record),
    ({ record }) => keyOf(record.problemId, record.solver),
  )
  const byRequest = grouped(
    corpus.of('verdicts').filter(({ record }) => record),
    ({ record }) => record.requestId,
  )
  const rolledOut = new Map(
    corpus.of('rollouts').flatMap((one) => (one.record ? [[one.record.parentIds[0], one]] : [])),
  )
  for (const request of corpus.of('rollout-requests')) {
    const rollout = rolledOut.get(request.id)
    const due = rollout !== undefined && isFinished(snapshot, 'verify-rollout', rollout)
    const count = byRequest.get(request.id)?.length ?? 0
    const notRun = byRequest.get(request.id)?.some(({ record }) => record.reason === 'not_run') ?? false
    laws.expect(
      'every rollout request has one verdict',
      count === (due || notRun ? 1 : 0),
      () =>
        `${where}: request ${request.id} has ${count} verdicts, its rollout is ${due ? 'verified' : 'not verified yet'}`,
    )
  }
  const testRuns = grouped(
    corpus.of('test-runs').filter(({ record }) => record),
    ({ record }) => record.problemId,
  )
  const testsAsked = new Set(corpus.of('test-requests').map(({ record }) => record.problemId))
  for (const [problemId, all] of testRuns)
    laws.expect(
      'further tests are run once',
      all.length === 1 && testsAsked.has(problemId),
      () => `${where}: ${problemId} has ${all.length} runs of further tests`,
    )
  const solvers = new Set(corpus.of('rollout-requests').map(({ record }) => record.solver))
  for (const testCases of corpus.of('test-cases')) {
    const { problemId } = testCases.record
    const planned = isFinished(snapshot, 'plan-rollouts', testCases)
    const seenOf = (solver) =>
      (verdicts.get(keyOf(problemId, solver)) ?? []).filter((one) => isFinished(snapshot, 'plan-rollouts', one))
    // Where further tests were asked for, attempts that fail one of them have passed no longer, and others may be due.
    const wasAsked = testsAsked.has(problemId)
    const runs = testRuns.get(problemId)?.find((one) => isFinished(snapshot, 'plan-rollouts', one))?.record
    const refuted = runs ? refutedAttempts(runs, weighFurtherTests(runs)) : new Set()
    for (const solver of solvers) {
      const key = keyOf(problemId, solver)
      const seen = seenOf(solver)
      const due = planned ? attemptsDue(seen, refuted) : { least: 0, most: 0 }
      const asked = (requests.get(key) ?? []).map(({ record }) => record.attempt).sort((a, b) => a - b)
      laws.expect(
        'every problem has its attempts',
        asked.length >= due.least && asked.length <= due.most && asked.every((attempt, index) => attempt === index),
        () => `${where}: ${key}: expected attempts 0 to ${due.most - 1}, got ${asked.join(', ')}`,
      )
      const closed = outcomes.get(key) ?? []
      const isDone = (other) => seenOf(other).length === (requests.get(keyOf(problemId, other)) ?? []).length
      // Written tests are weighed against the attempts of all solvers.
      const { checks } = testCases.record
      const isWeighed = !checks.trusted && checks.tests.length > 0
      // Whether they are weak is asked of the attempts of all solvers.
      const isOver = !isWeighed || (wasAsked ? runs !== undefined : [...solvers].every(isDone))
      const isClosed = planned && isDone(solver) && isOver
      laws.expect(
        'every problem and solver has one outcome',
        closed.length === (isClosed ? 1 : 0),
        () => `${where}: ${key}: ${seen.length} of ${asked.length} verdicts seen, ${closed.length} outcomes`,
      )
      if (closed.length !== 1) continue
      checkOutcome(laws, closed[0].record, seen, where)
    }
  }
  const outcomeOf = new Map(corpus.of('outcomes').map(({ id, record }) => [id, record]))
  for (const { id, record } of corpus.of('preference-pairs')) {
    const counted = new Map(
      (outcomeOf.get(record.parentIds[0])?.verdicts ?? []).map((one) => [one.verdictId, one.verdict]),
    )
    laws.expect(
      'pairs are of counted verdicts',
      counted.get(record.chosenVerdictId) === 'passed' && counted.get(record.rejectedVerdictId) === 'failed',
      () => `${where}: pair ${id} is of verdicts that its outcome did not count so`,
    )
  }
}

/** How many attempts have been asked for, by the verdicts that were seen: fewer where one can never be verified, as then nothing more is. */
function attemptsDue(seen, refuted) {
  const verdictOf = ({ id, record }) => (refuted.has(id) ? 'failed' : record.verdict)
  const of = (kind) => seen.filter((one) => verdictOf(one) === kind).length
  const repeats = Math.min(of('unverifiable'), maxRepeats)
  const most = Math.min(attempts + repeats, passesTooEasy + of('failed') + of('unverifiable'))
  // What may have come too late to ask for more, or have made the last ones due at once.
  const isLost =
    of('unverifiable') > maxRepeats ||
    seen.some(({ record }) => record.reason === 'sandbox_error' || record.reason === 'verifier_timeout')
  const isTooFew = of('passed') + (attempts + repeats - seen.length) < passesTooEasy
  return {
    least: isLost ? Math.min(most, passesTooEasy) : isTooFew ? attempts + repeats : most,
    most: isTooFew ? attempts + repeats : most,
  }
}

/** An outcome counts every verdict of its problem and solver once, and says where it lies. */
function checkOutcome(laws, outcome, seen, where) {
  const counted = new Map(outcome.verdicts.map((one) => [one.verdictId, one]))
  const usable = seen.filter(({ record }) => record.verdict !== 'unverifiable')
  const right =
    counted.size === outcome.verdicts.length &&
    counted.size === usable.length &&
    usable.every(
      ({ id, partition, offset }) => counted.get(id)?.partition === partition && counted.get(id)?.offset === offset,
    ) &&
    outcome.attempted === usable.length &&
    outcome.unverifiable === seen.length - usable.length &&
    usable.every(({ id, record }) => counted.get(id)?.recomputed || counted.get(id)?.verdict === record.verdict) &&
    outcome.passed === outcome.verdicts.filter(({ verdict }) => verdict === 'passed').length
  laws.expect(
    'outcomes count every verdict once',
    right,
    () => `${where}: outcome ${outcome.id} counts ${outcome.attempted} attempts of ${usable.length} verdicts`,
  )
}

/** Ledger, progress and counts against what lies in the topics. */
function checkCounts(laws, corpus, snapshot, where) {
  const law = 'counts agree with the records'
  const offsets = offsetsOf(corpus)
  const lastEntries = new Map(corpus.of('ledger').map(({ record }) => [`${record.processor}/${record.task}`, record]))
  const discards = grouped(corpus.of('discards'), ({ record }) => record.processor)
  const letters = grouped(deadLettersOf(corpus), ({ processor }) => processor)
  const expenses = grouped(
    [...new Map(corpus.of('expenses').map(({ record }) => [topics.expenses.keyOf(record), record])).values()],
    ({ processor, task }) => `${processor}/${task}`,
  )
  const emitted = new Map()
  let commits = 0
  for (const { name, inputs, outputs } of processors) {
    const tasks = snapshot.progress.get(name) ?? new Map()
    const sums = { finished: 0, discarded: 0, deadLettered: 0, past: 0 }
    const reasons = new Map()
    for (const [number, task] of tasks) {
      const entry = lastEntries.get(`${name}/${number}`)
      laws.expect(
        'progress, ledger and outputs are of one commit',
        task.sequence === task.recordedSequence &&
          entry?.sequence === task.sequence &&
          JSON.stringify(entry.counts) === JSON.stringify(task.counts),
        () =>
          `${where}: ${name} task ${number}: progress of commit ${task.sequence} (it says ${task.recordedSequence}), ledger of commit ${entry?.sequence}`,
      )
      // Tries that brought nothing are estimates; every answer is one call of one line.
      const answered = (expenses.get(`${name}/${number}`) ?? []).reduce(
        (sum, { calls, outcome, estimatedCalls }) => sum + calls - (outcome === 'wasted' ? estimatedCalls : 0),
        0,
      )
      laws.expect(
        'expenses are of the commit that counts the calls',
        answered === task.counts.calls,
        () => `${where}: ${name} task ${number} has expenses for ${answered} answers and counts ${task.counts.calls}`,
      )
      commits += task.sequence
      sums.finished += task.counts.finished
      sums.discarded += task.counts.discarded
      sums.deadLettered += task.counts.deadLettered
      for (const [topic, at] of task.inputs) {
        const end = snapshot.ends.get(`${topic}/${number}`) ?? 0
        const unfinished = [...at.unfinished]
        laws.expect(
          'progress lies within its topics',
          at.nextOffset <= end && unfinished.every((offset) => offset < at.nextOffset),
          () =>
            `${where}: ${name} ${topic}/${number}: next offset ${at.nextOffset}, end ${end}, unfinished ${unfinished.join(', ')}`,
        )
        const past = offsets.get(`${topic}/${number}`)?.filter((offset) => offset < at.nextOffset).length ?? 0
        sums.past += past - at.unfinished.size
      }
      for (const [topic, count] of Object.entries(task.counts.emitted))
        emitted.set(topic, (emitted.get(topic) ?? 0) + count)
      for (const [reason, count] of Object.entries(task.counts.discards))
        reasons.set(reason, (reasons.get(reason) ?? 0) + count)
    }
    const own = discards.get(name) ?? []
    // A source finishes a step for each record that it makes.
    const made = Object.values(outputs).reduce((sum, { name: topic }) => sum + corpus.of(topic).length, 0)
    const past = Object.keys(inputs).length > 0 ? sums.past : made
    laws.expect(
      law,
      sums.finished === past,
      () => `${where}: ${name} counts ${sums.finished} finished records, its progress is past ${past}`,
    )
    laws.expect(
      law,
      sums.discarded === own.length,
      () => `${where}: ${name} counts ${sums.discarded} discards, the topic holds ${own.length}`,
    )
    laws.expect(
      law,
      sums.deadLettered === (letters.get(name)?.length ?? 0),
      () =>
        `${where}: ${name} counts ${sums.deadLettered} dead letters, the topic holds ${letters.get(name)?.length ?? 0}`,
    )
    for (const [reason, records] of grouped(own, ({ record }) => record.reason)) {
      laws.expect(
        law,
        reasons.get(reason) === records.length,
        () =>
          `${where}: ${name} counts ${reasons.get(reason) ?? 0} discards as ${reason}, the topic holds ${records.length}`,
      )
    }
  }
  for (const topic of [...Object.values(topics), deadLetters]) {
    const { name } = topic
    if ([topics.ledger, topics.expenses, topics.recipes, topics.seeds].some((one) => one.name === name)) continue
    const appended = corpus.appended(snapshot, topic)
    const foreign = corpus
      .of(name)
      .filter(
        ({ record }) =>
          name !== deadLetters.name &&
          (record === undefined || (name === topics.problems.name && record.origin === 'human')),
      ).length
    laws.expect(
      law,
      (emitted.get(name) ?? 0) + foreign === appended,
      () =>
        `${where}: the ledger counts ${emitted.get(name) ?? 0} records in ${name}, and ${foreign} came from outside; it holds ${appended}`,
    )
  }
  const entries = corpus.appended(snapshot, topics.ledger)
  laws.expect(law, entries === commits, () => `${where}: ${commits} commits by the progress, ${entries} ledger entries`)
}

/** The offsets of all records, by "topic/partition": on some logs they have gaps. */
function offsetsOf(corpus) {
  const offsets = new Map()
  for (const { name } of Object.values(topics)) {
    for (const { partition, offset } of corpus.of(name)) {
      const place = `${name}/${partition}`
      const known = offsets.get(place)
      if (known) known.push(offset)
      else offsets.set(place, [offset])
    }
  }
  return offsets
}

/**
 * How much of a processor's inputs is not finished, by its progress: { task, topic, count }, where there is any. No record lies at an
 * offset that is neither finished nor counted here.
 */
export function openWork(corpus, snapshot, chosen = processors) {
  const offsets = offsetsOf(corpus)
  return chosen.flatMap(({ name, inputs }) =>
    Object.values(inputs).flatMap(({ name: topic, partitions }) =>
      Array.from({ length: partitions }, (_, task) => task).flatMap((task) => {
        const at = snapshot.progress.get(name)?.get(task)?.inputs.get(topic)
        const ahead = offsets.get(`${topic}/${task}`)?.filter((offset) => offset >= (at?.nextOffset ?? 0)).length ?? 0
        const count = ahead + (at?.unfinished.size ?? 0)
        return count > 0 ? [{ processor: name, task, topic, count }] : []
      }),
    ),
  )
}

/** At the end: every task is at the end of its inputs with nothing left over, and no call is kept any more. */
export function checkDone(laws, corpus, snapshot, chosen = processors) {
  const open = openWork(corpus, snapshot, chosen)
  for (const { name } of chosen) {
    const own = open.filter(({ processor }) => processor === name)
    laws.expect('at the end everything is finished', own.length === 0, () =>
      own.map(({ task, topic, count }) => `${name}: ${count} records of ${topic}/${task} are not finished`).join('; '),
    )
  }
  laws.expect(
    'at the end no call is kept',
    snapshot.kept.length === 0,
    () => `${snapshot.kept.length} calls are kept, the first ${JSON.stringify(snapshot.kept[0])}`,
  )
  const tasks = [...snapshot.progress.values()].flatMap((one) => [...one.values()])
  const units = tasks.reduce((sum, { counts }) => sum + counts.entered - counts.left, 0)
  laws.expect(
    'at the end no work is in progress',
    units === 0,
    () => `the ledger counts ${units} units of work in the stream`,
  )
}

/** Which processor makes a call, by its purpose; the input that its record lies in. */
const callers = [
  [/^vote-\d+$/, 'vote-answer', 'accepted-problems'],
  [/^test-\d+$/, 'generate-test-cases', 'accepted-problems'],
  [/^further-test-\d+$/, 'generate-test-cases', 'test-requests'],
  [/^judge[-+]/, 'judge-problem', 'screened-problems'],
  [/^trace$/, 'teach', 'trace-requests'],
  [/^attempt$/, 'roll-out', 'rollout-requests'],
  [/^synthesis$/, 'generate-rationale', 'concepts'],
  [/^problem$/, 'generate-problem', 'rationales'],
  [/^embedding$/, 'embed-concepts', 'concept-lists'],
  [/annotator/, 'extract-concepts', 'seeds'],
]

/** The parts of a request id, which is the record's id and the purpose. @returns undefined where nobody here makes such calls */
export function callerOf(requestId) {
  const slash = requestId.indexOf('/')
  const purpose = requestId.slice(slash + 1)
  const [, processor, input] = callers.find(([pattern]) => pattern.test(purpose)) ?? []
  return processor && { recordId: requestId.slice(0, slash), purpose, processor, input }
}

/** Requests by their ids, as the events of the endpoint's log come. Each has its instances in order: { number (that of its first event), admittedAt, endedAt, end, promptTokens, completionTokens }. */
export class Requests {
  all = new Map()
  /** Events taken so far. */
  eventCount = 0

  /** Takes the events that are new. `laws` hears of calls made twice at the same time. */
  take(events, laws) {
    for (; this.eventCount < events.length; this.eventCount += 1) {
      const { at, event, requestId, promptTokens, completionTokens } = events[this.eventCount]
      // The look at the endpoint's models embeds a word without an id.
      if (requestId === null) continue
      const number = this.eventCount
      let instances = this.all.get(requestId)
      if (!instances) this.all.set(requestId, (instances = []))
      const open = instances.findLast(({ end }) => end === undefined)
      if (event === 'admitted') {
        laws?.expect(
          'no call twice at the same time',
          open === undefined,
          () => `${requestId} was admitted at ${at} while the one of ${open.admittedAt} was open`,
        )
        instances.push({
          number,
          admittedAt: at,
          endedAt: undefined,
          end: undefined,
          promptTokens,
          completionTokens: 0,
        })
      } else if (open) Object.assign(open, { endedAt: at, end: event, completionTokens })
    }
  }
}

/** The requests of these events, by their ids. */
export function requestsOf(events, laws) {
  const requests = new Requests()
  requests.take(events, laws)
  return requests.all
}

/**
 * The ids of all calls whose result is committed, by three roads: finished records, `calls` of records, kept calls. What is committed
 * stays so: `take` looks at what is new alone.
 */
export class CommittedCalls {
  /** Request id -> how many events the endpoint's log had when the call was known to be committed. */
  since = new Map()
  /** Calls that unfinished records keep now, by request id. */
  kept = new Map()
  #inputs = new Map(callers.map(([, , input]) => [input, { read: 0, byId: new Map(), byPlace: new Map() }]))
  #read = new Map()

  /** `eventCount` events of the endpoint's log lie before this snapshot, or came while it was taken. */
  take(corpus, snapshot, requests, eventCount) {
    for (const [input, known] of this.#inputs) {
      const records = corpus.of(input)
      for (; known.read < records.length; known.read += 1) {
        const one = records[known.read]
        known.byId.set(one.id, one)
        known.byPlace.set(placeOf(one), one.id)
      }
    }
    const add = (requestId) => {
      if (!this.since.has(requestId)) this.since.set(requestId, eventCount)
    }
    for (const requestId of requests.keys()) {
      if (this.since.has(requestId)) continue
      const caller = callerOf(requestId)
      const lies = caller && this.#inputs.get(caller.input).byId.get(caller.recordId)
      if (lies && isFinished(snapshot, caller.processor, lies)) add(requestId)
    }
    for (const { name } of Object.values(topics)) {
      const records = corpus.of(name)
      for (let read = this.#read.get(name) ?? 0; read < records.length; read += 1) {
        const { calls } = records[read].record ?? {}
        // Expenses count theirs.
        if (Array.isArray(calls)) for (const { requestId } of calls) add(requestId)
      }
      this.#read.set(name, records.length)
    }
    this.kept = new Map(
      snapshot.kept.map((call) => [
        `${this.#inputs.get(call.topic)?.byPlace.get(placeOf({ ...call, partition: call.task }))}/${call.purpose}`,
        call,
      ]),
    )
    for (const requestId of this.kept.keys()) add(requestId)
  }
}

/** The calls that are committed now. */
export function committedCalls(corpus, snapshot, requests) {
  const calls = new CommittedCalls()
  calls.take(corpus, snapshot, requests, 0)
  return { committed: new Set(calls.since.keys()), kept: calls.kept }
}

/** The counts of calls and tokens against the endpoint's own log: each committed call counts once. */
export function checkSpent(laws, snapshot, requests, committed, where) {
  const sums = new Map()
  for (const requestId of committed) {
    const caller = callerOf(requestId)
    const answered = requests.get(requestId)?.findLast(({ end }) => end === 'finished')
    laws.expect(
      'every committed call was answered',
      answered !== undefined && caller !== undefined,
      () => `${where}: ${requestId} is committed, but the endpoint did not finish it`,
    )
    if (!answered || !caller) continue
    const sum = sums.get(caller.processor) ?? { calls: 0, promptTokens: 0, completionTokens: 0 }
    sums.set(caller.processor, sum)
    sum.calls += 1
    sum.promptTokens += answered.promptTokens
    sum.completionTokens += answered.completionTokens
  }
  for (const [name, tasks] of snapshot.progress) {
    const expected = sums.get(name) ?? { calls: 0, promptTokens: 0, completionTokens: 0 }
    for (const field of ['calls', 'promptTokens', 'completionTokens']) {
      const counted = [...tasks.values()].reduce((sum, { counts }) => sum + counts[field], 0)
      laws.expect(
        'calls and tokens are counted once',
        counted === expected[field],
        () =>
          `${where}: ${name} counts ${counted} ${field}, by the endpoint's log its committed calls have ${expected[field]}`,
      )
    }
  }
}

/**
 * Repeats against the stops, in time order, each { kind: 'kill' | 'drain' | 'hurry', atMs, starvedMs, eventCount, committed }: the process
 * was told to end at `atMs`, had waited `starvedMs` for a processor core just before, and the endpoint had seen `eventCount` events when it knew that it was gone. A call may be repeated that was
 * in flight at a kill or finished within `windowSeconds` before it; none whose result was committed; after a drain none at all.
 * @returns the number of repeats by class, and the longest time between an answer that was lost and its kill
 */
export function checkRepeats(laws, requests, stops, { windowSeconds, hurryWindowSeconds }) {
  const classes = {
    inFlight: 0,
    finishedInWindow: 0,
    longestLostMs: 0,
    longestLostWithCoreMs: 0,
    calls: requests.size,
    repeats: 0,
  }
  const law = {
    committed: 'no committed call is repeated',
    repeat: 'repeats were in flight at a stop, or finished just before a kill',
    drain: 'a drain repeats nothing',
  }
  stops.forEach(({ committed, eventCount }, index) => {
    for (const requestId of committed) {
      const again = requests.get(requestId)?.find((one) => one.number >= eventCount)
      laws.expect(
        law.committed,
        again === undefined,
        () => `${requestId} was committed at stop ${index + 1} and admitted again as event ${again.number}`,
      )
    }
  })
  for (const [requestId, instances] of requests) {
    for (let index = 1; index < instances.length; index += 1) {
      const [before, again] = [instances[index - 1], instances[index]]
      const number = stops.findIndex(({ eventCount }) => eventCount > before.number)
      const stop = stops[number]
      classes.repeats += 1
      if (!stop || stop.eventCount > again.number) {
        laws.expect(
          law.repeat,
          false,
          `${requestId} was admitted ${again.admittedAt - before.admittedAt} ms after its first time, with no stop in between`,
        )
        continue
      }
      const finished = before.end === 'finished' && before.endedAt <= stop.atMs
      const lostMs = finished ? stop.atMs - before.endedAt : 0
      if (stop.kind === 'drain')
        laws.expect(
          law.drain,
          false,
          `${requestId} was admitted again after stop ${number + 1}, a drain that ended by itself`,
        )
      else {
        const allowedMs = 1000 * (stop.kind === 'kill' ? windowSeconds : hurryWindowSeconds)
        laws.expect(
          law.repeat,
          lostMs <= allowedMs + stop.starvedMs,
          () =>
            `${requestId} was finished ${lostMs} ms before stop ${number + 1} (${stop.kind}) and repeated; at most ${allowedMs} ms may be lost, and ${Math.round(stop.starvedMs)} ms without a core`,
        )
      }
      if (finished) classes.finishedInWindow += 1
      else classes.inFlight += 1
      classes.longestLostMs = Math.max(classes.longestLostMs, lostMs)
      classes.longestLostWithCoreMs = Math.max(classes.longestLostWithCoreMs, lostMs - stop.starvedMs)
    }
  }
  for (const { kind } of stops) if (kind === 'drain') laws.expect(law.drain, true)
  return classes
}
