import { randomBytes } from 'node:crypto'
import {
  CiphertextMessageType,
  groupEncrypt,
  IdentityKeyPair,
  sealedSenderEncrypt,
  sealedSenderMultiRecipientEncrypt,
  sealedSenderMultiRecipientMessageForSingleRecipient,
  SenderCertificate,
  SenderKeyDistributionMessage,
  UnidentifiedSenderMessageContent,
} from '@signalapp/libsignal-client'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyBytes, toBase64Url, utf8, type Bytes } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { decodeContent } from '../content/content.ts'
import { unpad } from '../content/padding.ts'
import type { WriteSet } from '../storage/writeSet.ts'
import { protocolAddress } from './address.ts'
import { readBundle } from './bundle.ts'
import { receivedKey } from './curveKeys.ts'
import { openName } from './deviceName.ts'
import { compareScanned, safetyNumber } from './fingerprint.ts'
import { newEphemeralKey, openHandover, sealHandover } from './linking.ts'
import { beginPermits, finishPermits } from './permits.ts'
import { newProfileKey } from './profileKey.ts'
import { readRetryRequest } from './retry.ts'
import { Stores } from './stores.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { addressOf, newEnvelopeId, TestRoom } from './testRoom.ts'

const room = new TestRoom()
let a: TestDevice
let b: TestDevice
/** Every kind of message there is, by its name. */
let kinds: ReadonlyMap<string, Bytes>

beforeAll(async () => {
  ;[a, b] = await room.pair()
  kinds = await everyKind()
})
afterAll(() => room.remove())

function storesOf(device: TestDevice): Stores {
  const { accountId, registrationId, identityKeyPair } = device.local
  const keyPair = IdentityKeyPair.deserialize(identityKeyPair)
  return new Stores(device.records.begin(), { accountId, registrationId, keyPair }, Date.now())
}

async function everyKind(): Promise<ReadonlyMap<string, Bytes>> {
  const made = new Map<string, Bytes>()
  const encrypt = async (from: TestDevice, to: TestDevice) =>
    await from.protocol.exclusively((turn) => turn.encrypt(addressOf(to), utf8('x')))
  made.set('prekey message', (await encrypt(a, b)).ciphertext)
  const bundle = bundleOf(b)
  made.set('bundle', utf8(JSON.stringify(bundle)))
  await room.exchange(a, b)
  const whisper = await encrypt(a, b)
  made.set('signal message', whisper.ciphertext)

  const stores = storesOf(a)
  const distributionId = crypto.randomUUID()
  const sender = protocolAddress(addressOf(a))
  const distribution = await SenderKeyDistributionMessage.create(sender, distributionId, stores.senderKey)
  made.set('sender key distribution', distribution.serialize())
  const group = await groupEncrypt(sender, distributionId, stores.senderKey, utf8('x'))
  made.set('sender key message', group.serialize())

  const certificate = room.certificate(a)
  made.set('certificate', certificate)
  made.set('plaintext', retryOf(await room.open(b, await spent())))
  made.set('sealed v1', await room.send(a, b, 'x'))
  const content = UnidentifiedSenderMessageContent.new(
    group,
    SenderCertificate.deserialize(certificate),
    0,
    null,
  )
  made.set('unidentified sender content', content.serialize())
  const sent = await sealedSenderMultiRecipientEncrypt({
    content,
    recipients: [protocolAddress(addressOf(b))],
    identityStore: stores.identity,
    sessionStore: stores.session,
  })
  made.set('sealed v2, as sent', sent)
  made.set('sealed v2, as received', sealedSenderMultiRecipientMessageForSingleRecipient(sent))
  const sealedGroup = await sealedSenderEncrypt(content, protocolAddress(addressOf(b)), stores.identity)
  made.set('sealed v1 around a sender key message', sealedGroup)
  made.set('content', utf8('no protobuf'))
  made.set('nothing', new Uint8Array())
  made.set('zeros', new Uint8Array(200))
  made.set('random', copyBytes(randomBytes(500)))
  made.set('public key', a.identityKey)
  made.set('key pair', a.local.identityKeyPair)
  return made
}

/** A message that was read before. */
async function spent(): Promise<Bytes> {
  const body = await room.send(a, b, 'lu')
  await room.open(b, body)
  return body
}

function retryOf(result: Awaited<ReturnType<typeof room.open>>): Bytes {
  if (result.kind !== 'refused' || result.retry === null) throw new Error('nothing to ask again')
  return result.retry
}

function isUntouched(writes: WriteSet): boolean {
  const { identities, sessions, retiredSessions, preKeys, signedPreKeys, kyberPreKeys, senderKeys } = writes
  const overlays = [
    identities,
    sessions,
    retiredSessions,
    preKeys,
    signedPreKeys,
    kyberPreKeys,
    senderKeys,
  ] as const
  return overlays.every((overlay) => overlay.changes.size === 0)
}

/** The code that opening it gives; anything but a refusal that changed nothing fails. */
async function refusalOf(to: TestDevice, body: Bytes): Promise<ErrorCode> {
  return await to.protocol.exclusively(async (turn) => {
    const result = await turn.open(body, Date.now(), newEnvelopeId())
    if (result.kind !== 'refused') throw new Error(`it was ${result.kind}`)
    expect(isUntouched(turn.writes)).toBe(true)
    return result.code
  })
}

/** The code that a function throws; another exception fails, and so does none. */
function thrownCode(work: () => unknown): ErrorCode {
  try {
    work()
  } catch (error) {
    if (error instanceof CodedError) return error.code
    throw error
  }
  throw new Error('it was taken')
}

const oneOf = (...codes: ErrorCode[]) => new Set(codes)

describe('as an envelope', () => {
  it('every kind but a sealed message is malformed', async () => {
    for (const [kind, bytes] of kinds) {
      if (kind === 'sealed v1') continue
      expect([kind, await refusalOf(b, bytes)]).toEqual([kind, 'envelope.malformed'])
    }
    // The one that is meant for it is not refused, so the others were not for another reason.
    const sealed = kinds.get('sealed v1') ?? new Uint8Array()
    expect((await room.open(b, sealed, { commit: false })).kind).toBe('opened')
  })

  it('a message that is for another is malformed', async () => {
    expect(await refusalOf(room.device(), await room.send(a, b, 'x'))).toBe('envelope.malformed')
  })
})

describe('inside the sealed layer', () => {
  const types = [CiphertextMessageType.Whisper, CiphertextMessageType.PreKey, CiphertextMessageType.Plaintext]
  const expected = oneOf(
    'envelope.malformed',
    'envelope.undecryptable',
    'envelope.unknownPreKey',
    'envelope.duplicate',
    'certificate.sender',
    'content.malformed',
    'content.notAllowed',
  )
  const sealed = async (type: number, ciphertext: Bytes) =>
    await a.protocol.exclusively((turn) => turn.seal(addressOf(b), { type, ciphertext }, room.certificate(a)))

  it.each(types)('every kind as type %i is refused', async (type) => {
    const proper = new Map<string, number>([
      ['signal message', CiphertextMessageType.Whisper],
      ['plaintext', CiphertextMessageType.Plaintext],
    ])
    for (const [kind, bytes] of kinds) {
      // An empty one cannot be sealed: libsignal refuses it on both sides.
      if (proper.get(kind) === type || bytes.length === 0) continue
      expect({ kind, refused: expected.has(await refusalOf(b, await sealed(type, bytes))) }).toEqual({
        kind,
        refused: true,
      })
    }
  })

  it.each(types)('random bytes, and damaged messages of type %i, are refused', async (type) => {
    const whole = [...kinds.values()]
    const damaged = fc
      .tuple(
        fc.constantFrom(...whole.filter((bytes) => bytes.length > 0)),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
      )
      .map(([bytes, at, change]) => {
        const copy = bytes.slice()
        copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ change
        return copy
      })
    const cut = fc
      .tuple(fc.constantFrom(...whole), fc.nat())
      .map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1)))
    const random = fc.uint8Array({ maxLength: 400 }).map(copyBytes)
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, cut, random), async (bytes) => {
        const isWhole = whole.some((kind) => Buffer.compare(kind, bytes) === 0)
        fc.pre(!isWhole && bytes.length > 0)
        const result = await b.protocol.exclusively(async (turn) => {
          const opened = await turn.open(await sealed(type, bytes), Date.now(), newEnvelopeId())
          expect(isUntouched(turn.writes)).toBe(true)
          return opened
        })
        // A retry request is not authenticated but by the sealed layer: a changed one may be another one.
        if (type === CiphertextMessageType.Plaintext && result.kind === 'retryRequest') return
        expect(result.kind === 'refused' && expected.has(result.code)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('a sender key message is refused: this room has no way for it', async () => {
    const bytes = kinds.get('sealed v1 around a sender key message') ?? new Uint8Array()
    expect(await refusalOf(b, bytes)).toBe('envelope.malformed')
  })
})

describe('in every other parser', () => {
  it('every kind is refused with a code', async () => {
    const key = newEphemeralKey()
    const own = safetyNumber(
      { accountId: a.local.accountId, identityKey: a.identityKey },
      { accountId: b.local.accountId, identityKey: b.identityKey },
    )
    const { context } = beginPermits(1)
    for (const [kind, bytes] of kinds) {
      const linkId = new Uint8Array(32)
      const codes: [ErrorCode, ErrorCode][] = [
        [thrownCode(() => openHandover(key.privateKey, linkId, 'r', bytes)), 'link.mismatch'],
        [thrownCode(() => compareScanned(own.scannable, bytes)), 'identity.mismatch'],
        [thrownCode(() => finishPermits(context, bytes, bytes, Date.now())), 'permit.invalid'],
        [thrownCode(() => readBundle(bytes)), 'bundle.malformed'],
        [thrownCode(() => readBundle(toBase64Url(bytes))), 'bundle.malformed'],
      ]
      if (kind !== 'plaintext') {
        codes.push([thrownCode(() => readRetryRequest(bytes)), 'content.malformed'])
      }
      if (kind !== 'public key') {
        codes.push([thrownCode(() => receivedKey(bytes, 'bundle.malformed')), 'bundle.malformed'])
        codes.push([thrownCode(() => sealHandover(bytes, linkId, handover())), 'link.mismatch'])
      }
      for (const [code, wanted] of codes) expect([kind, code]).toEqual([kind, wanted])
      expect(openName(a.local.identityKeyPair, 1, bytes)).toBeNull()
    }
  })

  const handover = () => ({
    accountId: a.local.accountId,
    deviceId: 2,
    secret: new Uint8Array(32),
    identityKeyPair: a.local.identityKeyPair,
    profileKey: newProfileKey(),
    relayId: 'r',
  })

  it('content is decoded or refused with a code', () => {
    const decode = (bytes: Bytes): ErrorCode | 'decoded' => {
      try {
        decodeContent(bytes)
        return 'decoded'
      } catch (error) {
        if (error instanceof CodedError) return error.code
        throw error
      }
    }
    const allowed = new Set(['decoded', 'content.malformed', 'content.tooLarge', 'content.notAllowed'])
    for (const [kind, bytes] of kinds)
      expect({ kind, ok: allowed.has(decode(bytes)) }).toEqual({ kind, ok: true })
    for (const bytes of [new Uint8Array(), new Uint8Array(160)]) {
      expect(thrownCode(() => unpad(bytes))).toBe('content.malformed')
    }
  })

  it('keys of a bundle that are of the right length but no keys are refused', async () => {
    const bundle = bundleOf(b)
    const [device] = bundle.devices
    if (device === undefined) throw new Error('no device')
    const none = (length: number) => toBase64Url(copyBytes(randomBytes(length)))
    const wrong = [
      { ...device, signedPreKey: { ...device.signedPreKey, publicKey: none(33) } },
      { ...device, kyberPreKey: { ...device.kyberPreKey, publicKey: none(1569) } },
      { ...device, preKey: { keyId: 1, publicKey: none(33) } },
    ]
    const c = room.device()
    for (const changed of wrong) {
      const start = startSessions(c, b.local.accountId, { ...bundle, devices: [changed] })
      await expect(start).rejects.toMatchObject({ code: 'bundle.malformed' })
    }
    const signature = { ...device.kyberPreKey, signature: none(64) }
    await expect(
      startSessions(c, b.local.accountId, { ...bundle, devices: [{ ...device, kyberPreKey: signature }] }),
    ).rejects.toMatchObject({ code: 'bundle.signature' })
    expect(c.records.begin().sessions.keys().size).toBe(0)
  })
})
