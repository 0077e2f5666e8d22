/**
 * Inputs on which programs that passed are run once more, for no verdict: where they disagree, the tests were too weak to tell them apart.
 * They are the tests' own inputs with one small change that leaves the number of lines and words as it is, so that most are still valid. Nobody
 * knows what is right for them; only that two right programs agree.
 */

type Change = (line: string) => string

const changes: readonly Change[] = [
  (line) => line.split(' ').reverse().join(' '),
  (line) => withNumber(line, 'last', 1),
  (line) => withNumber(line, 'first', -1),
  (line) =>
    line
      .split(' ')
      .map((word, _, words) => words[0] ?? word)
      .join(' '),
]

/** The line with its first or last whole number changed, where it has one that stays positive. */
function withNumber(line: string, which: 'first' | 'last', by: number): string {
  const words = line.split(' ')
  const isNumber = (word: string): boolean => /^\d{1,9}$/.test(word) && Number(word) + by > 0
  const at = which === 'first' ? words.findIndex(isNumber) : words.findLastIndex(isNumber)
  return words.map((word, index) => (index === at ? String(Number(word) + by) : word)).join(' ')
}

/**
 * Up to `most` inputs, the same for the same tests; none that is a test's own. Only the last line changes: the first ones often say how much
 * there is to come.
 */
export function probeInputs(tests: readonly { input: string }[], most: number): string[] {
  const own = new Set(tests.map(({ input }) => input))
  const found = new Set<string>()
  for (const change of changes) {
    for (const { input } of tests) {
      if (found.size >= most) return [...found]
      const text = input.trimEnd()
      const start = text.lastIndexOf('\n') + 1
      const changed = `${text.slice(0, start)}${change(text.slice(start))}\n`
      if (!own.has(changed) && changed !== `${text}\n`) found.add(changed)
    }
  }
  return [...found]
}

/**
 * How many ways of behaving the probes show among attempts that passed, and how many attempts each has, most first. Probes that any of
 * them does not survive are left out: they are likelier to be no valid input. One way says nothing against the tests.
 * @param probes of each attempt: a digest for each probe, empty where the program did not end well
 */
export function behaviours(probes: readonly (readonly string[])[]): number[] {
  const [first = []] = probes
  const alive = first.map((_, probe) => probe).filter((probe) => probes.every((one) => (one[probe] ?? '') !== ''))
  if (alive.length === 0) return []
  const counts = new Map<string, number>()
  for (const one of probes) {
    const behaviour = alive.map((probe) => one[probe]).join(' ')
    counts.set(behaviour, (counts.get(behaviour) ?? 0) + 1)
  }
  return [...counts.values()].sort((a, b) => b - a)
}
