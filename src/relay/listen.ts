import type { FastifyInstance } from 'fastify'
import { systemCode } from '../base/atomicFile.ts'
import { CodedError } from '../base/errors.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly secure: boolean
  /** The option that names the host, for the refusal. */
  readonly option: string
}

/** Returns the origin. Throws `relay.portTaken`, or `argument.invalid` for a host that this machine does not have. */
export async function listen(
  app: FastifyInstance,
  { host, port, secure, option }: ListenOptions,
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (thrown) {
    await app.close()
    const code = systemCode(thrown)
    if (code === 'EADDRINUSE' || code === 'EACCES')
      throw new CodedError('relay.portTaken', { port }, { cause: thrown })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') throw new CodedError('argument.invalid', { option })
    throw thrown
  }
  const bound = app.server.address()
  const actual = bound !== null && typeof bound === 'object' ? bound.port : port
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${actual}`
}
