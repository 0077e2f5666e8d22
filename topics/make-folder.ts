/** Making a folder that a user named. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it that are missing, one level at a time: Node 20's own recursive mkdir never ends where a file
 * system has the folder above and yet makes none in it.
 * @throws an error of the system; ENOTSUP where the file system makes no folders, EEXIST where something else has the name
 */
export function makeFolder(path: string): void {
  const folder = resolve(path)
  if (isFolder(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Another process was faster.
    if (code === 'EEXIST' && isFolder(folder)) return
    if (code !== 'ENOENT') throw error
    // "No such file" would be wrong: the folder above is there.
    const message = `ENOTSUP: ${dirname(folder)} takes no new folder, mkdir '${folder}'`
    throw Object.assign(new Error(message, { cause: error }), { code: 'ENOTSUP', syscall: 'mkdir', path: folder })
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}
