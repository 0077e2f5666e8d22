/** The folder of a replay: its own log, and a note of whose records it stands on. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { PlaceFlags } from './place.ts'
import { CommandError, exitCodes } from './exit.ts'

const fileName = 'replay.json'

const noteForm = z.object({
  version: z.literal(1),
  /** Flags that lead to the corpus that was replayed; a folder as an absolute path. */
  upstream: z.object({
    data: z.string().optional(),
    kafka: z.string().optional(),
    registry: z.string().optional(),
    namespace: z.string().optional(),
    config: z.string().optional(),
  }),
  /** The topic from which on all was derived anew. */
  from: z.string(),
  /** Topics that are read there. */
  stored: z.array(z.string()),
  /** The settings of the processors that were run, by processor. */
  settings: z.record(z.string(), z.record(z.string(), z.unknown())),
})

/** What a replay was made of. */
export type ReplayNote = z.infer<typeof noteForm>

/** The note of a folder; undefined where the folder holds no replay. @throws CommandError for one that can't be read */
export function replayNoteOf(directory: string): ReplayNote | undefined {
  const file = join(directory, fileName)
  if (!existsSync(file)) return undefined
  try {
    return noteForm.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new CommandError(
      exitCodes.ioError,
      `${file} cannot be read as the note of a replay; remove the folder and replay again`,
    )
  }
}

export function writeReplayNote(directory: string, note: ReplayNote): void {
  writeFileSync(join(directory, fileName), `${JSON.stringify(note, undefined, 2)}\n`)
}

/** The flags of the corpus below, as commands take them. */
export function upstreamFlags({ upstream }: ReplayNote): PlaceFlags {
  return upstream.kafka === undefined ? { ...upstream, kafka: false } : upstream
}
