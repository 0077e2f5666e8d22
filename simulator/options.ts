/** Options of the simulated endpoint, with defaults and limits. */
import { z } from 'zod'
import { parseScript } from './script.ts'

const rate = (fallback: number, what: string) =>
  z.number().min(0).max(1).default(fallback).describe(`${what}, a share from 0 to 1`)

const noiseSchema = z
  .strictObject({
    badProblems: rate(
      0.12,
      'synthesised problems with a flaw (unanswerable, condition missing, cut off, contradictory, wrong level)',
    ),
    wrongJudgements: rate(0.08, 'judgements that call a flawed problem good or a good one bad'),
    wrongTests: rate(0.08, 'written test cases whose output is wrong'),
    malformedAnswers: rate(
      0.02,
      'answers that break the asked format (list, JSON, ratings, missing box, unclosed code fence)',
    ),
    runawayAnswers: rate(0.01, 'solutions that reason on until the model’s own output limit'),
    slowPrograms: rate(0.02, 'wrong programs that are too slow or never end'),
    crashingPrograms: rate(0.08, 'wrong programs that crash or do not compile'),
  })
  .prefault({})

/** Of the wrong judgements; what is left is chance, drawn anew for each rating. */
const judgeMistakesSchema = z
  .strictObject({
    ofProblem: rate(0.4, 'wrong judgements of problems that mislead every judge, at each rating'),
    ofJudge: rate(0.3, 'wrong judgements that one judge makes of a problem at each rating'),
  })
  .refine(({ ofProblem, ofJudge }) => ofProblem + ofJudge <= 1, 'ofProblem and ofJudge: expected at most 1 together')
  .prefault({})

const failuresSchema = z
  .strictObject({
    refused: rate(0, 'requests answered 429 at once'),
    serverError: rate(0, 'requests answered 500 at once'),
    connectionReset: rate(0, 'connections closed in the middle of the generation or of the stream'),
    cutAnswer: rate(0, 'bodies of answers, and streams, that end in their middle'),
    garbledAnswer: rate(0, 'bodies of answers, and events of streams, that are no JSON'),
    hang: rate(0, 'requests that are never answered, or streams that stand still, and hold their slot'),
  })
  .prefault({})

/** Lengths of reasoning that is counted and timed as if it were written, and not sent: as hosted models do. */
const hiddenReasoningSchema = z.strictObject({
  medianTokens: z.number().positive(),
  sigma: z.number().min(0).max(5).describe('of the logarithm'),
  mostTokens: z.number().positive(),
})

const schema = z.strictObject({
  port: z.number().int().min(0).max(65535).default(0).describe('TCP port; 0 takes any free one'),
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  seed: z.number().int().default(1).describe('seed of everything that is drawn'),
  speed: z
    .number()
    .positive()
    .finite()
    .default(1)
    .describe('time factor: 1 = real token speed, 50 = fifty times faster'),
  instant: z.boolean().default(false).describe('answer at once: no time to first token, no token speed'),
  lengthFactor: z.number().positive().max(1000).default(1).describe('multiplies the length of reasoning texts'),
  slots: z
    .number()
    .int()
    .min(1)
    .default(256)
    .describe('answers that are generated at the same time; more wait in a queue'),
  kvTokens: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'tokens that the key-value cache holds, prompts and what is written; where they are too few the youngest answer is preempted. Without it as many as come',
    ),
  queueLimit: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('requests that wait for a slot at most; more are answered 429. Without it as many as come'),
  commentSeconds: z
    .number()
    .positive()
    .optional()
    .describe('a streamed answer has a comment so often at speed 1, also while it waits. Without it none'),
  metrics: z.boolean().default(true).describe('whether GET /metrics answers'),
  hiddenReasoning: hiddenReasoningSchema
    .optional()
    .describe('reasoning of solvers and voters that is timed and counted, not sent'),
  failures: failuresSchema,
  events: z
    .string()
    .default('')
    .transform((text, context) => {
      try {
        return parseScript(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
        return z.NEVER
      }
    })
    .describe('what befalls the endpoint, and when: hang@60s,recover@90s,restart@+60s/5s,restart@every10m'),
  tokensPerSecond: z.number().positive().default(60).describe('token speed of one answer at speed 1'),
  truthFile: z
    .string()
    .min(1)
    .optional()
    .describe('file to append what each problem, answer, test and judgement really is'),
  requestLogFile: z
    .string()
    .min(1)
    .optional()
    .describe('file to append one line at the admission and the end of each request'),
  knowsFiles: z
    .array(z.string().min(1))
    .default([])
    .describe('JSONL files of human problems (problem, answer and/or solution) that the simulated models know'),
  skills: z
    .record(z.string(), z.number().min(-10).max(10))
    .default({})
    .describe('solving skill by model name, in logits at medium difficulty; overrides the defaults'),
  topicSpread: z
    .number()
    .min(0)
    .max(5)
    .default(0)
    .describe('standard deviation, in logits, of how much better or worse a model is at one family than at all'),
  noise: noiseSchema,
  judgeMistakes: judgeMistakesSchema,
  noiseFactor: z.number().min(0).max(20).default(1).describe('multiplies every share of noise; none goes above 1'),
})

/** Checked options with every default filled in. */
export type SimulatorSettings = z.output<typeof schema>

/** Options as given by a caller; everything may be left out. */
export type SimulatorOptions = z.input<typeof schema>

/** How often what goes wrong, as shares from 0 to 1. */
export type NoiseLevels = SimulatorSettings['noise']

/** How often which request fails, as shares from 0 to 1; together at most 1. */
export type FailureRates = SimulatorSettings['failures']

function multiplied({ noise, noiseFactor }: z.output<typeof schema>): NoiseLevels {
  const shares = Object.entries(noise).map(([name, share]) => [name, Math.min(1, noiseFactor * share)])
  return Object.fromEntries(shares) as NoiseLevels
}

/** Checks options and fills in defaults. Throws Error with one line that names every fault. */
export function parseSimulatorOptions(options: unknown): SimulatorSettings {
  const result = schema.safeParse(options)
  if (result.success) return { ...result.data, noise: multiplied(result.data) }
  const faults = result.error.issues.map((issue) => {
    const known = issue.code === 'unrecognized_keys' ? namesIn(issue.path[0]) : []
    const cure = known.length === 0 ? '' : `, expected some of ${known.join(', ')}`
    return `${issue.path.join('.') || 'options'}: ${issue.message}${cure}`
  })
  throw new Error(`simulator options: ${faults.join('; ')}`)
}

/** What may stand in an option that holds shares by name. */
function namesIn(option: PropertyKey | undefined): string[] {
  if (option === 'noise') return Object.keys(schema.parse({}).noise)
  return option === 'failures' ? Object.keys(schema.parse({}).failures) : []
}
