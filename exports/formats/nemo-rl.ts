/** NeMo RL (NVIDIA): ranked completions, chats, and input with output. It has no KTO. */
import { assistant, messagesType, user } from '../columns.ts'
import { flat, groundTruth, type Format, type ShapeForm } from './format.ts'

export const nemoRl: Format = {
  name: 'nemo-rl',
  // Read at commit 7ea279a: docs/guides/dpo.md, sft.md and grpo.md, nemo_rl/data/datasets.
  source: 'https://github.com/NVIDIA-NeMo/RL/blob/main/docs/guides/dpo.md',
  fileTypes: ['jsonl', 'parquet'],
  shapes: {
    preference: flat({
      columns: {
        context: messagesType,
        completions: { list: { fields: { rank: 'integer', completion: messagesType } } },
      },
      // The lower rank is preferred.
      row: ({ prompt, chosen, rejected }) => ({
        context: [user(prompt)],
        completions: [
          { rank: 0, completion: [assistant(chosen)] },
          { rank: 1, completion: [assistant(rejected)] },
        ],
      }),
      use: 'data.train: {dataset_name: PreferenceDataset, data_path: DIR/train/FILE}',
    }),
    completion: chat('data.train: {dataset_name: ResponseDataset, data_path: DIR/train/FILE}'),
    text: chat(
      'data.train: {dataset_name: ResponseDataset, data_path: DIR/train/FILE}; tokenizer.chat_template: NULL joins the two texts as they are',
    ),
    checked: flat({
      columns: { input: 'string', output: 'string' },
      row: (texts) => ({ input: texts.prompt, output: groundTruth(texts) }),
      use: 'data.train: {dataset_name: ResponseDataset, data_path: DIR/train/FILE, processor: math_hf_data_processor, env_name: math}; tests need an environment of your own',
    }),
  },
}

function chat<Shape extends 'completion' | 'text'>(use: string): ShapeForm<Shape> {
  return flat({
    columns: { messages: messagesType },
    row: ({ prompt, completion }) => ({ messages: [user(prompt), assistant(completion)] }),
    use,
  })
}
