/** Runs the project's own example programs with python3, all in one process: they are trusted, model output is not. */
import { spawnSync } from 'node:child_process'

const DRIVER = `
import io, json, sys
results = []
for source, inputs in json.load(sys.stdin):
    outputs = []
    try:
        code = compile(source, "program", "exec")
    except SyntaxError as error:
        results.append(["error: " + type(error).__name__] * len(inputs))
        continue
    for text in inputs:
        saved = sys.stdin, sys.stdout
        sys.stdin, sys.stdout = io.TextIOWrapper(io.BytesIO(text.encode())), io.StringIO()
        try:
            exec(code, {"__name__": "__main__"})
            outputs.append(sys.stdout.getvalue())
        except BaseException as error:
            outputs.append("error: " + type(error).__name__)
        finally:
            sys.stdin, sys.stdout = saved
    results.append(outputs)
json.dump(results, sys.stdout)
`

/** The output of each program for each of its inputs; `error: NAME` where it ended with an exception. */
export function runPython(jobs: readonly { source: string; inputs: readonly string[] }[]): string[][] {
  const input = JSON.stringify(jobs.map(({ source, inputs }) => [source, inputs]))
  const result = spawnSync('python3', ['-c', DRIVER], { input, maxBuffer: 1 << 28, timeout: 50_000, encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`python3 ended with ${String(result.status)}: ${result.stderr}`)
  return JSON.parse(result.stdout) as string[][]
}

/** A Python program that runs an SQL query on the database that the script on stdin fills, and prints its rows. */
export function sqliteProgram(query: string): string {
  return `
import sqlite3, sys
database = sqlite3.connect(':memory:')
database.executescript(sys.stdin.read())
for row in database.execute(${JSON.stringify(query)}):
    print('|'.join('NULL' if value is None else str(value) for value in row))
`
}

/** The tokens of an output, as tests compare them. */
export function tokens(output: string | undefined): string {
  return (output ?? '').trim().split(/\s+/).join(' ')
}
