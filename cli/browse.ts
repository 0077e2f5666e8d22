/** `wellspring browse`: a local web page to look at any problem, while the stream runs. */
import { spawn } from 'node:child_process'
import { Command } from 'commander'
import { parsePort } from '../engine/settings.ts'
import { CorpusIndex } from '../pages/browse/corpus-index.ts'
import { Follower } from '../pages/browse/follow.ts'
import { serveBrowser } from '../pages/browse/server.ts'
import { openBeside, useCorpus } from './corpus.ts'
import { CommandError, exitCodes } from './exit.ts'
import { placeName, placeOf, placeOptions, type PlaceFlags } from './place.ts'
import { formatBytes, formatCount, formatDuration, note, say } from './terminal.ts'

interface Options extends PlaceFlags {
  port: string
  host: string
  open?: boolean
}

export function browseCommand(): Command {
  return placeOptions(new Command('browse'))
    .option('--port <port>', 'TCP port; 0 takes any free one', '8090')
    .option('--host <address>', 'address to listen on; whoever reaches it can read the whole corpus', '127.0.0.1')
    .option('--open', 'open the page in the default browser')
    .addHelpText(
      'after',
      `
Shows the problems of a corpus: search and filters, and for each problem its statement, concepts, checks, attempts with their verdicts, pairs,
ancestry, and why it was kept or not. It only reads, beside whatever runs on the corpus, and follows it as it grows. What it holds in memory
is about 1 KB for each problem, and at least 8 MiB.

Examples:
  wellspring browse
  wellspring browse --data demo-data --port 0 --open
  ssh -L 8090:127.0.0.1:8090 machine wellspring browse      (then http://localhost:8090/ here)`,
    )
    .action(async (options: Options) => {
      const port = parsePort(options.port)
      if (port === undefined)
        throw new CommandError(exitCodes.usage, `--port: expected 0 to 65535, got "${options.port}"`)
      if (options.host === '') throw new CommandError(exitCodes.usage, '--host: expected an address, got nothing')
      const place = await placeOf(options)
      await useCorpus(place, openBeside, async (corpus) => {
        const stop = new AbortController()
        const interrupt = (): void => stop.abort()
        process.once('SIGINT', interrupt)
        process.once('SIGTERM', interrupt)
        const index = new CorpusIndex()
        const follower = new Follower(corpus, index, stop.signal)
        const { progress } = follower
        const server = await serveBrowser({
          ...{ corpus, index, progress, name: placeName(place), host: options.host, port },
          onFault: note,
        }).catch((error: unknown) => {
          throw listenFailure(error, options)
        })
        try {
          say(`${server.url} (Ctrl-C ends it)`)
          if (options.open) openInBrowser(server.url)
          const startedAtMs = performance.now()
          await follower.run(() => {
            const seconds = (performance.now() - startedAtMs) / 1000
            note(
              `${formatCount(index.size)} problems read in ${formatDuration(seconds)}; their index takes ${formatBytes(index.byteLength)}`,
            )
          })
        } finally {
          process.off('SIGINT', interrupt)
          process.off('SIGTERM', interrupt)
          await server.close()
        }
      })
    })
}

function listenFailure(error: unknown, { port, host }: Options): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return new CommandError(
      exitCodes.ioError,
      `port ${port} is in use; choose another one with --port, or --port 0 for any free one`,
    )
  if (code === 'EACCES')
    return new CommandError(exitCodes.ioError, `port ${port} is not for this user: choose one above 1023 with --port`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new CommandError(exitCodes.ioError, `--host ${host} is no address of this machine`)
  return error
}

/** Where there is no browser, the address that was printed has to do. */
function openInBrowser(url: string): void {
  const [command, ...before] = { darwin: ['open'], win32: ['explorer.exe'] }[process.platform as string] ?? ['xdg-open']
  const child = spawn(command ?? 'xdg-open', [...before, url], { stdio: 'ignore', detached: true })
  child.once('error', () => note(`no browser could be opened: go to ${url}`))
  child.unref()
}
