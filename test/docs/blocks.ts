/**
 * The shell blocks of a page, and how they are run: one shell for a page, block after block, as a reader would paste them. The words
 * behind ```sh say what a block needs, and nothing else is run:
 *   run          as it stands, to its end
 *   background   in a terminal of its own, until the page is done; `until="TEXT"` is what it prints when it is ready
 *   gpu, cluster not run: it needs what no test has
 *   long         not run: it takes too long
 *   kafka, k8s   besides `run` or `background`: only where a test has that
 * A ```text block right behind one that is run holds lines of what it printed, with any numbers and ids.
 */

/** Words that a block may carry, besides `until`. */
const knownWords = ['run', 'background', 'gpu', 'cluster', 'long', 'kafka', 'k8s'] as const
export type BlockWord = (typeof knownWords)[number]

export interface ShellBlock {
  /** Line of the page that it begins at, from 1. */
  line: number
  words: readonly BlockWord[]
  /** What a background block prints when it is ready. */
  until: string | undefined
  commands: string
  /** Lines that it must have printed. */
  shown: readonly string[]
}

/** The shell blocks of a page, in order. @throws Error for one that does not say how it is run, or says what nobody knows */
export function shellBlocksOf(page: string): ShellBlock[] {
  const blocks: ShellBlock[] = []
  const lines = page.split('\n')
  let after: ShellBlock | undefined
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*)\s*(.*)$/.exec(lines[at] ?? '')
    if (!fence) {
      if ((lines[at] ?? '').trim() !== '') after = undefined
      continue
    }
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`line ${at + 1}: the block is not closed`)
    const [, language = '', rest = ''] = fence
    const body = lines.slice(at + 1, end)
    if (language === 'text' && after) {
      after.shown = body.filter((line) => line.trim() !== '' && line.trim() !== '...')
      after = undefined
    } else if (language === 'sh') {
      const until = /until="([^"]+)"/.exec(rest)?.[1]
      const words = rest.replace(/until="[^"]*"/, '').split(/\s+/).filter((word) => word !== '') // prettier-ignore
      const unknown = words.find((word) => !knownWords.some((known) => known === word))
      if (unknown !== undefined) throw new Error(`line ${at + 1}: nobody knows the word ${JSON.stringify(unknown)}`)
      if (!words.some((word) => ['run', 'background', 'gpu', 'cluster', 'long'].includes(word)))
        throw new Error(`line ${at + 1}: a shell block says run, background, gpu, cluster or long`)
      if (words.includes('background') !== (until !== undefined))
        throw new Error(`line ${at + 1}: a background block, and no other, says until="TEXT"`)
      after = { line: at + 1, words: words as BlockWord[], until, commands: body.join('\n'), shown: [] }
      blocks.push(after)
    }
    at = end
  }
  return blocks
}

/** Whether a text holds a line as a page shows it: words stand, numbers, times and ids may be others, `...` may be anything. */
export function shows(output: string, line: string): boolean {
  const pattern = line
    .trim()
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\\\.\\\.\\\./g, '.*')
    .replace(/\b[0-9a-f]{24}\b/g, '[0-9a-f]{24}')
    .replace(/\d[\d,]*(?:\\\.\d+)?(?:m \d+)?s?\b/g, '(?:\\d[\\d,.]*)(?:m \\d+)?s?')
  return new RegExp(pattern).test(output)
}
