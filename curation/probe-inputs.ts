/**
 * Inputs on which programs that passed are run once more, for no verdict: where they disagree, the tests were too weak to tell them apart.
 * They are the tests' own inputs with one change each. Most changes leave the number of lines and words as it is, and the others change the
 * number that counts them as well, so that most inputs are still valid. Nobody knows what is right for them; only that two right programs agree.
 */

/** The lines of an input, changed; undefined where the change does not apply. */
type Change = (lines: readonly string[]) => readonly string[] | undefined
type WordsChange = (words: readonly string[]) => readonly string[]

// Those first that tell most wrong programs of the simulator apart from right ones (docs/rollouts.md).
const changes: readonly Change[] = [
  onLastLine((words) => words.map((_, index) => words[index % Math.max(1, Math.floor(words.length / 2))] ?? '')),
  onLastLine((words) => words.map(() => words[0] ?? '')),
  counted((items) => [...items, ...items]),
  onLastLine((words) => words.with(-1, words.at(-2) ?? words.at(-1) ?? '')),
  onLastLine((words) => words.toReversed()),
  counted((items) => items.slice(0, -1)),
  onLastLine((words) => withNumber(words, 'first', -1)),
  onLastLine((words) => (words.every(isInteger) ? words.toSorted((a, b) => Number(a) - Number(b)) : words.toSorted())),
  onFirstLine((words) => withNumber(words, 'last', 1)),
  counted((items) => items.slice(0, 1)),
  onLastLine((words) => words.map((word) => (isInteger(word) ? '1' : word))),
]

function isInteger(word: string): boolean {
  return /^-?\d{1,9}$/.test(word)
}

/** The words with the first or last whole number changed, where there is one that stays positive. */
function withNumber(words: readonly string[], which: 'first' | 'last', by: number): readonly string[] {
  const isNumber = (word: string): boolean => /^\d{1,9}$/.test(word) && Number(word) + by > 0
  const at = which === 'first' ? words.findIndex(isNumber) : words.findLastIndex(isNumber)
  return at < 0 ? words : words.with(at, String(Number(words[at]) + by))
}

function changedLine(line: string, change: WordsChange): string {
  return change(line.split(' ')).join(' ')
}

/** Where the first line counts the words of the only other line or the rows after it: which of its numbers does. Rows are of as many words each. */
function countIn([head = '', ...rest]: readonly string[]): { of: 'words' | 'rows' | 'lines'; at: number } | undefined {
  const numbers = head.split(' ')
  const widths = rest.map((line) => line.split(' ').length)
  const ofWords = rest.length === 1 ? numbers.indexOf(String(widths[0])) : -1
  if (ofWords >= 0) return { of: 'words', at: ofWords }
  const at = rest.length === 0 ? -1 : numbers.lastIndexOf(String(rest.length))
  return at < 0 ? undefined : { of: new Set(widths).size === 1 ? 'rows' : 'lines', at }
}

/** Not of the last of several rows: each of its words may mean something else. */
function onLastLine(change: WordsChange): Change {
  return (lines) =>
    countIn(lines)?.of === 'rows' ? undefined : lines.with(-1, changedLine(lines.at(-1) ?? '', change))
}

/** Of several lines: the first often says how much there is to come, and more. */
function onFirstLine(change: WordsChange): Change {
  return (lines) => (lines.length < 2 ? undefined : lines.with(0, changedLine(lines[0] ?? '', change)))
}

/** Changes how many there are of what the first line counts. */
function counted(change: WordsChange): Change {
  return (lines) => {
    const count = countIn(lines)
    if (count === undefined || count.of === 'lines') return undefined
    const [head = '', ...rows] = lines
    const items = change(count.of === 'words' ? (rows[0] ?? '').split(' ') : rows)
    if (items.length === 0) return undefined
    const first = head.split(' ').with(count.at, String(items.length)).join(' ')
    return count.of === 'words' ? [first, items.join(' ')] : [first, ...items]
  }
}

/**
 * Up to `most` inputs, the same for the same tests; none that is a test's own. Every change once before any twice, each time of the next test's
 * input: the tests are of different kinds.
 */
export function probeInputs(tests: readonly { input: string }[], most: number): string[] {
  const own = new Set(tests.map(({ input }) => `${input.trimEnd()}\n`))
  const found = new Set<string>()
  for (const [round] of tests.entries()) {
    for (const [number, change] of changes.entries()) {
      if (found.size >= most) return [...found]
      const { input = '' } = tests[(number + round) % tests.length] ?? {}
      const changed = change(input.trimEnd().split('\n'))
      const text = changed && `${changed.join('\n')}\n`
      if (text !== undefined && !own.has(text)) found.add(text)
    }
  }
  return [...found]
}

/**
 * Places of the probes that every one survives. Others are likelier to be no valid input. None where there are more probes of one than of another:
 * they were made by other settings, or another release, and the same place need not be the same input.
 */
function survived(probes: readonly (readonly string[])[]): number[] {
  const [first = []] = probes
  if (probes.some(({ length }) => length !== first.length)) return []
  return first.map((_, probe) => probe).filter((probe) => probes.every((one) => (one[probe] ?? '') !== ''))
}

/**
 * How many ways of behaving the probes show among attempts that passed, and how many attempts each has, most first. Probes that any of
 * them does not survive are left out. One way says nothing against the tests.
 * @param probes of each attempt: a digest for each probe, empty where the program did not end well
 */
export function behaviours(probes: readonly (readonly string[])[]): number[] {
  const alive = survived(probes)
  if (alive.length === 0) return []
  return sizesOf(probes.map((one) => alive.map((probe) => one[probe]).join(' ')))
}

/** How often each text occurs, most first. */
function sizesOf(texts: readonly string[]): number[] {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => b - a)
}

/**
 * Places of the probes for which attempts that passed print different things. Those that tell more of them apart come first, and
 * those that tell the same ones apart as another only after all that do not.
 * @param probes as of `behaviours`
 */
export function disputed(probes: readonly (readonly string[])[]): number[] {
  const splits = survived(probes)
    .map((probe) => {
      const digests = probes.map((one) => one[probe] ?? '')
      return {
        probe,
        most: sizesOf(digests)[0] ?? 0,
        split: digests.map((digest) => digests.indexOf(digest)).join(' '),
      }
    })
    .filter(({ most }) => most < probes.length)
    .sort((a, b) => a.most - b.most || a.probe - b.probe)
  const repeats = new Map<string, number>()
  return splits
    .map(({ probe, split }) => {
      const repeat = repeats.get(split) ?? 0
      repeats.set(split, repeat + 1)
      return { probe, repeat }
    })
    .sort((a, b) => a.repeat - b.repeat)
    .map(({ probe }) => probe)
}
