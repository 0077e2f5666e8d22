/** verl: Parquet with its schema for reinforcement learning, and chats for supervised fine-tuning. Its core has no preference trainer. */
import { assistant, messagesType, user } from '../columns.ts'
import { flat, groundTruth, type Format } from './format.ts'

export const verl: Format = {
  name: 'verl',
  // Read at commit b178a3c, with verl/utils/dataset and verl/utils/reward_score.
  source: 'https://verl.readthedocs.io/en/latest/preparation/prepare_data.html',
  fileTypes: ['parquet', 'jsonl'],
  shapes: {
    completion: flat({
      columns: { messages: messagesType },
      row: ({ prompt, completion }) => ({ messages: [user(prompt), assistant(completion)] }),
      use: 'data.train_files=DIR/train/FILE data.messages_key=messages',
    }),
    checked: {
      columns: (facts) => ({
        data_source: 'string',
        prompt: messagesType,
        ability: 'string',
        reward_model: { fields: { style: 'string', ground_truth: 'string' } },
        extra_info: { fields: { split: 'string', index: 'integer', ...facts } },
      }),
      row: (texts, facts, { split, index }) => ({
        data_source: `wellspring/${facts.domain}`,
        prompt: [user(texts.prompt)],
        ability: facts.domain,
        reward_model: { style: 'rule', ground_truth: groundTruth(texts) },
        extra_info: { split, index, ...facts },
      }),
      use: 'data.train_files=DIR/train/FILE custom_reward_function.path=YOURS: data_source is wellspring/DOMAIN, for which verl has no reward of its own',
    },
  },
}
