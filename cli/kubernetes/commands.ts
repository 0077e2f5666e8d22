/** What the containers of manifests run of this project. */
import type { Processor } from '../../engine/processor.ts'
import type { Container } from './shapes.ts'

/** A command line of `wellspring`. */
interface CommandLine {
  /** `run`. */
  command: string
  words: string[]
}

/** A container's words, those of lines for a shell apart. */
function wordsOf({ command, args }: Pick<Container, 'command' | 'args'>): string[] {
  return [...command, ...args].flatMap((one) => one.split(/[\s"';&|]+/).filter((word) => word !== ''))
}

/** What follows the program's name, or as of our image, all arguments. */
function commandLineOf({ command, args }: Pick<Container, 'command' | 'args'>): CommandLine {
  const words = wordsOf({ command, args })
  const program = words.findIndex((word) => /(?:^|\/)(?:wellspring|main\.js)$/.test(word))
  const [first = '', ...others] = program < 0 ? wordsOf({ command: [], args }) : words.slice(program + 1)
  return { command: first, words: others }
}

/** The words that name processors of `run`: those before the first flag, but for what Kubernetes puts in from a variable. */
export function namedProcessors(container: Container): string[] {
  const { command, words } = commandLineOf(container)
  const flag = words.findIndex((word) => word.startsWith('-'))
  const named = command === 'run' ? words.slice(0, flag < 0 ? words.length : flag) : []
  return named.filter((word) => !word.startsWith('$'))
}

/** Whether processors run in it. */
export function runsProcessors(container: Container): boolean {
  return ['run', 'up'].includes(commandLineOf(container).command)
}

/** The processors that a container may run: all where it names none, and none where it only names what is not there. */
export function processorsOf<One extends Pick<Processor, 'name'>>(
  container: Container,
  declarations: readonly One[],
): One[] {
  if (!runsProcessors(container)) return []
  const { words } = commandLineOf(container)
  // Wherever they stand: the value of a flag may be taken for a name, but no name is missed.
  const named = declarations.filter(({ name }) => words.includes(name))
  return named.length > 0 || namedProcessors(container).length > 0 ? named : [...declarations]
}

/** Other commands that run programs which models wrote. */
const programCommands = ['demo', 'verify']

/** Whether programs that models wrote may run in it. */
export function runsPrograms(container: Container, declarations: readonly Processor[]): boolean {
  return (
    programCommands.includes(commandLineOf(container).command) ||
    processorsOf(container, declarations).some((one) => one.runsPrograms === true)
  )
}

/** The value that a container's command line gives a setting by --set; undefined where it gives none. */
export function settingOf(container: Container, path: string): string | undefined {
  const start = `${path}=`
  return wordsOf(container)
    .map((word) => word.replace(/^--set=/, ''))
    .findLast((word) => word.startsWith(start))
    ?.slice(start.length)
}
