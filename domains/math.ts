/** Mathematics: answers compared by equivalence, reference answers by majority vote. */
import { canonicalAnswer, extractAnswer } from '../verifiers/math.ts'
import type { Domain } from './domain.ts'

const instruction = 'Please reason step by step, and put your final answer within \\boxed{}.'

export const math: Domain = {
  name: 'math',
  // PromptCoT 1.0, levels of its synthesis prompts.
  levels: ['AMC12', 'HMMT-Nov', 'HMMT-Feb', 'AIME', 'USAJMO', 'USAMO', 'USOJMO', 'USOMO'],
  checkedBy: 'answer',
  solverPrompt: (statement) => ({
    version: 'solve-math-released',
    text: statement.trimEnd().endsWith(instruction) ? statement : `${statement}\n${instruction}`,
  }),
  groupAnswers: (texts, verify) => verify.groupAnswers(texts),
  // The marks of its form (a number, a text) tell no answers apart, and a plain answer shall look like one.
  canonicalAnswer: (answer) =>
    canonicalAnswer(answer)
      ?.replace(/^text /, '')
      .replace(/\*$/, ''),
  hasChecks: (checks) => checks.answer !== null && checks.answer.trim() !== '',
  async check(text, checks, verify) {
    const { reason, extracted } = await verify.compareMath({
      completion: text,
      reference: checks.answer ?? '',
    })
    return { reason, extracted: extracted ?? null, detail: null, tests: [] }
  },
  hasAnswer: (text) => 'answer' in extractAnswer(text, 'boxed'),
}
