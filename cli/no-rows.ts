/** Why an export wrote no row, for whoever expected some. */
import { sortOf, type ExportRequest } from '../exports/request.ts'
import type { Seen } from '../exports/rows.ts'
import { formatCount } from './terminal.ts'

/** `minPassRate` -> `--min-pass-rate`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** One line. `isContinued`: an earlier export had read what there was before; `flags` lead to the corpus. */
export async function whyNoRows(
  request: ExportRequest,
  { records, excluded, retracted }: Seen,
  { isContinued, flags }: { isContinued: boolean; flags: string },
): Promise<string> {
  const { topic } = sortOf(request)
  if (records === 0) {
    if (isContinued) return `no rows: nothing has come to ${topic.name} since the earlier export`
    // They bring much along that an export with rows has no use for.
    const { processors } = await import('../processors/index.ts')
    const makers = processors.filter(({ outputs }) => Object.values(outputs).some(({ name }) => name === topic.name))
    const names = makers.map(({ name }) => name).join(' and ')
    return `no rows: the corpus has no ${topic.name} yet; ${names} ${makers.length === 1 ? 'makes' : 'make'} them while \`npx wellspring up${flags}\` runs`
  }
  const given = Object.keys(request.filters).map(flagOf).join(', ')
  const parts = [
    ...(excluded > 0 ? [`${formatCount(excluded)} rows are left out by ${given}`] : []),
    ...(retracted > 0 ? [`${formatCount(retracted)} are of problems that were retracted`] : []),
    ...(excluded + retracted > 0
      ? []
      : request.results.length > 0
        ? [`none ended as asked for by --outcomes: ${request.results.join(', ')}`]
        : [`none gives rows of ${request.sort}`]),
  ]
  return `no rows: of ${formatCount(records)} records in ${topic.name} ${parts.join(', and ')}`
}
