/** Names the foundational concepts of a problem from its text. */
import { CONCEPTS, type Concept, conceptsOfFamily, findConcept } from '../lexicon.ts'
import { hashText, Random } from '../random.ts'
import type { Generation, TaskContext } from './task.ts'

const FALLBACK: Record<Concept['domain'], string[]> = {
  math: ['algebraic manipulation', 'order of operations', 'functions', 'fractions'],
  code: ['loops', 'conditionals', 'functions and parameters', 'edge case handling'],
  sql: ['selection and filtering', 'inner and outer joins', 'grouping and aggregation', 'subqueries'],
}

const remembered = new Map<string, Concept[]>()

function looksLikeCode(text: string): boolean {
  return /\b(?:write a (?:python )?(?:function|program)|python|stdin|standard input|the first line|input format|prints? (?:one|a single|the)|array|\blist of)\b/.test(
    text,
  )
}

function looksLikeSql(text: string): boolean {
  return /\b(?:one query|sql|database|create table)\b/.test(text)
}

/** Concepts by how strongly the text calls them to mind, strongest first. */
function conceptsOf(statement: string, family: string | undefined): Concept[] {
  const cached = remembered.get(statement)
  if (cached !== undefined) return cached
  const text = statement.toLowerCase()
  const domain = looksLikeSql(text) ? 'sql' : looksLikeCode(text) ? 'code' : 'math'
  const own = new Set(family === undefined ? [] : conceptsOfFamily(family))
  const scored = CONCEPTS.map((concept) => {
    const hits = concept.trigger === undefined ? [] : (text.match(concept.trigger) ?? [])
    const different = new Set(hits).size
    // What every program needs says little about this one.
    const telling = concept.cluster === 'program basics' ? 0.4 : 1
    const score = telling * (different + Math.min(2, hits.length) / 4) + (own.has(concept.name) ? 5 : 0)
    return { concept, score: concept.domain === domain || own.has(concept.name) ? score : 0 }
  })
  const found = scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, 12)
    .map(({ concept }) => concept)
  for (const name of FALLBACK[domain]) {
    const concept = findConcept(name)
    if (found.length < 4 && concept !== undefined && !found.includes(concept)) found.push(concept)
  }
  if (remembered.size > 2048) remembered.clear()
  remembered.set(statement, found)
  return found
}

/** Each annotator leaves some concepts out, adds a related one now and then, and has names of its own. */
function choose(context: TaskContext, statement: string, found: Concept[]): string[] {
  const { random, model } = context
  const count = random.integer(3, 6)
  const habits = new Random('annotator', model.id, hashText(statement))
  const chosen = found.filter((_, index) => !habits.chance(0.1 + index * 0.02)).slice(0, count)
  for (const concept of found) {
    if (chosen.length >= 3) break
    if (!chosen.includes(concept)) chosen.push(concept)
  }
  const [first] = chosen
  if (first !== undefined && random.chance(0.2)) {
    const related = random.pick(CONCEPTS.filter((c) => c.cluster === first.cluster && c.domain === first.domain))
    if (!chosen.includes(related)) chosen.push(related)
  }
  return chosen.map((concept) => {
    const usesOtherName = new Random('name', model.id, concept.name).chance(0.15)
    return usesOtherName ? (concept.otherName ?? concept.name) : concept.name
  })
}

/** Answers the annotation prompt: a Python list of strings, sometimes in another shape. */
export function annotate(context: TaskContext, statement: string): Generation {
  const { random, fault } = context
  const reading = context.statements.read(statement)
  const names = choose(context, statement, conceptsOf(statement, reading.problem?.family))
  if (fault === 'malformed') {
    const content = random.pick([
      `The problem needs: ${names.join('; ')}`,
      `[${names.map((name) => JSON.stringify(name)).join(', ')}`,
      'I am sorry, but I can not list the concepts of this problem.',
    ])
    return { content, facts: [] }
  }
  const list = `[${names.map((name) => JSON.stringify(name)).join(', ')}]`
  const single = `[${names.map((name) => `'${name.replaceAll("'", "\\'")}'`).join(', ')}]`
  const content = random.weighted([list, single, `\`\`\`python\n${list}\n\`\`\``], (text) =>
    text === list ? 7 : text === single ? 2 : 1,
  )
  return { content, facts: [] }
}
