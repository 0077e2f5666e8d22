/** A real OpenAI-compatible server on this machine, with a tiny model of random weights that is written on the spot. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '../kafka/ports.ts'
import type { ServerName } from './install.ts'

const scripts = fileURLToPath(new URL('.', import.meta.url))

/** How long a server may take until it answers, in seconds. */
const startSeconds = 120

/** A server that answers one request at a time. */
export interface ModelServer {
  /** Base URL of its API, ending in /v1. */
  readonly url: string
  /** The name that it gives its only model. */
  readonly model: string
  /** Longest context of a request in tokens; undefined where it has no limit. */
  readonly contextTokens: number | undefined
  /** Starts it again at the same URL; it must have ended. */
  restart(): Promise<void>
  /** Ends it without any warning. */
  kill(): Promise<void>
}

/** Token ids of the model's vocabulary (write_model.py): byte 97 is a, and so on; the end of the text comes after 256 bytes, 6 merges and the begin. */
export const endToken = 263

/**
 * Starts a server that was installed.
 * @param python that `installServer` gave
 * @param directory for the model and the log, made where it is not there yet
 * @throws Error when it ends or does not answer in time, with the end of its log
 */
export async function startServer(name: ServerName, python: string, directory: string): Promise<ModelServer> {
  mkdirSync(directory, { recursive: true })
  const [form, file] = name === 'llama.cpp' ? ['gguf', 'tiny.gguf'] : ['safetensors', 'tiny']
  const model = join(directory, file)
  if (!existsSync(model)) await promisify(execFile)(python, [join(scripts, 'write_model.py'), form, model])
  const [port] = await freePorts(1)
  const logFile = join(directory, 'server.log')
  // mlx-lm looks for further models there, and must not look for any over the network.
  const models = join(directory, 'models')
  mkdirSync(models, { recursive: true })
  const env = {
    ...process.env,
    HF_HUB_CACHE: models,
    HF_HUB_OFFLINE: '1',
    // It would compile kernels with a C++ compiler.
    MLX_DISABLE_COMPILE: '1',
  }
  let child: ChildProcess | undefined
  const restart = async (): Promise<void> => {
    const log = openSync(logFile, 'a')
    child = spawn(python, [join(scripts, 'serve.py'), name, model, String(port)], { stdio: ['pipe', log, log], env })
    closeSync(log)
    child.stdin?.on('error', () => undefined)
    await answering(`http://127.0.0.1:${port}/health`, child, logFile)
  }
  await restart()
  return {
    url: `http://127.0.0.1:${port}/v1`,
    model: name === 'llama.cpp' ? 'tiny' : model,
    contextTokens: name === 'llama.cpp' ? 32_768 : undefined,
    restart,
    kill: async () => {
      if (child === undefined || hasEnded(child)) return
      const ended = new Promise((resolve) => child?.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

async function answering(url: string, child: ChildProcess, logFile: string): Promise<void> {
  const deadlineMs = performance.now() + 1000 * startSeconds
  for (;;) {
    const status = await fetch(url).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
    if (status === 200) return
    if (hasEnded(child) || performance.now() > deadlineMs) {
      child.kill('SIGKILL')
      throw new Error(
        `the server at ${url} does not answer; its log ends with:\n${readFileSync(logFile, 'utf8').slice(-2000)}`,
      )
    }
    await pause(50)
  }
}
