/** Conditions that a statement names, and what it asks for of two things that exclude each other: by words such as not, odd, at least, largest. */

/** Sides of a contrast: statements that name different sides of one ask for different things. */
const contrasts: readonly (readonly RegExp[])[] = [
  [/\b(?:exactly|precisely)\b/, /\b(?:at least|or more|no fewer)\b/, /\b(?:at most|or less|or fewer|no more than)\b/],
  [
    /\b(?:larger|largest|greater|greatest|maxim\w+|highest|longest|most)\b/,
    /\b(?:smaller|smallest|least|minim\w+|lowest|shortest|fewest)\b/,
  ],
  [/\b(?:through|via|visits?)\b/, /\b(?:avoid\w*|clear|without|never)\b/],
  [/\b(?:sum|total)\b/, /\bproduct\b/, /\bdifference\b/],
  [/\b(?:increasing|ascending|rising)\b/, /\b(?:decreasing|descending|falling)\b/],
  [/\bfirst\b/, /\blast\b/],
  [/\bmeans?\b|\baverages?\b/, /\bmedians?\b/, /\bmodes?\b/],
  [/\bareas?\b/, /\bperimeters?\b|\bcircumferences?\b/, /\bvolumes?\b/],
  [/\\?\bsin(?:e|es)?\b/, /\\?\bcos(?:ine|ines)?\b/, /\\?\btan(?:gent)?\b/],
  [/\bradi(?:us|i)\b/, /\bdiameters?\b/],
]
/** What a statement does not say by the way: two are not the same where one alone says it. */
const conditions: readonly RegExp[] = [
  /\b(?:not|neither|nor|except)\b|n't\b/,
  /\bodd\b/,
  /\beven\b/,
  /\bsquares?\b/,
  /\bcubes?\b/,
  /\bprimes?\b/,
]

/** One bit for each condition that a text in lower case names, and for each side of a contrast. At most 31. */
export function contrastsOf(text: string): number {
  return [...conditions, ...contrasts.flat()].reduce(
    (bits, named, place) => bits | (Number(named.test(text)) << place),
    0,
  )
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
