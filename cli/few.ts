/** Long lists of faults: the first few of each kind say what is wrong, and a count stands for the others. */

/** Shown of one kind. */
const mostOfKind = 5
/** Kinds of which any is shown. */
const mostKinds = 30

/** Some faults of a kind, and how many more there are of it. */
interface Few<One> {
  shown: One[]
  more: number
}

/** The first few of each kind, kinds in the order in which they come up. The last one may show none: it counts what is of further kinds. */
export function fewOfEach<One>(all: readonly One[], kindOf: (one: One) => string): Few<One>[] {
  const kinds = new Map<string, Few<One>>()
  let further = 0
  for (const one of all) {
    const kind = kindOf(one)
    const few = kinds.get(kind)
    if (few && few.shown.length < mostOfKind) few.shown.push(one)
    else if (few) few.more++
    else if (kinds.size < mostKinds) kinds.set(kind, { shown: [one], more: 0 })
    else further++
  }
  return [...kinds.values(), ...(further > 0 ? [{ shown: [], more: further }] : [])]
}

/** What sentences on the same fault share: all but what they quote, and words with digits, such as numbers and ids. */
export function kindOfSentence(sentence: string): string {
  return sentence.replace(/"[^"]*"|'[^']*'|\S*\d\S*/g, '')
}
