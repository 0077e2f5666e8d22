/** The dashboards, written from the table of metrics and the processors' declarations: a new processor is in them by itself. */
import type { Processor } from '../../engine/processor.ts'
import { corpus } from './dashboards/corpus.ts'
import { gpu } from './dashboards/gpu.ts'
import { stream } from './dashboards/stream.ts'
import { verification } from './dashboards/verification.ts'
import { dashboardJson } from './panel.ts'

/** File name -> the dashboard's JSON. */
export function dashboards(processors: readonly Processor[]): Map<string, object> {
  const named = (name: string): Processor => {
    const found = processors.find((one) => one.name === name)
    if (!found) throw new TypeError(`no processor ${name}`)
    return found
  }
  return new Map(
    [corpus(processors, named), gpu(), stream(processors), verification(named)].map((one) => [
      `${one.uid.replace('wellspring-', '')}.json`,
      dashboardJson(one),
    ]),
  )
}
