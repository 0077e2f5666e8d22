/** Downloads of this user in `$XDG_CACHE_HOME/wellspring` (`~/.cache/wellspring`), by name and version; safe to delete. */
import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * A cached folder, filled on first use. It appears whole or not at all, however many processes fill it at once.
 * @param fill writes everything into the empty folder that it is given
 */
export async function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'wellspring', name)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${randomUUID()}`
  await mkdir(unfinished, { recursive: true })
  const leaveNothing = () => rmSync(unfinished, { recursive: true, force: true })
  process.once('exit', leaveNothing)
  try {
    await fill(unfinished)
    await rename(unfinished, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    process.off('exit', leaveNothing)
    leaveNothing()
  }
  return folder
}
