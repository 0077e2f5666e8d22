/** That a law of the chaos runs can be broken. */
import { expect, test } from 'vitest'
import { checkRecipes, Laws, type Read } from './laws.mjs'

function violationsOf(records: Readonly<Record<string, readonly Read[]>>): string[] {
  const laws = new Laws()
  checkRecipes(laws, { of: (name) => records[name] ?? [] }, 'here')
  return laws.rows.flatMap(({ violations }) => violations)
}

const seed = { record: { recipe: 'taken-in', parentIds: [] } }
const list = { record: { recipe: 'extract', parentIds: ['seed-1'] } }

test('a recipe that a record names and the table recipes does not tell of breaks a law', () => {
  expect(violationsOf({ seeds: [seed], 'concept-lists': [list, list], recipes: [] })).toEqual([
    'here: recipes says nothing of extract, which 2 records of concept-lists name',
  ])
})

test('what people took in needs no recipe, nor does what hands it on; bytes that are no record name none', () => {
  expect(
    violationsOf({
      seeds: [seed, { record: undefined }],
      'screened-problems': [{ record: { recipe: 'taken-in', parentIds: ['problem-1'] } }],
      'concept-lists': [list],
      recipes: [{ record: { recipe: 'extract' } }],
    }),
  ).toEqual([])
})
