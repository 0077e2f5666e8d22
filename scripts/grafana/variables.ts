/** What a reader chooses at the top of a dashboard. */
import { choiceVariable, labelVariable } from './panel.ts'

const inNamespace = (metric: string): string => `${metric}{namespace=~"$namespace"}`

/** Which processes: all of one namespace of Kubernetes (elsewhere there is none to choose from), or some of them. */
export const targetVariables = [
  choiceVariable('namespace', 'Namespace', 'wellspring_build_info'),
  labelVariable('instance', 'Process', inNamespace('wellspring_build_info')),
]
/** Which processors. */
export const processorVariable = labelVariable('processor', 'Processor', inNamespace('wellspring_tasks'))
/** Which endpoints. */
export const endpointVariable = labelVariable('endpoint', 'Endpoint', inNamespace('wellspring_llm_concurrency_limit'))
