/** Exports read back by what reads them in earnest: datasets, pyarrow, TRL with one step of each trainer, parsers of OpenRLHF and Axolotl. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cells } from '../../exports/columns.ts'
import { formatsOf } from '../../exports/formats/index.ts'
import { sortNames, type SortName } from '../../exports/sorts.ts'
import { exportToFolder } from '../../exports/to-folder.ts'
import { installTrainers } from '../../scripts/trainers/install.ts'
import { MissingPackagesError } from '../../scripts/virtual-environment.ts'
import { topics } from '../../topics/catalogue.ts'
import { append, newCorpus, pair, sftExample, tell, triple } from '../exports/corpus.ts'
import { requestFor } from '../exports/reading.ts'
import { programChecks } from '../processors/records.ts'
import { requireOrSkip } from '../requirements.ts'

interface Result {
  rows: Record<string, Record<string, Cells[]>>
  schemas: Record<string, Record<string, string>>
  trl: Record<string, { conversational: boolean[]; templated: Record<string, string>[] }>
  openrlhf: Record<string, string[][]>
  axolotl: Record<string, Cells[]>
  'llama-factory': Record<string, { rows: number; missing: string[] }>
  training: Record<string, number> & { grpo_answers: [string[], boolean[]][] }
}

const python = await installTrainers((line) => console.info(line)).catch((error: unknown) => {
  if (error instanceof MissingPackagesError) return error
  throw error
})

describe.runIf(requireOrSkip(python instanceof Error ? python.message : '', typeof python === 'string'))(
  'exports',
  () => {
    const root = mkdtempSync(join(tmpdir(), 'wellspring-trainers-'))
    const entries = sortNames.flatMap((sort) =>
      formatsOf(sort).flatMap((format) =>
        (['jsonl', 'parquet'] as const).map((fileType) => {
          const name = `${sort}/${format.name}/${fileType}`
          return { sort, format: format.name, file_type: fileType, folder: name.replaceAll('/', '-'), name }
        }),
      ),
    )
    /** The rows as they were written, by split. */
    const written = new Map<string, Record<string, Cells[]>>()
    let result: Result

    beforeAll(async () => {
      const corpus = await newCorpus(join(root, 'corpus'))
      const hostile = 'right\u202eto left\u2028\u0085 \u0007\r\n "\\ud800" \u{1f600} {% raw %} <|end'
      for (let number = 0; number < 40; number++) {
        const given = { id: `${number}`, problemId: `problem-${number}`, simulated: number % 4 === 0 }
        const more = number % 5 === 0 ? hostile : ''
        await append(corpus, topics.preferencePairs, [
          pair({ ...given, chosen: `chosen ${number}${more}`, passRate: 0.25 }),
        ])
        await append(corpus, topics.sftExamples, [sftExample({ ...given, completion: `completion ${number}${more}` })])
        await append(corpus, topics.triples, [
          triple({ id: `triple-${number}`, statement: `What is ${number}?${more}`, simulated: given.simulated }),
        ])
        await tell(corpus, {
          ...{
            id: `problem-${number}`,
            attempts: ['passed', 'failed', 'failed', 'invalid'],
            simulated: given.simulated,
          },
          ...(number % 2 === 0 && { checks: programChecks }),
          problem: { statement: `What is ${number}?${more}`, domain: number % 2 === 0 ? 'code' : 'math' },
        })
      }
      for (const { sort, format, file_type: fileType, folder, name } of entries) {
        await exportToFolder(corpus, {
          ...{ directory: join(root, folder), shardRows: 15, since: undefined, follow: false },
          request: requestFor(sort, format, { fileType, shares: [['test', 0.3]] }),
          ...{ signal: new AbortController().signal, onShard: () => undefined, now: () => new Date(0) },
        })
        if (fileType === 'jsonl') written.set(name, rowsOf(join(root, folder)))
      }
      await corpus.log.close()
      writeFileSync(join(root, 'manifest.json'), JSON.stringify(entries))
      const script = fileURLToPath(new URL('read_exports.py', import.meta.url))
      await promisify(execFile)(python as string, [script, root], { maxBuffer: 64 << 20 }).catch((error: unknown) => {
        throw new Error(`read_exports.py failed:\n${(error as { stderr?: string }).stderr?.slice(-4000)}`)
      })
      result = JSON.parse(readFileSync(join(root, 'result.json'), 'utf8')) as Result
    })
    afterAll(() => rmSync(root, { recursive: true, force: true }))

    function rowsOf(folder: string): Record<string, Cells[]> {
      const splits = ['train', 'test'].map((split): [string, Cells[]] => {
        const files = readdirSync(join(folder, split)).sort()
        const lines = files.flatMap((file) =>
          readFileSync(join(folder, split, file), 'utf8')
            .trimEnd()
            .split('\n'),
        )
        return [split, lines.map((line) => JSON.parse(line) as Cells)]
      })
      return Object.fromEntries(splits)
    }

    function trainRows(sort: SortName, format: string): Cells[] {
      return written.get(`${sort}/${format}/jsonl`)?.['train'] ?? []
    }

    it.each(entries)('datasets reads $name as it was written, by split', ({ sort, format, name }) => {
      const rows = written.get(`${sort}/${format}/jsonl`)
      expect(rows?.['train']?.length).toBeGreaterThan(15)
      expect(result.rows[name]).toEqual(rows)
    })

    it('pyarrow sees the columns that verl asks for', () => {
      const chat = 'list<element: struct<role: string, content: string>>'
      expect(result.schemas['rl/verl/parquet']).toMatchObject({
        data_source: 'string',
        prompt: chat,
        ability: 'string',
        reward_model: 'struct<style: string, ground_truth: string>',
      })
      expect(result.schemas['rl/verl/parquet']?.['extra_info']).toMatch(
        /^struct<split: string, index: int64, .*simulated: bool>$/,
      )
      expect(result.schemas['sft/verl/parquet']?.['messages']).toBe(chat)
    })

    it('TRL takes rows for conversations, but the text of generator and triples', () => {
      for (const [sort, { conversational }] of Object.entries(result.trl)) {
        expect(conversational.length).toBeGreaterThan(15)
        expect(new Set(conversational)).toEqual(new Set([sort !== 'generator' && sort !== 'triples']))
      }
      const [first] = trainRows('pairs', 'trl') as { prompt: [{ content: string }]; chosen: [{ content: string }] }[]
      expect(result.trl['pairs']?.templated[0]).toMatchObject({
        prompt: `<user>${first?.prompt[0].content}<|end|><assistant>`,
        chosen: expect.stringContaining(first?.chosen[0].content ?? '-') as unknown,
      })
    })

    it.each(['dpo', 'sft', 'generator', 'triples', 'kto', 'grpo'])('TRL trains a step of %s on it', (trainer) => {
      expect(Number.isFinite(result.training[trainer])).toBe(true)
    })

    it('rewards of GRPO get the answer and whether the row is simulated', () => {
      const rows = trainRows('rl', 'trl')
      for (const [answers, simulated] of result.training.grpo_answers) {
        expect(answers.length).toBeGreaterThan(0)
        for (const [index, answer] of answers.entries()) {
          expect(rows.map((row) => row['answer'])).toContain(answer)
          expect(typeof simulated[index]).toBe('boolean')
        }
      }
    })

    it('LLaMA-Factory finds its files and columns by dataset_info.json', () => {
      for (const sort of ['pairs', 'sft', 'kto', 'generator', 'triples'] as const) {
        const rows = written.get(`${sort}/llama-factory/jsonl`)
        for (const split of ['train', 'test'])
          expect(result['llama-factory'][`wellspring_${sort}_${split}`]).toEqual({
            rows: rows?.[split]?.length,
            missing: [],
          })
      }
    })

    it('OpenRLHF makes prompts and answers of it', () => {
      const [row] = trainRows('sft', 'openrlhf')
      expect(result.openrlhf['sft']?.[0]).toEqual([
        `<user>${String(row?.['input'])}<|end|><assistant>`,
        expect.stringContaining(String(row?.['output'])),
      ])
      const [raw] = trainRows('generator', 'openrlhf')
      expect(result.openrlhf['generator']?.[0]).toEqual([raw?.['input'], raw?.['output']])
      const pairs = trainRows('pairs', 'openrlhf') as {
        chosen: [{ content: string }]
        rejected: [{ content: string }]
      }[]
      expect(result.openrlhf['pairs']).toHaveLength(pairs.length)
      for (const [index, [prompt, chosen, rejected]] of (result.openrlhf['pairs'] ?? []).entries()) {
        expect(prompt).toMatch(/^<user>.*<assistant>$/s)
        expect(chosen).toContain(pairs[index]?.chosen[0].content)
        expect(rejected).toContain(pairs[index]?.rejected[0].content)
      }
      expect(result.openrlhf['rl']?.map(([, label]) => label)).toEqual(
        trainRows('rl', 'openrlhf').map(({ label }) => label),
      )
    })

    it('Axolotl makes prompts and answers of it', () => {
      const pairs = trainRows('pairs', 'axolotl') as { chosen: { content: string }; rejected: { content: string } }[]
      expect(result.axolotl['pairs']).toHaveLength(pairs.length)
      for (const [index, made] of (result.axolotl['pairs'] ?? []).entries()) {
        expect(made['prompt']).toMatch(/^<user>.*<assistant>$/s)
        expect(made['chosen']).toContain(pairs[index]?.chosen.content)
        expect(made['rejected']).toContain(pairs[index]?.rejected.content)
      }
      const [kto] = trainRows('kto', 'axolotl')
      expect(result.axolotl['kto']?.[0]).toMatchObject({
        prompt: `<|im_start|>user\n${String(kto?.['prompt'])}<|im_end|>\n<|im_start|>assistant\n`,
        label: kto?.['label'],
      })
    })
  },
)
