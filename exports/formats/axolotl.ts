/** Axolotl: chats in OpenAI's form under the names that its strategies have by default. */
import { assistant, messagesType, messageType, user } from '../columns.ts'
import { flat, type Format } from './format.ts'

export const axolotl: Format = {
  name: 'axolotl',
  // Read at commit 067b021: docs/rlhf.qmd, docs/grpo.qmd, docs/dataset-formats and src/axolotl/prompt_strategies.
  source: 'https://docs.axolotl.ai/docs/rlhf.html',
  fileTypes: ['jsonl', 'parquet'],
  shapes: {
    preference: flat({
      columns: { messages: messagesType, chosen: messageType, rejected: messageType },
      row: ({ prompt, chosen, rejected }) => ({
        messages: [user(prompt)],
        chosen: assistant(chosen),
        rejected: assistant(rejected),
      }),
      use: 'rl: dpo; datasets: [{path: DIR, split: train, type: chat_template.default}]',
    }),
    completion: flat({
      columns: { messages: messagesType },
      row: ({ prompt, completion }) => ({ messages: [user(prompt), assistant(completion)] }),
      use: 'datasets: [{path: DIR, split: train, type: chat_template}]',
    }),
    text: flat({
      columns: { prompt: 'string', completion: 'string' },
      row: ({ prompt, completion }) => ({ prompt, completion }),
      use: 'datasets: [{path: DIR, split: train, type: {field_instruction: prompt, field_output: completion, format: "{instruction}", no_input_format: "{instruction}"}}]',
    }),
    labelled: flat({
      columns: { prompt: 'string', completion: 'string', label: 'boolean' },
      row: ({ prompt, completion, label }) => ({ prompt, completion, label }),
      use: 'rl: kto; remove_unused_columns: false; datasets: [{path: DIR, split: train, type: chatml.ultra}] (llama3.ultra: the same row, another template)',
    }),
    checked: flat({
      columns: {
        prompt: messagesType,
        answer: 'string',
        tests: { list: { fields: { input: 'string', output: 'string' } } },
      },
      row: ({ prompt, answer, tests }) => ({ prompt: [user(prompt)], answer, tests }),
      use: 'rl: grpo; datasets: [{path: DIR, split: train, type: YOUR.transform}]: a transform that returns the row as it is; rewards get answer and tests',
    }),
  },
}
