/** Texts sent to models that do not depend on the domain. Raise a version with every change of wording: it stands in every record. */
import type { FurtherTest } from '../curation/further-tests.ts'
import type { Prompt } from '../engine/processor.ts'
import type { ProgramTest } from '../schemas/generated.ts'
import { synthesisParts, tagTexts, thinkingMark } from '../curation/synthesis.ts'

/** Asks an annotator for the foundational concepts of a human problem (PromptCoT, concept extraction). */
export function annotatePrompt(statement: string): Prompt {
  return {
    version: 'annotate-1',
    text:
      'List the foundational concepts that someone must know to solve the problem below. Answer with one Python list of strings and nothing else, ' +
      'for example ["first concept", "second concept"]. Name 3 to 8 concepts, each in a few plain words.\n\n' +
      `Problem:\n${statement}`,
  }
}

/** The synthesis prompt of the released problem-generation models, to the letter: they were trained on it. */
export function synthesisPrompt(concepts: readonly string[], level: string): Prompt {
  return {
    version: 'synthesis-released',
    text:
      'Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.\n\n' +
      `Foundational Concepts:\n${numbered(concepts)}\n\nDifficulty Level: ${level}\n\n`,
  }
}

/** The synthesis prompt with the rationale written, to be continued with the problem (staged mode). */
export function continuationPrompt(concepts: readonly string[], level: string, rationale: string): Prompt {
  return {
    version: 'synthesis-released-continued',
    text: `${synthesisPrompt(concepts, level).text}${tagTexts.beginRationale}${rationale}${tagTexts.endRationale}\n\n${tagTexts.beginProblem}`,
  }
}

/** Parts of a text by their characters, `end` not included. */
interface MarkedText extends Prompt {
  rationale: { start: number; end: number }
  problem: { start: number; end: number }
}

/**
 * The text whose log-probabilities are the E-step's reward: the synthesis prompt, then the rationale (z) and the problem (x), each with the
 * tags that open and close it. The blank lines between the two belong to the problem; the prompt is not scored.
 */
export function scoredText(
  concepts: readonly string[],
  level: string,
  rationale: string,
  statement: string,
): MarkedText {
  const { text: prompt, version } = synthesisPrompt(concepts, level)
  const parts = synthesisParts(rationale, statement)
  const middle = prompt.length + parts.rationale.length
  return {
    version,
    text: `${prompt}${parts.rationale}${parts.problem}`,
    rationale: { start: prompt.length, end: middle },
    problem: { start: middle, end: middle + parts.problem.length },
  }
}

/** Asks an annotator for the rationale of a human problem (cold start). */
export function annotateRationalePrompt(concepts: readonly string[], level: string, statement: string): Prompt {
  return {
    version: 'annotate-rationale-1',
    text:
      'Below are foundational concepts, a difficulty level, and a problem that an expert designed from them. Reconstruct how the designer thought: ' +
      'how the concepts were connected, which choices led to this problem and no other, and how the difficulty was set. Do not solve the problem. ' +
      `Write "${thinkingMark}" and then the designer's thoughts, in plain sentences.\n\n` +
      `Foundational Concepts:\n${numbered(concepts)}\n\nDifficulty Level: ${level}\n\nProblem:\n${statement}`,
  }
}

/** What the rationale writer continues: it explains an observed problem (x) by a rationale (z). Ours: no such model was released. */
export function rationalePrompt(concepts: readonly string[], level: string, statement: string): Prompt {
  return {
    version: 'rationale-1',
    text:
      'Given foundational concepts, difficulty level and a problem that was designed from them, write the rationale that leads from the concepts to the problem.\n\n' +
      `Foundational Concepts:\n${numbered(concepts)}\n\nDifficulty Level: ${level}\n\nProblem:\n${statement}\n\n`,
  }
}

/** Asks a judge for the five ratings of PromptCoT 1.0. */
export function judgePrompt(problem: {
  concepts: readonly string[]
  level: string
  rationale: string
  statement: string
}): Prompt {
  return {
    version: 'judge-1',
    text:
      `Rate the problem below, written by another model for the difficulty level ${problem.level} from the concepts listed. ` +
      'Judge five criteria: format, factual accuracy, difficulty alignment, concept coverage, solvability. ' +
      'Give each one of Perfect, Acceptable or Bad, one line each as "Criterion: Rating", then a last line ' +
      '"Final Judgement: perfect", "Final Judgement: acceptable" or "Final Judgement: bad".\n\n' +
      `Foundational Concepts:\n${numbered(problem.concepts)}\n\nRationale:\n${problem.rationale}\n\nProblem:\n${problem.statement}`,
  }
}

/** Asks for one test case of a kind (PromptCoT 2.0: one test a call). */
export function testCasePrompt(statement: string, kind: string): Prompt {
  return {
    version: 'test-case-1',
    text:
      `Write one test case for the programming problem below: a ${kind}. Work out the expected output with care. ` +
      'Answer with one fenced json block that holds exactly two keys, "input" and "output", both strings: ' +
      'what the program reads from stdin and what it must write to stdout.\n\n' +
      `Problem:\n${statement}`,
  }
}

/** Inputs of tests that a prompt shows, and the characters of each. */
const shownInputs = { most: 8, characters: 1500 }

/** Asks for one test more where programs that disagree pass those that there are. */
export function furtherTestPrompt(statement: string, asked: FurtherTest, tests: readonly ProgramTest[]): Prompt {
  const { kind, input } = asked
  const shown = tests.slice(-shownInputs.most).map((test) => cut(test.input).trimEnd())
  const wanted =
    input === undefined
      ? 'Its input must be of another sort than theirs: one that a program with a subtle mistake gets wrong.\n\n'
      : 'Take the input that they disagree on. Where the problem does not allow it, take the nearest one that it allows.\n\n' +
        `Input that they disagree on:\n${input.trimEnd()}\n\n`
  return {
    version: 'further-test-1',
    text:
      `Write one more test case for the programming problem below: a ${kind}. Work out the expected output with care. ` +
      'Answer with one fenced json block that holds exactly two keys, "input" and "output", both strings: ' +
      'what the program reads from stdin and what it must write to stdout.\n\n' +
      'Programs that behave differently pass all tests that there are, so that some of them are wrong. ' +
      wanted +
      `Inputs of the tests that there are:\n${shown.join('\n---\n')}\n\n` +
      `Problem:\n${statement}`,
  }
}

function cut(input: string): string {
  const { characters } = shownInputs
  return input.length <= characters ? input : `${input.slice(0, characters)}...`
}

function numbered(concepts: readonly string[]): string {
  return concepts.map((concept, index) => `${index + 1}. ${concept}`).join('\n')
}
