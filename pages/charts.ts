/** Charts that are drawn on the server. Each is, or stands beside, a table of its numbers; shapes stretch, letters never do. */
import { html, type Content, type Html } from './html.ts'

type Tone = 'plain' | 'good' | 'bad' | 'idle'

/** One bar with its number. */
export interface Bar {
  label: Content
  value: number
  /** As it is shown. */
  text: string
  /** A second column, such as a share. */
  more?: Content
  tone?: Tone
}

/** Bars as a table: what, how much as a bar, how much as a number. */
export function bars(
  caption: string,
  of: string,
  list: readonly Bar[],
  { most, more }: { most?: number; more?: string } = {},
): Html {
  const longest = most ?? Math.max(0, ...list.map(({ value }) => value))
  if (list.length === 0) return html`<p class="soft">${caption}: nothing yet.</p>`
  return table(
    caption,
    [
      of,
      { label: 'share of the longest bar', hidden: true },
      { label: 'number', number: true },
      ...(more === undefined ? [] : [{ label: more, number: true }]),
    ],
    list.map(({ label, value, text, tone = 'plain', more: second }) => [
      label,
      html`<svg aria-hidden="true" focusable="false">
        <rect class="${tone}" width="${share(value, longest)}%" height="100%" />
      </svg>`,
      text,
      ...(more === undefined ? [] : [second]),
    ]),
    'bars',
  )
}

function share(value: number, longest: number): string {
  return longest > 0 ? Math.min(100, (100 * Math.max(0, value)) / longest).toFixed(2) : '0'
}

/** A column of a table. */
export type TableColumn = string | { label: string; number?: boolean; hidden?: boolean }

/** A table that scrolls within itself where it is too wide; the first cell of each row is its heading. */
export function table(
  caption: string,
  heading: readonly TableColumn[],
  rows: readonly (readonly Content[])[],
  kind = '',
): Html {
  const described = heading.map((column) => (typeof column === 'string' ? { label: column } : column))
  const classOf = (index: number): string => {
    const column: { number?: boolean; hidden?: boolean } = described[index] ?? {}
    return column.number ? 'number' : column.hidden ? 'bar' : ''
  }
  return html`<figure>
    <figcaption>${caption}</figcaption>
    <div class="scroll" role="region" aria-label="${caption}" tabindex="0">
      <table class="${kind}">
        <thead>
          <tr>
            ${described.map(({ label, hidden }, index) => (hidden ? html`<td class="bar"></td>` : html`<th scope="col" class="${classOf(index)}">${label}</th>`))}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell, index) => (index === 0 ? html`<th scope="row"><bdi>${cell}</bdi></th>` : html`<td class="${classOf(index)}">${cell}</td>`))}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </figure>`
}

/** Numbers over time, or over anything else in order. */
export interface Series {
  name: string
  values: readonly number[]
  tone: Tone
}

/**
 * Columns over time, those of the series side by side, each as high as its share of the highest value.
 * @param axis what stands below, at the left and at the right
 */
export function columns(
  caption: string,
  series: readonly Series[],
  axis: { from: string; to: string; highest: string },
): Html {
  const count = Math.max(0, ...series.map(({ values }) => values.length))
  const highest = Math.max(0, ...series.flatMap(({ values }) => values))
  if (count === 0 || highest === 0) return html`<p class="soft">${caption}: nothing yet.</p>`
  const slot = 100 / count
  const width = (slot * 0.86) / series.length
  const shapes = series.flatMap(({ values, tone }, index) =>
    values.map((value, at) => {
      const height = (100 * value) / highest
      const x = (at * slot + slot * 0.07 + index * width).toFixed(3)
      return (
        value > 0 &&
        html`<rect
          class="${tone}"
          x="${x}"
          y="${(100 - height).toFixed(2)}"
          width="${width.toFixed(3)}"
          height="${height.toFixed(2)}"
        />`
      )
    }),
  )
  const key = series.map(
    ({ name, tone }) =>
      html`<span
        ><svg aria-hidden="true" focusable="false"><rect class="${tone}" width="100%" height="100%" /></svg
        >${name}</span
      >`,
  )
  return html`<figure class="columns">
    <figcaption>${caption}</figcaption>
    <div class="axis"><span>${axis.highest}</span></div>
    <svg
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      role="img"
      aria-label="${caption}: ${axis.from} to ${axis.to}, at most ${axis.highest}"
    >
      ${shapes}
    </svg>
    <div class="axis"><span>${axis.from}</span><span>${axis.to}</span></div>
    ${series.length > 1 && html`<div class="key">${key}</div>`}
  </figure>`
}
