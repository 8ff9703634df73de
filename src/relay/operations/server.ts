import { fastify, type FastifyInstance } from 'fastify'
import { openApiDocument } from '../http/openApi.ts'
import type { RelayMetrics } from './metrics.ts'
import type { Unready } from './readiness.ts'
import type { RelayStatus } from './status.ts'

export interface OperationsDeps {
  readonly metrics: Pick<RelayMetrics, 'text' | 'contentType'>
  readonly ready: () => Promise<Unready>
  readonly status: () => Promise<RelayStatus>
}

/** What who operates the relay may ask, on a port of its own: numbers, states, the interface. Not yet listening. */
export function operationsServer(deps: OperationsDeps): FastifyInstance {
  const app = fastify({ logger: false, requestTimeout: 10_000, forceCloseConnections: true })
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', deps.metrics.contentType).send(await deps.metrics.text()),
  )
  app.get('/health', async () => ({ status: 'ok' }))
  app.get('/ready', async (_request, reply) => {
    const unready = await deps.ready()
    return reply.code(unready === null ? 200 : 503).send({ ready: unready === null, reason: unready })
  })
  app.get('/status', async () => deps.status())
  const openApi = JSON.stringify(openApiDocument())
  app.get('/openapi.json', async (_request, reply) =>
    reply.header('content-type', 'application/json').send(openApi),
  )
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send({ code: 'request.notFound' }))
  app.setErrorHandler(async (_error, _request, reply) => reply.code(500).send({ code: 'internal' }))
  return app
}
