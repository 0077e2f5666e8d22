import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { ancestryOf } from '../../cli/explain.ts'
import { topics } from '../../topics/catalogue.ts'
import { append, newCorpus, pair } from '../exports/corpus.ts'

const folder = mkdtempSync(join(tmpdir(), 'wellspring-ancestry-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('of records that are among their own ancestors has an end', async () => {
  const corpus = await newCorpus(folder)
  const itself = pair({ id: 'preference-pair-1', parentIds: ['preference-pair-1'] })
  const first = pair({ id: 'preference-pair-2', parentIds: ['preference-pair-3'] })
  const second = pair({ id: 'preference-pair-3', parentIds: ['preference-pair-2'] })
  await append(corpus, topics.preferencePairs, [itself, first, second])
  const found = await ancestryOf(corpus, itself.id)
  expect(found.parents.map(({ id, parents }) => [id, parents])).toEqual([[itself.id, []]])
  const [parent] = (await ancestryOf(corpus, first.id)).parents
  expect(parent?.parents).toMatchObject([{ id: first.id, parents: [] }])
  await corpus.log.close()
})
