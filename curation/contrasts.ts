/** Conditions that a statement names, and what it asks for of two things that exclude each other: by words such as not, odd, at least, largest. */

/** Sides of a contrast: statements that name different sides of one ask for different things. Words, two of them, or how words begin (*). */
const contrasts: readonly (readonly (readonly string[])[])[] = [
  [
    ['exactly', 'precisely'],
    ['at least', 'or more', 'no fewer'],
    ['at most', 'or less', 'or fewer', 'no more'],
  ],
  [
    ['larger', 'largest', 'greater', 'greatest', 'maxim*', 'highest', 'longest', 'most'],
    ['smaller', 'smallest', 'least', 'minim*', 'lowest', 'shortest', 'fewest'],
  ],
  [
    ['through', 'via', 'visit', 'visits'],
    ['avoid*', 'clear', 'without', 'never'],
  ],
  [['sum', 'total'], ['product'], ['difference']],
  [
    ['increasing', 'ascending', 'rising'],
    ['decreasing', 'descending', 'falling'],
  ],
  [['first'], ['last']],
  [
    ['mean', 'means', 'average', 'averages'],
    ['median', 'medians'],
    ['mode', 'modes'],
  ],
  [
    ['area', 'areas'],
    ['perimeter', 'perimeters', 'circumference', 'circumferences'],
    ['volume', 'volumes'],
  ],
  [
    ['sin', 'sine', 'sines'],
    ['cos', 'cosine', 'cosines'],
    ['tan', 'tangent'],
  ],
  [
    ['radius', 'radii'],
    ['diameter', 'diameters'],
  ],
]
/** What a statement does not say by the way: two are not the same where one alone says it. */
const conditions: readonly (readonly string[])[] = [
  ['not', 'neither', 'nor', 'except', "n't"],
  ['odd'],
  ['even'],
  ['square', 'squares'],
  ['cube', 'cubes'],
  ['prime', 'primes'],
]

const [words, pairs, beginnings] = (() => {
  const tables = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()] as const
  for (const [place, names] of [...conditions, ...contrasts.flat()].entries())
    for (const name of names) {
      const table = name.endsWith('*') ? tables[2] : tables[name.includes(' ') ? 1 : 0]
      table.set(name.replace('*', ''), 2 ** place)
    }
  return tables
})()
const lastOfPairs = new Set([...pairs.keys()].map((pair) => pair.slice(pair.indexOf(' ') + 1)))
/** Characters of every entry that says how a word begins. */
const beginningLength = 5

/** One bit for each condition that a text in lower case names, and for each side of a contrast. At most 31. */
export function contrastsOf(text: string): number {
  let bits = 0
  let before = ''
  for (const [word] of text.matchAll(/\b[a-z]+(?:'t)?\b/g)) {
    bits |= words.get(word) ?? beginnings.get(word.slice(0, beginningLength)) ?? 0
    if (lastOfPairs.has(word)) bits |= pairs.get(`${before} ${word}`) ?? 0
    if (word.endsWith("n't")) bits |= words.get("n't") ?? 0
    before = word
  }
  return bits
}

const conditionsMask = 2 ** conditions.length - 1
const sideMasks = contrasts.reduce<number[][]>((masks, sides) => {
  const from = conditions.length + masks.flat().length
  return [...masks, sides.map((_, index) => 2 ** (from + index))]
}, [])
/** What numbers are asked to be: all conditions but the first. */
const kindMasks = conditions.slice(1).map((_, index) => 2 ** (index + 1))

/** Whether one statement alone names a condition, or the two name different sides of a contrast. @param first @param second of `contrastsOf` */
export function contradict(first: number, second: number): boolean {
  return ((first ^ second) & conditionsMask) !== 0 || sideMasks.some((sides) => nameOthers(first, second, sides))
}

/** Whether two statements name different sides of a contrast, or different kinds of numbers (odd, squares): what one leaves unsaid decides nothing. */
export function nameOtherSides(first: number, second: number): boolean {
  return [kindMasks, ...sideMasks].some((sides) => nameOthers(first, second, sides))
}

function nameOthers(first: number, second: number, sides: readonly number[]): boolean {
  const differing = first ^ second
  return (
    sides.some((side) => (differing & first & side) !== 0) && sides.some((side) => (differing & second & side) !== 0)
  )
}
