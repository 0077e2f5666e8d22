/** Opening a corpus on Kafka. Loaded only where the corpus lies there. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { keepSecret } from '../engine/secrets.ts'
import type { ConnectionSettings, SaslSettings } from '../topics/kafka/connections.ts'
import { openKafkaLog, type KafkaAdministration } from '../topics/kafka/log.ts'
import { refuseMissingClient } from '../topics/kafka/registry.ts'
import { LogError, type Log } from '../topics/log.ts'
import type { KafkaPlace, Login } from './place.ts'

const run = promisify(execFile)

/** Far more than any token has. */
export const longestTokenBytes = 1 << 20
/** A command that prints a token and has not ended by then is stuck. */
const tokenTimeoutSeconds = 30

/** A log on Kafka, and what administration needs beside it. */
export type KafkaLog = Log & { readonly administration: KafkaAdministration }

/** Opens the log. With `registersSchemas` schemas that are missing are registered: for administration. @throws LogError */
export async function openOnKafka(place: KafkaPlace, { registersSchemas = false } = {}): Promise<KafkaLog> {
  const { namespace, registry, compression, sessionTimeoutSeconds, stateDirectory } = place
  if (registry) refuseMissingClient()
  // Where a command can do without a registry, none is asked.
  const settings = registry ?? { url: 'http://registry.invalid' }
  try {
    return await openKafkaLog({
      connection: connectionOf(place),
      ...{ registry: settings, namespace, compression, sessionTimeoutSeconds, stateDirectory, registersSchemas },
    })
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'unreachable') throw error
    // OpenSSL tells where in its own source it failed; what failed stands between.
    const words = error.message.replace(/[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*?(?=\)|$)/, '$1')
    throw new LogError('unreachable', `${words}: ${cureOf(words, place)}`, { cause: error })
  }
}

/** What to look at first when no broker could be talked to. */
function cureOf(message: string, { tls, login, namedBy }: KafkaPlace): string {
  if (/certificate|alert/i.test(message)) {
    return tls?.cert === undefined
      ? 'see kafka.tls: does kafka.tls.caFile name the authority of the brokers, and do they ask for a client certificate?'
      : 'see kafka.tls: does kafka.tls.caFile name the authority of the brokers, and do they know that of kafka.tls.certFile?'
  }
  // What a broker does not understand it ends without a word.
  if (!/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(message)) {
    const own = [tls ? 'with TLS' : 'without TLS', login ? `with ${login.mechanism}` : 'without a login'].join(', ')
    return `see that the brokers run and listen so at this address (this is ${own}: kafka.tls, kafka.sasl), or correct ${namedBy.brokers}`
  }
  return `start the brokers, or correct ${namedBy.brokers}`
}

/** How to reach the brokers of a place. */
export function connectionOf({ brokers, tls, login }: KafkaPlace): ConnectionSettings {
  return { brokers, clientId: 'wellspring', ...(tls && { tls }), ...(login && { sasl: saslOf(login) }) }
}

function saslOf(login: Login): SaslSettings {
  if (login.mechanism !== 'oauthbearer') return login
  const [program = '', ...parameters] = login.tokenCommand
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await tokenBy(program, parameters) }) }
}

/** What the command prints. Neither its output nor its parameters are shown: both may hold a secret. */
async function tokenBy(program: string, parameters: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, parameters, {
      timeout: tokenTimeoutSeconds * 1000,
      maxBuffer: longestTokenBytes,
    })
    const token = stdout.trim()
    if (token === '') throw new Error('it printed nothing')
    keepSecret(token)
    return token
  } catch (error) {
    const { code, killed, message } = error as NodeJS.ErrnoException & { killed?: boolean }
    const reason =
      killed === true
        ? `not ended after ${tokenTimeoutSeconds} s`
        : typeof code === 'number'
          ? `exit code ${String(code)}`
          : (code ?? message)
    throw new LogError('denied', `kafka.sasl.tokenCommand: ${program} gave no token (${reason})`)
  }
}
