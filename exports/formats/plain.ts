/** No trainer: every text as it is, without a chat, and for text of the two models of rationale learning what it was made of. */
import { flat, type Format } from './format.ts'

const use = 'load_dataset(DIR, split="train")'

export const plain: Format = {
  name: 'plain',
  source: 'docs/exports.md',
  fileTypes: ['jsonl', 'parquet'],
  shapes: {
    preference: flat({
      columns: { prompt: 'string', chosen: 'string', rejected: 'string' },
      row: ({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected }),
      use,
    }),
    completion: flat({
      columns: { prompt: 'string', completion: 'string' },
      row: ({ prompt, completion }) => ({ prompt, completion }),
      use,
    }),
    text: flat({
      columns: { prompt: 'string', completion: 'string', rationale: 'string', problem: 'string' },
      row: ({ prompt, completion, rationale, problem }) => ({ prompt, completion, rationale, problem }),
      use,
    }),
    labelled: flat({
      columns: { prompt: 'string', completion: 'string', label: 'boolean' },
      row: ({ prompt, completion, label }) => ({ prompt, completion, label }),
      use,
    }),
    checked: flat({
      columns: {
        prompt: 'string',
        answer: 'string',
        tests: { list: { fields: { input: 'string', output: 'string' } } },
      },
      row: ({ prompt, answer, tests }) => ({ prompt, answer, tests }),
      use,
    }),
    group: flat({
      columns: {
        prompt: 'string',
        completions: { list: 'string' },
        rewards: { list: 'number' },
        valid: { list: 'boolean' },
      },
      row: ({ prompt, completions, rewards, valid }) => ({ prompt, completions, rewards, valid }),
      use,
    }),
  },
}
