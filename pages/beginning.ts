/** The beginnings of texts that are too long for their place. */

/** What is longer is cut through, in characters: a formula, a link, or a text without spaces. */
const longestWord = 60

/** The beginning of a text, of at most so many characters, that ends with a whole word. */
export function beginningOf(text: string, mostCharacters: number): string {
  if (text.length <= mostCharacters) return text
  for (let end = mostCharacters; end > Math.max(0, mostCharacters - longestWord); end--)
    if (/\s/.test(text.charAt(end))) return text.slice(0, end).trimEnd()
  // A character may be two halves.
  return text.slice(0, mostCharacters).replace(/[\ud800-\udbff]$/, '')
}
