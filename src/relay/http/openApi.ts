import { z } from 'zod'
import {
  accessKeyHeader,
  blobCapabilityHeader,
  blobRoutes,
  healthPath,
  permitHeader,
  readyPath,
  refusalSchema,
  routeNames,
  routes,
  type RouteAccess,
  type RouteName,
} from '../../wire/http.ts'

type Json = Readonly<Record<string, unknown>>

const schemes = {
  device: {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of the authenticated WebSocket; ten minutes.',
  },
  accessKey: { type: 'apiKey', in: 'header', name: accessKeyHeader },
  permit: { type: 'apiKey', in: 'header', name: permitHeader },
} as const

const security: Readonly<Record<RouteAccess, readonly Json[]>> = {
  public: [],
  device: [{ device: [] }],
  anonymous: [{ accessKey: [] }, { permit: [] }],
}

/**
 * The relay's HTTP interface as OpenAPI 3.1, made from the table that the relay and its clients are made from. What
 * goes over the WebSockets is in `wire/relay.proto`.
 */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Valise relay',
      version: '1',
      license: { name: 'AGPL-3.0-only', identifier: 'AGPL-3.0-only' },
      description:
        'HTTP routes of the relay. Binary values are unpadded base64url. A refusal has a code, and the milliseconds after which it ends where it does.',
    },
    paths: {
      ...paths(),
      [blobRoutes.putBlob.path]: blobOperations(),
      [healthPath]: { get: plain('health', 'The process answers.', false) },
      [readyPath]: { get: plain('ready', 'The store takes writes and the relay is not stopping.', true) },
    },
    components: { securitySchemes: schemes, schemas: { Refusal: schemaOf(refusalSchema, 'output') } },
  }
}

function paths(): Record<string, Record<string, Json>> {
  const made: Record<string, Record<string, Json>> = {}
  for (const name of routeNames) {
    const { method, path } = routes[name]
    made[path] = { ...made[path], [method.toLowerCase()]: operation(name) }
  }
  return made
}

function operation(name: RouteName): Json {
  const { access, query, body, answer } = routes[name]
  const parameters = parametersOf(query)
  return {
    operationId: name,
    security: security[access],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: { required: true, content: json(schemaOf(body, 'input')) } }),
    responses: {
      200: { description: 'Done.', content: json(schemaOf(answer, 'output')) },
      default: refusal,
    },
  }
}

/** Their bodies are bytes, which the table of JSON routes has no place for. */
function blobOperations(): Record<string, Json> {
  const bytes = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
  const shared = { security: [{ permit: [] }] }
  const capability = { name: blobCapabilityHeader, in: 'header', required: true, schema: { type: 'string' } }
  return {
    put: {
      operationId: 'putBlob',
      ...shared,
      parameters: parametersOf(blobRoutes.putBlob.query),
      requestBody: { required: true, content: bytes },
      responses: {
        200: { description: 'Done.', content: json(schemaOf(blobRoutes.putBlob.answer, 'output')) },
        default: refusal,
      },
    },
    get: {
      operationId: 'getBlob',
      ...shared,
      parameters: [capability],
      responses: { 200: { description: 'Done.', content: bytes }, default: refusal },
    },
  }
}

function plain(name: string, description: string, refuses: boolean): Json {
  const content = json({ type: 'object', properties: { status: { type: 'string' } }, required: ['status'] })
  const ok = { 200: { description, content } }
  return {
    operationId: name,
    security: [],
    responses: refuses ? { ...ok, 503: { description: 'It does not, or it is.', content } } : ok,
  }
}

const refusal = {
  description: 'Refused.',
  content: json({ $ref: '#/components/schemas/Refusal' }),
}

function parametersOf(query: z.ZodType): readonly Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    readonly properties?: Readonly<Record<string, Json>>
    readonly required?: readonly string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
  return rest
}

function json(schema: Json): Json {
  return { 'application/json': { schema } }
}
