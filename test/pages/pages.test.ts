/** How texts become pages: what is escaped, what is a formula, what is left as it was written. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { beginningOf } from '../../pages/beginning.ts'
import { reasonOf, statusOfWay, type Way } from '../../pages/ending.ts'
import { html, visible } from '../../pages/html.ts'
import { formula, MathBudget } from '../../pages/math.ts'
import { codeBlock } from '../../pages/code.ts'
import { inlineText, prose } from '../../pages/prose.ts'
import { Histogram } from '../../pages/report/histogram.ts'
import { Times } from '../../pages/report/times.ts'
import { attacks, discard } from './corpora.ts'
import * as make from '../processors/records.ts'
import { processorMilliseconds } from '../processor-time.ts'

const budget = (): MathBudget => new MathBudget()
const inline = (text: string): string => html`${inlineText(text, budget())}`.markup
/** What a reader sees of markup of ours. */
const seen = (markup: string): string =>
  markup
    .replace(/<annotation.*?<\/annotation>/gs, '')
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Of code units from all of the first plane, halves of surrogate pairs among them. */
const anyText = fc.array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f))).map((units) => String.fromCharCode(...units))

describe('a template', () => {
  test('escapes what is put into it, and joins lists', () => {
    expect(html`<p title="${'"<&\''}">${['<b>', html`<i>${'&'}</i>`, 3, undefined, null, false]}</p>`.markup).toBe(
      '<p title="&quot;&lt;&amp;&#39;">&lt;b&gt;<i>&amp;</i>3</p>',
    )
  })

  test('lets no text become markup, whatever it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { markup } = html`${text}`
        expect(markup).not.toMatch(/[<>"']/)
        expect(seen(markup)).toBe(visible(text))
      }),
    )
  })

  test('names characters that steer the eye without being seen', () => {
    expect(visible('a\u202eb\u2066\u0000\r\nc\td')).toBe('a[U+202E]b[U+2066][U+0000]\nc\td')
    expect(visible('\ud800')).toBe('\ufffd')
    // Tags, a hyphen and fillers that are not seen; joiners, and what chooses the form of a character, are part of it.
    expect(visible('a\u{e0041}b\u00adc\u206ad\u180e')).toBe('a[U+E0041]b[U+00AD]c[U+206A]d[U+180E]')
    expect(visible('\u{1f468}\u200d\u{1f469} \u2764\ufe0f')).toBe('\u{1f468}\u200d\u{1f469} \u2764\ufe0f')
  })
})

describe('prose', () => {
  test.each([
    ['$x^2$', 1],
    ['\\(a\\) and \\[b\\]', 2],
    ['$$\\frac{1}{2}$$', 1],
    ['\\begin{align}a&=b\\\\c&=d\\end{align}', 1],
    ['It costs $5 and then $7, or 3 $ in all', 0],
    ['$ x$', 0],
    ['\\$5 and $y$', 1],
    ['$a$b$c$', 2],
    ['$unknown \\thing$', 0],
    ['`$x$` is code', 0],
  ])('%j holds %i formulas', (text, formulas) => {
    expect(inline(text).match(/<math/g)?.length ?? 0).toBe(formulas)
  })

  test('shows all of a text that holds no formula, code or emphasis', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z $<>&."()[\]{}^_]*$/), (text) => {
        const markup = inline(text)
        if (!markup.includes('<')) expect(seen(markup)).toBe(text)
      }),
    )
  })

  test('keeps code apart from formulas, fenced as its language', () => {
    const { markup } = prose('Try\n```python\nx = "$a$"\n```\nand $b$', { budget: budget() })
    expect(markup).toContain('<span class="hljs-string">&quot;$a$&quot;</span>')
    expect(markup.match(/<math/g)).toHaveLength(1)
  })

  test('cuts what is too long, and says how much', () => {
    const { markup } = prose('a'.repeat(100), {
      budget: budget(),
      maxCharacters: 60,
      whole: html`<a href="/w">whole</a>`,
    })
    expect(markup).toContain('40 more characters')
    expect(markup).toContain('<a href="/w">whole</a>')
  })

  test.each(Object.keys(attacks))('of %s is made in bounded time, and is bounded itself', (name) => {
    const text = (attacks[name] ?? '').repeat(4)
    // Without bounds these take minutes, or for ever.
    let markup = ''
    const spent = processorMilliseconds(() => ({ markup } = prose(text, { budget: budget(), maxCharacters: 200_000 })))
    expect(spent).toBeLessThan(30_000)
    expect(markup.length).toBeLessThan(2_000_000)
    expect(markup).not.toMatch(/<(?!\/?(?:p|div|pre|code|span|strong|math|m[a-z]+|semantics|annotation)\b)/)
  })
})

describe('prose that begins without end', () => {
  // Time that grows with the square of the length would be minutes.
  test.each([
    ['a fence', `${'~'.repeat(200_000)}\``],
    ['amounts of money', `${'$5 '.repeat(40_000)}x$`],
    ['a formula', `${'\\( '.repeat(150_000)}\\)`],
  ])(
    '%s is made in time that grows with its length',
    (_, text) => {
      expect(prose(text, { budget: budget(), maxCharacters: 2_000_000 }).markup).toContain('<p>')
    },
    10_000,
  )
})

describe('a formula', () => {
  test.each([
    '\\def\\a{b}\\a',
    '\\newcommand{\\a}{b}\\a',
    '\\gdef\\x{1}',
    '\\let\\a=b',
    '\\href{javascript:x}{y}',
    '\\htmlId{a}{b}',
    '\\rule{9em}{9em}',
    '{'.repeat(25) + '}'.repeat(25),
    'x'.repeat(3001),
  ])('that defines, links, draws or nests too much stays text: %s', (source) => {
    expect(formula(source, false, budget()).markup).toMatch(/^<code class="tex">/)
  })

  test('defines nothing for the next one', () => {
    formula('x \\global\\def\\y{z}', false, budget())
    expect(formula('\\y', false, budget()).markup).toMatch(/^<code/)
  })

  test('takes from the budget of its page, and is text when that is used up', () => {
    const small = new MathBudget(5, 10)
    expect(formula('x+y', false, small).markup).toContain('<math')
    expect(formula('x+y', false, small).markup).toMatch(/^<code/)
  })

  test('holds no style that the policy of the page refuses', () => {
    for (const source of [
      '\\color{red}{x}',
      '\\frac{a}{b}',
      '\\underbrace{a+b}_{c}',
      '\\boxed{5}',
      '\\cancel{x}',
      '\\begin{cases}a&b\\\\c&d\\end{cases}',
      '\\begin{array}{c|c}1&2\\\\\\hline 3&4\\end{array}',
    ])
      expect(formula(source, true, budget()).markup, source).not.toMatch(/ style=| on[a-z]+=/)
  })
})

describe('code', () => {
  test('of a language that is not known, or that is too long, stays plain', () => {
    expect(codeBlock('a < b', 'cobol').markup).toContain('<code>a &lt; b</code>')
    expect(codeBlock('x = 1\n'.repeat(5000), 'python').markup).not.toContain('hljs')
    expect(codeBlock('select 1', 'sql').markup).toContain('hljs-keyword')
  })

  test.each(['constructor', '__proto__'])('of a language that is called %s stays plain', (name) => {
    expect(codeBlock('a < b', name).markup).toContain('<code>a &lt; b</code>')
    expect(prose(`\`\`\`${name}\nx\n\`\`\``, { budget: budget() }).markup).toContain('<code>x</code>')
  })
})

describe('why a problem is kept or not', () => {
  const way = (given: Partial<Way> = {}): Way => ({
    ...{ retraction: undefined, discards: [], outcomes: [], deadLetters: [], isAccepted: false, hasChecks: false },
    ...{ verdicts: 0, pairs: 0, ...given },
  })
  const kept = make.outcome({ result: 'kept', attempted: 8, passed: 3, spared: 1 })

  test.each<[string, string, Way, RegExp]>([
    [
      'kept',
      'its passes and its pairs',
      way({ outcomes: [kept], pairs: 2 }),
      /^Kept: solver-model passed 3 of 8 attempts \(1 more was not asked for.*2 preference pairs were made/,
    ],
    [
      'kept',
      'why there is no pair',
      way({
        outcomes: [kept],
        discards: [
          discard({
            topic: 'outcomes',
            leftStream: false,
            processor: 'build-pairs',
            reason: 'no-valid-pair',
            evidence: 'all invalid',
          }),
        ],
      }),
      /No pair was made: build-pairs found no-valid-pair \(all invalid\)/,
    ],
    [
      'kept',
      'the best of several solvers',
      way({ outcomes: [make.outcome({ result: 'unsolved', solver: 'weak' }), kept] }),
      /^Kept: solver-model/,
    ],
    [
      'too_easy',
      'its passes',
      way({ outcomes: [make.outcome({ result: 'too_easy', attempted: 5, passed: 4 })] }),
      /^Too easy: solver-model passed 4 of 5 attempts/,
    ],
    [
      'unsolved',
      'that none passed',
      way({ outcomes: [make.outcome({ result: 'unsolved', attempted: 8, passed: 0 })] }),
      /^Unsolved: solver-model passed none of 8 attempts/,
    ],
    [
      'abandoned',
      'what is too few',
      way({ outcomes: [make.outcome({ result: 'abandoned', attempted: 3, unverifiable: 5 })] }),
      /^Abandoned: .*3 attempts .* 5 that could not/,
    ],
    [
      'abandoned',
      'that no test is left',
      way({ outcomes: [make.outcome({ result: 'abandoned', attempted: 8, reason: 'no_test_left' })] }),
      /agree with one another and with no test/,
    ],
    [
      'discarded',
      'processor, rule and evidence',
      way({ discards: [discard()] }),
      /^Discarded by screen-problem as near-duplicate: same as problem-0\.$/,
    ],
    [
      'failed',
      'its dead letter',
      way({ deadLetters: [{ processor: 'roll-out', code: 'X', message: 'broken' }] }),
      /^Failed in roll-out \(X\): broken/,
    ],
    ['in_progress', 'how far it is', way({ hasChecks: true }), /^In progress: its checks are made/],
    ['in_progress', 'its verdicts', way({ hasChecks: true, verdicts: 2 }), /2 attempts verified so far/],
  ])('%s: tells %s', (status, _, of, sentence) => {
    expect(statusOfWay(of)).toBe(status)
    expect(reasonOf(of)).toMatch(sentence)
  })
})

describe('counts of a report', () => {
  test('a histogram holds every length in the bin that it lies in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }), (lengths) => {
        const histogram = new Histogram('characters')
        for (const length of lengths) histogram.add(length)
        const bins = histogram.bins()
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(lengths.length)
        for (const { from, to, count } of bins)
          expect(lengths.filter((length) => length >= from && length < to)).toHaveLength(count)
      }),
    )
  })

  test('times keep their counts, however long the corpus grew', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e10 }), { minLength: 1, maxLength: 200 }), (times) => {
        const counts = new Times()
        for (const atMs of times) counts.add(atMs)
        const list = counts.between(Math.min(...times), Math.max(...times), 48)
        expect(list.reduce((sum, count) => sum + count, 0)).toBe(times.length)
      }),
    )
    const long = new Times()
    for (let day = 0; day < 9000; day++) long.add(day * 86_400_000)
    // What lies on an edge counts at either side of it.
    for (const count of long.between(0, 9000 * 86_400_000, 10)) expect(Math.abs(count - 900)).toBeLessThan(5)
  })
})

describe('the beginning of a long text', () => {
  test.each([
    ['one two three', 20, 'one two three'],
    ['one two three', 9, 'one two'],
    ['one two three', 7, 'one two'],
    ['one two, three', 8, 'one two,'],
    ['first line\nsecond line', 15, 'first line'],
    ['x'.repeat(200), 100, 'x'.repeat(100)],
    ['\u{1d53b}'.repeat(60), 101, '\u{1d53b}'.repeat(50)],
  ])('%j in %i characters ends with a whole word or character', (text, mostCharacters, beginning) => {
    expect(beginningOf(text, mostCharacters)).toBe(beginning)
  })

  test('is never longer than asked for, nor ends within a word of usual length', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 300 }), (all, mostCharacters) => {
        const text = all.join(' ')
        const beginning = beginningOf(text, mostCharacters)
        expect(beginning.length).toBeLessThanOrEqual(mostCharacters)
        expect(text.startsWith(beginning)).toBe(true)
        if (mostCharacters >= (all[0]?.length ?? 0)) expect(['', ' ']).toContain(text.charAt(beginning.length))
      }),
    )
  })

  test('is what a page shows of a text that is cut', () => {
    const page = prose('word '.repeat(20), { budget: new MathBudget(), maxCharacters: 13 }).markup
    expect(page).toContain('<p>word word</p>')
    expect(page).toContain('91 more characters are not shown here')
  })
})
