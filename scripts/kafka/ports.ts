import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { ClusterError } from './error.ts'

export const host = '127.0.0.1'

/** Below every system's range for outgoing connections, so that nothing takes the port of a broker that is down for a moment. */
const lowestPort = 15_000
const highestPort = 31_999

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer()
  server.listen({ port, host, exclusive: true })
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}

async function close(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
}

/** As many ports on 127.0.0.1 as asked for, that nothing listens on now and that an outgoing connection never takes. */
export async function freePorts(count: number): Promise<number[]> {
  const taken = new Map<number, Server>()
  try {
    for (let tries = 0; taken.size < count; tries++) {
      if (tries > 1_000 + count)
        throw new ClusterError('port_taken', `found no free port in ${lowestPort} to ${highestPort}`)
      const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort + 1))
      if (taken.has(port)) continue
      const server = await listen(port)
      if (server) taken.set(port, server)
    }
    return [...taken.keys()]
  } finally {
    await close([...taken.values()])
  }
}

/** Whether nothing listens on this port of 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port)
  if (server) await close([server])
  return server !== undefined
}

/** @throws ClusterError (port_taken) for a port that something listens on */
export async function claimPorts(ports: readonly number[]): Promise<void> {
  for (const port of ports)
    if (!(await isFree(port)))
      throw new ClusterError(
        'port_taken',
        `port ${port} of ${host} is in use; stop what listens there, or choose another`,
      )
}
