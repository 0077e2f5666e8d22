import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigurationError } from '../../engine/errors.ts'
import { endpointsOf, inferenceSettings, parseInferenceSettings } from '../../inference/configuration.ts'

/** The faults of a section; fails when it has none. */
function faultsOf(value: unknown, at: readonly string[] = []): readonly string[] {
  try {
    parseInferenceSettings(value, at)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults
    throw error
  }
  throw new Error('no fault was found')
}

const sound = (change: { endpoint?: object; model?: object; roles?: object; more?: object } = {}): object => ({
  endpoints: { box: { url: 'http://127.0.0.1:8000/v1', ...change.endpoint } },
  models: { solver: { model: 'some-model', endpoints: ['box'], ...change.model } },
  roles: { solver: ['solver'], ...change.roles },
  ...change.more,
})

describe('the section of the configuration file', () => {
  it('gets its defaults', () => {
    expect(parseInferenceSettings(sound())).toEqual({
      endpoints: {
        box: {
          url: 'http://127.0.0.1:8000/v1',
          timeoutSeconds: 3600,
          stallSeconds: 300,
          idleSeconds: 600,
          stream: 'auto',
        },
      },
      models: {
        solver: {
          model: 'some-model',
          endpoints: ['box'],
          mode: 'chat',
          sampling: {},
          maxTokensField: 'max_tokens',
          extraBody: {},
        },
      },
      roles: { solver: ['solver'] },
    })
  })

  it('takes endpoints with and without a weight, which is 1 where none is given', () => {
    const mixed = [{ name: 'a', weight: 2.5 }, 'b', { name: 'c' }]
    const url = 'http://127.0.0.1:8000/v1'
    const settings = parseInferenceSettings({
      endpoints: { a: { url }, b: { url }, c: { url } },
      models: { solver: { model: 'm', endpoints: mixed } },
      roles: {},
    })
    expect(settings.models['solver'] && endpointsOf(settings.models['solver'])).toEqual([
      { name: 'a', weight: 2.5 },
      { name: 'b', weight: 1 },
      { name: 'c', weight: 1 },
    ])
  })

  it('is documented by an example that it accepts', () => {
    const page = readFileSync(new URL('../../docs/inference.md', import.meta.url), 'utf8')
    const [, example] = /```yaml\n([^]*?)```/.exec(page) ?? []
    const { run, ...section } = parse(example ?? '') as { run: unknown }
    // One general model votes and solves: without this the example would be refused.
    expect(run).toEqual({ allowSelfVote: true })
    const settings = parseInferenceSettings(section)
    expect(settings.models['writer']).toMatchObject({ mode: 'raw', sampling: { temperature: 0.8 } })
  })

  it.each<[string, object, string]>([
    [
      'a number out of range',
      sound({ endpoint: { maxConcurrency: 0 } }),
      'endpoints.box.maxConcurrency: expected a whole number from 1 to 65536, got 0; write for example maxConcurrency: 64',
    ],
    [
      'a text for a number',
      sound({ model: { sampling: { temperature: 'hot' } } }),
      'models.solver.sampling.temperature: expected a number from 0 to 5, got "hot"; write for example temperature: 0.6',
    ],
    [
      'a missing value',
      { endpoints: { box: {} }, models: {}, roles: {} },
      'endpoints.box.url: expected an http or https URL without user name, password, query or fragment, got nothing; write for example http://127.0.0.1:8000/v1, and put a key into an environment variable named by apiKeyVariable',
    ],
    [
      'a weight that is none',
      sound({ model: { endpoints: [{ name: 'box', weight: 0 }] } }),
      'models.solver.endpoints.0.weight: expected a number above 0, at most 1000000, got 0; write for example weight: 2',
    ],
    [
      'a weight of nothing',
      sound({ model: { endpoints: [{ weight: 2 }] } }),
      'models.solver.endpoints.0.name: expected the name of an endpoint, got nothing; write for example name: box',
    ],
    [
      'an unknown key beside a weight',
      sound({ model: { endpoints: [{ name: 'box', share: 2 }] } }),
      'models.solver.endpoints.0.share: expected one of the keys name, weight, got an unknown one; correct or remove it',
    ],
    [
      'an endpoint that is neither name nor mapping',
      sound({ model: { endpoints: [7] } }),
      'models.solver.endpoints.0: expected the name of an endpoint, or a mapping with name and weight, got 7; write for example box, or { name: box, weight: 2 }',
    ],
    [
      'a weight of an unknown endpoint',
      sound({ model: { endpoints: [{ name: 'bx', weight: 2 }] } }),
      'models.solver.endpoints.0.name: expected one of the endpoints box, got "bx"; add it under endpoints or correct the name',
    ],
    [
      'an endpoint twice',
      sound({ model: { endpoints: ['box', { name: 'box', weight: 2 }] } }),
      'models.solver.endpoints.1.name: expected every endpoint once, got "box" again; remove one',
    ],
    [
      'an unknown value',
      sound({ model: { mode: 'completion' } }),
      'models.solver.mode: expected chat or raw, got "completion"; write mode: chat, or mode: raw for a model that continues text',
    ],
    [
      'an unknown key',
      sound({ endpoint: { maxConcurency: 4 } }),
      'endpoints.box.maxConcurency: expected one of the keys url, apiKeyVariable, maxConcurrency, timeoutSeconds, stallSeconds, idleSeconds, stream, got an unknown one; correct or remove it',
    ],
    [
      'an unknown key at the top',
      sound({ more: { model: {} } }),
      'model: expected one of the keys endpoints, models, roles, got an unknown one; correct or remove it',
    ],
    [
      'an unknown role',
      sound({ roles: { solvr: ['solver'] } }),
      'roles.solvr: expected one of the keys annotator, embedder, problem-writer, rationale-writer, test-writer, voter, solver, teacher, judge, got an unknown one; correct or remove it',
    ],
    [
      'rationale learning with a problem writer in chat mode',
      {
        endpoints: { box: { url: 'http://x/v1' } },
        models: { p: { model: 'p', endpoints: ['box'] } },
        roles: { 'problem-writer': ['p'], 'rationale-writer': ['p'] },
      },
      'roles.problem-writer: expected a model with mode: raw, since the role rationale-writer has its log-probabilities of given text compared, got "p" in chat mode; write mode: raw, or leave out the role rationale-writer',
    ],
    [
      'rationale learning with several models of a role',
      {
        endpoints: { box: { url: 'http://x/v1' } },
        models: { p: { model: 'p', endpoints: ['box'] }, q: { model: 'q', endpoints: ['box'] } },
        roles: { 'rationale-writer': ['p', 'q'] },
      },
      'roles.rationale-writer: expected one model, whose versions a trainer announces, got 2; keep one, or leave out the role rationale-writer',
    ],
    [
      'a name that cannot be a label',
      { endpoints: { 'my box': { url: 'http://x/v1' } }, models: {}, roles: {} },
      'endpoints.my box: expected a name of 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit, got "my box"; rename it',
    ],
    [
      'an empty list',
      sound({ roles: { judge: [] } }),
      'roles.judge: expected a list of at least one name of a model, got an empty list; write for example solver: [solver], or leave the role out',
    ],
    [
      'a model with an unknown endpoint',
      sound({ model: { endpoints: ['bx'] } }),
      'models.solver.endpoints.0: expected one of the endpoints box, got "bx"; add it under endpoints or correct the name',
    ],
    [
      'a role with an unknown model',
      sound({ roles: { judge: ['jugde'] } }),
      'roles.judge.0: expected one of the models solver, got "jugde"; add it under models or correct the name',
    ],
    [
      'a role with the same model twice',
      sound({ roles: { judge: ['solver', 'solver'] } }),
      'roles.judge.1: expected every model of a role once, got "some-model" twice (solver and solver); remove one, or serve it under another name',
    ],
    [
      'a setting without effect',
      sound({ model: { mode: 'raw', reasoningEffort: 'low' } }),
      'models.solver.reasoningEffort: expected nothing in raw mode, where it has no effect, got a value; remove it or write mode: chat',
    ],
    [
      'an extra field that something else decides',
      sound({ model: { extraBody: { n: 8 } } }),
      'models.solver.extraBody.n: expected a field that no other setting decides, got one that is set by sampling, reasoningEffort or the call itself; remove it',
    ],
    [
      'a price without a side',
      sound({ model: { price: { inputPerMillion: 1 } } }),
      'models.solver.price.outputPerMillion: expected a number from 0 up, got nothing; write for example 0.15',
    ],
  ])('refuses %s', (_, value, fault) => {
    expect(faultsOf(value)).toEqual([fault])
  })

  it('refuses two embedders, whose vectors could not be compared', () => {
    const value = sound({ roles: { embedder: ['solver', 'other'] } }) as { models: Record<string, object> }
    value.models['other'] = { model: 'other', endpoints: ['box'] }
    expect(faultsOf(value)).toEqual([
      'roles.embedder: expected one model, since vectors of different models cannot be compared, got 2; keep one',
    ])
  })

  it('reports all faults at once, references among sound parts included', () => {
    const faults = faultsOf({
      endpoints: { box: { url: 'ftp://x', maxConcurrency: -1 } },
      models: { solver: { model: '', endpoints: ['nowhere'] } },
      roles: { solver: ['nobody'] },
    })
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(':')))).toEqual([
      'endpoints.box.url',
      'endpoints.box.maxConcurrency',
      'models.solver.model',
      'models.solver.endpoints.0',
      'roles.solver.0',
    ])
  })

  it('puts the place of the section before every path', () => {
    expect(faultsOf({ endpoints: { box: {} }, models: {}, roles: { judge: ['x'] } }, ['inference'])).toMatchObject([
      expect.stringMatching(/^inference\.endpoints\.box\.url: /),
      expect.stringMatching(/^inference\.roles\.judge\.0: /),
    ])
  })

  it.each([undefined, null, 7, 'text', []])('that is %j is one fault', (value) => {
    expect(faultsOf(value)).toHaveLength(1)
  })
})

describe('the schema', () => {
  interface JsonSchema {
    description?: string
    properties?: Record<string, JsonSchema>
    additionalProperties?: JsonSchema
  }

  it('describes every setting to an editor', () => {
    const undescribed: string[] = []
    const visit = (schema: JsonSchema, path: string): void => {
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        if (property.description === undefined) undescribed.push(`${path}${key}`)
        visit(property, `${path}${key}.`)
      }
      if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, `${path}*.`)
    }
    const schema = z.toJSONSchema(inferenceSettings, { io: 'input' }) as JsonSchema
    expect(Object.keys(schema.properties ?? {})).toEqual(['endpoints', 'models', 'roles'])
    visit(schema, '')
    expect(undescribed).toEqual([])
  })
})

describe('a secret in the file', () => {
  const secret = 'sk-very-secret'
  it.each<[string, object]>([
    ['as a key apiKey', { apiKey: secret }],
    ['as a key api_key', { api_key: secret }],
    ['in the place of its variable', { apiKeyVariable: secret }],
    ['in the URL', { url: `http://user:${secret}@host/v1` }],
    ['in the query of the URL', { url: `http://host/v1?key=${secret}` }],
  ])('%s is a fault that says where it belongs, and is not shown', (_, endpoint) => {
    const [fault, ...more] = faultsOf(sound({ endpoint }))
    expect(more).toEqual([])
    expect(fault).toContain('environment variable')
    expect(fault).not.toContain(secret)
  })
})
