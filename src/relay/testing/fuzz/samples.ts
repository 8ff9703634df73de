import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { toBase64Url } from '../../../base/bytes.ts'
import { accessKeyHeader, routes, type RouteName } from '../../../wire/http.ts'
import { attestation, enrolBody, hashOf, keyUpload, newDevice, type EnrolledDevice } from '../client.ts'
import { completeBody, siblingOf } from '../linking.ts'
import { curveKey } from '../client.ts'

/** A request that the relay would take, or nearly. */
export interface SampleRequest {
  readonly route: RouteName
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

export interface SampleContext {
  readonly device: EnrolledDevice
  readonly token: string
  /** Of an invitation that nobody has used. */
  readonly code: string
}

/** One request for every route there is; what has no sample of its own is made from the route's schemas. */
export function sampleRequests(context: SampleContext): readonly SampleRequest[] {
  const own = ownSamples(context)
  const names = Object.keys(routes).filter((name): name is RouteName => Object.hasOwn(routes, name))
  return names.map((route) => {
    const { method, path, access, query, body } = routes[route]
    const sample = own[route]
    return {
      route,
      method,
      path,
      headers: headersFor(access, context),
      query: sample?.query ?? recordOf(generated(query, context)),
      body: sample?.body ?? (body === null ? null : generated(body, context)),
    }
  })
}

function headersFor(access: string, { device, token }: SampleContext): Record<string, string> {
  if (access === 'anonymous') return { [accessKeyHeader]: toBase64Url(device.accessKey) }
  return access === 'public' ? {} : { authorization: `Bearer ${token}` }
}

type OwnSamples = Partial<
  Record<RouteName, { readonly query?: Record<string, string>; readonly body?: unknown }>
>

function ownSamples({ device, code }: SampleContext): OwnSamples {
  const { accountId, identity } = device
  const identityKey = toBase64Url(identity.publicKey.serialize())
  const linkId = randomBytes(32)
  const adopted = { identityKey, attestation: attestation(identity, device), keys: keyUpload(identity, 1) }
  const replaced = {
    ...adopted,
    keep: [],
    previousIdentityKey: identityKey,
    accessKeyHash: hashOf(device.accessKey),
  }
  return {
    invitation: { body: { code } },
    enrol: { body: enrolBody(code, accountId, newDevice(), 1) },
    uploadKeys: { body: keyUpload(identity, 3) },
    bundle: { query: { accountId } },
    account: { query: { accountId } },
    person: { query: { accountId } },
    directory: { query: { query: 'a', after: `${accountId}.1` } },
    removeDevice: { query: { deviceId: '100' } },
    nameDevice: { body: { sealedName: toBase64Url(randomBytes(40)) } },
    accessKey: { body: { accessKeyHash: hashOf(device.accessKey) } },
    replaceIdentity: { body: replaced },
    adoptIdentity: { body: adopted },
    permits: { body: { request: toBase64Url(randomBytes(9 + 32 * 3)) } },
    linkOffer: {
      body: {
        linkId: toBase64Url(linkId),
        ephemeralKey: toBase64Url(curveKey()),
        nonce: toBase64Url(randomBytes(16)),
      },
    },
    linkComplete: {
      body: completeBody(new Uint8Array(linkId), toBase64Url(randomBytes(32)), siblingOf(device, 9)),
    },
  }
}

type JsonSchema = z.core.JSONSchema.JSONSchema

/** Something of the right shape, with the ids that there are where an id may stand. */
function generated(schema: z.ZodType, context: SampleContext): unknown {
  return valueOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), context)
}

function valueOf(schema: JsonSchema, context: SampleContext): unknown {
  const [first] = schema.anyOf ?? []
  if (first !== undefined) return valueOf(first as JsonSchema, context)
  if (schema.enum !== undefined) return schema.enum[0]
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, of]) => [
          name,
          valueOf(of as JsonSchema, context),
        ]),
      )
    case 'array':
      return typeof schema.items === 'object' && !Array.isArray(schema.items)
        ? [valueOf(schema.items as JsonSchema, context)]
        : []
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return false
    case 'string':
      return schema.format === 'uuid' ? context.device.accountId : 'A'.repeat(schema.minLength ?? 3)
    default:
      return null
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
