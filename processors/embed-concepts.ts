/**
 * embed-concepts: concept-lists -> concept-embeddings. One vector for each distinct concept, when it is first named.
 * One embedding call per list with new concepts. Off where no embedder is configured.
 */
import { unitVector } from '../curation/concept-vectors.ts'
import { defineProcessor } from '../engine/processor.ts'
import { topics } from '../topics/catalogue.ts'

export default defineProcessor({
  name: 'embed-concepts',
  summary: 'One vector for each distinct concept.',
  version: 1,
  inputs: { conceptLists: topics.conceptLists },
  tables: {},
  outputs: { conceptEmbedding: topics.conceptEmbeddings },
  roles: ['embedder'],
  settings: {},
  metrics: {},
  discards: [],
  onSpine: [],
  onFailure: { transient: { attempts: 6, firstDelaySeconds: 1, maxDelaySeconds: 60 } },
  // One key a domain: lists wait for each other, so that no concept is embedded twice.
  state: { kind: 'known-concept', keyOf: ({ domain }) => domain },
  process: {
    async conceptLists({ id, domain, concepts }, { state, emit, embed }) {
      const unknown = concepts.filter((concept) => !state.get(`${domain}/${concept}`))
      if (unknown.length === 0) return []
      const { vectors, model } = await embed({ role: 'embedder', texts: unknown, purpose: 'embedding' })
      return unknown.flatMap((concept, ordinal) => {
        const vector = unitVector(vectors[ordinal] ?? [])
        if (!vector) return []
        state.set(`${domain}/${concept}`, { embeddingId: `${id}/${ordinal}` })
        return emit.conceptEmbedding({ parentIds: [id], ordinal, domain, concept, model, vector })
      })
    },
  },
})
