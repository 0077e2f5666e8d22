/** mlx-lm's server: no metrics, no error objects (`{"error": "words"}`), comments while it reads a prompt, HTTP/1.0. */
import { itIsServed } from './laws.ts'

await itIsServed(
  'mlx-lm',
  {
    answersForAnyModel: false,
    metrics: 'nobody',
    cannot: ['several answers', 'logprobs of given text'],
  },
  () => undefined,
)
