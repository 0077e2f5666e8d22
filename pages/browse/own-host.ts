/** Whether a request was meant for this server, by the name that it was reached under. */
import { isIP } from 'node:net'

/**
 * False for a browser that was led here under another name, by a server whose name now leads here (DNS rebinding). Addresses are
 * nobody's names.
 * @param given the header `host`; @param host where the server listens
 */
export function isOwnHost(given: string | undefined, host: string): boolean {
  const name = /^(\[[0-9a-fA-F:.]+\]|[^:]*)(?::\d+)?$/.exec(given ?? '')?.[1]?.toLowerCase() ?? ''
  return name === 'localhost' || name === host.toLowerCase() || isIP(name.replace(/^\[|\]$/g, '')) !== 0
}
