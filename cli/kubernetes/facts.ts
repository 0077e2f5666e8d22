/** What the declaration of a processor says about the pods that run it. */
import { callsModels, type Processor } from '../../engine/processor.ts'
import { groupOf } from '../../engine/runtime.ts'
import { defaultLimits } from '../../engine/task/limits.ts'

/** Facts that manifests are made of. */
export interface ProcessorFacts {
  name: string
  /** The most replicas that have something to do. */
  tasks: number
  /** Whether its pods reach model endpoints. */
  callsModels: boolean
  /** Whether programs that models wrote are run in its pods. */
  runsPrograms: boolean
  /** Whether it keeps state: a volume saves reading it from Kafka at every start. */
  keepsState: boolean
  /** Whether replicas can follow its backlog: a source has none, and one task has one owner. */
  scales: boolean
  /** Roles whose endpoints bound what its replicas can do. */
  roles: readonly string[]
  /** Records that one process works on at once, over all its tasks. */
  windowRecords: number
  memory: { requestMebibytes: number; limitMebibytes: number; heapMebibytes: number }
}

const mebibyte = 1 << 20
/** Node, its code and libraries, and what a group and its connections take. */
const processMebibytes = 512
/** Tables that are read whole, and an index over all state, with room to grow. */
const tableMebibytes = 2048
/** The most that a program under test may use, as limits of tests have it by default. */
const programMebibytes = 1024
const stepMebibytes = 256

/** The facts of a processor; `verifierThreads` programs run at once in pods that run any. */
export function factsOf(declaration: Processor, verifierThreads: number): ProcessorFacts {
  const { name, inputs, tables, roles, runsPrograms = false, state } = declaration
  const { tasks } = groupOf(declaration)
  const hasInputs = Object.keys(inputs).length > 0
  const holdsTables = Object.keys(tables).length > 0 || state?.index !== undefined
  const { maxInFlight, maxInFlightBytes, maxUncommittedBytes } = defaultLimits
  const windows = (tasks * (maxInFlightBytes + maxUncommittedBytes)) / mebibyte
  const heap = processMebibytes + windows + (holdsTables ? tableMebibytes / 2 : 0)
  const beside = (holdsTables ? tableMebibytes / 2 : 0) + (runsPrograms ? verifierThreads * programMebibytes : 0)
  return {
    ...{ name, tasks, roles, runsPrograms },
    callsModels: callsModels(declaration),
    keepsState: state !== undefined,
    scales: hasInputs && tasks > 1,
    windowRecords: tasks * maxInFlight,
    memory: {
      requestMebibytes: processMebibytes / 2 + (holdsTables || runsPrograms ? processMebibytes : 0),
      limitMebibytes: Math.ceil((heap + beside) / stepMebibytes) * stepMebibytes,
      heapMebibytes: Math.floor(heap * 0.75),
    },
  }
}
