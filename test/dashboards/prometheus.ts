/** A real Prometheus for tests: installed where it is missing, asked through its API. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { rulesFile, type Alert } from '../../cli/alerts.ts'
import { prometheusFile } from '../../scripts/grafana/provisioning.ts'
import { freePorts } from '../../scripts/kafka/ports.ts'
import { installPrometheus, ProgramError, startPrometheus, type Served } from '../../scripts/prometheus/programs.ts'
import { requireOrSkip } from '../requirements.ts'

/** Whether Prometheus and promtool are here, installed if need be. */
export function hasPrometheus(): boolean {
  try {
    installPrometheus()
    return true
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    return requireOrSkip(`Prometheus (${error.message})`, false)
  }
}

interface Series {
  metric: Record<string, string>
  values: [number, string][]
}

/** A Prometheus that scrapes every second. */
export class TestPrometheus {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wellspring-prometheus-'))
  readonly #startedSeconds = Date.now() / 1000
  #served!: Served

  static async start(targets: readonly string[], rules: readonly Alert[]): Promise<TestPrometheus> {
    const own = new TestPrometheus()
    const file = (name: string): string => join(own.#folder, name)
    writeFileSync(file('rules.yaml'), rulesFile(rules))
    writeFileSync(file('prometheus.yaml'), prometheusFile({ targets, intervalSeconds: 1, rules: file('rules.yaml') }))
    const [port = 0] = await freePorts(1)
    own.#served = await startPrometheus({
      ...{ configurationFile: file('prometheus.yaml'), dataFolder: file('data'), port, logFile: file('log') },
    })
    return own
  }

  async stop(): Promise<void> {
    await this.#served.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #ask<Data>(path: string, parameters: Record<string, string> = {}): Promise<Data> {
    const url = new URL(path, this.#served.url)
    const body = new URLSearchParams(parameters)
    const response = await fetch(url, path.includes('query') ? { method: 'POST', body } : {})
    const answer = (await response.json()) as { status: string; error?: string; data: Data }
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${parameters['query'] ?? path}`)
    return answer.data
  }

  /** All samples of a query since the start. */
  async since(query: string): Promise<Series[]> {
    const [start, end] = [this.#startedSeconds, Date.now() / 1000].map(String) as [string, string]
    const { result } = await this.#ask<{ result: Series[] }>('/api/v1/query_range', { query, start, end, step: '2' })
    return result
  }

  /** Alerts that fire now, by name. */
  async firing(): Promise<Set<string>> {
    const { alerts } = await this.#ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('/api/v1/alerts')
    return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname))
  }

  /** Resolves once these alerts fire, or do not; the test's own limit ends it otherwise, and `why` says what is wanted then. */
  async untilAlerts({ fire = [], clear = [] }: { fire?: string[]; clear?: string[] }): Promise<void> {
    for (;;) {
      const firing = await this.firing()
      if (fire.every((name) => firing.has(name)) && !clear.some((name) => firing.has(name))) return
      await pause(500)
    }
  }
}
