/** The demo, cut short; what a whole one leaves is looked at in corpus.test.ts. */
import { afterAll, expect, test } from 'vitest'
import { endAll, newFolder, removeFolders, start } from './command.ts'

afterAll(() => {
  endAll()
  removeFolders()
})

test('an interrupted demo says how to go on with it', async () => {
  const { process: child, written, ended } = start(['demo'], { cwd: newFolder() })
  await written(/\[simulated\]/)
  child.kill('SIGINT')
  const { exitCode, stdout } = await ended
  expect(exitCode).toBe(130)
  expect(stdout).toContain('the demo is not complete: `npx wellspring demo` goes on where it stopped')
  expect(stdout).not.toMatch(/npx wellspring up --data demo-data/)
}, 120_000)
