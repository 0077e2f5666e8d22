/**
 * A stand-in for a tokenizer: an optional leading space and up to six letters, up to three digits, a run of line breaks, or
 * one other character. About four characters a token in English, and cheap on long texts.
 */

const NEWLINE = 10
const SPACE = 32

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code > 127 && (code < 0xd800 || code > 0xdfff))
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** The end of the token that starts at `start`. */
function tokenEnd(text: string, start: number): number {
  let end = start
  if (text.charCodeAt(end) === SPACE && end + 1 < text.length) end++
  const first = text.charCodeAt(end)
  if (isLetter(first)) {
    const limit = end + 6
    while (end < limit && isLetter(text.charCodeAt(end))) end++
  } else if (isDigit(first)) {
    const limit = end + 3
    while (end < limit && isDigit(text.charCodeAt(end))) end++
  } else if (first === NEWLINE) {
    while (text.charCodeAt(end) === NEWLINE) end++
  } else {
    // Both halves of a surrogate pair belong to one token.
    end += first >= 0xd800 && first <= 0xdbff ? 2 : 1
  }
  return Math.min(end, text.length)
}

/** How many tokens a text has. */
export function countTokens(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at = tokenEnd(text, at)) count++
  return count
}

/** The tokens of a text, in order; joined they give the text again. */
export function splitTokens(text: string): string[] {
  const tokens: string[] = []
  for (let at = 0; at < text.length;) {
    const end = tokenEnd(text, at)
    tokens.push(text.slice(at, end))
    at = end
  }
  return tokens
}

/** The first `limit` tokens of a text as text. */
export function firstTokens(text: string, limit: number): string {
  let at = 0
  for (let count = 0; count < limit && at < text.length; count++) at = tokenEnd(text, at)
  return text.slice(0, at)
}
