/** A record as a corpus was read. */
export interface Read {
  record: { recipe: string; parentIds?: readonly string[] } | undefined
}

export class Laws {
  get rows(): { law: string; checked: number; violations: string[] }[]
}

/** Every recipe that a record names is told of in the table recipes. */
export function checkRecipes(laws: Laws, corpus: { of(topicName: string): readonly Read[] }, where: string): void
