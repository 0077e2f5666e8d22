/** Which processors can be run again over stored records without a model call, and what they read where. */
import { topics, type Topic } from '../../topics/catalogue.ts'
import { callsModels, type Processor } from '../processor.ts'

/** Whether its results come from stored records alone. */
function isFree(processor: Processor): boolean {
  return !callsModels(processor) && processor.next === undefined
}

/**
 * The processors that derive anew what comes after a topic, in the order of the list: its consumers that call no model, and the
 * consumers of what those emit. Inputs that only a model call brings are taken as they are stored; transient ones are gone.
 */
export function replayedFrom(processors: readonly Processor[], from: Topic): Processor[] {
  const replayed = new Set<Processor>()
  const follow = (topic: Topic): void => {
    for (const processor of processors) {
      const inputs = Object.values(processor.inputs)
      if (replayed.has(processor) || !isFree(processor) || !inputs.includes(topic)) continue
      replayed.add(processor)
      for (const output of Object.values(processor.outputs)) follow(output)
    }
  }
  follow(from)
  const derived = outputsOf([...replayed])
  // One that also reads what is neither kept nor derived would wait for it for ever.
  const isFed = ({ inputs }: Processor): boolean =>
    Object.values(inputs).every(({ name, retention }) => retention !== 'transient' || derived.has(name))
  return processors.filter((one) => replayed.has(one) && isFed(one))
}

/** Topics of the stored corpus that a replay reads: all but those that it derives anew, and what the engine writes for each run. */
export function storedTopics(replayed: readonly Processor[]): Set<string> {
  const written = outputsOf(replayed)
  for (const { name } of [topics.discards, topics.ledger, topics.expenses, topics.budgetClaims, topics.recipes])
    written.add(name)
  return new Set(Object.values(topics).flatMap(({ name }) => (written.has(name) ? [] : [name])))
}

function outputsOf(processors: readonly Processor[]): Set<string> {
  return new Set(processors.flatMap(({ outputs }) => Object.values(outputs).map(({ name }) => name)))
}
