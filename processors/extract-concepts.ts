/**
 * extract-concepts: seeds -> concept-lists. Each annotator model lists the foundational concepts (c) of a human problem.
 * One model call per annotator and seed; a replay repeats none that is committed.
 */
import { parseConceptList } from '../curation/concepts.ts'
import { annotatePrompt } from '../domains/prompts.ts'
import { defineProcessor } from '../engine/processor.ts'
import { setting } from '../engine/settings.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'extract-concepts',
  summary: 'Each annotator model lists the foundational concepts of a human problem.',
  version: 1,
  inputs: { seeds: topics.seeds },
  tables: {},
  outputs: { conceptList: topics.conceptLists },
  roles: ['annotator'],
  settings: {
    minConcepts: setting.integer('Fewest concepts of a list that is kept.', {
      min: 1,
      max: 50,
      default: 2,
      recipe: true,
    }),
  },
  metrics: {},
  discards: ['unreadable-list'],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  process: {
    async seeds(seed, { config, emit, discard, modelsOf, complete }) {
      const annotators = modelsOf('annotator')
      const answers = await Promise.all(
        annotators.map(({ model }) =>
          complete({ role: 'annotator', model, purpose: model, prompt: annotatePrompt(seed.statement) }),
        ),
      )
      const lists = answers.flatMap((answer) => {
        const concepts = parseConceptList(answer.text)
        return concepts && concepts.length >= config.minConcepts
          ? [{ concepts, annotator: answer.model, ordinal: answer.model }]
          : []
      })
      if (lists.length === 0)
        return discard(
          'unreadable-list',
          `${answers.length} answers, the first: ${answers[0]?.text.slice(0, 200) ?? 'none'}`,
        )
      const { domain, source, statement } = seed
      return lists.map((list) => emit.conceptList({ ...list, parentIds: [seed.id], domain, source, statement }))
    },
  },
})
