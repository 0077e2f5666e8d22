/** What a soak measures, in bytes, seconds and hours since it began. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import type { ProbeLine } from '../soak-probe.ts'
import type { Balance } from './reconciliation.ts'
import type { Sample } from './trend.ts'

/** Everything that is measured of the process, each few seconds. */
export interface Reading {
  hours: number
  life: number
  anonymous: number
  heap: number
  external: number
  descriptors: number
  children: number
  delayP99: number
  delayMax: number
}

/** What is measured each minute. */
export interface Minute {
  hours: number
  life: number
  disk: number
  transientRecords: number
  problems: number
  commitP50: number
  commitP99: number
  lookSeconds: number
  balances: Balance[]
}

/** What is left when all garbage is collected. */
export interface Held {
  hours: number
  life: number
  heap: number
  buffers: number
}

/** All that was measured. */
export interface Readings {
  readings: Reading[]
  held: Held[]
  minutes: Minute[]
  /** Memory of the endpoint that is not killed in the long life. */
  endpoint: Sample[]
}

/** The file that the probes in the measured processes write. */
export class ProbeFile {
  readonly #path: string
  #offset = 0
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  /** The lines that were written since the last call. */
  newLines(): ProbeLine[] {
    if (!existsSync(this.#path)) return []
    const file = openSync(this.#path, 'r')
    try {
      const buffer = Buffer.alloc(1 << 16)
      const lines: string[] = []
      for (;;) {
        const count = readSync(file, buffer, 0, buffer.length, this.#offset)
        if (count === 0) break
        this.#offset += count
        lines.push(...(this.#rest + buffer.toString('latin1', 0, count)).split('\n'))
        this.#rest = lines.pop() ?? ''
      }
      return lines.map((line): ProbeLine => JSON.parse(line) as ProbeLine)
    } finally {
      closeSync(file)
    }
  }
}
