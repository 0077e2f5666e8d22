/** Rows of a corpus as an export has them, and Parquet files read back by hyparquet. */
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import type { Cells, Columns, ColumnType } from '../../exports/columns.ts'
import { formatNamed } from '../../exports/formats/index.ts'
import { cellsFor, columnsFor, type ExportRequest } from '../../exports/request.ts'
import { RowSource } from '../../exports/rows.ts'
import { sorts, type SortName } from '../../exports/sorts.ts'
import type { OutcomeResult } from '../../schemas/generated.ts'
import type { Corpus } from '../../topics/reading.ts'

/** A request for all rows of a sort. */
export function requestFor(sort: SortName, format = 'trl', given: Partial<ExportRequest> = {}): ExportRequest {
  const { results = [] } = sorts[sort] as { results?: readonly OutcomeResult[] }
  return { ...{ sort, format: formatNamed(format), fileType: 'jsonl', filters: {}, results, shares: [] }, ...given }
}

/** All rows of a request, retracted ones left out. */
export async function rowsFor(corpus: Corpus, request: ExportRequest): Promise<Cells[]> {
  const source = new RowSource(corpus, request)
  await source.retracted.readOn()
  const ends = await source.ends()
  source.keepSample(await source.drawSample(source.start(), ends))
  const cells: Cells[] = []
  for await (const { rows, unreadable } of source.read(source.start(), ends)) {
    if (unreadable !== undefined) throw new Error(unreadable)
    for (const row of rows) cells.push(cellsFor(request, row, { index: cells.length, split: 'train' }))
  }
  return cells
}

/** The rows of a Parquet file, whole numbers as numbers. */
export async function readParquet(path: string): Promise<Cells[]> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) })
  return rows.map((row) => plain(row) as Cells)
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}

/** Where a row is not as its columns say: names, their order, and types. */
export function misfits(row: Cells, request: Pick<ExportRequest, 'sort' | 'format'>): string[] {
  return misfitsOf(row, { fields: columnsFor(request) }, '')
}

function misfitsOf(value: unknown, type: ColumnType, path: string): string[] {
  const wrong = [`${path}: ${JSON.stringify(value)} is no ${JSON.stringify(type)}`]
  if (value === null) return []
  if (type === 'string' || type === 'boolean' || type === 'number') return typeof value === type ? [] : wrong
  if (type === 'integer') return Number.isSafeInteger(value) ? [] : wrong
  if ('list' in type) {
    if (!Array.isArray(value)) return wrong
    return value.flatMap((inner, index) => misfitsOf(inner, type.list, `${path}[${index}]`))
  }
  if (typeof value !== 'object') return wrong
  const fields: Columns = type.fields
  const [names, expected] = [Object.keys(value), Object.keys(fields)]
  if (names.join() !== expected.join()) return [`${path}: has ${names.join()}, not ${expected.join()}`]
  return Object.entries(fields).flatMap(([name, inner]) => misfitsOf((value as Cells)[name], inner, `${path}.${name}`))
}
