import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { anonymousSocketPath, socketPath } from '../../../wire/http.ts'
import { ClientFrameSchema, ServerFrameSchema, type ServerFrame } from '../../../wire/relay_pb.ts'
import { proof, uuidOf, type EnrolledDevice } from '../client.ts'
import type { SeededRandom } from '../random.ts'
import { RawSocket } from '../rawSocket.ts'
import { mutatedBytes } from './mutate.ts'

type FrameInit = NonNullable<
  Exclude<MessageInitShape<typeof ClientFrameSchema>, { $typeName: string }>['frame']
>
/** What a socket is like when the mutated frames come. */
const stages = ['stranger', 'device', 'nobody'] as const
export type Stage = (typeof stages)[number]

/** A device for the fuzzing to play with; a permit may have been spent long ago. */
export interface FrameFuzzTarget {
  readonly device: EnrolledDevice
  readonly permit: Uint8Array
}

export interface FuzzCount {
  done: number
  /** ms of the slowest answer. */
  slowestMs: number
}

/** Sends `count` mutated frames on as many connections as it takes, each followed by a ping: a pong or the close is the answer. */
export async function fuzzFrames(
  address: string,
  target: FrameFuzzTarget,
  random: SeededRandom,
  count: FuzzCount,
  frames: number,
): Promise<void> {
  while (count.done < frames) {
    const stage = random.pick(stages)
    const socket = await opened(address, stage, target.device)
    for (let open = socket !== null; open && count.done < frames; count.done += 1) {
      const started = performance.now()
      socket?.send(nextFrame(stage, target, random))
      open = (await socket?.heard()) === true
      count.slowestMs = Math.max(count.slowestMs, performance.now() - started)
    }
    socket?.destroy()
  }
}

async function opened(address: string, stage: Stage, device: EnrolledDevice): Promise<RawSocket | null> {
  const socket = await RawSocket.open(address, stage === 'nobody' ? anonymousSocketPath : socketPath)
  if (stage !== 'device') return socket
  const challenge = await firstFrame(socket)
  if (challenge.case !== 'challenge') return null
  const welcomed = firstFrame(socket)
  socket.send(
    encoded({ case: 'authenticate', value: proof(device, challenge.value.relayId, challenge.value.nonce) }),
  )
  return (await Promise.race([welcomed, socket.closed])) === undefined ? null : socket
}

async function firstFrame(socket: RawSocket): Promise<ServerFrame['frame']> {
  return new Promise((resolve) => {
    socket.onMessage = (payload) => {
      socket.onMessage = () => undefined
      resolve(fromBinary(ServerFrameSchema, payload).frame)
    }
  })
}

function nextFrame(stage: Stage, target: FrameFuzzTarget, random: SeededRandom): Uint8Array {
  const proper = random.pick(frameMakers)(target, random)
  const usual = stage === 'nobody' ? anonymousPut(target, random) : proper
  const frame = encoded(random.below(4) === 0 ? proper : usual)
  // Now and then one that is right in itself, perhaps in the wrong place.
  return random.below(10) === 0 ? frame : mutatedBytes(frame, random)
}

function encoded(frame: FrameInit): Uint8Array {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame }))
}

type Authorisation = NonNullable<Extract<FrameInit, { case: 'anonymousPut' }>['value']['authorisation']>
type FrameMaker = (target: FrameFuzzTarget, random: SeededRandom) => FrameInit

function put(
  { device }: FrameFuzzTarget,
  random: SeededRandom,
): Extract<FrameInit, { case: 'put' }>['value'] {
  const { accountId, deviceId, registrationId } = device
  const envelope = {
    deviceId,
    registrationId,
    messageId: random.bytes(16),
    body: random.bytes(1 + random.below(60)),
  }
  const destination = random.below(5) === 0 ? random.bytes(16) : uuidOf(accountId)
  return {
    requestId: random.below(2 ** 32),
    destination,
    envelopes: [envelope],
    someDevices: random.below(2) === 0,
  }
}

function anonymousPut(target: FrameFuzzTarget, random: SeededRandom): FrameInit {
  const authorisation = random.pick<Authorisation>([
    { case: 'accessKey', value: target.device.accessKey },
    { case: 'accessKey', value: random.bytes(16) },
    { case: 'permit', value: target.permit },
    { case: undefined },
  ])
  const ephemeral = random.below(3) === 0
  return { case: 'anonymousPut', value: { put: put(target, random), authorisation, ephemeral } }
}

const frameMakers: readonly [FrameMaker, ...FrameMaker[]] = [
  anonymousPut,
  (target, random) => ({ case: 'put', value: put(target, random) }),
  ({ device }, random) => ({ case: 'authenticate', value: proof(device, 'relay', random.bytes(32)) }),
  (_target, random) => ({
    case: 'acknowledge',
    value: { queueIds: Array.from({ length: 1 + random.below(20) }, () => BigInt(random.below(2 ** 32))) },
  }),
  () => ({ case: 'requestToken', value: {} }),
  () => ({ case: 'requestGeneration', value: {} }),
  (_target, random) => ({ case: 'confirmGeneration', value: { token: random.bytes(16), stopping: false } }),
]
