/** Users, passwords and certificates of a cluster that checks who its clients are: made on the spot, different in every folder. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ClusterError } from './error.ts'

const run = promisify(execFile)

/** `admin` may do everything; `processor` and `stranger` only what an ACL lets them. */
const userNames = ['admin', 'processor', 'stranger'] as const
type UserName = (typeof userNames)[number]

/** Files in PEM form. */
interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** What clients need to be let in. */
export interface Credentials {
  /** The passwords for PLAIN and SCRAM, by user. */
  readonly passwords: Readonly<Record<UserName, string>>
  /** Paths of PEM files. `authority` signed the others; `client` is user `processor`; `foreign` is signed by nobody known. */
  readonly certificates: {
    readonly authority: string
    readonly client: Certificate
    readonly foreign: Certificate
  }
}

/** Broker's own files, beside the clients'. */
interface Made extends Credentials {
  /** Key and certificate in one file, as the broker reads them. */
  readonly brokerKeyStore: string
}

async function openssl(folder: string, parameters: readonly string[]): Promise<void> {
  try {
    await run('openssl', parameters, { cwd: folder })
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string }
    const reason = code === 'ENOENT' ? 'none on PATH' : (stderr?.trim().split('\n')[0] ?? 'it failed')
    throw new ClusterError(
      'tool_missing',
      `openssl 3.0 or newer is needed to make certificates: ${reason}; install it (Debian, Ubuntu: apt-get install openssl)`,
      { cause: error },
    )
  }
}

/** A key and a certificate for a name, signed by the authority or, for want of one, by itself. */
async function certify(folder: string, name: string, extensions: readonly string[], authority?: string): Promise<void> {
  const signedBy = authority === undefined ? [] : ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`]
  await openssl(folder, [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '3650', '-subj', `/CN=${name}`],
    ...extensions.flatMap((one) => ['-addext', one]),
    ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
    ...signedBy,
  ])
}

/**
 * Makes the credentials of a cluster, or finds those of a former run.
 * @throws ClusterError (tool_missing)
 */
export async function makeCredentials(folder: string): Promise<Made> {
  if (!existsSync(folder)) {
    const unfinished = `${folder}.unfinished`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { mode: 0o700 })
    const passwords = Object.fromEntries(userNames.map((name) => [name, randomBytes(12).toString('hex')]))
    await writeFile(join(unfinished, 'passwords.json'), JSON.stringify(passwords))
    const ofLeaf = ['basicConstraints=critical,CA:FALSE']
    await certify(unfinished, 'authority', [])
    await certify(unfinished, 'broker', [...ofLeaf, 'subjectAltName=IP:127.0.0.1,DNS:localhost'], 'authority')
    await certify(unfinished, 'processor', ofLeaf, 'authority')
    await certify(unfinished, 'foreign', ofLeaf)
    const text = (name: string) => readFileSync(join(unfinished, name), 'utf8')
    await writeFile(join(unfinished, 'broker-key-store.pem'), `${text('broker.key')}${text('broker.pem')}`)
    await rename(unfinished, folder)
  }
  const pair = (name: string) => ({ certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) })
  return {
    passwords: JSON.parse(readFileSync(join(folder, 'passwords.json'), 'utf8')) as Record<UserName, string>,
    certificates: { authority: join(folder, 'authority.pem'), client: pair('processor'), foreign: pair('foreign') },
    brokerKeyStore: join(folder, 'broker-key-store.pem'),
  }
}

/** The listeners of a secured cluster beside PLAINTEXT, and the protocol that each speaks. */
export const securedListeners = { SASL: 'SASL_PLAINTEXT', TLS: 'SSL', SASL_TLS: 'SASL_SSL' } as const

/** The broker's settings for `securedListeners`: who is let in, and that nobody may do anything without an ACL. */
export function securitySettings({ passwords, certificates, brokerKeyStore }: Made): Record<string, string> {
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const bearer = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required'
  const users = userNames.map((name) => `user_${name}="${passwords[name]}"`).join(' ')
  const ofSasl = (listener: string) => {
    const prefix = `listener.name.${listener}`
    return {
      [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      [`${prefix}.plain.sasl.jaas.config`]: `${plain} ${users};`,
      [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
      [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
      // Tokens without a signature are taken: whoever asks is let in under the name that the token gives.
      [`${prefix}.oauthbearer.sasl.jaas.config`]: `${bearer} unsecuredLoginStringClaim_sub="admin";`,
    }
  }
  return {
    ...ofSasl('sasl'),
    ...ofSasl('sasl_tls'),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': brokerKeyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.authority,
    'listener.name.tls.ssl.client.auth': 'required',
    'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+)$/$1/',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The brokers among themselves, and tests that set the stage, come over PLAINTEXT, where everybody is ANONYMOUS.
    'super.users': 'User:ANONYMOUS;User:admin',
    'allow.everyone.if.no.acl.found': 'false',
  }
}

/** Parameters of `kafka-storage format` that store the SCRAM passwords. */
export function scramParameters({ passwords }: Credentials): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
    userNames.flatMap((name) => ['--add-scram', `${mechanism}=[name=${name},password=${passwords[name]}]`]),
  )
}
