/** Who owns a folder, as seen from another PID namespace: two containers on one volume. */
import { statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { claimAfter, forget, isLive, type OwnerRecord } from '../../topics/embedded/ownership.ts'
import { newFolder, removeFolders } from '../cli/command.ts'

const directory = newFolder()
const beatFile = join(directory, 'owner.beat')
const claim = claimAfter(undefined, directory)
/** The same owner, as a process of another container reads it: its number may be that of anybody here, or of nobody. */
const foreign = (pid: number): OwnerRecord => ({ ...claim, pid, namespace: 'pid:[1]', token: 'of the other' })

afterAll(() => {
  forget(claim)
  removeFolders()
})

test('an owner in another container lives while its file is fresh, whatever its number is here', () => {
  for (const pid of [process.pid, process.ppid, 2 ** 22 + 1]) expect(isLive(foreign(pid), directory)).toBe(true)
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(beatFile, longAgo, longAgo)
  for (const pid of [process.pid, process.ppid, 2 ** 22 + 1]) expect(isLive(foreign(pid), directory)).toBe(false)
})

test('an owner here is known by its number, fresh file or not, and keeps the file fresh', async () => {
  expect(isLive(claim, directory)).toBe(true)
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(beatFile, longAgo, longAgo)
  expect(isLive(claim, directory)).toBe(true)
  await expect.poll(() => statSync(beatFile).mtimeMs, { timeout: 30_000 }).toBeGreaterThan(longAgo.getTime())
})

test('a folder that was given back has no owner, and one without a shared folder no namespace', () => {
  expect(isLive({ ...foreign(1), pid: 0 }, directory)).toBe(false)
  const own = claimAfter(claim)
  expect(own.namespace).toBeUndefined()
  forget(own)
})
