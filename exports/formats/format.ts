/** What a format is: the form that one trainer reads rows in. One file a format; add it to exports/formats/index.ts. */
import type { Cells, Columns } from '../columns.ts'
import type { Facts, ShapeName, Shapes } from '../shapes.ts'

export type FileType = 'jsonl' | 'parquet'

/** Where a row stands in the export. */
export interface RowPlace {
  /** Its number in the export, from 0. */
  index: number
  split: string
}

/** How a format writes one shape. */
export interface ShapeForm<Shape extends ShapeName> {
  /** The columns of its rows, given those of the facts. */
  columns(facts: Columns): Columns
  /** A row, with its columns in that order. */
  row(texts: Shapes[Shape], facts: Facts, place: RowPlace): Cells
  /** What the trainer has to be told to read such rows: its options, or a part of its configuration. */
  use: string
}

/** A file that a format puts beside the rows, in the folder of the export. */
interface SideFile {
  name: string
  content: string
}

export interface Format {
  readonly name: string
  /** Where its field names are documented. */
  readonly source: string
  /** Kinds of files that the trainer reads, its own first. */
  readonly fileTypes: readonly [FileType, ...FileType[]]
  /** The shapes that it has a form for. */
  readonly shapes: { readonly [Shape in ShapeName]?: ShapeForm<Shape> }
  /** Files beside the rows; `splits` are folders of files. */
  sideFiles?(about: { sort: string; shape: ShapeName; splits: readonly string[] }): SideFile[]
}

/** A form whose rows have the texts' columns first and the facts' after them. */
export function flat<Shape extends ShapeName>(form: {
  columns: Columns
  row: (texts: Shapes[Shape]) => Cells
  use: string
}): ShapeForm<Shape> {
  return {
    columns: (facts) => ({ ...form.columns, ...facts }),
    row: (texts, facts) => ({ ...form.row(texts), ...facts }),
    use: form.use,
  }
}

/** What is checked, as one text: the answer, or the tests as JSON with `inputs` and `outputs`, the form that code rewards take. */
export function groundTruth({ answer, tests }: Shapes['checked']): string {
  if (tests.length === 0) return answer ?? ''
  return JSON.stringify({ inputs: tests.map(({ input }) => input), outputs: tests.map(({ output }) => output) })
}
