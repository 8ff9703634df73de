import type { IncomingMessage } from 'node:http'
import type { SecureContextOptions } from 'node:tls'
import { fastify, type FastifyInstance } from 'fastify'
import { CodedError } from '../../base/errors.ts'
import { blobRoutes, healthPath, readyPath } from '../../wire/http.ts'
import { limits } from '../../wire/limits.ts'
import { isEnded } from '../accounts/standing.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import type { DeviceRecord, DeviceStore } from '../store/deviceStore.ts'
import type { Tokens, TokenSubject } from '../tokens.ts'
import type { Unready } from '../operations/readiness.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { registerBlobs } from './blobs.ts'
import { handlers, type HandlerDeps } from './handlers.ts'
import type { BegunRequests } from './begunRequests.ts'
import { refuseErrors, registerRoutes, type Authenticator } from './registrar.ts'
import { refuseUnreadable } from './unreadable.ts'

export interface HttpServerDeps extends HandlerDeps {
  readonly tokens: Tokens
  readonly blobs: Blobs
  /** For the body of a request, in milliseconds; for a file, between two parts of it. */
  readonly bodyMs: number
  /** Null serves plain HTTP, which `startRelay` allows on loopback only. */
  readonly tls: TlsFiles | null
  /** The network address that a request comes from, for budgets only. */
  readonly addressOf: (request: IncomingMessage) => string
  readonly begun: BegunRequests
  /** Null while the relay should be sent devices. */
  readonly ready: () => Promise<Unready>
}

/** The HTTP side of the relay, not yet listening. */
export function httpServer(deps: HttpServerDeps): FastifyInstance {
  // Fastify's own logger writes addresses and paths: it stays off (SECURITY 9).
  const options = {
    logger: false,
    bodyLimit: limits.httpBodyBytes,
    // For the largest file over a slow line; other requests have `bodyMs`.
    requestTimeout: 1_800_000,
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
          https: secureContext(deps.tls),
        }) as unknown as FastifyInstance)
  refuseErrors(app, deps.log)
  deps.begun.watch(app)
  app.addHook('onRequest', async ({ raw, headers, routeOptions }) => {
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
    if (hasBody && routeOptions.url !== blobRoutes.putBlob.path) endLate(raw, deps.bodyMs)
  })
  app.get(healthPath, async () => ({ status: 'ok' }))
  app.get(readyPath, async (_request, reply) => {
    const unready = await deps.ready()
    return reply.code(unready === null ? 200 : 503).send({ status: unready ?? 'ok' })
  })
  registerRoutes(app, handlers(deps), authenticator(deps), deps.addressOf)
  registerBlobs(app, deps)
  return app
}

/** What new connections are secured with. */
export function secureContext(files: TlsFiles): SecureContextOptions {
  return { cert: files.certificate, key: files.key, minVersion: 'TLSv1.3' }
}

/** Who sends a body slowly holds a connection no longer than so many milliseconds. */
function endLate(request: IncomingMessage, bodyMs: number): void {
  const late = setTimeout(() => request.destroy(), bodyMs).unref()
  const inTime = (): void => clearTimeout(late)
  request.once('end', inTime)
  request.once('close', inTime)
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
