/** What `wellspring doctor --endpoints` finds out about the models' endpoints, by asking them. */
import { variable } from '../engine/environment.ts'
import { kindOf } from '../engine/errors.ts'
import { secret } from '../engine/secrets.ts'
import type { InferenceSettings } from '../inference/configuration.ts'
import { discoverSettings } from '../inference/discover.ts'
import { type Ability, type EndpointReport, probeEndpoints } from '../inference/probe.ts'
import type { Finding } from './finding.ts'
import { formatCount } from './terminal.ts'

/** A finding for each ability of each endpoint; nothing where none is configured, or the one named by its URL alone does not answer: that is found out elsewhere. */
export async function endpointFindings(
  configured: InferenceSettings | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const settings = configured ?? (await discovered(signal))
  if (settings === undefined) return []
  const reports = await probeEndpoints(settings, { secret, signal })
  return reports.flatMap((report) =>
    findingsOf(report).map((finding) => ({ ...finding, what: `endpoint ${report.name}, ${finding.what}` })),
  )
}

async function discovered(signal: AbortSignal): Promise<InferenceSettings | undefined> {
  const url = variable('OPENAI_BASE_URL')
  if (url === undefined) return undefined
  try {
    return (await discoverSettings({ url, apiKeyVariable: 'OPENAI_API_KEY', secret, signal })).settings
  } catch (error) {
    if (kindOf(error) === undefined) throw error
    return undefined
  }
}

function findingsOf(report: EndpointReport): Finding[] {
  const { fault, settings, models, missing, model, abilities } = report
  if (fault) return [{ what: 'models', state: 'fault', detail: fault.message }]
  const names = models.map(({ id }) => id).join(', ')
  return [
    { what: 'models', state: 'works', detail: `${settings.url} has ${names || 'none'}` },
    ...missing.map((name): Finding => ({
      what: 'models',
      state: 'fault',
      detail: `expected the model ${name}, got none of that name`,
      cure: `use one of ${names || '(none)'}, or serve it`,
    })),
    contextFinding(report),
    metricsFinding(report),
    ...(model === undefined
      ? [
          {
            what: 'abilities',
            state: 'warning',
            detail: 'not asked: no model that writes is configured there',
          } as const,
        ]
      : abilities.map((ability) => abilityFinding(ability, report))),
  ]
}

function contextFinding({ models }: EndpointReport): Finding {
  const told = models.filter(({ contextTokens }) => contextTokens !== undefined)
  const detail = told.map(({ id, contextTokens = 0 }) => `${id} ${formatCount(contextTokens)} tokens`).join(', ')
  if (told.length > 0) return { what: 'context', state: 'works', detail }
  return {
    what: 'context',
    state: 'warning',
    detail: 'it does not tell',
    cure: 'set sampling.maxTokens so that the longest prompt fits beside it',
  }
}

function metricsFinding({ metrics, metricsUrl, settings }: EndpointReport): Finding {
  const what = 'metrics'
  if (metrics === 'nobody' || metrics === 'others') {
    const detail = metrics === 'nobody' ? `none at ${metricsUrl}` : `those at ${metricsUrl} do not tell its load`
    return {
      what,
      state: 'warning',
      detail: `${detail}: its refusals (429) alone limit the calls at once`,
      cure: 'set maxConcurrency to what it can take of this process',
    }
  }
  if (metrics === 'llama.cpp' && settings.stream === 'never') {
    return {
      what,
      state: 'warning',
      detail: `${metrics}'s, at ${metricsUrl}; it is late to see that a plain call was aborted while it has other work`,
      cure: 'leave stream: never out for this endpoint, so that an aborted call ends there at once',
    }
  }
  return { what, state: 'works', detail: `${metrics}'s, at ${metricsUrl}` }
}

/** What an endpoint that cannot do something means here. */
const consequences: Readonly<Record<Ability['name'], Pick<Finding, 'state' | 'cure'> & { means?: string }>> = {
  completions: { state: 'fault', cure: "correct the model's settings, or look into the server's log" },
  'token limit': { state: 'fault', cure: "set the model's maxTokensField to a field that it keeps" },
  streaming: {
    state: 'warning',
    means: 'calls are plain',
    cure: 'set timeoutSeconds to the longest that an answer may take',
  },
  'several answers': { state: 'warning', means: 'nothing here needs them' },
  seeds: { state: 'warning', means: 'a call that is sent again may be answered otherwise' },
  'logprobs of given text': { state: 'warning', means: 'only the problem writer of rationale learning needs them' },
}

function abilityFinding({ name, can, detail }: Ability, { model }: EndpointReport): Finding {
  const asked = name === 'completions' && model !== undefined ? `${model.model}, ${detail}` : detail
  if (can === 'yes') return { what: name, state: 'works', detail: asked }
  const { state, means, cure } = consequences[name]
  const said = [`${can === 'no' ? 'no' : 'not known'} (${asked})`, ...(means === undefined ? [] : [means])].join('; ')
  // What is not known stops nothing, but for answers themselves.
  return {
    what: name,
    state: can === 'no' || name === 'completions' ? state : 'warning',
    detail: said,
    ...(cure === undefined || can === 'unknown' ? {} : { cure }),
  }
}
