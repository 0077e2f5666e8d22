/** `wellspring ingest`: human seeds, human problems and concept files into the stream. Bad lines are named, good ones kept. */
import { createReadStream } from 'node:fs'
import { Command, Option } from 'commander'
import { z } from 'zod'
import { normalConcept } from '../curation/concepts.ts'
import { statementHash } from '../curation/statements.ts'
import { domains } from '../domains/index.ts'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { hashOf, seedOf, textId } from '../engine/ids.ts'
import type { BenchmarkProblem, Checks, ConceptCombination, Problem, RecordTypes, Seed } from '../schemas/generated.ts'
import { topics, type RecordKind, type Topic } from '../topics/catalogue.ts'
import type { OutgoingRecord } from '../topics/log.ts'
import { partitionOf } from '../topics/partitioner.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { fewOfEach, kindOfSentence } from './few.ts'
import { placeOf, placeOptions, type Place, type PlaceFlags } from './place.ts'
import { note, oneLine, printable, say, sayJson } from './terminal.ts'

/** A line longer than this is no problem but a mistake, in bytes. */
export const longestLineBytes = 4 << 20
/** Names of things, in characters: they stand in every row that is exported, and in messages. */
export const longestNameCharacters = 1000
export const mostConcepts = 1000
/** Records in one append, at most; each append is all or nothing. */
const batchRecords = 500
const batchBytes = 2 << 20
const recipe = 'ingest-1'

const domainNames = domains.map(({ name }) => name) as [string, ...string[]]
const text = z.string().refine((value) => value.trim() !== '', 'must not be empty')
const nameText = text.max(longestNameCharacters, `must have at most ${longestNameCharacters} characters`)

const humanLine = z.object({
  id: z
    .union([z.string(), z.number()])
    .transform(String)
    .refine(({ length }) => length <= longestNameCharacters, `must have at most ${longestNameCharacters} characters`)
    .optional(),
  domain: z.enum(domainNames),
  source: nameText,
  problem: text,
  answer: z.union([z.string(), z.number()]).transform(String).nullish(),
  tests: z.array(z.object({ input: z.string(), output: z.string() })).nullish(),
  starter_code: z.string().nullish(),
  published_at: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}/, 'must be a date such as 2024-07-31')
    .nullish(),
})

const conceptLine = z.object({
  foundational_concepts: z.array(nameText).min(1).max(mostConcepts),
  level: nameText,
  domain: z.enum(domainNames).optional(),
})

/** A list of concepts of the user's own: one draw. */
const givenConceptLine = z.object({
  concepts: z.array(nameText).min(1).max(mostConcepts),
  domain: z.enum(domainNames),
  level: nameText.nullish(),
})

type Sort = 'seeds' | 'problems' | 'concepts' | 'benchmarks'

/** One record made of a line, and the checks that came with it. */
interface Taken<Kind extends RecordKind = RecordKind> {
  topic: Topic<Kind>
  record: RecordTypes[Kind]
  checks: Checks | null
}

/** What became of one file. Lines count from 1; 0 is the file as a whole. */
interface FileReport {
  file: string
  added: number
  known: number
  refused: { line: number; reason: string }[]
}

export function ingestCommand(): Command {
  return placeOptions(new Command('ingest').argument('<file...>', 'JSONL files, or - for standard input'))
    .addOption(
      new Option('--as <sort>', 'what the lines are').choices(['seeds', 'problems', 'concepts']).makeOptionMandatory(),
    )
    .option('--json', 'one JSON object a file on stdout')
    .addHelpText(
      'after',
      `
Lines:
  seeds, problems  {"id"?, "domain": ${domainNames.map((name) => `"${name}"`).join('|')}, "source", "problem", "answer"?, "tests"?: [{"input", "output"}], "published_at"?}
  concepts         {"concepts": [...], "domain", "level"?}: one draw of them, at a level of the domain's by chance where none is named. The n-th time that a
                   list stands in a file is its n-th draw.
                   {"foundational_concepts": [...], "level", "domain"?}: a line of a released concept file, taken as it is.

Examples:
  wellspring ingest aops.jsonl codeforces.jsonl --as seeds
  wellspring ingest competition.jsonl --as problems
  echo '{"concepts": ["graph colouring", "parity"], "domain": "math"}' | wellspring ingest - --as concepts
  zcat concepts.jsonl.gz | wellspring ingest - --as concepts

The same line twice adds nothing. It works beside a running \`wellspring up\`.`,
    )
    .action(async (files: string[], options: PlaceFlags & { as: Exclude<Sort, 'benchmarks'>; json?: boolean }) => {
      const open = (place: Place): Promise<Corpus> => openBeside(place, { create: true })
      await useCorpus(await placeOf(options), open, async (corpus) => {
        await refuseUnfinishedCopy(corpus.log)
        const reports = await ingestFiles(corpus, files, options.as)
        tellReports(reports, options.as, options.json ?? false)
      })
    })
}

/** Tells what became of each file; refused lines are the command's exit code. */
export function tellReports(reports: readonly FileReport[], as: Sort, json: boolean): void {
  for (const report of reports) tell(report, as, json)
  if (reports.some(({ refused }) => refused.length > 0)) process.exitCode = exitCodes.badInput
}

function tell({ file, added, known, refused }: FileReport, as: Sort, json: boolean): void {
  if (json) return sayJson({ file, as, added, known, refused })
  for (const { shown, more } of fewOfEach(refused, ({ reason }) => kindOfSentence(reason))) {
    for (const { line, reason } of shown) note(`${file}${line === 0 ? '' : `:${line}`}: ${printable(reason)}`)
    const like = shown.length > 0 ? `like line ${shown.at(-1)?.line}` : 'of further kinds'
    if (more > 0) note(`${file}: ${more} more lines ${like} were refused; --json lists all`)
  }
  const what = as === 'benchmarks' ? 'benchmark problems' : as
  say(`${file}: ${added} ${what} added, ${known} known already, ${refused.length} refused`)
}

/** How lines of one sort are taken in. `source` replaces that of the lines. */
interface Intake {
  as: Sort
  source?: string | undefined
  /** How often each list of concepts stood in the file so far. */
  draws: Map<string, number>
}

/** Takes in files of one sort. @throws CommandError where a file can't be read at all; what came before it is kept */
export async function ingestFiles(
  corpus: Corpus,
  files: readonly string[],
  as: Sort,
  source?: string,
): Promise<FileReport[]> {
  const topic = topics[as] as Topic
  await corpus.codec.prepare(topic.name, topic.kind)
  const known = await knownRecords(corpus, topic, as)
  const reports: FileReport[] = []
  for (const file of files) reports.push(await ingestFile(corpus, file, { as, source, draws: new Map() }, known))
  return reports
}

/** Ids that the topic holds, with a hash of the checks they came with. */
async function knownRecords(corpus: Corpus, topic: Topic, as: Sort): Promise<Map<string, string>> {
  const known = new Map<string, string>()
  for await (const { record } of readTopic(corpus, topic)) {
    if (as === 'problems' && (record as Problem).origin !== 'human') continue
    // A table's newest record of a key stands.
    if ('removed' in record && record.removed) {
      known.delete(record.id)
      continue
    }
    known.set((record as { id: string }).id, checksHash('checks' in record ? record.checks : null))
  }
  return known
}

async function ingestFile(
  corpus: Corpus,
  file: string,
  intake: Intake,
  known: Map<string, string>,
): Promise<FileReport> {
  const { as } = intake
  const report: FileReport = { file, added: 0, known: 0, refused: [] }
  let batch: OutgoingRecord[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const added = await corpus.log.append(
      batch,
      `ingest/${hashOf(
        as,
        batch.map(({ key }) => key),
        // What was removed from a table may be added again.
        topics[as].retention === 'table' ? Date.now() : 0,
      )}`,
    )
    if (added) report.added += batch.length
    else report.known += batch.length
    batch = []
    bytes = 0
  }
  let number = 0
  for await (const line of linesOf(file)) {
    number++
    if ('text' in line && line.text.trim() === '') continue
    const taken = 'text' in line ? takeLine(line.text, intake) : line
    if ('fault' in taken) {
      report.refused.push({ line: number, reason: taken.fault })
      continue
    }
    const { topic, record, checks } = taken
    const { id } = record as { id: string }
    const before = known.get(id)
    if (before !== undefined) {
      if (checks !== null && before !== checksHash(checks)) {
        report.refused.push({
          line: number,
          reason: `conflict: this text is known as ${id} with another answer or other tests; the first one stands`,
        })
      } else report.known++
      continue
    }
    known.set(id, checksHash(checks))
    const value = corpus.codec.encode(topic.name, topic.kind, record)
    const key = topic.keyOf(record)
    batch.push({ topic: topic.name, partition: partitionOf(key, topic.partitions), key, value })
    bytes += value.byteLength
    if (batch.length >= batchRecords || bytes >= batchBytes) await flush()
  }
  await flush()
  if (number === 0) report.refused.push({ line: 0, reason: 'the file is empty; expected one JSON object a line' })
  return report
}

const newline = 0x0a
const sniffedBytes = 64 << 10
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A line as text, or why it is none. */
type Line = { text: string } | { fault: string }

/** The lines of a file; one that is too long is never held as a whole. @throws CommandError where it can't be read or is no text */
async function* linesOf(file: string): AsyncGenerator<Line> {
  const input: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file)
  let parts: Buffer[] = []
  let bytes = 0
  let sniffed = 0
  const add = (part: Buffer): void => {
    bytes += part.length
    if (bytes <= longestLineBytes) parts.push(part)
    else parts = []
  }
  const take = (): Line => {
    const line = decodeLine(parts, bytes)
    parts = []
    bytes = 0
    return line
  }
  try {
    for await (const chunk of input) {
      if (sniffed < sniffedBytes && chunk.subarray(0, sniffedBytes - sniffed).includes(0)) {
        throw new CommandError(
          exitCodes.badInput,
          `${file}: not a text file (it holds a zero byte); expected JSONL, one JSON object a line`,
        )
      }
      sniffed += chunk.length
      let start = 0
      for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
        add(chunk.subarray(start, end))
        start = end + 1
        yield take()
      }
      if (start < chunk.length) add(chunk.subarray(start))
    }
    if (bytes > 0) yield take()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    const cause =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EISDIR'
          ? 'is a folder; name its files'
          : `cannot be read (${code})`
    throw new CommandError(exitCodes.ioError, `${file}: ${cause}`)
  }
}

function decodeLine(parts: readonly Buffer[], bytes: number): Line {
  if (bytes > longestLineBytes) return { fault: `the line has ${bytes} bytes, expected at most ${longestLineBytes}` }
  try {
    // The decoder drops a byte order mark; JSON takes the carriage return of a CRLF for white space.
    return { text: utf8.decode(Buffer.concat(parts)) }
  } catch {
    return { fault: 'not UTF-8; convert the file to UTF-8' }
  }
}

function takeLine(line: string, { as, source, draws }: Intake): Taken | { fault: string } {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return { fault: `no JSON: ${oneLine((error as Error).message, 120)}` }
  }
  const isGiven = as === 'concepts' && typeof value === 'object' && value !== null && 'concepts' in value
  const parsed = (isGiven ? givenConceptLine : as === 'concepts' ? conceptLine : humanLine).safeParse(value)
  if (!parsed.success) {
    return {
      fault: parsed.error.issues
        .slice(0, 3)
        .map(({ path, message }) => `${path.join('.') || 'the line'}: ${message}`)
        .join('; '),
    }
  }
  if (isGiven) return takeGivenConcepts(parsed.data as z.infer<typeof givenConceptLine>, draws)
  if (as === 'concepts') return takeConcepts(parsed.data as z.infer<typeof conceptLine>)
  const human = parsed.data as z.infer<typeof humanLine>
  return as === 'benchmarks' ? takeBenchmark(human, source ?? human.source) : takeHuman(human, as)
}

function takeBenchmark({ id, domain, problem: statement }: z.infer<typeof humanLine>, benchmark: string): Taken {
  const own = textId('benchmark-problem', `${benchmark}/${domain}`, statement)
  const record: BenchmarkProblem = {
    ...{ id: own, benchmark, domain, sourceId: id ?? own, statement, addedAtMs: Date.now(), removed: false },
  }
  return { topic: topics.benchmarks, record, checks: null }
}

function takeHuman(line: z.infer<typeof humanLine>, as: 'seeds' | 'problems'): Taken | { fault: string } {
  const { domain, source, problem: statement } = line
  const outputs = new Map((line.tests ?? []).map(({ input, output }) => [input, output]))
  const contradicted = line.tests?.findIndex(({ input, output }) => outputs.get(input) !== output) ?? -1
  if (contradicted >= 0) return { fault: `tests.${contradicted}: another test has the same input and another output` }
  const tests = (line.tests ?? []).map(({ input, output }) => ({ input, output, kind: 'human' }))
  const answer = line.answer?.trim() ? line.answer : null
  const checks: Checks | null = answer !== null || tests.length > 0 ? { answer, tests, trusted: true } : null
  const shared = {
    parentIds: [],
    recipe,
    createdAtMs: Date.now(),
    simulated: false,
    domain,
    source,
    sourceId: line.id ?? '',
    statement,
    publishedAt: line.published_at ?? null,
    checks,
  }
  if (as === 'seeds') {
    const record: Seed = { ...shared, id: textId('seed', domain, statement) }
    return { topic: topics.seeds as unknown as Topic, record, checks }
  }
  if (line.starter_code?.trim())
    return { fault: 'starter_code: problems that ask for a function are not run; take this one in as a seed' }
  const record: Problem = {
    ...shared,
    ...{ id: textId('problem', domain, statement), origin: 'human', contentHash: statementHash(statement) },
    ...{ concepts: [], level: '', rationale: null, judgements: [], calls: [] },
  }
  return { topic: topics.problems as unknown as Topic, record, checks }
}

function takeConcepts(line: z.infer<typeof conceptLine>): Taken | { fault: string } {
  const domain = line.domain ?? domains.find(({ levels }) => levels.includes(line.level))?.name
  if (domain === undefined)
    return {
      fault: `level: no domain has the level "${oneLine(line.level, 40)}"; add "domain": ${domainNames.map((name) => `"${name}"`).join(' or ')}`,
    }
  const concepts = line.foundational_concepts.map(normalConcept)
  const id = textId('concept-combination', domain, JSON.stringify([concepts, line.level]))
  return takenCombination({ id, domain, concepts, level: line.level, draw: 0, sampler: 'released' })
}

function takeGivenConcepts(
  line: z.infer<typeof givenConceptLine>,
  draws: Map<string, number>,
): Taken | { fault: string } {
  const { domain } = line
  const levels = domains.find(({ name }) => name === domain)?.levels ?? []
  const named = line.level ?? undefined
  if (named !== undefined && !levels.includes(named))
    return { fault: `level: expected one of ${levels.join(', ')}, or none, got "${oneLine(named, 40)}"` }
  const concepts = line.concepts.map(normalConcept)
  const unnamed = concepts.indexOf('')
  if (unnamed >= 0) return { fault: `concepts.${unnamed}: names nothing` }
  const repeated = concepts.findIndex((concept, at) => concepts.indexOf(concept) < at)
  if (repeated >= 0)
    return { fault: `concepts.${repeated}: "${oneLine(concepts[repeated] ?? '', 40)}" stands in the list before` }
  const drawn = JSON.stringify([concepts, named ?? ''])
  const key = hashOf(domain, drawn)
  const draw = draws.get(key) ?? 0
  draws.set(key, draw + 1)
  const id = textId('concept-combination', domain, JSON.stringify([drawn, draw]))
  const level = named ?? levels[seedOf('level', id) % levels.length] ?? ''
  return takenCombination({ id, domain, concepts, level, draw, sampler: 'given' })
}

function takenCombination(
  given: Pick<ConceptCombination, 'id' | 'domain' | 'concepts' | 'level' | 'draw' | 'sampler'>,
): Taken {
  const record: ConceptCombination = {
    ...{ ...given, parentIds: [], recipe, createdAtMs: Date.now(), simulated: false },
    ...{ seed: seedOf(given.id), tableVersions: {}, temperature: 0, widening: 0, guided: false, livePassRate: null },
  }
  return { topic: topics.concepts, record, checks: null }
}

function checksHash(checks: Checks | null): string {
  return checks === null
    ? ''
    : hashOf(checks.answer ?? '', JSON.stringify(checks.tests.map(({ input, output }) => [input, output])))
}
