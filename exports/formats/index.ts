/** All formats, by name. */
import { sorts, sortNames, type SortName } from '../sorts.ts'
import { axolotl } from './axolotl.ts'
import type { Format } from './format.ts'
import { llamaFactory } from './llama-factory.ts'
import { nemoRl } from './nemo-rl.ts'
import { openrlhf } from './openrlhf.ts'
import { plain } from './plain.ts'
import { promptcot } from './promptcot.ts'
import { trl } from './trl.ts'
import { verl } from './verl.ts'

/** The first is the default. */
export const formats: readonly Format[] = [trl, openrlhf, axolotl, llamaFactory, nemoRl, promptcot, verl, plain]

/** The format of a name. @throws RangeError */
export function formatNamed(name: string): Format {
  const found = formats.find((format) => format.name === name)
  if (!found) throw new RangeError(`no format is called "${name}"`)
  return found
}

/** Formats that have a form for the rows of a sort. */
export function formatsOf(sort: SortName): Format[] {
  return formats.filter(({ shapes }) => shapes[sorts[sort].shape] !== undefined)
}

/** Sorts that a format has a form for. */
export function sortsOf(format: Format): SortName[] {
  return sortNames.filter((name) => format.shapes[sorts[name].shape] !== undefined)
}
