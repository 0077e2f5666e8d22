import type { Group, OutgoingRecord, TaskCommit, TopicSpecification } from '../../topics/log.ts'

export const outputsPerCommit: number
export const workTopics: TopicSpecification[]
export const workGroup: Group
export function outputValue(task: number, sequence: number, index: number): string
export function stateAfter(sequence: number): Map<string, string>
export function recordsOfRound(round: number): {
  commits: TaskCommit[]
  append: { id: string; records: OutgoingRecord[] }
  deletion: { topic: string; partition: number; index: number } | undefined
}
