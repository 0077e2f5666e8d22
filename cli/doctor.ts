/** `wellspring doctor`: what works on this machine, what does not, and the cure. */
import { constants } from 'node:fs'
import { access, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import picocolors from 'picocolors'
import { variable } from '../engine/environment.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { redacted } from '../engine/secrets.ts'
import { roles } from '../engine/ports.ts'
import { makeFolder } from '../topics/make-folder.ts'
import { VerifierPool } from '../verifiers/pool.ts'
import { loadConfiguration, type Configuration } from './configuration.ts'
import { exitCodes } from './exit.ts'
import type { Finding } from './finding.ts'
import { connectModels } from './models.ts'
import { placeOf, placeOptions, type Place, type PlaceFlags } from './place.ts'
import { formatBytes, say, sayJson } from './terminal.ts'

// Marks are for people at a terminal; picocolors alone would colour a CI's log too.
const colors = picocolors.createColors(process.stdout.isTTY === true)

export function doctorCommand(): Command {
  return placeOptions(new Command('doctor'))
    .option('--endpoints', 'ask each model endpoint what it can do, with a dozen tiny requests')
    .option('--json', 'one JSON object a finding')
    .addHelpText(
      'after',
      `
Examples:
  wellspring doctor
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 wellspring doctor --endpoints
  wellspring doctor --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7

On Kafka it also looks at the brokers, topics, schemas and what this user may do; it writes no record there.
--endpoints looks at context, metrics, streams, token limits, n, seeds and logprobs (docs/inference.md, "What an endpoint can do").
It ends with 0 when everything that a run needs works, else with 1.`,
    )
    .action(async (options: PlaceFlags & { endpoints?: boolean; json?: boolean }) => {
      const findings: Finding[] = [nodeFinding()]
      // Where the corpus lies may be known although another setting is wrong.
      const place = await placeOf(options).catch((error: unknown) => {
        if (error instanceof ConfigurationError) return undefined
        throw error
      })
      if (place) findings.push(...(await placeFindings(place)))
      let configuration: Configuration | undefined
      try {
        configuration = loadConfiguration(options)
        findings.push({
          what: 'configuration',
          state: 'works',
          detail: configuration.file ?? 'no file: defaults and variables',
        })
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error
        findings.push(
          ...error.faults.map((fault): Finding => ({ what: 'configuration', state: 'fault', detail: fault })),
        )
      }
      findings.push(...(await sandboxFindings(configuration?.run.python ?? '')))
      if (configuration) findings.push(...(await modelFindings(configuration)))
      if (configuration && options.endpoints) {
        const { endpointFindings } = await import('./endpoint-doctor.ts')
        findings.push(...(await endpointFindings(configuration.inference, new AbortController().signal)))
      }
      for (const found of findings) {
        const finding = withoutSecrets(found)
        if (options.json) sayJson(finding)
        else tell(finding)
      }
      if (findings.some(({ state }) => state === 'fault')) process.exitCode = exitCodes.bug
    })
}

function withoutSecrets({ detail, cure, ...finding }: Finding): Finding {
  return { ...finding, detail: redacted(detail), ...(cure !== undefined && { cure: redacted(cure) }) }
}

function tell({ what, state, detail, cure }: Finding): void {
  const mark = { works: colors.green('works  '), warning: colors.yellow('warning'), fault: colors.red('fault  ') }[
    state
  ]
  say(`  ${what}: ${detail}`, mark)
  if (cure !== undefined) say(`         ${cure}`)
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24
  const detail = `${process.versions.node}, ${availableParallelism()} cores`
  return fits
    ? { what: 'Node', state: 'works', detail }
    : { what: 'Node', state: 'fault', detail, cure: 'install Node 20.19 or later, 22.13 or later, or 24 or later' }
}

async function sandboxFindings(python: string): Promise<Finding[]> {
  const pool = new VerifierPool({ threads: 1, ...(python !== '' && { python }) })
  try {
    const { rung, detail, advice } = await pool.isolation()
    const cure = advice === undefined ? {} : { cure: advice }
    if (rung === 'none')
      return [
        {
          what: 'sandbox',
          state: 'warning',
          detail: `${detail}; programs will be unverifiable, math goes on`,
          ...cure,
        },
      ]
    return [{ what: 'sandbox', state: 'works', detail: `${rung}: ${detail}`, ...cure }]
  } finally {
    await pool.close()
  }
}

async function placeFindings(place: Place): Promise<Finding[]> {
  if (place.kind === 'embedded') return [await diskFinding(place.directory)]
  const { kafkaFindings } = await import('./kafka-doctor.ts')
  return await kafkaFindings(place)
}

async function diskFinding(directory: string): Promise<Finding> {
  try {
    makeFolder(directory)
    await access(directory, constants.W_OK)
    const { bavail, bsize } = await statfs(directory)
    const free = bavail * bsize
    const detail = `${directory}, ${formatBytes(free)} free`
    if (free < 1 << 30)
      return {
        what: 'data folder',
        state: 'warning',
        detail,
        cure: 'a corpus of 10,000 problems takes several GiB with long rollouts; free some space or name another folder with --data',
      }
    return { what: 'data folder', state: 'works', detail }
  } catch (error) {
    return {
      what: 'data folder',
      state: 'fault',
      detail: `${directory}: ${(error as NodeJS.ErrnoException).code}`,
      cure: 'name a folder that can be written to with --data or WELLSPRING_DATA',
    }
  }
}

async function modelFindings(configuration: Configuration): Promise<Finding[]> {
  if (!configuration.inference && variable('OPENAI_BASE_URL') === undefined) {
    return [
      {
        what: 'models',
        state: 'warning',
        detail: 'no endpoint is configured: a simulated one will be used',
        cure: 'set OPENAI_BASE_URL, or write endpoints, models and roles (docs/inference.md)',
      },
    ]
  }
  try {
    const models = await connectModels(configuration, AbortSignal.timeout(30_000))
    const assigned = roles.map((role): Finding => {
      const names = models.inference.modelsOf(role).map(({ model, mode }) => `${model} (${mode})`)
      const off = role === 'judge' ? 'none: problems pass unjudged' : 'none: what needs it is off'
      return names.length > 0
        ? { what: role, state: 'works', detail: names.join(', ') }
        : { what: role, state: 'warning', detail: off }
    })
    const findings = [
      ...models.sentences.map((detail): Finding => ({ what: 'models', state: 'works', detail })),
      ...models.troubles.map((detail): Finding => ({ what: 'models', state: 'fault', detail })),
      ...(models.simulated
        ? [{ what: 'models', state: 'warning', detail: 'simulated: nothing made with them is for training' } as const]
        : []),
      ...assigned,
    ]
    await models.close()
    return findings
  } catch (error) {
    return [{ what: 'models', state: 'fault', detail: error instanceof Error ? error.message : String(error) }]
  }
}
