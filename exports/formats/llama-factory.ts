/** LLaMA-Factory: its alpaca format, with the dataset_info.json that describes it. It has no verifiable rewards. */
import { flat, type Format, type ShapeForm } from './format.ts'

const columnNames = {
  preference: { prompt: 'instruction', chosen: 'chosen', rejected: 'rejected' },
  completion: { prompt: 'instruction', response: 'output' },
  text: { prompt: 'instruction', response: 'output' },
  labelled: { prompt: 'instruction', response: 'output', kto_tag: 'kto_tag' },
} as const

export const llamaFactory: Format = {
  name: 'llama-factory',
  // Read at commit ff6d4d1, with src/llamafactory/data/converter.py and loader.py.
  source: 'https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md',
  fileTypes: ['jsonl', 'parquet'],
  shapes: {
    preference: flat({
      columns: { instruction: 'string', chosen: 'string', rejected: 'string' },
      row: ({ prompt, chosen, rejected }) => ({ instruction: prompt, chosen, rejected }),
      use: 'stage: dpo; dataset_dir: DIR; dataset: wellspring_SORT_train',
    }),
    completion: instructionOutput('stage: sft; dataset_dir: DIR; dataset: wellspring_SORT_train'),
    text: instructionOutput('stage: sft; template: empty; dataset_dir: DIR; dataset: wellspring_SORT_train'),
    labelled: flat({
      columns: { instruction: 'string', output: 'string', kto_tag: 'boolean' },
      row: ({ prompt, completion, label }) => ({ instruction: prompt, output: completion, kto_tag: label }),
      use: 'stage: kto; dataset_dir: DIR; dataset: wellspring_SORT_train',
    }),
  },
  sideFiles({ sort, shape, splits }) {
    const described = splits.map((split) => [
      `wellspring_${sort}_${split}`,
      {
        // A folder: all files in it are read.
        file_name: split,
        formatting: 'alpaca',
        ...(shape === 'preference' && { ranking: true }),
        columns: shape in columnNames ? columnNames[shape as keyof typeof columnNames] : {},
      },
    ])
    const content = `${JSON.stringify(Object.fromEntries(described), undefined, 2)}\n`
    return [{ name: 'dataset_info.json', content }]
  },
}

function instructionOutput<Shape extends 'completion' | 'text'>(use: string): ShapeForm<Shape> {
  return flat({
    columns: { instruction: 'string', output: 'string' },
    row: ({ prompt, completion }) => ({ instruction: prompt, output: completion }),
    use,
  })
}
