/** The table recipes: what the hash that a record names stands for. */
import type { Recipe } from '../schemas/generated.ts'
import { topics } from '../topics/catalogue.ts'
import { LogError } from '../topics/log.ts'
import { decoded, storedRecords, type Corpus } from '../topics/reading.ts'
import { defaultOf, type Settings } from './settings.ts'

/**
 * The rules behind every recipe of a corpus, by their hash; those of earlier releases, and what people took in, are not among them.
 * @throws LogError
 */
export async function readRecipes(corpus: Corpus): Promise<Map<string, Recipe>> {
  const recipes = new Map<string, Recipe>()
  try {
    for await (const stored of storedRecords(corpus.log, topics.recipes.name, 0)) {
      const recipe = await decoded(corpus.codec, topics.recipes, stored)
      if (recipe) recipes.set(recipe.recipe, recipe)
    }
  } catch (error) {
    // On Kafka, a corpus that an earlier release made.
    if (!(error instanceof LogError && error.code === 'unknown_topic')) throw error
  }
  return recipes
}

/** A setting that is not as another profile has it. Values are JSON. */
export interface Difference {
  name: string
  value: string
  paper: string
}

/** The settings of a recipe that are not as the paper has them, as far as the processor still declares them. */
export function differencesFromPaper({ settings }: Pick<Recipe, 'settings'>, declared: Settings): Difference[] {
  return settings.flatMap(({ name, value }) => {
    const one = declared[name]
    const paper = one && JSON.stringify(defaultOf(one, 'paper'))
    return paper === undefined || paper === value ? [] : [{ name, value, paper }]
  })
}

/** `attempts 8, tooEasyAt 0.5; solver: sim-solver (temperature 1)`: the settings and models of a recipe in a line. */
export function recipeText({ settings, models }: Pick<Recipe, 'settings' | 'models'>): string {
  const values = settings.map(({ name, value }) => `${name} ${value}`).join(', ')
  const names = models.map(({ role, model, modelVersion, mode, temperature, topP, maxTokens }) => {
    const sampling = [
      ...(mode === 'chat' ? [] : [mode]),
      ...(temperature === null ? [] : [`temperature ${temperature}`]),
      ...(topP === null ? [] : [`topP ${topP}`]),
      ...(maxTokens === null ? [] : [`maxTokens ${maxTokens}`]),
    ]
    const version = modelVersion === '' ? '' : `@${modelVersion}`
    return `${role}: ${model}${version}${sampling.length > 0 ? ` (${sampling.join(', ')})` : ''}`
  })
  return [values, ...names].filter((part) => part !== '').join('; ')
}
