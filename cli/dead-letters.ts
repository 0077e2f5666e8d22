/** `wellspring dead-letters`: records that could not be processed, why, and how to put them back. */
import { Command } from 'commander'
import { refuseUnfinishedCopy } from '../engine/copy/copy-progress.ts'
import { beginningOfHeader, deadLetterHeaders, redrivenHeader } from '../engine/copy/positions.ts'
import { processors } from '../processors/index.ts'
import { deadLetters, redrivenForHeader, topicNamed } from '../topics/catalogue.ts'
import type { StoredRecord } from '../topics/log.ts'
import { openBeside, storedRecords, useCorpus, type Corpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { oneLine, say, sayJson } from './terminal.ts'

/** A dead letter as it is shown; `id` is its place in the topic. */
interface DeadLetter {
  id: string
  processor: string
  topic: string
  partition: number
  offset: number
  code: string
  message: string
  diedAtMs: number
  stored: StoredRecord
}

/** Dead letters that were not put back yet. */
async function openLetters({ log }: Corpus): Promise<DeadLetter[]> {
  const letters = new Map<string, DeadLetter>()
  for (let partition = 0; partition < deadLetters.partitions; partition++) {
    for await (const stored of storedRecords(log, deadLetters.name, partition)) {
      const headers = stored.headers ?? {}
      const redriven = headers[redrivenHeader]
      if (redriven !== undefined) {
        letters.delete(redriven)
        continue
      }
      const id = `${partition}/${stored.offset}`
      letters.set(id, {
        id,
        processor: headers['__connect.errors.stage'] ?? '',
        topic: headers[deadLetterHeaders.topic] ?? '',
        partition: Number(headers[deadLetterHeaders.partition]),
        offset: Number(headers[deadLetterHeaders.offset]),
        code: headers['__connect.errors.exception.class.name'] ?? '',
        message: headers['__connect.errors.exception.message'] ?? '',
        diedAtMs: stored.timestampMs,
        stored,
      })
    }
  }
  return [...letters.values()]
}

export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').addHelpText(
    'after',
    '\nExamples:\n  wellspring dead-letters list\n  wellspring dead-letters redrive --all',
  )
  placeOptions(command.command('list').description('dead letters that were not put back'))
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring dead-letters list\n  wellspring dead-letters list --json | jq -r .code | sort | uniq -c',
    )
    .action(async (options: PlaceFlags & { json?: boolean }) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const letters = await openLetters(corpus)
        for (const { stored, ...letter } of letters) {
          if (options.json) sayJson({ ...letter, bytes: stored.value.byteLength })
          else
            say(
              `${letter.id}  ${oneLine(`${letter.processor}  ${letter.topic}/${letter.partition} offset ${letter.offset}  ${letter.code}: ${letter.message}`, 300)}`,
            )
        }
        if (letters.length === 0 && !options.json) say('no dead letters')
      })
    })
  placeOptions(
    command
      .command('redrive')
      .description('put dead letters back into their topics')
      .argument('[id...]', 'their ids as listed, such as 3/17'),
  )
    .option('--all', 'all that were not put back')
    .addHelpText(
      'after',
      '\nExamples:\n  wellspring dead-letters redrive 3/17\n  wellspring dead-letters redrive --all\n\nThe record returns to its topic and its dead letter is marked, in one commit.',
    )
    .action(async (ids: string[], options: PlaceFlags & { all?: boolean }) => {
      if (ids.length > 0 === (options.all ?? false))
        throw new CommandError(
          exitCodes.usage,
          `expected ids of dead letters or --all, got ${ids.length > 0 ? 'both' : 'neither'}`,
        )
      const place = await placeOf(options)
      await useCorpus(place, openBeside, async (corpus) => {
        await refuseUnfinishedCopy(corpus.log)
        const letters = await openLetters(corpus)
        const unknown = ids.filter((id) => !letters.some((letter) => letter.id === id))
        if (unknown.length > 0)
          throw new CommandError(
            exitCodes.badInput,
            `no open dead letter is called ${unknown.join(', ')}; see \`wellspring dead-letters list${place.flags}\``,
          )
        const chosen = letters.filter(({ id }) => options.all || ids.includes(id))
        const left = new Map<string, number>()
        let putBack = 0
        for (const letter of chosen) {
          const reason = reasonToLeave(letter)
          if (reason !== undefined && !options.all && !wasAnswered(letter))
            throw new CommandError(exitCodes.badInput, `dead letter ${letter.id} ${reason}`)
          if (reason !== undefined) left.set(reason, (left.get(reason) ?? 0) + 1)
          else if (await redrive(corpus, letter)) putBack += 1
        }
        const rest = [...left].map(([reason, count]) => `; ${count} left: each ${reason}`)
        say(`${putBack} dead letters put back${rest.join('')}`)
      })
    })
  return command
}

/** Why a dead letter can't be put back; undefined where it can. */
function reasonToLeave(letter: DeadLetter): string | undefined {
  const { topic, partition, offset, stored } = letter
  if (!topicNamed(topic)) return `came from "${oneLine(topic, 60)}", which is no topic: something else has written it`
  const bytes = stored.headers?.[beginningOfHeader]
  if (bytes !== undefined)
    return `holds only the beginning of ${oneLine(bytes, 20)} bytes, more than a record may have; the whole lies in ${topic}/${partition} at offset ${offset}`
  return wasAnswered(letter)
    ? 'had been answered when it was written (its processor wrote something in its stead)'
    : undefined
}

/** Whether its processor emitted something in its stead, so that nobody waits for it. */
function wasAnswered({ processor, topic, code }: DeadLetter): boolean {
  const declaration = processors.find(({ name }) => name === processor)
  const input = Object.entries(declaration?.inputs ?? {}).find(([, one]) => one.name === topic)?.[0]
  // Bytes that are no record of the topic could not be answered.
  return (
    input !== undefined && code !== 'RECORD_UNDECODABLE' && declaration?.onFailure.emitInstead?.[input] !== undefined
  )
}

/**
 * Puts the record back for the processor that failed on it, and marks its dead letter, in one commit.
 * @returns whether it was this call that did
 */
async function redrive({ log }: Corpus, { id, processor, topic, partition, stored }: DeadLetter): Promise<boolean> {
  const { key, value } = stored
  const mark = {
    topic: deadLetters.name,
    partition: stored.partition,
    key,
    value: new Uint8Array(),
    headers: { [redrivenHeader]: id },
  }
  const again = { topic, partition, key, value, headers: { [redrivenForHeader]: processor } }
  return await log.append([again, mark], `redrive/${id}`)
}
