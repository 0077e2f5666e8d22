/** `run.records`: what a corpus holds, said once instead of asked of every endpoint by every process. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startSimulator, type Simulator } from '../../simulator/server.ts'
import { endAll, expectFailure, newFolder, removeFolders, run } from './command.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const cwd = newFolder()
let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ instant: true })
})
afterAll(async () => {
  endAll()
  await simulator.close()
  removeFolders()
})

/** Runs a processor for a moment. */
async function runWith(name: string, records: string, endpoint: object) {
  const configuration = {
    endpoints: { one: endpoint },
    models: { solver: { model: 'sim-solver', endpoints: ['one'] } },
    roles: { solver: ['solver'] },
    run: { records },
  }
  writeFileSync(join(cwd, 'wellspring.yaml'), JSON.stringify(configuration))
  return await run(['run', name, '--for', '1s', '--data', `data-${name}-${records}`], { cwd })
}

describe('a process that calls no model', () => {
  /** Nobody listens there, and its key is not here. */
  const closed = { url: 'http://127.0.0.1:1/v1', apiKeyVariable: 'CLOSED_API_KEY' }

  it.each(['real', 'simulated'])('asks no endpoint and needs no key where records are %s', async (records) => {
    const { exitCode, stdout, stderr } = await runWith('verify-rollout', records, closed)
    expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^the time is up/) as string])
    expect(stdout).not.toMatch(/endpoint one/)
    expect(/simulated: nothing here is for training/.test(stdout)).toBe(records === 'simulated')
  })

  it('asks them all where that is not said', async () => {
    expectFailure(await runWith('verify-rollout', 'auto', closed), 78, /CLOSED_API_KEY/)
  })
})

describe('a process that calls models', () => {
  it('needs their keys whatever is said', async () => {
    const endpoint = { url: simulator.url, apiKeyVariable: 'CLOSED_API_KEY' }
    expectFailure(await runWith('roll-out', 'simulated', endpoint), 78, /CLOSED_API_KEY/)
  })

  it('refuses endpoints that are of the other sort', async () => {
    const ended = await runWith('roll-out', 'real', { url: simulator.url })
    expectFailure(ended, 78, /run\.records: expected endpoints that are real, and these are simulated/)
  })

  it('takes those that are of this sort', async () => {
    expect((await runWith('roll-out', 'simulated', { url: simulator.url })).exitCode).toBe(0)
  })
})
