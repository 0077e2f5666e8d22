/** Problem statements: normal form for exact duplicates, and the rules that need nothing but the text. */
import { createHash } from 'node:crypto'

/** SHA-256 of the statement in lower case with single spaces: equal for texts that differ in white space and case alone. */
export function statementHash(statement: string): string {
  const normal = statement.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()
  return createHash('sha256').update(normal).digest('hex')
}

/** Bounds of the statement rules, in characters. */
export interface StatementBounds {
  minCharacters: number
  maxCharacters: number
}

type StatementRule = 'too-short' | 'too-long' | 'unanswerable' | 'cut-off' | 'no-question'

// "Prove ..." and its kin ask for an argument: there is no answer to check. Only at the head of a sentence or clause, so
// that "it can be shown that" does not count, nor "find all n and prove that there are no others", which has an answer.
const proof =
  /(?:^|[.?!:;,$]\s+|\n[^\S\n]*)(?:(?:please|now|then|hence|thus|also|finally) )?(?:(?:dis)?prove\b|(?:show|demonstrate) that\b)/i
const asks =
  /\?|\b(?:find|determine|compute|calculate|evaluate|what|how many|how much|which|solve|simplify|express|give|list|count|print|output|write|return|implement|answer|minimi[sz]e|maximi[sz]e|convert|name|state|enter|factor|expand|round|graph|estimate|construct|work out|describe|identify|report|tell|specify|record)\b/i
// Words in lower case alone: "bitwise AND" and "point A" may end a statement; so may "in terms of a".
const danglingWord =
  /\s(?:the|(?<!terms of )a|an|of|and|or|is|are|[Ll]et|with|for|to|in|by|that|where|such|if|then|from|at|on)$/
const danglingSign = /[,;=+<({[\\&^-]$/

/** Whether the text breaks off: in the middle of a sentence or of a formula. */
function isCutOff(text: string): boolean {
  const lastLine = text.slice(text.lastIndexOf('\n') + 1)
  // A sample output may end in anything; it has no words.
  const isSentence = /\s/.test(lastLine) && /[A-Za-z]{2}/.test(lastLine)
  if (isSentence && (danglingWord.test(lastLine) || danglingSign.test(lastLine))) return true
  const opened = text.match(/\\begin\{/g)?.length ?? 0
  const closed = text.match(/\\end\{/g)?.length ?? 0
  if (opened > closed) return true
  // An odd dollar sign is an open formula, or the price of something in a sentence that ends.
  const dollars = text.match(/(?<!\\)\$/g)?.length ?? 0
  return dollars % 2 === 1 && !/[.?!:)\]]$/.test(text)
}

/** What a statement breaks, with what the rule saw. */
export interface BrokenRule {
  rule: StatementRule
  evidence: string
}

/**
 * The rules that a statement breaks, those that come first being told first; none for a statement that may go on.
 * Rules: PromptCoT's data preparation (unanswerable, cut off before the question) and bounds of our own.
 */
export function brokenStatementRules(statement: string, bounds: StatementBounds): BrokenRule[] {
  const text = statement.trim()
  const broken: BrokenRule[] = []
  if (text.length < bounds.minCharacters)
    broken.push({ rule: 'too-short', evidence: `${text.length} characters, fewer than ${bounds.minCharacters}` })
  if (text.length > bounds.maxCharacters)
    broken.push({ rule: 'too-long', evidence: `${text.length} characters, more than ${bounds.maxCharacters}` })
  const proves = proof.exec(text)
  if (proves) broken.push({ rule: 'unanswerable', evidence: `asks for a proof: "${proves[0].trim()}"` })
  if (isCutOff(text)) broken.push({ rule: 'cut-off', evidence: `ends in "${text.slice(-40)}"` })
  if (!asks.test(text)) broken.push({ rule: 'no-question', evidence: `nothing is asked for: "${text.slice(0, 60)}"` })
  return broken
}
