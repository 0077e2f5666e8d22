import { closingBrace } from './tokens.ts'

/** The answer of a completion, or why there is none. */
type Extraction = { answer: string } | { reason: 'no_answer' | 'truncated' }

// More boxes than this in one sentence are no list of answers.
const mostBoxes = 32
const listWindow = 4_000
// Text between two boxes of one list: separators, the name of the next variable, or a noun or two before "and".
const listGap =
  /^(?:[\s$,;&()[\].]|\\[()[\],;:!\\ ]|\\quad|\\qquad|\\text\s*\{\s*(?:and|or|,)?\s*\}|\band\b|\bor\b|[a-zA-Z](?:_\{?\w\}?)?\s*=)*$|^\$?\s*(?:[a-z]+\s+){1,2}(?:and|or)\s+\$?$/
const sentenceEnd = /[.!?](?:\s|$)|\n\s*\n/

interface Box {
  readonly start: number
  readonly end: number
  readonly content: string
}

// The box whose \boxed or \fbox starts at `start`, or undefined when it isn't closed.
function boxAt(text: string, start: number): Box | undefined {
  if (start < 0) return undefined
  let at = start + (text.startsWith('\\boxed', start) ? 6 : 5)
  while (text.charAt(at) === ' ') at++
  if (text.charAt(at) === '{') {
    const close = closingBrace(text, at)
    return close < 0 ? undefined : { start, end: close + 1, content: text.slice(at + 1, close) }
  }
  // \boxed 5 takes one token.
  const token = /(?:-?[\d.]*\d|[a-zA-Z])/y
  token.lastIndex = at
  const found = token.exec(text)
  return found === null ? undefined : { start, end: at + found[0].length, content: found[0] }
}

function lastBoxStart(text: string, before: number): number {
  return before < 0 ? -1 : Math.max(text.lastIndexOf('\\boxed', before), text.lastIndexOf('\\fbox', before))
}

function boxedAnswer(text: string): Extraction | undefined {
  const start = lastBoxStart(text, text.length)
  if (start < 0) return undefined
  let last = boxAt(text, start)
  if (last === undefined) return { reason: 'truncated' }
  // A box inside a box: the outer one counts.
  for (
    let outer = lastBoxStart(text, start - 1), n = 0;
    outer >= 0 && n < 4;
    outer = lastBoxStart(text, outer - 1), n++
  ) {
    const box = boxAt(text.slice(0, last.end + 4_000), outer)
    if (box === undefined && start - outer < 200) return { reason: 'truncated' }
    if (box === undefined || box.end <= last.start) break
    last = box
  }
  const contents = [last.content.trim()]
  let first = last
  while (contents.length < mostBoxes) {
    // A list is short: what lies further back is not searched.
    const from = Math.max(0, first.start - listWindow)
    const before = text.slice(from, first.start)
    const box = boxAt(before, lastBoxStart(before, before.length))
    if (box === undefined) break
    const gap = before.slice(box.end)
    if (gap.length > 120 || sentenceEnd.test(gap) || !listGap.test(gap)) break
    contents.unshift(box.content.trim())
    first = { ...box, start: from + box.start }
  }
  const distinct = contents.every((content) => content === contents[0]) ? contents.slice(0, 1) : contents
  const answer = distinct.join(', ')
  return distinct.some((content) => content === '') ? { reason: 'no_answer' } : { answer }
}

// The last n characters are enough for what the lenient rules look at.
const lenientWindow = 4_000
const finalAnswer = /(?:final answer|answer|result)\s*(?:is|:|=)\s*:?\s*(.+)/gi
const dollars = /\$\$([^$]+)\$\$|(?<!\\)\$([^$\n]+?)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]/gs
const numbers =
  /(?<![\p{L}\d])(?<!\d[.,])[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|[1-9]\d{0,2}(?: \d{3})+(?!\d)|\d+,\d{1,2}(?![\d,])|\d+|(?=\.\d))(?:\.\d+)?(?:\s*\/\s*\d+)?%?/gu

function lastMatch(text: string, pattern: RegExp): RegExpExecArray | undefined {
  let last: RegExpExecArray | undefined
  for (const found of text.matchAll(pattern)) last = found
  return last
}

// "The largest $n$ is 34." names what it answers: what counts follows the last "is".
function saidAnswer(said: string): string {
  const inMath = /^[^$]{0,3}\$([^$]+)\$/.exec(said)?.[1]
  if (inMath !== undefined) return inMath.trim()
  const sentence = said.split(/[.!?](?:\s|$)/)[0] ?? ''
  const last = /^.*\b(?:is|are|equals)\s+(\S.*)$/s.exec(sentence)?.[1] ?? sentence
  return last.replaceAll(/^[\s*:$]+|[\s*$]+$/g, '')
}

// A clause with one of these denies, asks or supposes what it says.
const unstated =
  /\b(?:not|cannot|never|no longer|if|whether|unless|suppose|assume|assuming|let|try|trying|could|might|may)\b|n['\u2019]t\b/i
// What stands behind one of these is the number of something, not an amount.
const label =
  /\b(?:see|problem|question|exercise|equation|eq|step|part|page|figure|fig|table|chapter|section|case|example|theorem|lemma|line|item|hint|attempt|method|option)s?\.?\s*[#:(]?\s*$/i
const givesUp =
  /(?:\bnot|n['\u2019]t|\bcannot|\bunable to|\bfail(?:s|ed)? to)\s+(?:\w+\s+){0,2}(?:solve|find|determine|know|finish|compute|complete|answer|figure|decide|sure|certain)\b/i
// What leads to a result: a verb or a sign of equality, then at most words that hedge; or nothing but such words at all.
const hedge = String.raw`(?:about|approximately|roughly|around|nearly|almost|exactly|only|just|simply|now|then|equal\s+to|a\s+total\s+of)`
const leadsToResult = new RegExp(
  String.raw`(?:(?:^|[^\p{L}])(?:is|are|was|were|be|equals?|gives?|yields?|gets?|got|obtains?|makes?|totals?|costs?|has|(?<!\bI\s)have|had|leaves?|remains?|finds?|found|takes?|needs?|earns?|pays?|becomes?|(?:comes?|amounts?)\s+to)\s|[=:\u2248])\s*(?:${hedge}\s+)*[\\$\u20ac\u00a3]*$`,
  'iu',
)
const leadsNowhere = new RegExp(
  String.raw`^(?:[^\p{L}\d]|\b(?:so|thus|hence|therefore|finally|answer|result|${hedge})(?![\p{L}]))*$`,
  'iu',
)
const plainEnd = /^(?:\s+\p{L}+){0,4}[\s*_.!$]*$/u

const leadWindow = 200

// What stands before a place in its own sentence, near enough to say what it is, and the last clause of that.
function leadOf(text: string, at: number): { sentence: string; clause: string } {
  const parts = text.slice(0, at).split(/[.!?](?=\s)|\n/)
  const sentence = (parts.at(-1) ?? '').replaceAll(/[\s*_]+/g, ' ').slice(-leadWindow)
  return { sentence, clause: sentence.split(/[,;]|\b(?:so|thus|hence|therefore|but)\b/i).at(-1) ?? '' }
}

// The number that the last sentence says is the result: after "is", "=" and the like, or all that the sentence holds.
function statedNumber(text: string): string | undefined {
  const end = text.trimEnd()
  const found = lastMatch(end, numbers)
  if (found === undefined) return undefined
  const { sentence, clause } = leadOf(end, found.index)
  if (!plainEnd.test(end.slice(found.index + found[0].length)) || unstated.test(clause) || label.test(clause))
    return undefined
  return leadsToResult.test(sentence) || leadsNowhere.test(sentence) ? found[0] : undefined
}

function lenientAnswer(text: string): Extraction {
  const end = text.slice(-lenientWindow)
  const none: Extraction = { reason: 'no_answer' }
  const saying = lastMatch(end, finalAnswer)
  if (saying?.[1] !== undefined) {
    if (givesUp.test(end.slice(saying.index))) return none
    const answer = saidAnswer(saying[1])
    if (answer !== '') return { answer }
  }
  const found = lastMatch(end, dollars)
  const math = (found?.[1] ?? found?.[2] ?? found?.[3] ?? found?.[4])?.trim()
  if (found !== undefined && math !== undefined && math !== '') {
    const { sentence, clause } = leadOf(end, found.index)
    const after = end.slice(found.index + found[0].length)
    const isStated = !unstated.test(clause) && !label.test(clause) && !/^\s*\?/.test(after)
    return isStated && !givesUp.test(sentence) && !givesUp.test(after) ? { answer: math } : none
  }
  const number = statedNumber(end)
  return number === undefined ? none : { answer: number }
}

/**
 * Takes the answer out of a completion: the text after the last </think>, then its last \boxed{} or \fbox{}. Several
 * boxes in the last sentence make a list. With `lenient` and no box at all, also what follows "final answer is", then the
 * last formula, then the number that the last sentence states as the result. A box or a reasoning block that isn't closed is `truncated`. Linear in the length.
 */
export function extractAnswer(completion: string, mode: 'boxed' | 'lenient'): Extraction {
  const close = completion.lastIndexOf('</think>')
  const open = completion.lastIndexOf('<think>')
  if (open > close) return { reason: 'truncated' }
  const text = close < 0 ? completion : completion.slice(close + '</think>'.length)
  const boxed = boxedAnswer(text)
  // An empty last box takes the answer back: what stands before it doesn't count.
  if (boxed !== undefined) return boxed
  return mode === 'boxed' ? { reason: 'no_answer' } : lenientAnswer(text)
}
