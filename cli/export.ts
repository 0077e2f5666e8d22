/** `wellspring export`: rows that trainers read, as JSONL. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { Argument, Command, Option } from 'commander'
import { domainNamed } from '../domains/index.ts'
import { topics } from '../topics/catalogue.ts'
import { openBeside, readTopic, useCorpus, type Corpus } from './corpus.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { jsonLine, note } from './terminal.ts'

type Sort = 'pairs' | 'sft' | 'problems'

const user = (content: string): { role: 'user'; content: string }[] => [{ role: 'user', content }]
const assistant = (content: string): { role: 'assistant'; content: string }[] => [{ role: 'assistant', content }]

/** Rows of one sort in TRL's conversational form; each carries its id and whether it is simulated. */
async function* rowsOf(corpus: Corpus, sort: Sort): AsyncGenerator<object> {
  if (sort === 'pairs') {
    for await (const { record: pair } of readTopic(corpus, topics.preferencePairs)) {
      const { id, problemId, domain, origin, source, solver, level, passRate, simulated } = pair
      yield {
        prompt: user(pair.prompt),
        chosen: assistant(pair.chosen),
        rejected: assistant(pair.rejected),
        ...{ id, problem_id: problemId, domain, origin, source, solver, level, pass_rate: passRate, simulated },
      }
    }
  } else if (sort === 'sft') {
    for await (const { record: example } of readTopic(corpus, topics.sftExamples)) {
      const { id, problemId, domain, origin, source, teacher, tokens, simulated } = example
      yield {
        prompt: user(example.prompt),
        completion: assistant(example.completion),
        ...{ id, problem_id: problemId, domain, origin, source, teacher, tokens, simulated },
      }
    }
  } else {
    for await (const { record: testCases } of readTopic(corpus, topics.testCases)) {
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
      const { rows, simulated } = await useCorpus(place, openBeside, (corpus) => write(corpus, sort, options.out))
      const where = options.out === undefined ? '' : ` to ${options.out}`
      note(`${rows} rows written${where}${simulated > 0 ? `, ${simulated} of them simulated: not for training` : ''}`)
    })
}

/** Writes all rows to the file, or to stdout. @returns how many, and how many of them are simulated */
async function write(corpus: Corpus, sort: Sort, file?: string): Promise<{ rows: number; simulated: number }> {
  // A reader never meets half a file: it is written beside and renamed.
  const partial = file === undefined ? undefined : `${file}.partial`
  const target = partial === undefined ? process.stdout : createWriteStream(partial)
  let rows = 0
  let simulated = 0
  try {
    for await (const row of rowsOf(corpus, sort)) {
      if (!target.write(`${jsonLine(row)}\n`)) await once(target, 'drain')
      rows++
      if ('simulated' in row && row.simulated === true) simulated++
    }
    if (partial !== undefined && file !== undefined) {
      target.end()
      await once(target, 'finish')
      await rename(partial, file)
    }
    return { rows, simulated }
  } catch (error) {
    if (partial !== undefined) await rm(partial, { force: true }).catch(() => {})
    throw error
  }
}
