/** Parquet files with the columns of a format, written a row group at a time. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import type { SchemaElement } from 'hyparquet'
import type { Cells, Columns, ColumnType } from './columns.ts'

const rowsPerGroup = 1000
/** Characters of rows that are held at once, whatever their number. */
const charactersPerGroup = 32 << 20

/** A Parquet file that is being written. It is no file that can be read before `finish`. */
export class ParquetFile {
  readonly #columns: Columns
  readonly #writer: ParquetWriter
  #rows: Cells[] = []
  #characters = 0

  /** Makes the file, or empties it. */
  constructor(path: string, columns: Columns) {
    this.#columns = columns
    this.#writer = new ParquetWriter({
      writer: fileWriter(path),
      schema: [
        { name: 'schema', num_children: Object.keys(columns).length },
        ...Object.entries(columns).flatMap(schemaOf),
      ],
      createdBy: 'wellspring',
      // Bounds of long texts help nobody.
      statistics: false,
    })
  }

  /** @param characters about how long the row is */
  append(row: Cells, characters: number): void {
    this.#rows.push(row)
    this.#characters += characters
    if (this.#rows.length >= rowsPerGroup || this.#characters >= charactersPerGroup) this.#writeGroup()
  }

  finish(): void {
    this.#writeGroup()
    void this.#writer.finish()
  }

  #writeGroup(): void {
    if (this.#rows.length === 0) return
    const columnData = Object.entries(this.#columns).map(([name, type]) => ({
      name,
      data: this.#rows.map((row) => cellOf(type, row[name])),
    }))
    void this.#writer.write({ columnData, rowGroupSize: this.#rows.length })
    this.#rows = []
    this.#characters = 0
  }
}

/** Writes the rows of a file of JSON lines to a Parquet file. */
export async function toParquet(jsonlFile: string, parquetFile: string, columns: Columns): Promise<void> {
  const file = new ParquetFile(parquetFile, columns)
  const lines = createInterface({ input: createReadStream(jsonlFile), crlfDelay: Infinity })
  for await (const line of lines) file.append(JSON.parse(line) as Cells, line.length)
  file.finish()
}

/** A column as a tree of schema elements, itself first. Lists have the three levels that the format's specification asks for. */
function schemaOf([name, type]: [name: string, type: ColumnType]): SchemaElement[] {
  const element = { name, repetition_type: 'OPTIONAL' } as const
  switch (type) {
    case 'string':
      return [{ ...element, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }]
    case 'boolean':
      return [{ ...element, type: 'BOOLEAN' }]
    case 'integer':
      return [{ ...element, type: 'INT64' }]
    case 'number':
      return [{ ...element, type: 'DOUBLE' }]
  }
  if ('list' in type) {
    return [
      { ...element, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...schemaOf(['element', type.list]),
    ]
  }
  const fields = Object.entries(type.fields)
  return [{ ...element, num_children: fields.length }, ...fields.flatMap(schemaOf)]
}

/** A value as the writer takes it. */
function cellOf(type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (type === 'integer') return BigInt(value as number)
  if (typeof type === 'string') return value
  if ('list' in type) return (value as unknown[]).map((inner) => cellOf(type.list, inner))
  return Object.fromEntries(
    Object.entries(type.fields).map(([name, inner]) => [name, cellOf(inner, (value as Cells)[name])]),
  )
}
