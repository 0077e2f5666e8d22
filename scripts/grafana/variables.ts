/** What a reader chooses at the top of a dashboard. */
import { labelVariable } from './panel.ts'

/** Which processes. */
export const instanceVariable = labelVariable('instance', 'Process', 'wellspring_build_info')
/** Which processors. */
export const processorVariable = labelVariable('processor', 'Processor', 'wellspring_tasks')
/** Which endpoints. */
export const endpointVariable = labelVariable('endpoint', 'Endpoint', 'wellspring_llm_concurrency_limit')
