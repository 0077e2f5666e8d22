/** Completions that an endpoint did not give whole. */

/** Why a completion can't be used, as a discard reason and its evidence; undefined for one that ended by itself. */
export function withheld(answer: {
  finishReason: string
  model: string
  usage: { completion: number }
}): { reason: 'content-filter' | 'length-limit'; evidence: string } | undefined {
  if (answer.finishReason === 'content_filter') {
    return { reason: 'content-filter', evidence: `the endpoint withheld the answer of ${answer.model}` }
  }
  if (answer.finishReason === 'length') {
    return { reason: 'length-limit', evidence: `${answer.model} was cut off after ${answer.usage.completion} tokens` }
  }
  return undefined
}
