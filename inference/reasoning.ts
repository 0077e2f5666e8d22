/** Takes the reasoning of a completion apart from its answer. Formats: inline think blocks, and GPT-OSS channels run together. */

/** The two parts of a completion. `reasoning` is undefined or holds more than white space. */
interface SplitText {
  reasoning: string | undefined
  text: string
}

const open = '<think>'
const close = '</think>'

/**
 * Splits a completion's text. `promptOpened`: the prompt ended in `<think>`, so the text begins inside the block.
 * - `<think> r </think> a` gives r and a; so does `r </think> a`, where the prompt template had opened the block.
 * - A block that is never closed (cut off by length) is reasoning to the end: there is no answer.
 * - `analysis r assistantfinal a`, with one `assistantfinal`, gives r and a.
 * - Any other text is answer alone, unchanged. Only the first closing tag splits: a second block stays in the answer,
 *   where the rules for valid traces see it.
 */
export function splitReasoning(text: string, promptOpened = false): SplitText {
  const start = text.trimStart()
  if (start.startsWith(open)) return splitAtClose(start.slice(open.length))
  const firstClose = text.indexOf(close)
  if (promptOpened) return splitAtClose(text)
  if (firstClose >= 0) {
    const firstOpen = text.indexOf(open)
    return firstOpen >= 0 && firstOpen < firstClose ? { reasoning: undefined, text } : splitAtClose(text)
  }
  if (start.startsWith(analysis)) {
    const parts = start.slice(analysis.length).split(final)
    const [reasoning, answer] = parts
    if (parts.length === 2 && reasoning !== undefined && answer !== undefined) return parted(reasoning, answer)
  }
  return { reasoning: undefined, text }
}

const analysis = 'analysis'
const final = 'assistantfinal'

/** Splits a text that begins inside a think block. */
function splitAtClose(inside: string): SplitText {
  const end = inside.indexOf(close)
  return end < 0 ? parted(inside, '') : parted(inside.slice(0, end), inside.slice(end + close.length))
}

/** White space next to a tag belongs to the tag. */
function parted(reasoning: string, answer: string): SplitText {
  const trimmed = reasoning.trim()
  return { reasoning: trimmed === '' ? undefined : trimmed, text: answer.trimStart() }
}
