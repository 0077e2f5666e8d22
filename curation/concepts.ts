/** Concepts as text: normal form, and lists as annotator models write them. */

/** Longest concept kept, in characters: longer ones are sentences, not concepts. */
const longestConcept = 120

/** Lower case, single spaces, no closing punctuation: what counts as the same concept. */
export function normalConcept(concept: string): string {
  return concept
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^[\s"'`*.-]+|[\s"'`*.;:,]+$/g, '')
    .trim()
}

// A quote closes a string only before a comma, a bracket or the end of the line: models write 'Euler's formula', unescaped.
// Bounded, so that text which opens lists and strings without end is read in linear time.
const quoted = String.raw`"(?:[^"\\\n]|\\.|"(?!\s*(?:,|\]))){0,1000}"|'(?:[^'\\\n]|\\.|'(?!\s*(?:,|\]))){0,1000}'`
const stringList = new RegExp(String.raw`\[\s*(?:${quoted})(?:\s*,\s*(?:${quoted}))*(?:\s*,)?\s*\]`, 'g')
const oneString = new RegExp(quoted, 'g')

/**
 * The concepts of a model's answer: the last Python or JSON list of strings in it, in normal form, without repeats.
 * @returns undefined where there is no closed list with at least one usable string
 */
export function parseConceptList(answer: string): string[] | undefined {
  for (const [list] of [...answer.matchAll(stringList)].reverse()) {
    const concepts = [...list.matchAll(oneString)]
      .map(([string]) => normalConcept(string.slice(1, -1).replace(/\\(["'\\])/g, '$1')))
      .filter((concept) => concept.length > 0 && concept.length <= longestConcept)
    if (concepts.length > 0) return [...new Set(concepts)]
  }
  return undefined
}
