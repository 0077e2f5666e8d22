import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Checkpoints, type Checkpoint } from '../../topics/kafka/checkpoints.ts'
import { text } from './conformance.ts'

function checkpointOf(offset: number): Checkpoint {
  return { identity: 'a', identityOffset: 0, offset, writtenAtMs: 1, progress: { sequence: offset, value: 'cA==' } }
}

describe('the local copies of a process', () => {
  let directory: string
  const open = new Set<Checkpoints>()

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wellspring-state-'))
  })

  afterEach(async () => {
    for (const one of open) await one.close()
    open.clear()
    rmSync(directory, { recursive: true })
  })

  function openCopies(): Checkpoints {
    const opened = Checkpoints.open(directory)
    open.add(opened)
    return opened
  }

  async function close(checkpoints: Checkpoints): Promise<void> {
    open.delete(checkpoints)
    await checkpoints.close()
  }

  /** Writes state entries and how far they go. */
  async function write(
    checkpoints: Checkpoints,
    place: readonly [scope: string, group: string, task: number],
    entries: Readonly<Record<string, string | undefined>>,
    offset: number,
  ): Promise<void> {
    const state = checkpoints.state(...place)
    const changes = Object.entries(entries).map(([key, value]) =>
      state.entryOf({ key, value: value === undefined ? undefined : Buffer.from(value) }, offset),
    )
    await checkpoints.write(...place, changes, checkpointOf(offset))
  }

  function stateOf(checkpoints: Checkpoints, ...place: readonly [string, string, number]): Record<string, unknown> {
    return Object.fromEntries([...checkpoints.state(...place).entries()].map(({ key, value }) => [key, text(value)]))
  }

  it('keep state and how far it goes over a restart', async () => {
    const first = openCopies()
    expect(first.checkpoint('c', 'g', 0)).toBeUndefined()
    await write(first, ['c', 'g', 0], { a: '1', b: '1' }, 1)
    await write(first, ['c', 'g', 0], { a: undefined, b: '2' }, 2)
    await close(first)
    const second = openCopies()
    expect(second.checkpoint('c', 'g', 0)).toEqual(checkpointOf(2))
    expect(stateOf(second, 'c', 'g', 0)).toEqual({ b: '2' })
  })

  it('take one write right after another, in whatever turn it is asked for', async () => {
    const checkpoints = openCopies()
    // Each is asked for the moment the one before is done.
    for (let offset = 1; offset <= 50; offset += 1) await write(checkpoints, ['c', 'g', 0], { a: `${offset}` }, offset)
    await Promise.all([51, 52, 53].map((offset) => write(checkpoints, ['c', 'g', offset], { a: `${offset}` }, offset)))
    await checkpoints.remove('c', 'g', 51)
    expect(stateOf(checkpoints, 'c', 'g', 0)).toEqual({ a: '50' })
    expect(checkpoints.tasksOf('c', 'g')).toEqual([0, 52, 53])
  })

  it('keep tasks, groups and clusters apart, also when one is forgotten', async () => {
    const checkpoints = openCopies()
    const places: readonly (readonly [string, string, number])[] = [
      ['c', 'g', 0],
      ['c', 'g', 1],
      ['c', 'g2', 0],
      ['c2', 'g', 0],
      ['c/n', 'g', 0],
    ]
    for (const [index, place] of places.entries()) await write(checkpoints, place, { a: `${index}`, b: 'b' }, index + 1)
    await checkpoints.remove('c', 'g', 0)
    for (const [index, place] of places.entries()) {
      expect(stateOf(checkpoints, ...place)).toEqual(index === 0 ? {} : { a: `${index}`, b: 'b' })
      expect(checkpoints.checkpoint(...place)).toEqual(index === 0 ? undefined : checkpointOf(index + 1))
    }
    expect(checkpoints.tasksOf('c', 'g')).toEqual([1])
  })

  it('forget more entries than fit in one transaction', async () => {
    const checkpoints = openCopies()
    const many = Object.fromEntries(Array.from({ length: 25_000 }, (_, index) => [`key ${index}`, 'x']))
    await write(checkpoints, ['c', 'g', 0], many, 1)
    await write(checkpoints, ['c', 'g', 1], { a: '1' }, 1)
    await checkpoints.remove('c', 'g', 0)
    expect(stateOf(checkpoints, 'c', 'g', 0)).toEqual({})
    expect(stateOf(checkpoints, 'c', 'g', 1)).toEqual({ a: '1' })
  })

  it('have a place of their own for each that uses the folder at once', async () => {
    const first = openCopies()
    const second = openCopies()
    await write(first, ['c', 'g', 0], { a: 'first' }, 1)
    await write(second, ['c', 'g', 0], { a: 'second' }, 2)
    expect(stateOf(first, 'c', 'g', 0)).toEqual({ a: 'first' })
    expect(stateOf(second, 'c', 'g', 0)).toEqual({ a: 'second' })
    await close(first)
    // The place that became free is found again, with what is in it.
    expect(stateOf(openCopies(), 'c', 'g', 0)).toEqual({ a: 'first' })
    expect(readdirSync(directory).sort()).toEqual(['state-1', 'state-2'])
  })

  it('are opened while others of the same process write: nobody waits for a lock that this thread must give back', async () => {
    const first = openCopies()
    let isOver = false
    const writing = (async () => {
      for (let offset = 1; !isOver; offset += 1) await first.write('a', 'group', 0, [], checkpointOf(offset))
    })()
    for (let count = 0; count < 50; count += 1) {
      // Now and then in the middle of a transaction.
      for (let turn = 0; turn < count % 7; turn += 1) await new Promise(setImmediate)
      const other = Checkpoints.open(directory)
      await other.close()
    }
    isOver = true
    await writing
  })

  it('leave nothing behind where no folder is named', async () => {
    const usual = process.env['TMPDIR']
    process.env['TMPDIR'] = directory
    try {
      const checkpoints = Checkpoints.open(undefined)
      await write(checkpoints, ['c', 'g', 0], { a: '1' }, 1)
      expect(readdirSync(directory)).toHaveLength(1)
      await checkpoints.close()
      expect(readdirSync(directory)).toEqual([])
    } finally {
      if (usual === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = usual
    }
  })
})
