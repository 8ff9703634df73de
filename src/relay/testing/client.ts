import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { IdentityKeyPair, KEMKeyPair, PrivateKey } from '@signalapp/libsignal-client'
import { WebSocket } from 'ws'
import { fromUuid, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { authenticationInput, enrolmentInput } from '../../wire/authentication.ts'
import { routes, socketPath, type KeyUpload, type RouteAnswer, type RouteName } from '../../wire/http.ts'
import { protocolVersion } from '../../wire/limits.ts'
import { ClientFrameSchema, ServerFrameSchema, type Envelope, type ServerFrame } from '../../wire/relay_pb.ts'

type ClientFrameInit = NonNullable<
  Exclude<MessageInitShape<typeof ClientFrameSchema>, { $typeName: string }>['frame']
>
type FrameCase = NonNullable<ServerFrame['frame']['case']>
type FrameValue<C extends FrameCase> = Extract<ServerFrame['frame'], { case: C }>['value']

/** The keys of a scripted device: real ones, made by libsignal. */
export interface TestDevice {
  readonly identity: IdentityKeyPair
  readonly registrationId: number
  readonly deviceKey: Bytes
  readonly devicePrivateKey: KeyObject
}

export interface EnrolledDevice extends TestDevice {
  readonly accountId: string
  readonly deviceId: number
}

export function newDevice(registrationId = 1234): TestDevice {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  return {
    identity: IdentityKeyPair.generate(),
    registrationId,
    deviceKey: new Uint8Array(Buffer.from(String(x), 'base64url')),
    devicePrivateKey: privateKey,
  }
}

/** A full upload: signed prekey, last resort, and `oneTime` keys of each kind. */
export function keyUpload(identity: IdentityKeyPair, oneTime: number, firstId = 1): Required<KeyUpload> {
  const ids = Array.from({ length: oneTime }, (_, index) => firstId + index)
  return {
    signedPreKey: signedKey(identity, 1, curve()),
    lastResortKyberPreKey: signedKey(identity, 0xff_ffff, kyber()),
    oneTimePreKeys: ids.map((keyId) => ({ keyId, publicKey: toBase64Url(curve()) })),
    oneTimeKyberPreKeys: ids.map((keyId) => signedKey(identity, keyId, kyber())),
  }
}

function signedKey(
  identity: IdentityKeyPair,
  keyId: number,
  publicKey: Bytes,
): Required<KeyUpload>['signedPreKey'] & object {
  const signature = identity.privateKey.sign(publicKey)
  return { keyId, publicKey: toBase64Url(publicKey), signature: toBase64Url(signature) }
}

function curve(): Bytes {
  return PrivateKey.generate().getPublicKey().serialize()
}

function kyber(): Bytes {
  return KEMKeyPair.generate().getPublicKey().serialize()
}

export function enrolBody(code: string, device: TestDevice, oneTime = 2): Record<string, unknown> {
  const identityKey = device.identity.publicKey.serialize()
  const { deviceKey, registrationId } = device
  const input = enrolmentInput({ code, identityKey, deviceKey, registrationId })
  return {
    code,
    identityKey: toBase64Url(identityKey),
    deviceKey: toBase64Url(deviceKey),
    registrationId,
    proof: toBase64Url(sign(null, input, device.devicePrivateKey)),
    keys: keyUpload(device.identity, oneTime),
  }
}

export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
}

/** One raw request; nothing is checked on the way out, so that bad input can be sent too. */
export async function ask(
  address: string,
  method: string,
  path: string,
  options: { readonly token?: string; readonly body?: unknown; readonly raw?: string } = {},
): Promise<HttpAnswer> {
  const text = options.raw ?? (options.body === undefined ? null : JSON.stringify(options.body))
  const headers: Record<string, string> = text === null ? {} : { 'content-type': 'application/json' }
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`
  const answer = await fetch(address + path, { method, headers, body: text })
  return { status: answer.status, body: await answer.json() }
}

/** A request that has to succeed, with its answer checked by the wire's own schema. */
export async function call<N extends RouteName>(
  address: string,
  name: N,
  options: { readonly token?: string; readonly query?: Record<string, string>; readonly body?: unknown } = {},
): Promise<RouteAnswer<N>> {
  const { method, path, answer } = routes[name]
  const query = options.query === undefined ? '' : `?${new URLSearchParams(options.query).toString()}`
  const { status, body } = await ask(address, method, path + query, options)
  if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`)
  return answer.parse(body) as RouteAnswer<N>
}

export async function enrolDevice(
  address: string,
  code: string,
  device = newDevice(),
  oneTime = 2,
): Promise<EnrolledDevice> {
  const { deviceId, account } = await call(address, 'enrol', { body: enrolBody(code, device, oneTime) })
  return { ...device, deviceId, accountId: account.accountId }
}

export interface Waiter {
  readonly wanted: (frame: ServerFrame['frame']) => boolean
  readonly resolve: (frame: ServerFrame['frame']) => void
}

/** A scripted client on one WebSocket. Keeps every frame that came in until somebody takes it. */
export class TestClient {
  readonly socket: WebSocket
  /** The connection under it, for bytes that `ws` would not send. */
  readonly stream: Socket
  readonly inbox: ServerFrame['frame'][] = []
  readonly closed: Promise<{ readonly code: number }>
  #waiters: Waiter[] = []
  #nextRequest = 1

  constructor(address: string) {
    const { hostname, port } = new URL(address)
    this.stream = connect(Number(port), hostname)
    this.socket = new WebSocket(address.replace(/^http/, 'ws') + socketPath, {
      createConnection: () => this.stream,
    })
    this.socket.binaryType = 'nodebuffer'
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data: Buffer) => this.#take(fromBinary(ServerFrameSchema, data).frame))
    this.closed = new Promise((resolve) => this.socket.on('close', (code) => resolve({ code })))
  }

  static async connect(
    address: string,
    device: EnrolledDevice,
  ): Promise<TestClient & { readonly token: string }> {
    const client = new TestClient(address)
    const challenge = await client.next('challenge')
    client.send({ case: 'authenticate', value: proof(device, challenge.relayId, challenge.nonce) })
    const welcome = await client.next('welcome')
    return Object.assign(client, { token: welcome.token?.value ?? '' })
  }

  send(frame: ClientFrameInit): void {
    this.socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
  }

  /** Takes the first frame of this kind; fails when the connection closes before. */
  async next<C extends FrameCase>(kind: C, ms = 5_000): Promise<FrameValue<C>> {
    const frame = await this.#nextWhere((candidate) => candidate.case === kind, kind, ms)
    return frame.value as FrameValue<C>
  }

  async put(
    to: EnrolledDevice,
    body: Uint8Array,
    messageId: Uint8Array = randomBytes(16),
  ): Promise<FrameValue<'putResult'>> {
    return this.putRaw(uuidOf(to.accountId), [
      { deviceId: to.deviceId, registrationId: to.registrationId, messageId, body },
    ])
  }

  async putRaw(
    destination: Uint8Array,
    envelopes: readonly {
      deviceId: number
      registrationId: number
      messageId: Uint8Array
      body: Uint8Array
    }[],
    ms = 5_000,
  ): Promise<FrameValue<'putResult'>> {
    const requestId = this.#nextRequest++
    this.send({ case: 'put', value: { requestId, destination, envelopes: [...envelopes] } })
    const mine = (frame: ServerFrame['frame']): boolean =>
      frame.case === 'putResult' && frame.value.requestId === requestId
    return (await this.#nextWhere(mine, 'putResult', ms)).value as FrameValue<'putResult'>
  }

  /** Takes envelopes until there are so many, without acknowledging. */
  async envelopes(count: number, ms = 5_000): Promise<Envelope[]> {
    const found: Envelope[] = []
    while (found.length < count) found.push(...(await this.next('deliver', ms)).envelopes)
    return found
  }

  acknowledge(envelopes: readonly { readonly queueId: bigint }[]): void {
    this.send({ case: 'acknowledge', value: { queueIds: envelopes.map((envelope) => envelope.queueId) } })
  }

  async end(): Promise<void> {
    this.socket.close()
    await this.closed
  }

  async #nextWhere(wanted: Waiter['wanted'], what: string, ms: number): Promise<ServerFrame['frame']> {
    const index = this.inbox.findIndex(wanted)
    const [there] = index < 0 ? [] : this.inbox.splice(index, 1)
    if (there !== undefined) return there
    return new Promise((resolve, reject) => {
      const waiter = { wanted, resolve }
      this.#waiters.push(waiter)
      const fail = (reason: string): void => {
        this.#waiters = this.#waiters.filter((candidate) => candidate !== waiter)
        reject(new Error(`no ${what}: ${reason}`))
      }
      const timer = setTimeout(() => fail('time'), ms)
      waiter.resolve = (frame) => {
        clearTimeout(timer)
        resolve(frame)
      }
      void this.closed.then(({ code }) => fail(`closed ${code}`))
    })
  }

  #take(frame: ServerFrame['frame']): void {
    const index = this.#waiters.findIndex((waiter) => waiter.wanted(frame))
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1)
    if (waiter === undefined) this.inbox.push(frame)
    else waiter.resolve(frame)
  }
}

export function proof(
  device: EnrolledDevice,
  relayId: string,
  nonce: Uint8Array,
): { accountId: Uint8Array; deviceId: number; signature: Uint8Array; protocolVersion: number } {
  const accountId = uuidOf(device.accountId)
  const input = authenticationInput({ relayId, nonce, accountId, deviceId: device.deviceId })
  const signature = sign(null, input, device.devicePrivateKey)
  return { accountId, deviceId: device.deviceId, signature, protocolVersion }
}

export function uuidOf(accountId: string): Bytes {
  const bytes = fromUuid(accountId)
  if (bytes === null) throw new Error('not a UUID')
  return bytes
}

/** A message id that a test can name. */
export function messageIdOf(name: string): Uint8Array {
  return createHash('sha256').update(name).digest().subarray(0, 16)
}
