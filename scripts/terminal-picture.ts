/**
 * `npm run picture`: runs the demo on a terminal of its own, and writes the screen that it leaves as docs/demo.svg: text, a few kilobytes, with the
 * command and the day. Needs `script` (util-linux). By hand, now and then: no test asks whether it is fresh.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const columns = 116
const command = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'wellspring-picture-'))
const picture = join(process.cwd(), 'docs', 'demo.svg')

/** One character with its look. */
interface Cell {
  text: string
  look: string
}

/** A terminal as far as the demo uses one: lines, going up, clearing below, bold, dim and yellow. */
class Screen {
  readonly lines: Cell[][] = [[]]
  #row = 0
  #column = 0
  #looks = new Set<string>()

  write(text: string): void {
    const pattern = /\u001b\[([\d;]*)([A-Za-z])|[\s\S]/gu // eslint-disable-line no-control-regex
    for (const [whole, parameter = '', final] of text.matchAll(pattern)) {
      if (final !== undefined) this.#control(parameter, final)
      else if (whole === '\n') this.#newLine()
      else if (whole === '\r') this.#column = 0
      else this.#put(whole)
    }
  }

  #put(text: string): void {
    const line = (this.lines[this.#row] ??= [])
    while (line.length < this.#column) line.push({ text: ' ', look: '' })
    line[this.#column++] = { text, look: [...this.#looks].join(' ') }
  }

  #newLine(): void {
    this.#row++
    this.#column = 0
    this.lines[this.#row] ??= []
  }

  #control(parameter: string, final: string): void {
    if (final === 'A') this.#row = Math.max(0, this.#row - Number(parameter || 1))
    else if (final === 'J') this.lines.splice(this.#row)
    else if (final === 'm') for (const code of parameter.split(';')) this.#look(Number(code || 0))
    this.lines[this.#row] ??= []
  }

  #look(code: number): void {
    const looks: Readonly<Record<number, string>> = { 1: 'bold', 2: 'dim', 33: 'yellow' }
    const look = looks[code]
    if (look !== undefined) this.#looks.add(look)
    else if (code === 0) this.#looks.clear()
    else if (code === 22) ['bold', 'dim'].forEach((one) => this.#looks.delete(one))
    else if (code === 39) this.#looks.delete('yellow')
  }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A line as runs of one look. */
function runsOf(line: readonly Cell[]): string {
  const runs: Cell[] = []
  for (const { text, look } of line) {
    const last = runs.at(-1)
    if (last?.look === look) last.text += text
    else runs.push({ text, look })
  }
  return runs.map(({ text, look }) => (look === '' ? escaped(text) : `<tspan class="${look}">${escaped(text)}</tspan>`)).join('') // prettier-ignore
}

/** Lines longer than the terminal go on in the next one. */
function wrapped(line: readonly Cell[]): Cell[][] {
  const parts: Cell[][] = []
  for (let at = 0; at === 0 || at < line.length; at += columns) parts.push(line.slice(at, at + columns))
  return parts
}

function svgOf(lines: readonly (readonly Cell[])[], caption: string): string {
  const [width, height, margin] = [7.9, 17, 16]
  const rows = lines.map(
    (line, index) => `<text x="${margin}" y="${margin + 12 + index * height}">${runsOf(line)}</text>`,
  )
  const size = [Math.ceil(2 * margin + columns * width), 2 * margin + lines.length * height + 22]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.join(' ')}" role="img" aria-label="${escaped(caption)}">`,
    `<title>${escaped(caption)}</title>`,
    '<style>text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d4d4d8; white-space: pre }',
    '.bold { font-weight: 700; fill: #ffffff } .dim, .caption { fill: #8b8b94 } .yellow { fill: #e5c07b }</style>',
    `<rect width="100%" height="100%" rx="8" fill="#18181b"/>`,
    ...rows,
    `<text class="caption" x="${margin}" y="${(size[1] ?? 0) - margin}">${escaped(caption)}</text>`,
    '</svg>',
    '',
  ].join('\n')
}

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WELLSPRING|OPENAI)_|^(CI|NO_COLOR)$/.test(name))) // prettier-ignore
const child = spawn(
  'script',
  ['-qec', `stty cols ${columns} rows 60; "${process.execPath}" "${command}" demo`, '/dev/null'],
  {
    cwd: folder,
    env: { ...environment, TERM: 'xterm-256color', FORCE_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
let output = ''
child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
const code = await new Promise<number | null>((resolve, reject) => {
  child.once('error', () => reject(new Error('there is no `script` here; install util-linux')))
  child.once('close', resolve)
})
rmSync(folder, { recursive: true, force: true })
if (code !== 0) throw new Error(`the demo ended with ${code}: ${output.slice(-2000)}`)
const screen = new Screen()
screen.write(output)
// What the demo says of its models before the table is left out.
const from = screen.lines.findIndex((line) => line.map(({ text }) => text).join('').startsWith('[simulated]')) // prettier-ignore
const lines = screen.lines.slice(Math.max(0, from)).flatMap(wrapped)
while (lines.at(-1)?.length === 0) lines.pop()
const day = new Date().toISOString().slice(0, 10)
const cores = availableParallelism()
const busy = (loadavg()[0] ?? 0) > cores ? ', other work running' : ''
writeFileSync(
  picture,
  svgOf(lines, `npm start, as it ended on ${day} (${cores} cores${busy}; made by npm run picture)`),
)
console.log(`wrote ${picture}`)
