/** The folder of a replay: its own log, and a note of whose records it stands on. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlaceFlags } from '../place.ts'
import { CommandError, exitCodes } from '../exit.ts'

const fileName = 'replay.json'

/** What a replay was made of. */
export interface ReplayNote {
  version: 1
  /** Flags that lead to the corpus that was replayed; a folder as an absolute path. */
  upstream: { data?: string; kafka?: string; registry?: string; namespace?: string; config?: string }
  /** The topic from which on all was derived anew. */
  from: string
  /** Topics that are read there. */
  stored: string[]
  /** The settings of the processors that were run, by processor. */
  settings: Record<string, Record<string, unknown>>
}

/** The note of a folder; undefined where the folder holds no replay. @throws CommandError for one that can't be read */
export function replayNoteOf(directory: string): ReplayNote | undefined {
  const file = join(directory, fileName)
  if (!existsSync(file)) return undefined
  let note: Partial<ReplayNote> | undefined
  try {
    note = JSON.parse(readFileSync(file, 'utf8')) as Partial<ReplayNote>
  } catch {
    // Told below, as all else that is no note.
  }
  if (note?.version !== 1 || typeof note.upstream !== 'object' || !Array.isArray(note.stored)) {
    throw new CommandError(
      exitCodes.ioError,
      `${file} cannot be read as the note of a replay; remove the folder and replay again`,
    )
  }
  return note as ReplayNote
}

export function writeReplayNote(directory: string, note: ReplayNote): void {
  writeFileSync(join(directory, fileName), `${JSON.stringify(note, undefined, 2)}\n`)
}

/** The flags of the corpus below, as commands take them. */
export function upstreamFlags({ upstream }: ReplayNote): PlaceFlags {
  return upstream.kafka === undefined ? { ...upstream, kafka: false } : upstream
}

/** A folder holds one replay: the same goes on where it was interrupted. @throws CommandError */
export function refuseOther(directory: string, made: ReplayNote): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return
  const known = replayNoteOf(directory)
  if (!known)
    throw new CommandError(exitCodes.badInput, `${directory} is no folder of a replay; name another one with --into`)
  if (JSON.stringify(known) !== JSON.stringify(made))
    throw new CommandError(
      exitCodes.badInput,
      `${directory} holds a replay with other settings or of another corpus; name another folder with --into, or remove it`,
    )
}
