/** TRL (Hugging Face): conversational rows; the standard form (plain texts) for text without a chat template. */
import { assistant, messagesType, user } from '../columns.ts'
import { flat, type Format } from './format.ts'

export const trl: Format = {
  name: 'trl',
  // Read at commit f2cd577.
  source: 'https://github.com/huggingface/trl/blob/main/docs/source/dataset_formats.md',
  fileTypes: ['jsonl', 'parquet'],
  shapes: {
    preference: flat({
      columns: { prompt: messagesType, chosen: messagesType, rejected: messagesType },
      row: ({ prompt, chosen, rejected }) => ({
        prompt: [user(prompt)],
        chosen: [assistant(chosen)],
        rejected: [assistant(rejected)],
      }),
      use: 'DPOTrainer(train_dataset=load_dataset(DIR, split="train"))',
    }),
    completion: flat({
      columns: { prompt: messagesType, completion: messagesType },
      row: ({ prompt, completion }) => ({ prompt: [user(prompt)], completion: [assistant(completion)] }),
      use: 'SFTTrainer(train_dataset=load_dataset(DIR, split="train"))',
    }),
    text: flat({
      columns: { prompt: 'string', completion: 'string' },
      row: ({ prompt, completion }) => ({ prompt, completion }),
      use: 'SFTTrainer(train_dataset=load_dataset(DIR, split="train"))',
    }),
    labelled: flat({
      columns: { prompt: messagesType, completion: messagesType, label: 'boolean' },
      row: ({ prompt, completion, label }) => ({ prompt: [user(prompt)], completion: [assistant(completion)], label }),
      use: 'KTOTrainer(train_dataset=load_dataset(DIR, split="train"))',
    }),
    checked: flat({
      columns: {
        prompt: messagesType,
        answer: 'string',
        tests: { list: { fields: { input: 'string', output: 'string' } } },
      },
      row: ({ prompt, answer, tests }) => ({ prompt: [user(prompt)], answer, tests }),
      use: 'GRPOTrainer(train_dataset=..., reward_funcs=F): F(completions, answer, tests, **kwargs) gets the other columns',
    }),
    group: flat({
      columns: {
        prompt: messagesType,
        completions: { list: messagesType },
        rewards: { list: 'number' },
        valid: { list: 'boolean' },
      },
      row: ({ prompt, completions, rewards, valid }) => ({
        prompt: [user(prompt)],
        completions: completions.map((completion) => [assistant(completion)]),
        rewards,
        valid,
      }),
      use: 'no trainer of TRL reads it; completions stand in the form that its reward functions take',
    }),
  },
}
