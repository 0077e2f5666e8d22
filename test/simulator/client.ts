/** A small HTTP client and the prompts of the pipeline, for tests of the simulated endpoint. */
import { startSimulator } from '../../simulator/server.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'

/** An answer with everything a test looks at. */
export interface Reply {
  status: number
  headers: Headers
  body: Completion
  text: string
}

export interface Completion {
  choices: {
    index: number
    finish_reason: string
    text: string
    message: { role: string; content: string | null; reasoning?: string }
    logprobs: { tokens: string[]; token_logprobs: (number | null)[]; text_offset: number[] } | null
    prompt_logprobs: (Record<string, { logprob: number; decoded_token: string }> | null)[]
  }[]
  usage: {
    prompt_tokens: number
    completion_tokens: number
    total_tokens: number
    completion_tokens_details: { reasoning_tokens: number }
  }
  data: { id: string; owned_by: string; embedding: number[] | string }[]
  error: { message: string; code: string | null; param: string | null }
}

export interface Endpoint {
  url: string
  post(path: string, body: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Reply>
  get(path: string): Promise<{ status: number; headers: Headers; text: string }>
  ask(model: string, prompt: string, rest?: object): Promise<Completion['choices'][number]>
  close(): Promise<void>
}

/** Starts an endpoint on a free port; instant and without noise unless the options say otherwise. */
export async function openEndpoint(options: SimulatorOptions = {}): Promise<Endpoint> {
  const simulator = await startSimulator({ instant: true, ...options })
  const root = simulator.url.slice(0, -'/v1'.length)
  const post: Endpoint['post'] = async (path, body, headers = {}, signal) => {
    const response = await fetch(root + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    })
    const text = await response.text()
    const json = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return {
      status: response.status,
      headers: response.headers,
      body: (json ? JSON.parse(text) : {}) as Completion,
      text,
    }
  }
  return {
    url: simulator.url,
    post,
    get: async (path) => {
      const response = await fetch(root + path)
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
    ask: async (model, prompt, rest = {}) => {
      const reply = await post('/v1/chat/completions', {
        model,
        messages: [{ role: 'user', content: prompt }],
        ...rest,
      })
      const [choice] = reply.body.choices
      if (choice === undefined) throw new Error(reply.text)
      return choice
    },
    close: () => simulator.close(),
  }
}

/** Rates of 0 for everything that can go wrong. */
export const NO_NOISE = {
  badProblems: 0,
  wrongJudgements: 0,
  wrongTests: 0,
  malformedAnswers: 0,
  runawayAnswers: 0,
  slowPrograms: 0,
  crashingPrograms: 0,
}

export const prompts = {
  annotate: (x: string): string =>
    `List the foundational concepts that someone must know to solve the problem below. Answer with one Python list of strings and nothing else, for example ["first concept", "second concept"]. Name 3 to 8 concepts, each in a few plain words.\n\nProblem:\n${x}`,
  synthesise: (concepts: string[], level: string): string =>
    `Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.\n\nFoundational Concepts:\n${concepts.map((name, i) => `${String(i + 1)}. ${name}`).join('\n')}\n\nDifficulty Level: ${level}\n\n`,
  judge: (level: string, concepts: string[], z: string, x: string): string =>
    `Rate the problem below, written by another model for the difficulty level ${level} from the concepts listed. Judge five criteria: format, factual accuracy, difficulty alignment, concept coverage, solvability. Give each one of Perfect, Acceptable or Bad, one line each as "Criterion: Rating", then a last line "Final Judgement: perfect", "Final Judgement: acceptable" or "Final Judgement: bad".\n\nFoundational Concepts:\n${concepts.map((name, i) => `${String(i + 1)}. ${name}`).join('\n')}\n\nRationale:\n${z}\n\nProblem:\n${x}`,
  writeTest: (kind: string, x: string): string =>
    `Write one test case for the programming problem below: a ${kind}. Work out the expected output with care. Answer with one fenced json block that holds exactly two keys, "input" and "output", both strings: what the program reads from stdin and what it must write to stdout.\n\nProblem:\n${x}`,
  solveMath: (x: string): string => `${x}\nPlease reason step by step, and put your final answer within \\boxed{}.`,
  solveCode: (x: string): string =>
    `You will be given a question (problem specification) and will generate a correct Python program that matches the specification and passes all tests.\n\n${x}\n\nRead the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample inputs). Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the inputs, runs the algorithm and writes output to STDOUT.\n\`\`\`python\n# YOUR CODE HERE\n\`\`\`\n\n`,
}
