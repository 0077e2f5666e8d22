/** `wellspring explain`: where a record came from, from itself back to the seeds, and the rules of each step. */
import { Command } from 'commander'
import { ancestryLines } from './ancestry-lines.ts'
import { ancestryJson, ancestryOf } from './ancestry.ts'
import { openBeside, useCorpus } from './corpus.ts'
import { placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { say, sayJson } from './terminal.ts'

export function explainCommand(): Command {
  return placeOptions(new Command('explain').argument('<id>', 'id of any kept record'))
    .option(
      '--json',
      'the whole ancestry as one JSON object, full texts included; a record that comes again is named alone, with `above`',
    )
    .addHelpText(
      'after',
      '\nA model call stands once, at the record that it was made for. Attempts, calls and tests count from 1. What judges said of a problem, and the\nattempts as they were asked for, are transient: they are shown while they\nare kept (run.retentionSeconds).\n\nExamples:\n  wellspring explain preference-pair-1a2b3c4d5e6f\n  wellspring explain $(wellspring tail preference-pairs --last 1 | head -1 | jq -r .id)',
    )
    .action(async (id: string, options: PlaceFlags & { json?: boolean }) => {
      await useCorpus(await placeOf(options), openBeside, async (corpus) => {
        const ancestry = await ancestryOf(corpus, id)
        if (options.json) sayJson(ancestryJson(ancestry))
        else for (const line of ancestryLines(ancestry)) say(line)
      })
    })
}
