import { fastify, type FastifyInstance } from 'fastify'
import { CodedError } from '../../base/errors.ts'
import { healthPath } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { isEnded } from '../accounts/standing.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import type { DeviceRecord, DeviceStore } from '../store/deviceStore.ts'
import type { Tokens, TokenSubject } from '../tokens.ts'
import { handlers, type HandlerDeps } from './handlers.ts'
import { refuseErrors, registerRoutes, type Authenticator } from './registrar.ts'
import { refuseUnreadable } from './unreadable.ts'

export interface HttpServerDeps extends HandlerDeps {
  readonly tokens: Tokens
  /** Null serves plain HTTP, which `startRelay` allows on loopback only. */
  readonly tls: TlsFiles | null
}

/** The HTTP side of the relay, not yet listening. */
export function httpServer(deps: HttpServerDeps): FastifyInstance {
  // Fastify's own logger writes addresses and paths: it stays off (SECURITY 9).
  const options = {
    logger: false,
    bodyLimit: limits.httpBodyBytes,
    requestTimeout: 30_000,
    forceCloseConnections: true,
    clientErrorHandler: refuseUnreadable(deps.log),
    routerOptions: { maxParamLength: 64 },
  } as const
  // The cast drops the secure server's own type: nothing here depends on which of the two it is.
  const app: FastifyInstance =
    deps.tls === null
      ? fastify(options)
      : (fastify({
          ...options,
          https: { cert: deps.tls.certificate, key: deps.tls.key, minVersion: 'TLSv1.3' },
        }) as unknown as FastifyInstance)
  refuseErrors(app, deps.log)
  app.get(healthPath, async () => ({ status: 'ok' }))
  registerRoutes(app, handlers(deps), authenticator(deps))
  return app
}

function authenticator(deps: HttpServerDeps): Authenticator {
  return async (authorization, route) => {
    const token = /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(authorization ?? '')?.[1]
    const subject = token === undefined ? null : deps.tokens.read(token)
    if (subject === null) throw new CodedError('relay.unauthorised')
    const device = await knownDevice(deps.store.devices, subject, deps.clock.now())
    await deps.rateLimits.device(device.device, route)
    return device
  }
}

async function knownDevice(devices: DeviceStore, subject: TokenSubject, now: number): Promise<DeviceRecord> {
  const device = await devices.find(subject.accountId, subject.deviceId)
  if (device === null || device.device !== subject.device) throw new CodedError('relay.deviceGone')
  if (device.frozen) throw new CodedError('device.frozen')
  if (isEnded(device.standing, now)) throw new CodedError('account.disabled')
  return device
}
