/** What an export is asked for. */
import type { AnnouncedRole } from '../engine/ports.ts'
import type { OutcomeResult } from '../schemas/generated.ts'
import type { Cells, Columns } from './columns.ts'
import type { Filters } from './filters.ts'
import type { FileType, Format, RowPlace, ShapeForm } from './formats/format.ts'
import { columnsOf, type Row, type ShapeName } from './shapes.ts'
import { sorts, type Sort, type SortName } from './sorts.ts'
import type { Shares } from './split.ts'

/** All that decides which rows there are and what they look like. */
export interface ExportRequest {
  sort: SortName
  format: Format
  fileType: FileType
  filters: Filters
  results: readonly OutcomeResult[]
  /** For sorts that two models learn from: who is to. */
  role?: AnnouncedRole
  /** So many rows, those that come first in the order of the seed. */
  sample?: { rows: number; seed: string }
  /** Empty: all rows are in the main split. */
  shares: Shares
}

/** The sort's declaration. */
export function sortOf({ sort }: Pick<ExportRequest, 'sort'>): Sort {
  return sorts[sort]
}

/** The columns of all rows. */
export function columnsFor(request: Pick<ExportRequest, 'sort' | 'format'>): Columns {
  return formFor(request).columns(columnsOf(sortOf(request).facts))
}

/** A row as the format has it. */
export function cellsFor(
  request: Pick<ExportRequest, 'sort' | 'format'>,
  { texts, facts }: Row,
  place: RowPlace,
): Cells {
  return formFor(request).row(texts, facts, place)
}

/** How the trainer is told to read the rows. */
export function useOf(request: Pick<ExportRequest, 'sort' | 'format'>): string {
  return formFor(request).use.replaceAll('SORT', request.sort)
}

/** @throws RangeError where the format has no form for the sort */
function formFor({ sort, format }: Pick<ExportRequest, 'sort' | 'format'>): ShapeForm<ShapeName> {
  const form = format.shapes[sorts[sort].shape]
  if (!form) throw new RangeError(`${format.name} has no form for ${sort}`)
  return form
}

/** The request in words that are the same for the same rows and files: what an unfinished export is compared by. */
export function describeRequest(request: ExportRequest): Record<string, unknown> {
  const { sort, format, fileType, filters, results, role, sample, shares } = request
  return {
    sort,
    format: format.name,
    file_type: fileType,
    filters,
    ...(sortOf(request).results && { outcomes: results }),
    ...(role && { role }),
    ...(sample && { sample }),
    ...(shares.length > 0 && { split: Object.fromEntries(shares) }),
  }
}
