/**
 * The tagged text of the problem-generation model: rationale (z) and problem (x). Released models write it with small
 * variations, so it is read leniently: white space around tags, a missing END RATIONALE, a missing END PROBLEM at the stop.
 */

const tag = {
  beginRationale: /<!--\s*BEGIN RATIONALE\s*-->/i,
  endRationale: /<!--\s*END RATIONALE\s*-->/i,
  beginProblem: /<!--\s*BEGIN PROBLEM\s*-->/i,
  endProblem: /<!--\s*END PROBLEM\s*-->/i,
}

/** What opens and closes each part when a text is to be continued. */
export const tagTexts = {
  beginRationale: '<!-- BEGIN RATIONALE -->',
  endRationale: '<!-- END RATIONALE -->',
  beginProblem: '<!-- BEGIN PROBLEM -->',
  endProblem: '<!-- END PROBLEM -->',
} as const

/** The whole completion of a rationale and a problem: the tags of the released models, white space as in the rows quoted in public. */
export function completionText(rationale: string, statement: string): string {
  const { beginRationale, endRationale, beginProblem, endProblem } = tagTexts
  return `${beginRationale}${rationale}${endRationale}\n\n${beginProblem}\n${statement}\n${endProblem}`
}

/** The rationale in a completion, up to its end tag, the problem's begin tag or the end; undefined where it is empty. */
export function readRationale(completion: string): string | undefined {
  const [, after = completion] = splitOnce(completion, tag.beginRationale)
  const [beforeEnd] = splitOnce(after, tag.endRationale)
  const [rationale] = splitOnce(beforeEnd, tag.beginProblem)
  return nonEmpty(rationale)
}

/**
 * The problem in a completion: after its begin tag, or the whole text when the prompt ended in that tag.
 * `closed` is false where the end tag is missing: the text may have been cut off.
 */
export function readProblem(
  completion: string,
  promptEndedInTag: boolean,
): { statement: string; closed: boolean } | undefined {
  const [before, after] = splitOnce(completion, tag.beginProblem)
  const text = after ?? (promptEndedInTag ? before : undefined)
  if (text === undefined) return undefined
  const [statement, rest] = splitOnce(text, tag.endProblem)
  const trimmed = nonEmpty(statement)
  return trimmed === undefined ? undefined : { statement: trimmed, closed: rest !== undefined }
}

/** The completion that the problem writer is trained on and scored by, in its two parts: each with the tags that open and close it. */
export function synthesisParts(rationale: string, statement: string): { rationale: string; problem: string } {
  return {
    rationale: `${tagTexts.beginRationale}${rationale}${tagTexts.endRationale}`,
    problem: `\n\n${tagTexts.beginProblem}${statement}${tagTexts.endProblem}`,
  }
}

/** The completion that the rationale writer is trained on. */
export function rationaleCompletion(rationale: string): string {
  return `${tagTexts.beginRationale}${rationale}${tagTexts.endRationale}`
}

/** What opens an annotator's rationale. */
export const thinkingMark = 'Thinking Process:'

/** An annotator's rationale: the text after the last mark; undefined where there is none. */
export function readThinking(answer: string): string | undefined {
  const at = answer.lastIndexOf(thinkingMark)
  // A heading may stand in bold.
  return at < 0 ? undefined : nonEmpty(answer.slice(at + thinkingMark.length).replace(/^\s*\*\*/, ''))
}

function splitOnce(text: string, at: RegExp): [string, string | undefined] {
  const match = at.exec(text)
  if (!match) return [text, undefined]
  return [text.slice(0, match.index), text.slice(match.index + match[0].length)]
}

function nonEmpty(text: string): string | undefined {
  const trimmed = text.trim()
  return trimmed === '' ? undefined : trimmed
}
