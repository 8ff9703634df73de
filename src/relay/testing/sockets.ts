import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as secureConnect } from 'node:tls'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { WebSocket } from 'ws'
import { channelBinding } from '../../wire/channel.ts'
import { anonymousSocketPath, socketPath } from '../../wire/http.ts'
import { ClientFrameSchema, ServerFrameSchema, type Envelope, type ServerFrame } from '../../wire/relay_pb.ts'
import { proof, uuidOf, type EnrolledDevice, type TestVault } from './client.ts'

type ClientFrameInit = NonNullable<
  Exclude<MessageInitShape<typeof ClientFrameSchema>, { $typeName: string }>['frame']
>
type FrameCase = NonNullable<ServerFrame['frame']['case']>
type FrameValue<C extends FrameCase> = Extract<ServerFrame['frame'], { case: C }>['value']
export type PutResultValue = FrameValue<'putResult'>

/** Only what never comes takes so long, whatever the machine does meanwhile. */
const answerMs = 60_000

interface Waiter {
  readonly wanted: (frame: ServerFrame['frame']) => boolean
  readonly resolve: (frame: ServerFrame['frame']) => void
}

export interface TestEnvelope {
  readonly deviceId: number
  readonly registrationId: number
  readonly messageId: Uint8Array
  readonly body: Uint8Array
}

export function envelopeTo(
  to: EnrolledDevice,
  body: Uint8Array,
  messageId: Uint8Array = randomBytes(16),
): TestEnvelope {
  return { deviceId: to.deviceId, registrationId: to.registrationId, messageId, body }
}

function streamTo(address: string): Socket {
  const { hostname, port, protocol } = new URL(address)
  const to = { port: Number(port), host: hostname }
  // Who these tests play knows the relay by its address.
  return protocol === 'https:' ? secureConnect({ ...to, rejectUnauthorized: false }) : connect(to)
}

/** One scripted WebSocket. Keeps every frame that came in until somebody takes it. */
class TestSocket {
  readonly socket: WebSocket
  /** The connection under it, for bytes that `ws` would not send. */
  readonly stream: Socket
  readonly inbox: ServerFrame['frame'][] = []
  readonly closed: Promise<{ readonly code: number }>
  #waiters: Waiter[] = []
  #nextRequest = 1

  constructor(address: string, path: string, autoPong: boolean) {
    this.stream = streamTo(address)
    this.socket = new WebSocket(address.replace(/^http/, 'ws') + path, {
      createConnection: () => this.stream,
      autoPong,
    })
    this.socket.binaryType = 'nodebuffer'
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data: Buffer) => this.#take(fromBinary(ServerFrameSchema, data).frame))
    this.closed = new Promise((resolve) => this.socket.on('close', (code) => resolve({ code })))
  }

  send(frame: ClientFrameInit): void {
    this.socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })))
  }

  /** Takes the first frame of this kind; fails when the connection closes before. */
  async next<C extends FrameCase>(kind: C, ms = answerMs): Promise<FrameValue<C>> {
    const frame = await this.#nextWhere((candidate) => candidate.case === kind, kind, ms)
    return frame.value as FrameValue<C>
  }

  async end(): Promise<void> {
    this.socket.close()
    await this.closed
  }

  protected async sendPut(
    frame: (requestId: number) => ClientFrameInit,
    ms = answerMs,
  ): Promise<PutResultValue> {
    const requestId = this.#nextRequest++
    this.send(frame(requestId))
    const mine = (candidate: ServerFrame['frame']): boolean =>
      candidate.case === 'putResult' && candidate.value.requestId === requestId
    return (await this.#nextWhere(mine, 'putResult', ms)).value as PutResultValue
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

export type WelcomeClient = TestClient & {
  readonly token: string
  readonly welcome: FrameValue<'welcome'>
}

/** A scripted device on its own socket. */
export class TestClient extends TestSocket {
  /** `autoPong` false: half open, as after a cut network. */
  constructor(address: string, autoPong = true) {
    super(address, socketPath, autoPong)
  }

  static async connect(
    address: string,
    device: EnrolledDevice,
    vault: TestVault = {},
    autoPong = true,
  ): Promise<WelcomeClient> {
    const client = new TestClient(address, autoPong)
    await client.prove(device, vault)
    const welcome = await client.next('welcome')
    return Object.assign(client, { token: welcome.token?.value ?? '', welcome })
  }

  /** Answers the challenge and waits for nothing. */
  async prove(device: EnrolledDevice, vault: TestVault = {}, channel?: Uint8Array): Promise<void> {
    const challenge = await this.next('challenge')
    const binding = channel ?? channelBinding(this.stream)
    this.send({
      case: 'authenticate',
      value: proof(device, challenge.relayId, challenge.nonce, vault, binding),
    })
  }

  /** A put to devices of one account, which should be the client's own. */
  async put(
    accountId: string,
    envelopes: readonly TestEnvelope[],
    someDevices = false,
  ): Promise<PutResultValue> {
    const destination = uuidOf(accountId)
    return this.sendPut((requestId) => ({
      case: 'put',
      value: { requestId, destination, envelopes: [...envelopes], someDevices },
    }))
  }

  /** Takes envelopes until there are so many, without acknowledging. */
  async envelopes(count: number, ms = answerMs): Promise<Envelope[]> {
    const found: Envelope[] = []
    while (found.length < count) found.push(...(await this.next('deliver', ms)).envelopes)
    return found
  }

  acknowledge(envelopes: readonly { readonly queueId: bigint }[]): void {
    this.send({ case: 'acknowledge', value: { queueIds: envelopes.map((envelope) => envelope.queueId) } })
  }

  /** Confirms a token as a vault does that committed it. */
  async confirm(token: Uint8Array, stopping = false): Promise<void> {
    this.send({ case: 'confirmGeneration', value: { token, stopping } })
    await this.next('generationConfirmed')
  }
}

export interface AnonymousOptions {
  readonly accessKey?: Uint8Array
  readonly permit?: Uint8Array
  readonly ephemeral?: boolean
  readonly someDevices?: boolean
}

/** A scripted sender whom nobody knows. */
export class AnonymousClient extends TestSocket {
  constructor(address: string) {
    super(address, anonymousSocketPath, true)
  }

  static async connect(address: string): Promise<AnonymousClient> {
    const client = new AnonymousClient(address)
    await client.next('greeting')
    return client
  }

  /** To an account with this one device, with its access key unless told otherwise. */
  async put(
    to: EnrolledDevice,
    body: Uint8Array,
    messageId: Uint8Array = randomBytes(16),
    options: AnonymousOptions = { accessKey: to.accessKey },
  ): Promise<PutResultValue> {
    return this.putRaw(uuidOf(to.accountId), [envelopeTo(to, body, messageId)], options)
  }

  async putRaw(
    destination: Uint8Array,
    envelopes: readonly TestEnvelope[],
    { accessKey, permit, ephemeral = false, someDevices = false }: AnonymousOptions,
    ms = answerMs,
  ): Promise<PutResultValue> {
    const authorisation =
      accessKey !== undefined
        ? { case: 'accessKey' as const, value: accessKey }
        : permit !== undefined
          ? { case: 'permit' as const, value: permit }
          : { case: undefined }
    return this.sendPut(
      (requestId) => ({
        case: 'anonymousPut',
        value: {
          put: { requestId, destination, envelopes: [...envelopes], someDevices },
          authorisation,
          ephemeral,
        },
      }),
      ms,
    )
  }
}
