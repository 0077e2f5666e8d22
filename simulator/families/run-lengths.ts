import { person } from '../stories.ts'
import { any, condition, slot, text } from '../wording.ts'
import { codeFamily } from './family.ts'
import { layOut } from './layout.ts'

interface Parameters {
  ask: 'encode' | 'decode'
  /** Whether the number 1 is left out. */
  omitOne: boolean
  /** Whether the number stands before the letter. */
  numberFirst: boolean
  maxLength: number
}

const item = (p: Parameters, count: string, letter: string): string => {
  const number = p.omitOne ? `("" if ${count} == 1 else str(${count}))` : `str(${count})`
  return p.numberFirst ? `${number} + ${letter}` : `${letter} + ${number}`
}
const encoder = (p: Parameters, flush = true): string => `
text = input().strip()
out = ""
count = 0
for i, c in enumerate(text):
    count += 1
    if i + 1 ${flush ? '== len(text) or' : '< len(text) and'} text[i + 1] != c:
        out += ${item(p, 'count', 'c')}
        count = 0
print(out)`
const decoder = (p: Parameters, digits: 'all' | 'last' = 'all', missing = '1'): string =>
  p.numberFirst
    ? `
text = input().strip()
out = ""
number = ""
for c in text:
    if c.isdigit():
        number ${digits === 'all' ? '+= c' : '= c'}
    else:
        out += c * int(number or "${missing}")
        number = ""
print(out)`
    : `
text = input().strip()
out = ""
i = 0
while i < len(text):
    c = text[i]
    i += 1
    number = ""
    while i < len(text) and text[i].isdigit():
        number ${digits === 'all' ? '+= text[i]' : '= text[i]'}
        i += 1
    out += c * int(number or "${missing}")
print(out)`

const rule = condition(
  text` In the short form each run of equal letters is written as ${slot('order', 'the letter and then the length of the run|the length of the run and then the letter')}, and ${slot('one', 'a length of 1 is left out|a length of 1 is written as well')}.`,
)
const ask = slot('ask', 'Turn a text into its short form|Turn a short form back into the text')
const input = any('One line: what is to be turned.', 'A single line with the text or short form to be turned.')
const output = any('One line with the result.', 'Print the result on one line.')
const limits = text`The text has 1 to ${slot('maxLength')} lower case letters.`

/** Run-length encoding and decoding. */
export const runLengths = codeFamily<Parameters>({
  name: 'run-lengths',
  concepts: ['run-length encoding', 'string processing', 'loops', 'parsing', 'edge case handling'],
  design: 'a short form for runs of equal letters, written or read back',
  instance: (random, difficulty) => ({
    ask: random.chance(difficulty / 8) ? 'decode' : 'encode',
    omitOne: random.chance(0.5),
    numberFirst: random.chance(0.5),
    maxLength: random.integer(1, 9) * 10 ** Math.min(5, 1 + Math.round(difficulty / 2)),
  }),
  difficulty: (p) =>
    Math.min(
      8,
      0.4 +
        (p.ask === 'decode' ? 1.4 : 0) +
        (p.omitOne ? 0.7 : 0) +
        (p.numberFirst ? 0.4 : 0) +
        Math.log10(p.maxLength) -
        0.5,
    ),
  wordings: [
    layOut(
      text`${person} ${any('saves ink', 'compresses knitting patterns', 'sends telegrams')} by writing runs of equal letters briefly.${rule} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`${any('A fax machine', 'A loom', 'A tape recorder')} stores texts with many repeated letters in a short form.${rule} ${any('Your task:', 'Do the following:')} ${ask}.`,
      input,
      output,
      limits,
    ),
    layOut(
      text`Consider a ${any('simple compression', 'notation')} for texts of lower case letters.${rule} ${ask}. ${any('Runs are as long as possible.', 'A run always extends as far as possible.')}`,
      input,
      output,
      limits,
    ),
  ],
  values: (p) => ({
    ask: p.ask === 'encode' ? 'Turn a text into its short form' : 'Turn a short form back into the text',
    order: p.numberFirst ? 'the length of the run and then the letter' : 'the letter and then the length of the run',
    one: p.omitOne ? 'a length of 1 is left out' : 'a length of 1 is written as well',
    maxLength: String(p.maxLength),
  }),
  read: (v) => ({
    ask: (v.ask ?? '').includes('into its short') ? 'encode' : 'decode',
    omitOne: (v.one ?? '').includes('left out'),
    numberFirst: (v.order ?? '').startsWith('the length'),
    maxLength: Number(v.maxLength),
  }),
  input: (p, kind, random) => {
    const letters = 'abcxyz'
    const runs = kind === 'edge case' ? 1 : kind === 'complex case' ? random.integer(6, 12) : random.integer(2, 6)
    let room = p.maxLength
    let previous = ''
    const parts: [string, number][] = []
    for (let i = 0; i < runs && room > 0; i++) {
      const letter = random.pick([...letters].filter((c) => c !== previous))
      const longest =
        kind === 'error-prone input' ? random.pick([1, 10, 12]) : random.integer(1, kind === 'complex case' ? 14 : 4)
      const length = Math.min(room, kind === 'edge case' ? random.pick([1, 2, 10]) : longest)
      parts.push([letter, length])
      room -= length
      previous = letter
    }
    if (p.ask === 'encode') return parts.map(([letter, length]) => letter.repeat(length)).join('')
    return parts
      .map(([letter, length]) => {
        const number = p.omitOne && length === 1 ? '' : String(length)
        return p.numberFirst ? number + letter : letter + number
      })
      .join('')
  },
  solve: (p, lines) => {
    const line = (lines[0] ?? '').trim()
    if (p.ask === 'encode') {
      return line.replace(/(.)\1*/g, (run, letter: string) => {
        const number = p.omitOne && run.length === 1 ? '' : String(run.length)
        return p.numberFirst ? number + letter : letter + number
      })
    }
    const pattern = p.numberFirst ? /(\d*)([a-z])/g : /([a-z])(\d*)/g
    return line.replace(pattern, (_, a: string, b: string) => {
      const [letter, number] = p.numberFirst ? [b, a] : [a, b]
      return letter.repeat(number === '' ? 1 : Number(number))
    })
  },
  right: {
    'by hand': (p) => (p.ask === 'encode' ? encoder(p) : decoder(p)),
    library: (p) =>
      p.ask === 'encode'
        ? `
from itertools import groupby

pieces = []
for letter, run in groupby(input().strip()):
    length = len(list(run))
    pieces.append(${item(p, 'length', 'letter')})
print("".join(pieces))`
        : `
import re

pattern = r"${p.numberFirst ? '(\\d*)([a-z])' : '([a-z])(\\d*)'}"
pieces = []
for ${p.numberFirst ? 'number, letter' : 'letter, number'} in re.findall(pattern, input().strip()):
    pieces.append(letter * (int(number) if number else 1))
print("".join(pieces))`,
  },
  wrong: {
    'order of letter and number': (p) =>
      p.ask === 'encode' ? encoder({ ...p, numberFirst: !p.numberFirst }) : undefined,
    'rule for single letters': (p) =>
      p.ask === 'encode' ? encoder({ ...p, omitOne: !p.omitOne }) : p.omitOne ? decoder(p, 'all', '0') : undefined,
    'last run lost': (p) => (p.ask === 'encode' ? encoder(p, false) : undefined),
    'numbers of one digit': (p) =>
      p.ask === 'decode'
        ? decoder(p, 'last')
        : `
text = input().strip()
out = ""
i = 0
while i < len(text):
    count = 1
    while count < 9 and i + count < len(text) and text[i + count] == text[i]:
        count += 1
    out += ${item(p, 'count', 'text[i]')}
    i += count
print(out)`,
    'counts letters of the whole text': (p) =>
      p.ask === 'encode'
        ? `
text = input().strip()
out = ""
for c in dict.fromkeys(text):
    count = text.count(c)
    out += ${item(p, 'count', 'c')}
print(out)`
        : undefined,
    'off by one': (p) =>
      p.ask === 'decode'
        ? decoder(p).replace('c * int(number or "1")', 'c * max(1, int(number or "1") - 1)')
        : undefined,
  },
  steps: (p) => [
    `A run is written as ${p.numberFirst ? 'its length and then the letter' : 'the letter and then its length'}.`,
    p.omitOne ? 'A length of 1 does not appear in the short form.' : 'Even a length of 1 is written.',
  ],
})
