/**
 * `npm run watch`: Prometheus and Grafana on free ports of 127.0.0.1, with the project's dashboards and alerts, beside a process that
 * serves metrics (`wellspring up --metrics-port 9464`). Ctrl-C ends both.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parsePort } from '../engine/settings.ts'
import { makeFolder } from '../topics/make-folder.ts'
import { prometheusFile } from './grafana/provisioning.ts'
import { freePorts } from './kafka/ports.ts'
import { readOptions, refuseUsage } from './options.ts'
import {
  findGrafana,
  installPrometheus,
  ProgramError,
  startGrafana,
  startPrometheus,
  type Served,
} from './prometheus/programs.ts'

const program = {
  call: 'npm run watch',
  about: "Prometheus and Grafana with the project's dashboards and alerts, until Ctrl-C.",
  after: 'In another terminal: npx wellspring up --metrics-port 9464',
}

interface Options {
  targets: string[]
  intervalSeconds: number
  data: string | undefined
  /** Whether what is missing is installed. */
  install: boolean
}

function optionsGiven(): Options {
  const values = readOptions(program, {
    target: {
      type: 'string',
      multiple: true,
      default: ['127.0.0.1:9464'],
      doc: 'HOST:PORT of a process that serves metrics, as often as there are some',
    },
    interval: { type: 'string', default: '5', doc: 'seconds between two scrapes' },
    install: { type: 'boolean', default: false, doc: 'have apt-get install Prometheus where there is none' },
    data: { type: 'string', doc: 'folder that keeps what was measured (default: one that is removed at the end)' },
  })
  const intervalSeconds = Number(values.interval)
  if (!(Number.isInteger(intervalSeconds) && intervalSeconds > 0))
    refuseUsage(program, `--interval: expected whole seconds above 0, got "${values.interval}"`)
  const wrong = values.target.find((target) => {
    const [, port = ''] = /^[^\s/:]+:(\d+)$/.exec(target) ?? []
    return !parsePort(port)
  })
  if (wrong !== undefined) refuseUsage(program, `--target: expected HOST:PORT, got "${wrong}"`)
  return { targets: values.target, intervalSeconds, data: values.data, install: values.install }
}

async function answers(target: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${target}/metrics`, { signal: AbortSignal.timeout(2000) })
    return (await response.text()).includes('wellspring_')
  } catch {
    return false
  }
}

async function main(): Promise<void> {
  const options = optionsGiven()
  const interrupted = new Promise<string>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(''))
  })
  const folder = options.data === undefined ? mkdtempSync(join(tmpdir(), 'wellspring-watch-')) : resolve(options.data)
  const served: Served[] = []
  let isInOrder = false
  try {
    for (const name of ['prometheus', 'grafana']) makeFolder(join(folder, name))
    if (options.install) installPrometheus(console.log)
    const [prometheusPort = 0, grafanaPort = 0] = await freePorts(2)
    const configurationFile = join(folder, 'prometheus.yaml')
    const rules = resolve('grafana/alerts/wellspring.yaml')
    writeFileSync(configurationFile, prometheusFile({ ...options, rules }))
    const prometheus = await startPrometheus({
      ...{ configurationFile, port: prometheusPort },
      ...{ dataFolder: join(folder, 'prometheus'), logFile: join(folder, 'prometheus.log') },
    })
    served.push(prometheus)
    console.log(`Prometheus: ${prometheus.url} (alerts: ${prometheus.url}/alerts)`)
    if (findGrafana()) {
      const grafana = await startGrafana({
        ...{ provisioningFolder: resolve('grafana/provisioning'), dashboardFolder: resolve('grafana/dashboards') },
        ...{ prometheusUrl: prometheus.url, port: grafanaPort },
        ...{ dataFolder: join(folder, 'grafana'), logFile: join(folder, 'grafana.log') },
      })
      served.push(grafana)
      console.log(`Grafana: ${grafana.url}/dashboards`)
    } else
      console.log(
        'Grafana: there is none on PATH, so no dashboards are shown; install it (https://grafana.com/grafana/download, macOS: brew install grafana) and start this again',
      )
    for (const target of options.targets)
      if (!(await answers(target)))
        console.log(
          `${target} serves no metrics yet: start it with npx wellspring up --metrics-port ${target.split(':')[1]}; it is found by itself`,
        )
    console.log('Ctrl-C ends this')
    const ends = served.map(({ url, ended }) =>
      ended.then((how) => `${url} has ended (${how}); its log is in ${folder}`),
    )
    const why = await Promise.race([interrupted, ...ends])
    if (why !== '') throw new ProgramError(why)
    isInOrder = true
  } finally {
    await Promise.all(served.map((one) => one.stop()))
    // Where something went wrong, the logs tell what.
    if (isInOrder && options.data === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

await main().catch((error: unknown) => {
  if (!(error instanceof ProgramError)) throw error
  console.error(error.message)
  process.exitCode = 1
})
