/** OpenRLHF: texts or chats under keys that its options name. It has no trainer of labelled or grouped attempts. */
import { assistant, messagesType, user } from '../columns.ts'
import { flat, groundTruth, type Format, type ShapeForm } from './format.ts'

export const openrlhf: Format = {
  name: 'openrlhf',
  // Read at commit 3c3be62: reward_dataset.py, sft_dataset.py and prompts_dataset.py.
  source: 'https://github.com/OpenRLHF/OpenRLHF/tree/main/openrlhf/datasets',
  fileTypes: ['jsonl', 'parquet'],
  shapes: {
    preference: flat({
      columns: { prompt: messagesType, chosen: messagesType, rejected: messagesType },
      row: ({ prompt, chosen, rejected }) => ({
        prompt: [user(prompt)],
        chosen: [assistant(chosen)],
        rejected: [assistant(rejected)],
      }),
      use: '--data.prompt_key prompt --data.chosen_key chosen --data.rejected_key rejected --data.apply_chat_template',
    }),
    completion: inputOutput('--data.input_key input --data.output_key output --data.apply_chat_template'),
    text: inputOutput('--data.input_key input --data.output_key output'),
    checked: flat({
      columns: { input: messagesType, label: 'string', datasource: 'string' },
      row: (texts) => ({ input: [user(texts.prompt)], label: groundTruth(texts), datasource: 'wellspring' }),
      use: '--data.input_key input --data.label_key label --data.apply_chat_template',
    }),
  },
}

function inputOutput<Shape extends 'completion' | 'text'>(use: string): ShapeForm<Shape> {
  return flat({
    columns: { input: 'string', output: 'string' },
    row: ({ prompt, completion }) => ({ input: prompt, output: completion }),
    use,
  })
}
