/** `wellspring export`: rows that trainers read, as JSONL. */
import { once } from 'node:events'
import { open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { Argument, Command, Option } from 'commander'
import { domainNamed } from '../domains/index.ts'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { topics, type Topic } from '../topics/catalogue.ts'
import { LogError, type Log, type StoredRecord } from '../topics/log.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { jsonLine, note } from './terminal.ts'

type Sort = 'pairs' | 'sft' | 'problems'

const user = (content: string): { role: 'user'; content: string }[] => [{ role: 'user', content }]
const assistant = (content: string): { role: 'assistant'; content: string }[] => [{ role: 'assistant', content }]

type OnUnreadable = (topic: Topic, stored: StoredRecord) => void

/** Rows of one sort in TRL's conversational form; each carries its id and whether it is simulated. */
async function* rowsOf(corpus: Corpus, sort: Sort, onUnreadable: OnUnreadable): AsyncGenerator<object> {
  if (sort === 'pairs') {
    for await (const { record: pair } of readTopic(corpus, topics.preferencePairs, undefined, onUnreadable)) {
      const { id, problemId, domain, origin, source, solver, level, passRate, simulated } = pair
      yield {
        prompt: user(pair.prompt),
        chosen: assistant(pair.chosen),
        rejected: assistant(pair.rejected),
        ...{ id, problem_id: problemId, domain, origin, source, solver, level, pass_rate: passRate, simulated },
      }
    }
  } else if (sort === 'sft') {
    for await (const { record: example } of readTopic(corpus, topics.sftExamples, undefined, onUnreadable)) {
      const { id, problemId, domain, origin, source, teacher, tokens, simulated } = example
      yield {
        prompt: user(example.prompt),
        completion: assistant(example.completion),
        ...{ id, problem_id: problemId, domain, origin, source, teacher, tokens, simulated },
      }
    }
  } else {
    for await (const { record: testCases } of readTopic(corpus, topics.testCases, undefined, onUnreadable)) {
      const { id, problemId, domain, origin, source, statement, concepts, level, checks, simulated } = testCases
      yield {
        prompt: user(domainNamed(domain).solverPrompt(statement).text),
        answer: checks.answer,
        tests: checks.tests.map(({ input, output }) => ({ input, output })),
        ...{ id, problem_id: problemId, domain, origin, source, concepts, level, trusted: checks.trusted, simulated },
      }
    }
  }
}

export function exportCommand(): Command {
  return placeOptions(
    new Command('export').addArgument(new Argument('<sort>', 'what to write').choices(['pairs', 'sft', 'problems'])),
  )
    .addOption(
      new Option(
        '--format <format>',
        'trl: conversational prompt, chosen, rejected; prompt, completion; prompt, answer, tests',
      )
        .choices(['trl'])
        .default('trl'),
    )
    .option('--out <file>', 'write to a file instead of stdout; it appears whole, when it is complete')
    .addHelpText(
      'after',
      `
Examples:
  wellspring export pairs --out pairs.jsonl
  wellspring export sft | gzip > sft.jsonl.gz
  wellspring export pairs | jq -r '.prompt[0].content' | head

Rows made with the simulated endpoint say "simulated": true.`,
    )
    .action(async (sort: Sort, options: PlaceFlags & { out?: string }) => {
      const place = await placeOf(options)
      const { rows, simulated } = await useCorpus(place, openBeside, async (corpus) => {
        await refuseHalf(corpus.log)
        return await write(corpus, sort, options.out)
      })
      const where = options.out === undefined ? '' : ` to ${options.out}`
      note(`${rows} rows written${where}${simulated > 0 ? `, ${simulated} of them simulated: not for training` : ''}`)
    })
}

/** Half a copy would be exported as if it were all. @throws ConfigurationError */
async function refuseHalf(log: Log): Promise<void> {
  try {
    await refuseUnfinishedCopy(log)
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'denied') throw error
    // Reading takes fewer rights than that.
    note('this user may not see whether the corpus is a copy that is not complete; it is exported as it is')
  }
}

/**
 * Writes all rows to the file, or to stdout. @returns how many, and how many of them are simulated
 * @throws CommandError where records can't be read: a file stays as it was then
 */
async function write(corpus: Corpus, sort: Sort, file?: string): Promise<{ rows: number; simulated: number }> {
  let rows = 0
  let simulated = 0
  let unreadable = 0
  let first = ''
  const lines = async function* (): AsyncGenerator<string> {
    const onUnreadable: OnUnreadable = ({ name, kind }, { partition, offset }) => {
      if (unreadable++ === 0) first = `${name}/${partition} offset ${offset} is no ${kind}`
    }
    for await (const row of rowsOf(corpus, sort, onUnreadable)) {
      yield `${jsonLine(row)}\n`
      rows++
      if ('simulated' in row && row.simulated === true) simulated++
    }
  }
  const refuseUnreadable = (left: string): void => {
    if (unreadable === 0) return
    const others = unreadable === 1 ? '' : `, nor are ${unreadable - 1} that follow it what they should be`
    throw new CommandError(exitCodes.ioError, `${first}${others}; ${left}`)
  }
  if (file === undefined) {
    for await (const line of lines()) if (!process.stdout.write(line)) await once(process.stdout, 'drain')
    refuseUnreadable(`the other ${rows} rows were written`)
    return { rows, simulated }
  }
  // A reader never meets half a file: it is written beside and renamed.
  const partial = `${file}.partial`
  try {
    const handle = await open(partial, 'w')
    await pipeline(lines(), handle.createWriteStream())
    refuseUnreadable(`${file} is left as it was (without --out the other ${rows} rows are written to stdout)`)
    await rename(partial, file)
    return { rows, simulated }
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {})
    throw error
  }
}
