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

/** Characters of an answer that are read, its last ones. */
const mostCharacters = 1_000_000
/** Longest string of a list that is read, in characters. */
const longestString = 1000
const space = /\s*/y
const afterString = /\s*[,\]]/y

/**
 * The concepts of a model's answer: the last Python or JSON list of strings in it, in normal form, without repeats.
 * @returns undefined where there is no closed list with at least one usable string
 */
export function parseConceptList(answer: string): string[] | undefined {
  const text = answer.slice(-mostCharacters)
  const fruitless = new Set<number>()
  let last: string[] | undefined
  for (let open = text.indexOf('['); open >= 0;) {
    const list = listAt(text, open, fruitless)
    const concepts = (list?.strings ?? [])
      .map((string) => normalConcept(string.replace(/\\(["'\\])/g, '$1')))
      .filter((concept) => concept.length > 0 && concept.length <= longestConcept)
    if (concepts.length > 0) last = [...new Set(concepts)]
    open = text.indexOf('[', list?.end ?? open + 1)
  }
  return last
}

/**
 * The strings of the list that opens at a bracket, and where it ends; undefined where it never closes.
 * @param fruitless places where no string begins from which a list goes on to its end: each is tried once, so that a text which opens lists without
 * end is read in linear time
 */
function listAt(
  text: string,
  open: number,
  fruitless: Set<number>,
): { strings: readonly string[]; end: number } | undefined {
  const strings: string[] = []
  const tried: number[] = []
  for (let at = afterSpace(text, open + 1); !fruitless.has(at);) {
    tried.push(at)
    const end = stringEnd(text, at)
    if (end === undefined) break
    strings.push(text.slice(at + 1, end - 1))
    const next = afterSpace(text, end)
    const hasComma = text[next] === ','
    at = hasComma ? afterSpace(text, next + 1) : next
    if (text[at] === ']') return { strings, end: at + 1 }
    if (!hasComma) break
  }
  for (const at of tried) fruitless.add(at)
  return undefined
}

/**
 * Where the string ends that begins here, behind its closing quote; undefined where none does. A quote closes only before a comma or a bracket:
 * models write 'Euler's formula', unescaped.
 */
function stringEnd(text: string, start: number): number | undefined {
  const quote = text[start]
  if (quote !== '"' && quote !== "'") return undefined
  for (let at = start + 1, read = 0; read <= longestString; at++, read++) {
    const character = text[at]
    if (character === undefined || character === '\n') return undefined
    if (character === '\\') at++
    if (character !== quote) continue
    afterString.lastIndex = at + 1
    if (afterString.test(text)) return at + 1
  }
  return undefined
}

function afterSpace(text: string, from: number): number {
  space.lastIndex = from
  space.test(text)
  return space.lastIndex
}
