/**
 * HTML by tagged templates that escape whatever is put into them. Texts of models are hostile: markup that is not written in a template of
 * this folder comes from `trusted` alone, which only KaTeX's and highlight.js's output goes through.
 */
import { toUSVString } from 'node:util'

/** Markup that may stand in a page as it is. */
export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

/** What a template takes: texts and numbers are escaped, nothing stands for what is left out, lists are joined. */
export type Content = Html | string | number | undefined | null | false | readonly Content[]

/** Markup with its values escaped. They may stand between tags and in attributes within double quotes, nowhere else. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  let markup = parts[0] ?? ''
  for (const [index, value] of values.entries()) markup += markupOf(value) + (parts[index + 1] ?? '')
  return new Html(markup)
}

/** Markup that a renderer made, which is known to escape what it is given. */
export function trusted(markup: string): Html {
  return new Html(markup)
}

function markupOf(content: Content): string {
  if (content === undefined || content === null || content === false) return ''
  if (content instanceof Html) return content.markup
  if (typeof content === 'object') return content.map(markupOf).join('')
  return escaped(visible(String(content)))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

// Control characters, and those that reorder or hide what is read: bidirectional controls, tags, fillers, zero-width ones. The joiners and the marks
// that choose the form of a character are part of what is seen.
const invisible =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\ufff9-\ufffb]|(?!\u200c|\u200d|[\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/gu

/** A text in which every character that would steer the reader's eye without being seen is named instead. */
export function visible(text: string): string {
  const named = text
    .replace(/\r\n?/g, '\n')
    .replace(
      invisible,
      (character) => `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
  return toUSVString(named)
}
