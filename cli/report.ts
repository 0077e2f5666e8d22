/** `wellspring report`: one self-contained HTML page over a corpus. */
import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { Command } from 'commander'
import { readForReport } from '../pages/report/read-corpus.ts'
import { reportPage } from '../pages/report/report-page.ts'
import { processors } from '../processors/index.ts'
import { openBeside, useCorpus } from './corpus.ts'
import { CommandError, exitCodes, writeFailure } from './exit.ts'
import { placeName, placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { formatBytes, note } from './terminal.ts'

interface Options extends PlaceFlags {
  into: string
  sample: string
}

const defaultFile = 'wellspring-report.html'
const mostSamples = 200

export function reportCommand(): Command {
  return placeOptions(new Command('report'))
    .option('--into <file>', 'the file to write, whole or not at all; - is stdout', defaultFile)
    .option('--sample <count>', 'problems to show with their whole ancestry', '10')
    .addHelpText(
      'after',
      `
The page says what the corpus holds and how it came about: how many units of work reached each stage and which rule left the others out, yields,
difficulty, verdicts, lengths, concepts, duplicates, cost, throughput, and some problems with everything they came from. It loads nothing and
holds no script, so it can be mailed or kept. It is read beside whatever runs on the corpus; the same positions give the same page.

Examples:
  wellspring report
  wellspring report --data demo-data --into demo.html --sample 20`,
    )
    .action(async ({ into, sample, ...flags }: Options) => {
      const samples = Number(sample)
      if (!/^\d+$/.test(sample) || samples > mostSamples)
        throw new CommandError(exitCodes.usage, `--sample: expected 0 to ${mostSamples}, got "${sample}"`)
      if (into === '' || (statSync(into, { throwIfNoEntry: false })?.isDirectory() ?? false))
        throw new CommandError(
          exitCodes.usage,
          `--into: expected a file, got ${into === '' ? 'nothing' : `the folder ${into}`}`,
        )
      const place = await placeOf(flags)
      await useCorpus(place, openBeside, async (corpus) => {
        const onProgress = progressLine()
        const reading = await readForReport(corpus, { samples, onProgress })
        const page = reportPage(reading, { name: placeName(place), processors })
        if (into === '-') {
          process.stdout.write(page)
          return
        }
        await writeWhole(into, page)
        note(`${into}: ${formatBytes(Buffer.byteLength(page))}`)
      })
    })
}

const progressSeconds = 3

/** Tells now and then how far the reading is; says nothing of a short one. */
function progressLine(): (share: number) => void {
  let toldAtMs = performance.now()
  return (share) => {
    if (performance.now() - toldAtMs < progressSeconds * 1000) return
    toldAtMs = performance.now()
    note(`reading: ${Math.min(100, Math.floor(100 * share))} %`)
  }
}

/** A reader never meets half a page. A link leads to the file that is replaced; what is no file is never replaced. @throws CommandError */
async function writeWhole(into: string, content: string): Promise<void> {
  const path = await realpath(into).catch(() => into)
  const found = await stat(path).catch(() => undefined)
  if (found && !found.isFile())
    throw new CommandError(exitCodes.usage, `--into: expected a file, and ${into} is none; write - for standard output`)
  const partial = `${path}.${randomUUID()}.partial`
  const handle = await open(partial, 'wx').catch((error: unknown) => {
    throw writeFailure(error, into)
  })
  try {
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {})
    throw error
  }
}
