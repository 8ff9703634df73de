import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fromBase64Url } from '../../base/bytes.ts'
import { CodedError, reportOf, type ErrorReport } from '../../base/errors.ts'
import {
  accessKeyHeader,
  permitHeader,
  routeNames,
  routes,
  type RouteAnswer,
  type RouteName,
} from '../../wire/http.ts'
import { statusOf } from '../../wire/refusals.ts'
import type { z } from 'zod'
import type { ShownAuthorisation } from '../authorisation.ts'
import type { RelayLog } from '../log.ts'
import { engineCode } from '../store/engineCode.ts'
import type { DeviceRecord } from '../store/deviceStore.ts'

type Routes = typeof routes
export type ParsedQuery<N extends RouteName> = z.output<Routes[N]['query']>
export type ParsedBody<N extends RouteName> = Routes[N]['body'] extends z.ZodType
  ? z.output<Routes[N]['body']>
  : null
type Asking<N extends RouteName> = Routes[N]['access'] extends 'device' ? DeviceRecord : null
type Shown<N extends RouteName> = Routes[N]['access'] extends 'anonymous' ? ShownAuthorisation : null

export interface RouteRequest<N extends RouteName> {
  readonly query: ParsedQuery<N>
  readonly body: ParsedBody<N>
  /** The device that asks; null on the public and the anonymous routes. */
  readonly device: Asking<N>
  /** Null but on the anonymous routes. */
  readonly shown: Shown<N>
  /** The network address it comes from, for budgets only: never kept, never logged. */
  readonly address: string
}

export type Handler<N extends RouteName> = (request: RouteRequest<N>) => Promise<RouteAnswer<N>>
export type Handlers = { readonly [N in RouteName]: Handler<N> }

/** The device behind a token of the Authorization header. Throws `relay.unauthorised`, `relay.deviceGone`, `device.frozen`, `account.disabled`. */
export type Authenticator = (authorization: string | undefined, route: RouteName) => Promise<DeviceRecord>

/** Registers every route of the wire's table with its handler. What goes in and comes out passes the schemas. */
export function registerRoutes(
  app: FastifyInstance,
  handlers: Handlers,
  authenticate: Authenticator,
  addressOf: (request: IncomingMessage) => string,
): void {
  const register = <N extends RouteName>(name: N): void => {
    const { method, path } = routes[name]
    app.route({
      method,
      url: path,
      handler: async (request) => answer(name, handlers[name], request, authenticate, addressOf),
    })
  }
  for (const name of routeNames) register(name)
}

async function answer<N extends RouteName>(
  name: N,
  handler: Handler<N>,
  request: FastifyRequest,
  authenticate: Authenticator,
  addressOf: (request: IncomingMessage) => string,
): Promise<unknown> {
  const route = routes[name]
  const { access } = route
  const device = access === 'device' ? await authenticate(request.headers.authorization, name) : null
  // SECURITY 9: a token that comes along is not looked at, so that nothing here knows who asks.
  const shown = access === 'anonymous' ? shownBy(request.headers) : null
  const query = parsed(route.query, request.query)
  const body = route.body === null ? null : parsed(route.body, request.body)
  // The schemas of this very entry made both values, and `access` decided the rest: what the types of a table indexed
  // by a parameter cannot say.
  const input = { query, body, device, shown, address: addressOf(request.raw) } as RouteRequest<N>
  return route.answer.parse(await handler(input))
}

/** Exactly one of the two, or `access.denied`. */
export function shownBy(headers: FastifyRequest['headers']): ShownAuthorisation {
  const [key, permit] = [headers[accessKeyHeader], headers[permitHeader]]
  const kind = key === undefined ? 'permit' : 'accessKey'
  const text = key ?? permit
  const both = key !== undefined && permit !== undefined
  const bytes = typeof text === 'string' && !both ? fromBase64Url(text) : null
  if (bytes === null) throw new CodedError('access.denied')
  return { kind, bytes }
}

/** Throws `request.malformed`. */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value)
  if (!result.success) throw new CodedError('request.malformed')
  return result.data
}

/** Turns whatever was thrown, by us or by fastify, into a refusal without text. */
export function refuseErrors(app: FastifyInstance, log: RelayLog): void {
  app.setNotFoundHandler((_request, reply) => refuse(reply, { code: 'request.notFound', details: {} }, log))
  app.setErrorHandler((error, _request, reply) => {
    const report = reportOfFastify(error)
    if (report.code === 'internal' || report.code === 'relay.unavailable') {
      log.error('request failed', { error: report.code, engine: engineCode(error) })
    }
    return refuse(reply, report, log)
  })
}

function refuse(reply: FastifyReply, report: ErrorReport, log: RelayLog): FastifyReply {
  const status = statusOf(report.code)
  const { retryAfterMs, address } = report.details
  log.debug('request refused', { error: report.code, status })
  if (typeof retryAfterMs !== 'number') return reply.code(status).send({ code: report.code })
  return reply
    .code(status)
    .header('retry-after', Math.ceil(retryAfterMs / 1_000))
    .send({ code: report.code, retryAfterMs, ...(address === undefined ? {} : { address }) })
}

/** Fastify's own errors carry the status they mean; every one below 500 is the request's fault. */
function reportOfFastify(error: unknown): ErrorReport {
  if (error instanceof CodedError) return reportOf(error)
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status === 413) return { code: 'request.tooLarge', details: {} }
  return status >= 400 && status < 500 ? { code: 'request.malformed', details: {} } : reportOf(error)
}
