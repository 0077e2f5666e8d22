import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { canonicalAnswer, compareMath } from '../../../verifiers/math.ts'

const path = new URL('../../../../shared/data/seeds/math500.jsonl', import.meta.url)
const answers = existsSync(path)
  ? readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { answer: string }).answer)
  : []

// Each rule writes an answer another way, or gives undefined where it doesn't apply.
const rules: Record<string, (answer: string) => string | undefined> = {
  'blanks around': (a) => `  ${a}  `,
  'line breaks around': (a) => `\n${a}\n`,
  'one dollar': (a) => `$${a}$`,
  'one dollar with blanks': (a) => `$ ${a} $`,
  'two dollars': (a) => `$$${a}$$`,
  'round brackets of a formula': (a) => `\\(${a}\\)`,
  'square brackets of a formula': (a) => `\\[ ${a} \\]`,
  boxed: (a) => `\\boxed{${a}}`,
  fbox: (a) => `\\fbox{${a}}`,
  'boxed in dollars': (a) => `$\\boxed{${a}}$`,
  'boxed in a displayed formula': (a) => `\\[\\boxed{${a}}\\]`,
  'boxed twice': (a) => `\\boxed{\\boxed{${a}}}`,
  'boxed with blanks': (a) => `\\boxed{ ${a} }`,
  'full stop': (a) => `${a}.`,
  'full stop after dollars': (a) => `$${a}$.`,
  bold: (a) => `**${a}**`,
  'bold and boxed': (a) => `**$\\boxed{${a}}$**`,
  braces: (a) => `{${a}}`,
  'display style': (a) => `\\displaystyle ${a}`,
  'thin spaces around': (a) => `\\,${a}\\,`,
  'negative space before': (a) => `\\!${a}`,
  'tie before': (a) => `~${a}`,
  'quad after': (a) => `${a} \\quad`,
  'backslashes doubled': (a) => (a.includes('\\') ? a.replaceAll('\\', '\\\\') : undefined),
  'boxed, backslashes doubled': (a) => `\\boxed{${a}}`.replaceAll('\\', '\\\\'),
  'display fractions': (a) => (a.includes('\\frac') ? a.replaceAll('\\frac', '\\dfrac') : undefined),
  'text fractions': (a) => (a.includes('\\frac') ? a.replaceAll('\\frac', '\\tfrac') : undefined),
  'fraction with a slash': (a) =>
    /^-?\\frac\{\d+\}\{\d+\}$/.test(a) ? a.replace(/\\frac\{(\d+)\}\{(\d+)\}/, '$1/$2') : undefined,
  'fraction not in lowest terms': (a) => {
    const [, sign, n, d] = /^(-?)\\frac\{(\d+)\}\{(\d+)\}$/.exec(a) ?? []
    return sign === undefined ? undefined : `${sign}\\frac{${Number(n) * 6}}{${Number(d) * 6}}`
  },
  'brackets that grow': (a) =>
    /[()]/.test(a) ? a.replaceAll(/(?<!\\left)\(/g, '\\left(').replaceAll(/(?<!\\right)\)/g, '\\right)') : undefined,
  'brackets that do not': (a) => (a.includes('\\left') ? a.replaceAll(/\\left|\\right/g, '') : undefined),
  'mbox for text': (a) => (a.includes('\\text{') ? a.replaceAll('\\text{', '\\mbox{') : undefined),
  'bare words': (a) => (/^\\text\{[A-Za-z]+\}$/.test(a) ? a.slice(6, -1) : undefined),
  'capital words': (a) => (/^\\text\{[a-z]+\}$/.test(a) ? a.slice(6, -1).toUpperCase() : undefined),
  'assigned to a variable': (a) => (/^-?[\d.]+$|^\\frac/.test(a) ? `k = ${a}` : undefined),
  'in units': (a) => (/^-?\d+$/.test(a) ? `${a} \\text{ units}` : undefined),
  'with .0': (a) => (/^-?\d+$/.test(a) ? `${a}.0` : undefined),
  'plus zero': (a) => (/^-?\d+$/.test(a) ? `${a}+0` : undefined),
  'thousands marks': (a) => (/^\d{4,6}$/.test(a) ? a.replace(/(\d{3})$/, '{,}$1') : undefined),
  'thousands commas': (a) => (/^\d{4,6}$/.test(a) ? a.replace(/(\d{3})$/, ',$1') : undefined),
  'no thousands marks': (a) => (/^\d+,(?:\\!)?\s?\d{3}$/.test(a) ? a.replace(/\D+/, '') : undefined),
  'typographic minus': (a) => (a.includes('-') ? a.replaceAll('-', '\u2212') : undefined),
  'dots for products': (a) => (/^\d+\s*\\sqrt|^\d+\s*\\pi/.test(a) ? a.replace(/^(\d+)\s*/, '$1 \\cdot ') : undefined),
  'root without braces': (a) => (/\\sqrt\{\d\}/.test(a) ? a.replaceAll(/\\sqrt\{(\d)\}/g, '\\sqrt$1') : undefined),
  'square brackets of a matrix': (a) => (a.includes('pmatrix') ? a.replaceAll('pmatrix', 'bmatrix') : undefined),
  'degrees in words': (a) => (a.endsWith('^\\circ') ? a.replace('^\\circ', ' \\text{ degrees}') : undefined),
  'without degrees': (a) => (a.endsWith('^\\circ') ? a.replace('^\\circ', '') : undefined),
  'without the dollar sign': (a) => (a.startsWith('\\$') ? a.slice(2) : undefined),
  'base in braces': (a) => (/^\d+_\d$/.test(a) ? a.replace(/_(\d)$/, '_{$1}') : undefined),
}

// Distinct answers by the index of their first appearance that are one and the same, with the reason.
const equalPairs: [number, number, string][] = [
  [7, 229, 'an angle in degrees, and its number'],
  [13, 23, 'a number, and the same assigned to x'],
  [17, 267, 'half a turn in radians and in degrees'],
  [25, 456, 'one list in two orders'],
  [70, 104, 'a numeral with its base, and its digits alone'],
  [109, 133, 'an angle in degrees, and its number'],
  [128, 281, 'a number, and the same in degrees'],
  [128, 488, 'a number, and the same in dollars'],
  [155, 362, 'one fraction with and without braces'],
  [156, 192, 'an angle in degrees, and its number'],
  [198, 349, 'one number with and without a thousands mark'],
  [263, 467, 'a number, and the same in square centimetres'],
  [409, 418, 'one surd with and without a blank'],
]
const undecidedPairs: [number, number, string][] = [
  [5, 30, 'bases_differ'],
  [25, 78, 'ordered_or_not'],
  [70, 128, 'bases_differ'],
  [70, 281, 'bases_differ'],
  [70, 488, 'bases_differ'],
  [78, 456, 'ordered_or_not'],
  [137, 222, 'bases_differ'],
  [308, 430, 'coarse_rounding'],
  [409, 430, 'coarse_rounding'],
  [418, 430, 'coarse_rounding'],
]

const present = answers.length > 0
if (!present) console.warn(`skipped: ${path.pathname} is absent, so its answers are not compared`)

describe.skipIf(!present)('the answers of MATH-500', () => {
  it('all equal themselves, and nearly all have a canonical form', () => {
    for (const answer of answers)
      expect([answer, compareMath({ reference: answer, answer })]).toEqual([
        answer,
        { verdict: 'passed', reason: 'equal' },
      ])
    const without = answers.filter((answer) => canonicalAnswer(answer) === undefined)
    expect(without.length).toBeLessThanOrEqual(1)
  })

  it('equal at least 20 reformatted forms each', () => {
    const wrong: string[] = []
    for (const answer of answers) {
      const forms = new Set<string>()
      for (const [rule, write] of Object.entries(rules)) {
        const form = write(answer)
        if (form === undefined) continue
        forms.add(form)
        const { verdict, reason } = compareMath({ reference: answer, answer: form })
        if (verdict !== 'passed') wrong.push(`${rule}: ${form} (${reason})`)
      }
      expect(forms.size).toBeGreaterThanOrEqual(20)
    }
    expect(wrong).toEqual([])
  })

  it('differ from each other but for the reviewed pairs', () => {
    const first = new Map<string, number>()
    for (const [index, answer] of answers.entries()) if (!first.has(answer)) first.set(answer, index)
    const distinct = [...first]
    const equal: [number, number][] = []
    const undecided: [number, number, string][] = []
    for (const [i, [a, m]] of distinct.entries())
      for (const [b, n] of distinct.slice(i + 1)) {
        const { verdict, reason } = compareMath({ reference: a, answer: b })
        if (verdict === 'passed') equal.push([m, n])
        if (verdict === 'unverifiable') undecided.push([m, n, reason])
      }
    expect(equal).toEqual(equalPairs.map(([m, n]) => [m, n]))
    expect(undecided).toEqual(undecidedPairs)
  })
})
