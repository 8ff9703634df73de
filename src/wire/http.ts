import { z } from 'zod'
import { limits } from './limits.ts'

/**
 * The relay's HTTP interface: one entry a route, with the schemas of what goes in and comes out.
 * Relay and client are both built from it. Binary values are unpadded base64url.
 * A refusal is `refusalSchema` with the status of `statusOf` (refusals.ts).
 */
const bytes = (min: number, max: number = min) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/)
    .min(Math.ceil((min * 4) / 3))
    .max(Math.ceil((max * 4) / 3))

const keyId = z.int().min(1).max(0xff_ffff)
export const accountIdSchema = z.uuid().regex(/^[0-9a-f-]+$/)
export const deviceIdSchema = z.int().min(1).max(limits.deviceIdMax)
export const registrationIdSchema = z.int().min(1).max(limits.registrationIdMax)

/** Serialized libsignal public keys: 33 bytes for curve keys, 1,569 for Kyber-1024. Signatures: 64. */
const curveKey = bytes(33)
const kyberKey = bytes(1569)
const signature = bytes(64)

export const preKeySchema = z.strictObject({ keyId, publicKey: curveKey })
export const signedPreKeySchema = z.strictObject({ keyId, publicKey: curveKey, signature })
export const kyberPreKeySchema = z.strictObject({ keyId, publicKey: kyberKey, signature })

export const keyUploadSchema = z.strictObject({
  /** Left out: the relay keeps what it has. */
  signedPreKey: signedPreKeySchema.optional(),
  lastResortKyberPreKey: kyberPreKeySchema.optional(),
  oneTimePreKeys: z.array(preKeySchema).max(limits.oneTimePreKeysPerUpload).default([]),
  oneTimeKyberPreKeys: z.array(kyberPreKeySchema).max(limits.oneTimePreKeysPerUpload).default([]),
})

export const keyCountSchema = z.strictObject({
  oneTimePreKeys: z.int().min(0),
  oneTimeKyberPreKeys: z.int().min(0),
})

/** What the directory tells of an account; given by the administrator, shown as confirmed. */
export const directoryEntrySchema = z.strictObject({
  accountId: accountIdSchema,
  displayName: z.string().min(1).max(200),
  title: z.string().max(200),
  service: z.string().max(200),
  organisation: z.string().max(200),
})

export const enrolRequestSchema = z.strictObject({
  code: z.string().min(12).max(64),
  identityKey: curveKey,
  /** Ed25519, raw 32 bytes. */
  deviceKey: bytes(32),
  registrationId: registrationIdSchema,
  /** Ed25519 by the device key over `enrolmentInput()` : the sender holds it. */
  proof: signature,
  keys: keyUploadSchema.required({ signedPreKey: true, lastResortKyberPreKey: true }),
})

export const enrolAnswerSchema = z.strictObject({
  deviceId: deviceIdSchema,
  account: directoryEntrySchema,
})

export const bundleSchema = z.strictObject({
  identityKey: curveKey,
  devices: z
    .array(
      z.strictObject({
        deviceId: deviceIdSchema,
        registrationId: registrationIdSchema,
        signedPreKey: signedPreKeySchema,
        preKey: preKeySchema.nullable(),
        kyberPreKey: kyberPreKeySchema,
      }),
    )
    .max(limits.devicesPerAccount),
})

export const refusalSchema = z.strictObject({
  code: z.string().max(64),
  retryAfterMs: z.int().min(0).optional(),
})

const nothing = z.strictObject({})

export const routes = {
  /** Public: what an invitation's anchors hash is compared with. */
  anchors: {
    method: 'GET',
    path: '/v1/anchors',
    authenticated: false,
    query: nothing,
    body: null,
    answer: z.strictObject({
      relayId: z.string().min(1).max(64),
      organisation: z.string().max(200),
      protocolVersion: z.int(),
      trustRoot: curveKey,
      zkPublicParams: bytes(1, 4096),
    }),
  },
  /** Tells whether a code could be used now; uses nothing up. */
  invitation: {
    method: 'POST',
    path: '/v1/invitation',
    authenticated: false,
    query: nothing,
    body: z.strictObject({ code: z.string().min(12).max(64) }),
    answer: z.strictObject({ account: directoryEntrySchema, expiresAt: z.int() }),
  },
  /** Uses an invitation. The same device key may repeat it and gets the same answer. */
  enrol: {
    method: 'POST',
    path: '/v1/enrol',
    authenticated: false,
    query: nothing,
    body: enrolRequestSchema,
    answer: enrolAnswerSchema,
  },
  uploadKeys: {
    method: 'PUT',
    path: '/v1/keys',
    authenticated: true,
    query: nothing,
    body: keyUploadSchema,
    answer: keyCountSchema,
  },
  keyCount: {
    method: 'GET',
    path: '/v1/keys',
    authenticated: true,
    query: nothing,
    body: null,
    answer: keyCountSchema,
  },
  /** A bundle for each device of an account; takes one one-time key of each kind from each device. */
  bundle: {
    method: 'GET',
    path: '/v1/bundle',
    authenticated: true,
    query: z.strictObject({ accountId: accountIdSchema }),
    body: null,
    answer: bundleSchema,
  },
  directory: {
    method: 'GET',
    path: '/v1/directory',
    authenticated: true,
    query: z.strictObject({
      query: z.string().max(limits.directoryQueryCharacters).default(''),
      /** `next` of the page before. */
      after: z.string().max(512).optional(),
    }),
    body: null,
    answer: z.strictObject({
      entries: z.array(directoryEntrySchema).max(limits.directoryPage),
      next: z.string().max(512).nullable(),
      total: z.int().min(0),
    }),
  },
  /** One account by its id. */
  account: {
    method: 'GET',
    path: '/v1/account',
    authenticated: true,
    query: z.strictObject({ accountId: accountIdSchema }),
    body: null,
    answer: directoryEntrySchema,
  },
  /** A fresh sender certificate for the device that asks. */
  certificate: {
    method: 'GET',
    path: '/v1/certificate',
    authenticated: true,
    query: nothing,
    body: null,
    answer: z.strictObject({ certificate: bytes(1, 2048), expiresAt: z.int() }),
  },
} as const

export type RouteName = keyof typeof routes
export type RouteQuery<N extends RouteName> = z.input<(typeof routes)[N]['query']>
export type RouteBody<N extends RouteName> = (typeof routes)[N]['body'] extends z.ZodType
  ? z.input<(typeof routes)[N]['body']>
  : null
export type RouteAnswer<N extends RouteName> = z.output<(typeof routes)[N]['answer']>

export const socketPath = '/v1/socket'
export const healthPath = '/v1/health'

export type DirectoryEntry = z.output<typeof directoryEntrySchema>
export type KeyUpload = z.output<typeof keyUploadSchema>
export type Bundle = z.output<typeof bundleSchema>
