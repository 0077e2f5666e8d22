/** What a reader chooses at the top of a dashboard. */
import { labelVariable } from './panel.ts'

/** Which processes: all of a namespace of Kubernetes (elsewhere there is none to choose from), or some of them. */
export const targetVariables = [
  labelVariable('namespace', 'Namespace', 'wellspring_build_info'),
  labelVariable('instance', 'Process', 'wellspring_build_info{namespace=~"$namespace"}'),
]
/** Which processors. */
export const processorVariable = labelVariable('processor', 'Processor', 'wellspring_tasks')
/** Which endpoints. */
export const endpointVariable = labelVariable('endpoint', 'Endpoint', 'wellspring_llm_concurrency_limit')
