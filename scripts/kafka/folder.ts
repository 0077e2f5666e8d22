import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from '../../topics/make-folder.ts'
import { ClusterError } from './error.ts'

/** A process, and when it started: an id alone may belong to another process by now. */
interface Process {
  readonly pid: number
  readonly startedAt: string
}

/** Who runs a cluster in the folder: the owner, and what it started. */
interface Owner extends Process {
  readonly children: readonly Process[]
}

/** Tells two processes with one id apart; undefined when no such process runs. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  try {
    // The name, in parentheses, may hold anything; then the state and, twenty fields on, the start since boot in ticks.
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : (fields[19] ?? '')
  } catch {
    return ''
  }
}

const isRunning = ({ pid, startedAt }: Process): boolean => startOf(pid) === startedAt

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function writeJson(path: string, content: unknown): void {
  const unfinished = `${path}.${randomUUID()}`
  writeFileSync(unfinished, `${JSON.stringify(content)}\n`)
  renameSync(unfinished, path)
}

/** A folder that belongs to one running cluster or registry at a time. */
export class OwnedFolder {
  readonly path: string
  readonly #children: Process[] = []

  private constructor(path: string) {
    this.path = path
  }

  /**
   * Takes the folder, made where it is missing.
   * @param contents what its data is; must be what it was when the folder was first taken, property by property
   * @param ours names that belong here; `fresh` deletes them all, but not what `keep` names
   * @throws ClusterError (busy, other_contents)
   */
  static async take(
    path: string,
    options: { contents: Record<string, string | number | boolean>; ours: RegExp; keep: RegExp; fresh: boolean },
  ): Promise<OwnedFolder> {
    makeFolder(path)
    const contentsFile = join(path, 'contents.json')
    const strangers = (await readdir(path)).filter((name) => !options.ours.test(name))
    if (!existsSync(contentsFile) && strangers.length > 0)
      throw new ClusterError(
        'other_contents',
        `${path} holds other files (${strangers[0]}); choose an empty folder with --directory`,
      )
    const folder = new OwnedFolder(path)
    await folder.#waitForFormerOwner()
    folder.#writeOwner()
    if (options.fresh)
      for (const name of (await readdir(path)).filter((one) => options.ours.test(one) && !options.keep.test(one)))
        await rm(join(path, name), { recursive: true, force: true })
    const was = readJson(contentsFile) as Record<string, unknown> | undefined
    const differs = Object.entries(options.contents).find(([key, value]) => was && was[key] !== value)
    if (differs) {
      folder.release()
      const [key, wanted] = differs
      throw new ClusterError(
        'other_contents',
        `${path} holds data with ${key} ${String(was?.[key])}, asked for is ${key} ${wanted}; add --fresh to empty it, or choose another --directory`,
      )
    }
    writeJson(contentsFile, options.contents)
    return folder
  }

  /** Notes a process that the next owner has to wait for. */
  adopt(pid: number): void {
    this.#children.push({ pid, startedAt: startOf(pid) ?? '' })
    this.#writeOwner()
  }

  /** Lets another process take the folder; its data stays. */
  release(): void {
    this.#children.length = 0
    writeJson(join(this.path, 'owner.json'), null)
  }

  #writeOwner(): void {
    const children = this.#children.filter(isRunning)
    const owner: Owner = { pid: process.pid, startedAt: startOf(process.pid) ?? '', children }
    writeJson(join(this.path, 'owner.json'), owner)
  }

  /** What a killed owner leaves behind ends by itself within 11 s; after that it is ended here. */
  async #waitForFormerOwner(): Promise<void> {
    const owner = readJson(join(this.path, 'owner.json')) as Owner | null | undefined
    if (!owner) return
    if (isRunning(owner))
      throw new ClusterError(
        'busy',
        `process ${owner.pid} runs a cluster in ${this.path}; stop it, or choose another folder with --directory`,
      )
    const deadlineAtMs = performance.now() + 15_000
    for (;;) {
      const left = owner.children.filter(isRunning)
      if (left.length === 0) return
      if (performance.now() > deadlineAtMs) for (const { pid } of left) process.kill(pid, 'SIGKILL')
      await pause(100)
    }
  }
}
