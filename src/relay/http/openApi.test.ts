import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { blobRoutes, healthPath, readyPath, routeNames, routes } from '../../wire/http.ts'
import { relayFixture } from '../testing/fixture.ts'
import { openApiDocument } from './openApi.ts'

const file = fileURLToPath(new URL('../../../docs/relay-openapi.json', import.meta.url))

/** The objects of OpenAPI 3.1 that the document uses, with the fields that the specification gives them. */
const schema = z.record(z.string(), z.unknown())
const content = z.record(z.string(), z.strictObject({ schema }))
const response = z.strictObject({ description: z.string(), content: content.optional() })
const parameter = z.strictObject({
  name: z.string(),
  in: z.enum(['query', 'header', 'path', 'cookie']),
  required: z.boolean().optional(),
  schema,
})
const operation = z.strictObject({
  operationId: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(parameter).optional(),
  requestBody: z.strictObject({ required: z.boolean(), content }).optional(),
  responses: z.record(z.string().regex(/^(?:[1-5]\d\d|default)$/), response),
})
const method = z.enum(['get', 'put', 'post', 'delete', 'patch'])
const document = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d$/),
  info: z.strictObject({
    title: z.string(),
    version: z.string(),
    description: z.string(),
    license: z.strictObject({ name: z.string(), identifier: z.string() }),
  }),
  paths: z.record(z.string().startsWith('/'), z.partialRecord(method, operation)),
  components: z.strictObject({
    securitySchemes: z.record(z.string(), schema),
    schemas: z.record(z.string(), schema),
  }),
})

/** Each `$ref` and each key word of a schema. */
function walk(value: unknown, found: { refs: string[]; types: string[] }): void {
  if (Array.isArray(value)) value.forEach((one) => walk(one, found))
  else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      if (key === '$ref' && typeof child === 'string') found.refs.push(child)
      if (key === 'type' && typeof child === 'string') found.types.push(child)
      walk(child, found)
    }
  }
}

test('the document is OpenAPI 3.1 and has every route, with its access', () => {
  const parsed = document.parse(JSON.parse(JSON.stringify(openApiDocument())))
  const operations = Object.values(parsed.paths).flatMap((path) => Object.values(path))
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  expect(operations).toHaveLength(routeNames.length + Object.keys(blobRoutes).length + 2)
  for (const name of routeNames) {
    const { method: verb, path, access, body } = routes[name]
    const found = parsed.paths[path]?.[method.parse(verb.toLowerCase())]
    expect(found).toMatchObject({ operationId: name, responses: { 200: {}, default: {} } })
    expect(found?.security.length, name).toBe({ public: 0, device: 1, anonymous: 2 }[access])
    expect(found?.requestBody !== undefined, name).toBe(body !== null)
    for (const scheme of found?.security.flatMap((one) => Object.keys(one)) ?? [])
      expect(parsed.components.securitySchemes).toHaveProperty(scheme)
  }
  for (const path of [healthPath, readyPath]) expect(parsed.paths[path]?.get).toBeDefined()
  const found = { refs: [] as string[], types: [] as string[] }
  walk(parsed, found)
  for (const ref of new Set(found.refs)) {
    expect(ref).toMatch(/^#\/components\/schemas\/\w+$/)
    expect(parsed.components.schemas).toHaveProperty(ref.split('/').at(-1) ?? '')
  }
  const types = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null', 'http', 'apiKey']
  expect([...new Set(found.types)].filter((type) => !types.includes(type))).toEqual([])
})

test('the document in docs is the current one (`npx vitest run src/relay/http/openApi.test.ts -u` writes it anew)', async () => {
  await expect(`${JSON.stringify(openApiDocument(), null, 2)}\n`).toMatchFileSnapshot(file)
})

test('administrators are served it on the port of metrics, workstations are not', async () => {
  const fixture = await relayFixture({ operations: { host: '127.0.0.1', port: 0, version: '' } })
  const answer = await fetch(`${fixture.relay.operations}/openapi.json`)
  expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())))
  expect((await fetch(`${fixture.address}/openapi.json`)).status).toBe(404)
  await fixture.end()
})
