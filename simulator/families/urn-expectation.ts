import { rational } from '../answers.ts'
import { any, condition, slot, text } from '../wording.ts'
import { mathFamily } from './family.ts'

interface Parameters {
  marked: number
  others: number
  /** Which marked one is waited for, 1 = the first. */
  which: number
}

const which = condition(text` marked one number $${slot('which')}$ in order of appearance`)
const expected = ({ marked, others, which: j }: Parameters) => rational(j * (marked + others + 1), marked + 1)

/** The expected waiting time for a marked item drawn without replacement. */
export const urnExpectation = mathFamily<Parameters>({
  name: 'urn-expectation',
  concepts: [
    'expected value',
    'linearity of expectation',
    'sampling without replacement',
    'random variables',
    'symmetry',
  ],
  design: 'the expected number of draws until a marked item appears',
  instance: (random, difficulty) => {
    const marked = random.integer(2, 2 + Math.round(difficulty))
    return {
      marked,
      others: random.integer(3 + Math.round(difficulty), 8 + Math.round(3 * difficulty)),
      which: difficulty < 3 ? 1 : random.integer(1, Math.min(marked, Math.round(difficulty))),
    }
  },
  difficulty: ({ marked, others, which: j }) => Math.min(8, (marked + others) / 8 + (j - 1) * 1.1 + 1),
  wordings: [
    text`A ${any('bag', 'box', 'drum', 'hat')} holds $${slot('marked')}$ ${any('red', 'striped', 'golden')} and $${slot('others')}$ ${any('white', 'plain', 'grey')} ${any('balls', 'marbles', 'tickets')}; call the former kind marked. They are drawn one at a time at random without replacement. ${any('Find', 'What is', 'Compute')} the expected number of draws up to and including the${which}.`,
    text`A ${any('deck', 'stack', 'pile')} of $${slot('total')}$ different ${any('cards', 'folders', 'plates')}, among them $${slot('marked')}$ marked ones, is shuffled thoroughly. Turning over from the top, at what position is the${which} on average? ${any('Give the exact expected value.', 'Answer with an exact fraction.')}`,
    text`${any('Exactly', 'Precisely')} $${slot('marked')}$ of $${slot('total')}$ ${any('parcels', 'lamps', 'seeds', 'machines')} are marked, and an inspector ${any('opens', 'tests', 'checks')} them in a uniformly random order. Let $T$ be the number of inspections needed to see the${which}. ${any('Determine', 'Calculate')} $E(T)$.`,
  ],
  values: ({ marked, others, which: j }) => ({
    marked: String(marked),
    others: String(others),
    total: String(marked + others),
    which: String(j),
  }),
  read: (values) => {
    const marked = Number(values.marked)
    const others = values.others === undefined ? Number(values.total) - marked : Number(values.others)
    const j = Number(values.which)
    return j >= 1 && j <= marked && others >= 0 ? { marked, others, which: j } : undefined
  },
  answer: expected,
  mistakes: {
    'drew with replacement': ({ marked, others, which: j }) => rational(j * (marked + others), marked),
    'forgot the gap at the end': ({ marked, others, which: j }) => rational(j * (marked + others), marked + 1),
    'counted only the unmarked draws': ({ marked, others, which: j }) => rational(j * others, marked + 1),
    'waited for the first': (parameters) => expected({ ...parameters, which: 1 }),
  },
  steps: ({ marked, others }) => [
    `The ${String(marked)} marked items split the ${String(others)} others into ${String(marked + 1)} gaps that are equally long on average.`,
    `Each gap has expected length $\\frac{${String(others)}}{${String(marked + 1)}}$ by symmetry.`,
  ],
})
