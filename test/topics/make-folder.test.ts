/** Folders that a user names. What must not hang is run as a command: test/cli/bad-input.test.ts. */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeFolder } from '../../topics/make-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'wellspring-folders-'))
afterAll(() => rmSync(root, { recursive: true }))

test('makes every level that is missing, and leaves what is there', () => {
  mkdirSync(join(root, 'a'))
  writeFileSync(join(root, 'a', 'file'), 'kept')
  makeFolder(join(root, 'a', 'b', 'c') + '/')
  makeFolder(join(root, 'a', 'b', 'c'))
  expect(statSync(join(root, 'a', 'b', 'c')).isDirectory()).toBe(true)
  expect(statSync(join(root, 'a', 'file')).size).toBe(4)
})

test('follows a link to a folder', () => {
  mkdirSync(join(root, 'real'))
  symlinkSync(join(root, 'real'), join(root, 'link'))
  makeFolder(join(root, 'link', 'below'))
  expect(statSync(join(root, 'real', 'below')).isDirectory()).toBe(true)
})

test('names the file, or the link to nowhere, that is in the way', () => {
  writeFileSync(join(root, 'file'), '')
  symlinkSync(join(root, 'nowhere'), join(root, 'dangling'))
  for (const name of ['file', 'dangling'])
    for (const path of [join(root, name), join(root, name, 'below')])
      expect(() => makeFolder(path)).toThrow(expect.objectContaining({ code: 'EEXIST', path: join(root, name) }))
})
