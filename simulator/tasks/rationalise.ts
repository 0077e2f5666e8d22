/** Explains a given problem: how a designer may have come from the concepts to it. Says what it says of the problem in the problem's own words. */
import type { Random } from '../random.ts'
import { TAGS } from '../prompts.ts'
import type { Generation, TaskContext } from './task.ts'

/** Words that tell nothing about a problem. */
const PLAIN = new Set(
  (
    'a an the of to in is are be and or for with from that this these those it its as at by on if then than what which how many much find given ' +
    'let each all any such write function python your you we can do does has have had not no only one two three there their they was were will would ' +
    'into same both between above below following value values number numbers using use used answer express form'
  ).split(' '),
)

/** Runs of one to three words of a statement that tell something, longest runs first come as they stand. */
function phrasesOf(statement: string): string[] {
  const phrases: string[] = []
  let run: string[] = []
  const close = (): void => {
    if (run.length > 0) phrases.push(run.slice(0, 3).join(' '))
    run = []
  }
  for (const word of statement.split(/\s+/)) {
    const bare = word.replace(/^[("']+|[)"'.,;:?!]+$/g, '')
    const isTelling = /^[a-z][a-z-]{3,}$/i.test(bare) && !PLAIN.has(bare.toLowerCase())
    if (isTelling) run.push(bare)
    if (!isTelling || bare !== word || run.length === 3) close()
  }
  close()
  return [...new Set(phrases)]
}

function write(random: Random, concepts: readonly string[], level: string, statement: string): string {
  const [first = 'the first concept', second = first, ...others] = random.shuffle(concepts)
  // Some look closely at the problem, others hardly at all.
  const phrases = random.shuffle(phrasesOf(statement)).slice(0, random.integer(0, 6))
  const sentences = [
    random.pick([
      `The concepts to be combined are ${concepts.join(', ')}.`,
      `We look for a setting where ${first} and ${second} meet.`,
      `Starting from ${first}, the aim is one question that needs ${second} as well.`,
    ]),
    ...phrases.map((phrase) =>
      random.pick([
        `The question turns on ${phrase}.`,
        `Asking about ${phrase} brings ${first} into play.`,
        `With ${phrase} in the statement, ${second} is needed to go on.`,
      ]),
    ),
    ...random.shuffle(
      [
        ...others.map((name) => `The role of ${name} is kept implicit, so that it has to be recognised.`),
        'The numbers are large enough to rule out guessing, yet the result can be checked by hand.',
        'The answer is a single exact value, so that it can be verified automatically.',
        'Special cases are excluded by the wording.',
        'A solver who hurries will fall for a plausible wrong value.',
      ].filter(() => random.chance(0.4)),
    ),
    ...(random.chance(0.6) ? [`The wording keeps the difficulty at the level ${level}.`] : []),
  ]
  return sentences.join(' ')
}

/** Answers the two prompts that ask for a rationale: an annotator's, and the one that a rationale writer continues. */
export function rationalise(
  { random, fault }: TaskContext,
  {
    concepts,
    level,
    statement,
    style,
  }: { concepts: string[]; level: string; statement: string; style: 'annotator' | 'writer' },
): Generation {
  const rationale = write(random, concepts, level, statement)
  if (style === 'writer') {
    const content =
      fault === 'malformed'
        ? `${TAGS.beginRationale}${TAGS.endRationale}`
        : `${TAGS.beginRationale}${rationale}${TAGS.endRationale}`
    return { content, facts: [] }
  }
  if (fault === 'malformed')
    return { content: random.pick(['I would rather solve the problem.', 'Thinking Process:']), facts: [] }
  const mark = random.pick(['Thinking Process:', '**Thinking Process:**', 'Thinking Process:\n'])
  return { content: `${mark} ${rationale}`, facts: [] }
}
