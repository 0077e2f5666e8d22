import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut } from './layout.ts'

type Ask = 'depth' | 'insertions' | 'prefix'
interface Parameters {
  square: boolean
  ask: Ask
  maxLength: number
}

const ASKS: Record<Ask, string> = {
  depth: 'the greatest nesting depth if the text is balanced, and -1 if it is not',
  insertions:
    'the smallest number of brackets that must be inserted anywhere to make every bracket matched when each kind of bracket is looked at on its own, ignoring the other kind',
  prefix: 'the length of the longest prefix that is balanced (0 if only the empty prefix is)',
}
const alphabet = slot('alphabet', 'round brackets only: \\( and \\)|round and square brackets: \\( \\) \\[ \\]')
const ask = condition(
  text` ${any('Report', 'Print', 'Compute')} ${slot(
    'ask',
    Object.values(ASKS)
      .map((a) => a.replace(/[()]/g, '\\$&'))
      .join('|'),
  )}.`,
)
const input = any(
  'One line with the text.',
  'A single line: the text to examine.',
  'The only line of input is the text.',
)
const output = any('One integer.', 'Print a single integer.')
const limits = text`The text has between 1 and ${slot('maxLength')} characters.`

/** Checks of bracket strings with a stack. */
export const bracketCheck = codeFamily<Parameters>({
  name: 'bracket-check',
  concepts: ['stacks', 'balanced parentheses', 'string processing', 'parsing', 'greedy algorithms'],
  design: 'a property of a bracket sequence that one pass with a stack decides',
  instance: (random, difficulty) => ({
    square: random.chance(difficulty / 7),
    ask: difficulty < 3 ? random.pick(['depth', 'insertions']) : random.pick(['prefix', 'depth', 'insertions']),
    maxLength: random.integer(1, 20) * 10 ** Math.min(5, 1 + Math.round(difficulty / 2)),
  }),
  difficulty: ({ square, ask: a, maxLength }) =>
    Math.min(8, { depth: 0.8, insertions: 1, prefix: 2.2 }[a] + (square ? 1.5 : 0) + Math.log10(maxLength) - 1),
  wordings: [
    layOut(
      text`${person} ${any('checks', 'reviews', 'is debugging')} a ${any('formula editor', 'parser', 'template engine')} that uses ${alphabet}. A text is balanced if every opening bracket is closed by one of the same kind in the right order.${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('Beads on a string', 'Doors of a corridor', 'Marks on a tape')} are written as ${alphabet}. Opening and closing ones must pair up and nest properly; then the text counts as balanced.${ask}`,
      input,
      output,
      limits,
    ),
    layOut(
      text`You are given a text made of ${alphabet}. The empty text is balanced; a balanced text in a pair of matching brackets is balanced; two balanced texts side by side are balanced; nothing else is.${ask}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    alphabet: p.square ? 'round and square brackets: ( ) [ ]' : 'round brackets only: ( and )',
    ask: ASKS[p.ask],
    maxLength: String(p.maxLength),
  }),
  read: (v) => {
    const found = (Object.keys(ASKS) as Ask[]).find((key) => ASKS[key] === v.ask)
    return found === undefined
      ? undefined
      : { square: (v.alphabet ?? '').includes('square'), ask: found, maxLength: Number(v.maxLength) }
  },
  input: ({ square, maxLength }, kind, random) => {
    const kinds = square ? ['()', '[]'] : ['()']
    const balanced = (pairs: number): string => {
      if (pairs <= 0) return ''
      const inside = random.integer(0, pairs - 1)
      const pair = random.pick(kinds)
      return `${pair[0] ?? ''}${balanced(inside)}${pair[1] ?? ''}${balanced(pairs - 1 - inside)}`
    }
    const pairs = Math.floor(maxLength / 2)
    let line = balanced(
      Math.min(
        pairs,
        kind === 'edge case' ? 1 : kind === 'complex case' ? random.integer(10, 25) : random.integer(2, 6),
      ),
    )
    if (kind === 'edge case') line = random.pick([...kinds, ...kinds.join(''), `${kinds[0] ?? ''}${kinds[0] ?? ''}`])
    if (kind === 'error-prone input') {
      const cut = random.integer(0, line.length - 1)
      line = random.pick([
        line.slice(cut) + line.slice(0, cut),
        `${line}(`,
        line.slice(0, cut) + line.slice(cut + 1),
        line + random.pick([')', square ? ']' : ')']),
      ])
      if (line === '') line = '('
    }
    return line.slice(0, maxLength)
  },
  solve: ({ ask: a }, lines) => {
    const line = (lines[0] ?? '').trim()
    const stack: string[] = []
    let [depth, prefix] = [0, 0]
    let broken = false
    for (let i = 0; i < line.length && !broken; i++) {
      const c = line[i] ?? ''
      if (c === '(' || c === '[') stack.push(c)
      else if (stack.pop() !== (c === ')' ? '(' : '[')) broken = true
      depth = Math.max(depth, stack.length)
      if (!broken && stack.length === 0) prefix = i + 1
    }
    if (a === 'prefix') return String(prefix)
    if (a === 'depth') return String(broken || stack.length > 0 ? -1 : depth)
    let missing = 0
    for (const [open, close] of ['()', '[]'].map((pair) => [pair[0], pair[1]])) {
      let height = 0
      for (const c of line) {
        if (c === open) height++
        else if (c === close && height === 0) missing++
        else if (c === close) height--
      }
      missing += height
    }
    return String(missing)
  },
  right: {
    stack: ({ ask: a }) =>
      a === 'insertions'
        ? `
text = input().strip()
missing = 0
for pair in ("()", "[]"):
    height = 0
    for c in text:
        if c == pair[0]:
            height += 1
        elif c == pair[1]:
            if height:
                height -= 1
            else:
                missing += 1
    missing += height
print(missing)`
        : `
text = input().strip()
stack = []
deepest = 0
prefix = 0
ok = True
for i, c in enumerate(text):
    if c in "([":
        stack.append(c)
        deepest = max(deepest, len(stack))
    else:
        if not stack or stack[-1] + c not in ("()", "[]"):
            ok = False
            break
        stack.pop()
    if not stack:
        prefix = i + 1
${a === 'prefix' ? 'print(prefix)' : 'print(deepest if ok and not stack else -1)'}`,
    'erasing pairs': ({ ask: a }) =>
      a === 'insertions'
        ? `
import sys

def unmatched(text, pair):
    rest = "".join(c for c in text if c in pair)
    while pair in rest:
        rest = rest.replace(pair, "")
    return len(rest)

text = sys.stdin.readline().strip()
print(unmatched(text, "()") + unmatched(text, "[]"))`
        : `
import sys

def main():
    text = sys.stdin.readline().strip()
    match = {")": "(", "]": "["}
    opened = []
    depth = best = 0
    for position in range(len(text)):
        c = text[position]
        if c in match:
            if len(opened) == 0 or opened.pop() != match[c]:
                print(${a === 'prefix' ? 'best' : '-1'})
                return
            if len(opened) == 0:
                best = position + 1
        else:
            opened.append(c)
            if len(opened) > depth:
                depth = len(opened)
    print(${a === 'prefix' ? 'best' : '-1 if opened else depth'})

main()`,
  },
  wrong: {
    'only counts': ({ ask: a }) => `
text = input().strip()
opening = sum(text.count(c) for c in "([")
closing = len(text) - opening
${a === 'insertions' ? 'print(abs(opening - closing))' : a === 'prefix' ? 'print(len(text) if opening == closing else 0)' : 'print(opening if opening == closing else -1)'}`,
    'ignores what stays open': ({ ask: a }) =>
      a === 'prefix'
        ? undefined
        : `
text = input().strip()
height = best = missing = 0
for c in text:
    if c in "([":
        height += 1
        best = max(best, height)
    elif height == 0:
        missing += 1
    else:
        height -= 1
${a === 'insertions' ? 'print(missing)' : 'print(-1 if missing else best)'}`,
    'off by one': ({ ask: a }) => `
text = input().strip()
stack = []
best = deepest = missing = 0
broken = False
for i, c in enumerate(text):
    if c in "([":
        deepest = max(deepest, len(stack))
        stack.append(c)
    elif stack and stack[-1] + c in ("()", "[]"):
        stack.pop()
        if not stack and not broken:
            best = i
    else:
        broken = True
        missing += 1
${a === 'insertions' ? 'print(missing + max(0, len(stack) - 1))' : a === 'prefix' ? 'print(best)' : 'print(-1 if broken or stack else deepest)'}`,
    'forgets the failing case': ({ ask: a }) =>
      a === 'depth'
        ? `
text = input().strip()
height = best = 0
for c in text:
    height += 1 if c in "([" else -1
    best = max(best, height)
print(best)`
        : undefined,
  },
  steps: ({ ask: a }) => [
    'A stack keeps the brackets that are still open; each closing bracket must match its top.',
    `The value asked for is ${ASKS[a]}.`,
  ],
})
