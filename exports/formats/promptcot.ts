/** PromptCoT's own scripts: prompt and completion as raw texts, to the letter as the released models had them. */
import { flat, type Format, type ShapeForm } from './format.ts'

export const promptcot: Format = {
  name: 'promptcot',
  // Read at commit da19c70.
  source: 'https://github.com/inclusionAI/PromptCoT/blob/main/train.py',
  fileTypes: ['jsonl', 'parquet'],
  shapes: { completion: raw(), text: raw() },
}

function raw<Shape extends 'completion' | 'text'>(): ShapeForm<Shape> {
  return flat({
    columns: { prompt: 'string', completion: 'string' },
    row: ({ prompt, completion }) => ({ prompt, completion }),
    use: 'train.py --data_path DIR/train/FILE',
  })
}
