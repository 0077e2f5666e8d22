/** The dataset card: what is in the folder, for machines (card.json) and for people and the Hugging Face hub (README.md). */
import { formatPosition, type Positions } from './position.ts'
import { describeRequest, sortOf, useOf, type ExportRequest } from './request.ts'
import type { Shard } from './folder.ts'
import type { Counts, Tally } from './tally.ts'
import { recipeText } from '../engine/recipes.ts'
import type { Recipe } from '../schemas/generated.ts'

export const cardName = 'card.json'
export const readmeName = 'README.md'

/** All that a card tells. */
export interface Card {
  request: ExportRequest
  tally: Tally
  shards: readonly Shard[]
  positions: Positions
  /** The rules of every recipe of the corpus, by the processor. */
  recipes: readonly Recipe[]
  /** The position that it began at, of an export of what is new. */
  since: string | undefined
  now: Date
}

export function cardJson({ request, tally, shards, positions, recipes, since, now }: Card): Record<string, unknown> {
  const { rows, characters, tokens, passRates, ...counts } = tally
  const facts: readonly string[] = sortOf(request).facts
  const mean = (sum: number): number => (rows === 0 ? 0 : Math.round((sum / rows) * 100) / 100)
  return {
    ...describeRequest(request),
    summary: sortOf(request).summary,
    format_source: request.format.source,
    use: useOf(request),
    written_at: now.toISOString(),
    ...(since !== undefined && { since }),
    position: formatPosition(positions),
    rows,
    ...snakeCase(counts),
    mean_characters: Object.fromEntries(Object.entries(characters).map(([name, sum]) => [name, mean(sum)])),
    ...(facts.includes('tokens') && { mean_tokens: mean(tokens) }),
    ...(facts.includes('pass_rate') && { mean_pass_rate: mean(passRates) }),
    bytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    files: shards,
    rules: recipes.map(({ settings, ...recipe }) => ({
      ...snakeCase(recipe),
      settings: Object.fromEntries(settings.map(({ name, value }) => [name, JSON.parse(value) as unknown])),
    })),
  }
}

export function readme(card: Card): string {
  const { request, tally, shards, positions, recipes, since } = card
  const { sort, format, fileType, shares } = request
  const splits = [...new Set(shards.map(({ split }) => split))].sort()
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0)
  const { rows, simulated } = tally
  const head = [
    '---',
    `pretty_name: Wellspring ${sort}`,
    ...(splits.length > 0 ? ['configs:', '- config_name: default', '  data_files:'] : []),
    ...splits.flatMap((split) => [`  - split: ${split}`, `    path: ${split}/*.${fileType}`]),
    'tags:',
    ...['wellspring', 'reasoning', sort, format.name, ...(simulated > 0 ? ['simulated'] : [])].map((tag) => `- ${tag}`),
    '---',
  ]
  const lines = [
    ...head,
    '',
    `# ${sort}: ${sortOf(request).summary}`,
    '',
    ...(request.role ? [`For the ${request.role} to learn from.`, ''] : []),
    ...(simulated > 0
      ? [`**${simulated} of ${rows} rows were made with simulated models. They are not for training.**`, '']
      : []),
    `${rows} rows in ${shards.length} ${fileType} files, ${bytes} bytes, in the form of ${format.name} (${format.source}).`,
    ...(tally.retracted > 0 ? [`${tally.retracted} rows of problems that were retracted are left out.`] : []),
    ...(tally.unreadable > 0 ? [`${tally.unreadable} records could not be read and gave no rows.`] : []),
    '',
    `To read it: \`${useOf(request)}\``,
    '',
    ...table('rows by domain and origin', tally.domainsByOrigin),
    ...(shares.length > 0 ? table('rows by split (by problem)', tally.splits) : []),
    ...table('rows by source', tally.sources),
    ...table('rows by level', tally.levels),
    ...table('rows by solver', tally.solvers),
    ...table('rows by teacher', tally.teachers),
    ...table('rows by step', tally.steps),
    ...table('rows by model', tally.models),
    ...table('rows by recipe', tally.recipes),
    ...table('mean characters', cardJson(card)['mean_characters'] as Counts),
    ...rulesTable(recipes),
    '| position | |',
    '|---|---|',
    ...(since === undefined ? [] : [`| began at | \`${since}\` |`]),
    `| ended at | \`${formatPosition(positions)}\` |`,
    '',
  ]
  return lines.join('\n')
}

function table(title: string, counts: Counts): string[] {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a)
  if (entries.length === 0) return []
  return [`| ${title} | |`, '|---|---:|', ...entries.map(([value, rows]) => `| ${cell(value)} | ${rows} |`), '']
}

function rulesTable(recipes: readonly Recipe[]): string[] {
  if (recipes.length === 0) return []
  const row = (recipe: Recipe): string =>
    `| ${cell(recipe.processor)} ${recipe.version} | ${cell(recipe.recipe)} | ${cell(recipe.profile)} | ${cell(recipeText(recipe), 2000)} |`
  return [
    'The rules that the corpus was made by, and so whatever was handed on to these rows:',
    '',
    '| processor | recipe | profile | settings and models |',
    '|---|---|---|---|',
    ...recipes.map(row),
    '',
  ]
}

/** A name that others chose, as a cell that nothing gets out of: letters, digits and a few marks stay. */
function cell(text: string, mostCharacters = 120): string {
  const plain = text.replace(/[^\p{L}\p{N} ._:/@+(),;="-]/gu, '?')
  return plain.length > mostCharacters ? `${plain.slice(0, mostCharacters - 3)}...` : plain
}

function snakeCase(counts: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, value]: [string, unknown]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}
