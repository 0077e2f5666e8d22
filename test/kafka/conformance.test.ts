import { describeLogConformance } from '../topics/conformance.ts'
import { KafkaPlace } from './place.ts'

describeLogConformance('the log on Kafka', {
  create: () => KafkaPlace.create(),
  stateAhead: 'rebuilt',
  crashes: [
    { point: 'fenced', occurrence: 1 },
    { point: 'fenced', occurrence: 2 },
    ...['before', 'added', 'produced', 'ended'].flatMap((point) =>
      [1, 6, 13].map((occurrence) => ({ point, occurrence })),
    ),
  ],
  offsets: 'gaps',
  sizes: 'estimated',
  randomRuns: 25,
})
