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
  /** Forgets the one-time keys that the relay still has: after a copied vault, or with a new identity key. */
  replaceOneTime: z.boolean().default(false),
  oneTimePreKeys: z.array(preKeySchema).max(limits.oneTimePreKeysPerUpload).default([]),
  oneTimeKyberPreKeys: z.array(kyberPreKeySchema).max(limits.oneTimePreKeysPerUpload).default([]),
})

/**
 * Ed25519 and registration id of a device, signed by the account's identity key over `attestationInput()`: a relay
 * cannot invent a device, nor offer one device's prekeys under the number of another.
 */
const attestation = signature

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
  /** Of device `limits.firstDeviceId`: an invitation always enrols that one. */
  attestation,
  /** SHA-256 of the access key that `ProfileKey.deriveAccessKey` gives: whoever shows the key may write. */
  accessKeyHash: bytes(32),
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
        deviceKey: bytes(32),
        attestation,
        signedPreKey: signedPreKeySchema,
        preKey: preKeySchema.nullable(),
        kyberPreKey: kyberPreKeySchema,
      }),
    )
    .max(limits.devicesPerAccount),
})

/** A device of one's own account. */
export const deviceSchema = z.strictObject({
  deviceId: deviceIdSchema,
  registrationId: registrationIdSchema,
  deviceKey: bytes(32),
  attestation,
  /** Name that the person gave it, encrypted for the account's own devices; empty when there is none. */
  sealedName: bytes(0, 512),
  /** ms since the epoch. */
  addedAt: z.int().min(0),
  /** First millisecond of the UTC day on which it was last connected; the relay keeps no more. */
  lastSeenDay: z.int().min(0),
})

/** Name of a place where two devices of an account meet while one is being linked: a hash of the code they share. */
const linkId = bytes(32)

export const refusalSchema = z.strictObject({
  code: z.string().max(64),
  retryAfterMs: z.int().min(0).optional(),
  /** With `budget.stepUp`: where the person confirms with the second factor. */
  address: z.string().max(300).optional(),
})

const nothing = z.strictObject({})

/**
 * Who may ask. `device`: a token of the authenticated socket. `anonymous`: an access key or a permit in a header of its
 * own, never a token, so that the relay does not learn who asks about whom. `public`: anybody, within a budget.
 */
export type RouteAccess = 'public' | 'device' | 'anonymous'

/** Headers of an anonymous request, base64url. */
export const accessKeyHeader = 'valise-access-key'
export const permitHeader = 'valise-permit'

export const routes = {
  /** Public: what an invitation's anchors hash is compared with. */
  anchors: {
    method: 'GET',
    path: '/v1/anchors',
    access: 'public',
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
    access: 'public',
    query: nothing,
    body: z.strictObject({ code: z.string().min(12).max(64) }),
    answer: z.strictObject({ account: directoryEntrySchema, expiresAt: z.int() }),
  },
  /** Uses an invitation. The same device key may repeat it and gets the same answer. */
  enrol: {
    method: 'POST',
    path: '/v1/enrol',
    access: 'public',
    query: nothing,
    body: enrolRequestSchema,
    answer: enrolAnswerSchema,
  },
  uploadKeys: {
    method: 'PUT',
    path: '/v1/keys',
    access: 'device',
    query: nothing,
    body: keyUploadSchema,
    answer: keyCountSchema,
  },
  keyCount: {
    method: 'GET',
    path: '/v1/keys',
    access: 'device',
    query: nothing,
    body: null,
    answer: keyCountSchema,
  },
  /** A bundle for each device of another account; takes one one-time key of each kind from each device. */
  bundle: {
    method: 'GET',
    path: '/v1/bundle',
    access: 'anonymous',
    query: z.strictObject({ accountId: accountIdSchema }),
    body: null,
    answer: bundleSchema,
  },
  directory: {
    method: 'GET',
    path: '/v1/directory',
    access: 'device',
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
    access: 'device',
    query: z.strictObject({ accountId: accountIdSchema }),
    body: null,
    answer: directoryEntrySchema,
  },
  /** Bundles of the other devices of one's own account. */
  ownBundle: {
    method: 'GET',
    path: '/v1/bundle/own',
    access: 'device',
    query: nothing,
    body: null,
    answer: bundleSchema,
  },
  /** All devices of one's own account, the one that asks among them. */
  devices: {
    method: 'GET',
    path: '/v1/devices',
    access: 'device',
    query: nothing,
    body: null,
    answer: z.strictObject({
      revision: z.int().min(0),
      identityKey: curveKey,
      devices: z.array(deviceSchema).min(1).max(limits.devicesPerAccount),
    }),
  },
  /** Takes a device of one's own account off it, at once, with its queue and keys; it may be the one that asks. */
  removeDevice: {
    method: 'DELETE',
    path: '/v1/devices',
    access: 'device',
    query: z.strictObject({
      deviceId: z
        .string()
        .regex(/^\d{1,3}$/)
        .transform(Number)
        .pipe(deviceIdSchema),
    }),
    body: null,
    answer: nothing,
  },
  nameDevice: {
    method: 'PUT',
    path: '/v1/devices/name',
    access: 'device',
    query: nothing,
    body: z.strictObject({ sealedName: bytes(0, 512) }),
    answer: nothing,
  },
  /**
   * A new identity key for the account, after a device was lost. The one that asks brings its new keys; those that it
   * keeps have been handed the new key and have none until they upload theirs (`adoptIdentity`); every other device of the
   * account is removed in the same step, whether it was known to the one that asks or not.
   */
  replaceIdentity: {
    method: 'PUT',
    path: '/v1/identity',
    access: 'device',
    query: nothing,
    body: z.strictObject({
      keep: z.array(deviceIdSchema).max(limits.devicesPerAccount),
      previousIdentityKey: curveKey,
      identityKey: curveKey,
      attestation,
      accessKeyHash: bytes(32),
      keys: keyUploadSchema.required({ signedPreKey: true, lastResortKyberPreKey: true }),
    }),
    answer: z.strictObject({ revision: z.int().min(0) }),
  },
  /** Another device's keys and attestation under the account's new identity key. */
  adoptIdentity: {
    method: 'PUT',
    path: '/v1/identity/device',
    access: 'device',
    query: nothing,
    body: z.strictObject({
      identityKey: curveKey,
      attestation,
      keys: keyUploadSchema.required({ signedPreKey: true, lastResortKyberPreKey: true }),
    }),
    answer: nothing,
  },
  /** Changes who may write with an access key. */
  accessKey: {
    method: 'PUT',
    path: '/v1/access-key',
    access: 'device',
    query: nothing,
    body: z.strictObject({ accessKeyHash: bytes(32) }),
    answer: nothing,
  },
  /** Draws blind permits from the day's budget of the account. Request and response are libsignal's, serialized. */
  permits: {
    method: 'POST',
    path: '/v1/permits',
    access: 'device',
    query: nothing,
    body: z.strictObject({ request: bytes(1, 8192) }),
    answer: z.strictObject({ response: bytes(1, 32_768), left: z.int().min(0) }),
  },
  /** A device that wants to be linked leaves its ephemeral key under the hash of its code. */
  linkOffer: {
    method: 'POST',
    path: '/v1/link/offer',
    access: 'public',
    query: nothing,
    body: z.strictObject({ linkId, ephemeralKey: curveKey, nonce: bytes(16) }),
    answer: z.strictObject({ expiresAt: z.int() }),
  },
  /** A device where a person typed the code fetches that key. Five tries an account in ten minutes. */
  linkFind: {
    method: 'POST',
    path: '/v1/link/find',
    access: 'device',
    query: nothing,
    body: z.strictObject({ linkId }),
    answer: z.strictObject({ ephemeralKey: curveKey, nonce: bytes(16) }),
  },
  /** Reserves a device id for it. The secret goes to the new device within what is sealed for it. */
  linkReserve: {
    method: 'POST',
    path: '/v1/link/reserve',
    access: 'device',
    query: nothing,
    body: z.strictObject({ linkId }),
    answer: z.strictObject({ deviceId: deviceIdSchema, secret: bytes(32) }),
  },
  /** Leaves the account's keys for it, sealed to its ephemeral key. */
  linkAnswer: {
    method: 'POST',
    path: '/v1/link/answer',
    access: 'device',
    query: nothing,
    body: z.strictObject({ linkId, sealed: bytes(1, 16_384) }),
    answer: nothing,
  },
  /** The new device asks for them; null while nobody has answered. Taken once. */
  linkTake: {
    method: 'POST',
    path: '/v1/link/take',
    access: 'public',
    query: nothing,
    body: z.strictObject({ linkId }),
    answer: z.strictObject({ sealed: bytes(1, 16_384).nullable() }),
  },
  /** Makes the new device. The same device key may repeat it and gets the same answer. */
  linkComplete: {
    method: 'POST',
    path: '/v1/link/complete',
    access: 'public',
    query: nothing,
    body: z.strictObject({
      linkId,
      secret: bytes(32),
      accountId: accountIdSchema,
      deviceId: deviceIdSchema,
      deviceKey: bytes(32),
      registrationId: registrationIdSchema,
      /** Ed25519 by the device key over `linkInput()`. */
      proof: signature,
      attestation,
      sealedName: bytes(0, 512),
      keys: keyUploadSchema.required({ signedPreKey: true, lastResortKyberPreKey: true }),
    }),
    answer: z.strictObject({ account: directoryEntrySchema }),
  },
  /**
   * One account, for whoever has its access key: a person who has just written is looked up without telling the relay who
   * was written to.
   */
  person: {
    method: 'GET',
    path: '/v1/person',
    access: 'anonymous',
    query: z.strictObject({ accountId: accountIdSchema }),
    body: null,
    answer: directoryEntrySchema,
  },
  /** A fresh sender certificate for the device that asks. */
  certificate: {
    method: 'GET',
    path: '/v1/certificate',
    access: 'device',
    query: nothing,
    body: null,
    answer: z.strictObject({ certificate: bytes(1, 2048), expiresAt: z.int() }),
  },
} as const

/** In place of an address: addresses end up in the logs of proxies. */
export const blobCapabilityHeader = 'valise-blob'

/**
 * Encrypted files, by capability: 32 random bytes that the readers of a message know, and of which the relay is told the
 * SHA-256 alone. Bodies are `application/octet-stream`. Both are paid with a permit (`permitHeader`); where an answer was
 * lost, the same request may be repeated with the same permit.
 */
export const blobRoutes = {
  /** Refuses `blob.exists` for another body under the same id, `relay.full`, `request.tooLarge`. */
  putBlob: {
    method: 'PUT',
    path: '/v1/blob',
    query: z.strictObject({
      /** SHA-256 of the capability. */
      blobId: bytes(32),
      /** How often it may be read. */
      reads: z
        .string()
        .regex(/^\d{1,6}$/)
        .transform(Number)
        .pipe(z.int().min(1).max(limits.blobReads)),
      /** ms that it is kept, when it is not read so often. */
      keptMs: z
        .string()
        .regex(/^\d{1,12}$/)
        .transform(Number)
        .pipe(z.int().min(60_000).max(limits.blobMs)),
    }),
    answer: z.strictObject({ expiresAt: z.int() }),
  },
  /** With `blobCapabilityHeader`. `blob.unknown`, also for a capability that never was. */
  getBlob: { method: 'GET', path: '/v1/blob', query: nothing, answer: null },
} as const

export type RouteName = keyof typeof routes
export const routeNames = Object.keys(routes).filter((name): name is RouteName => Object.hasOwn(routes, name))
export type RouteQuery<N extends RouteName> = z.input<(typeof routes)[N]['query']>
export type RouteBody<N extends RouteName> = (typeof routes)[N]['body'] extends z.ZodType
  ? z.input<(typeof routes)[N]['body']>
  : null
export type RouteAnswer<N extends RouteName> = z.output<(typeof routes)[N]['answer']>

export const socketPath = '/v1/socket'
export const anonymousSocketPath = '/v1/anonymous'
export const healthPath = '/v1/health'
/** 200 while the relay should be sent devices, 503 while it should not. */
export const readyPath = '/v1/ready'

export type OwnDevice = z.output<typeof deviceSchema>
export type DirectoryEntry = z.output<typeof directoryEntrySchema>
export type KeyUpload = z.output<typeof keyUploadSchema>
export type Bundle = z.output<typeof bundleSchema>
