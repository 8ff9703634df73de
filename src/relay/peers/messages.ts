import { z } from 'zod'
import { copyBytes, fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import type { PutTarget } from '../store/store.ts'

/** PostgreSQL takes payloads of less than 8,000 bytes. */
export const payloadBytesMax = 7_900

const bytes = z.string().transform((text, context): Bytes => {
  const decoded = fromBase64Url(text)
  if (decoded !== null) return decoded
  context.addIssue({ code: 'custom' })
  return z.NEVER
})
const number = z.int().min(0)

/** From one process to another (`to`) or to all others. */
const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stored'), from: number, devices: z.array(number) }),
  z.object({
    kind: z.literal('ephemeral'),
    from: number,
    targets: z.array(
      z.object({
        device: number,
        envelope: z.object({ deviceId: number, registrationId: number, messageId: bytes, body: bytes }),
      }),
    ),
  }),
  z.object({
    kind: z.literal('arrived'),
    from: number,
    to: number,
    ask: number,
    device: number,
    holder: bytes,
  }),
  z.object({
    kind: z.literal('answer'),
    from: number,
    to: number,
    ask: number,
    answer: z.enum(['free', 'frozen', 'failed']),
  }),
])

export type PeerMessage = z.output<typeof messageSchema>

/** Null for what is no message of ours, or of a newer relay. */
export function parseMessage(payload: string | undefined): PeerMessage | null {
  try {
    return messageSchema.safeParse(JSON.parse(payload ?? '')).data ?? null
  } catch {
    return null
  }
}

export function formatMessage(message: PeerMessage): string {
  return JSON.stringify(message, (_key, value: unknown) =>
    value instanceof Uint8Array ? toBase64Url(value) : value,
  )
}

type PeerTarget = Extract<PeerMessage, { kind: 'ephemeral' }>['targets'][number]

/** What is left beside the message's own names and numbers. */
const groupBytes = payloadBytesMax - 100
/** Of one target, without its body: names and numbers. */
const targetBytes = 200

/** As few messages as take them, each within `payloadBytesMax`; a body that does not fit into one is left out. */
export function ephemeralMessages(from: number, targets: readonly PutTarget[]): PeerMessage[] {
  const groups: PeerTarget[][] = []
  let room = 0
  for (const { device, envelope } of targets) {
    const { deviceId, registrationId } = envelope
    const [messageId, body] = [copyBytes(envelope.messageId), copyBytes(envelope.body)]
    const size = targetBytes + Math.ceil((body.length * 4) / 3)
    if (size > groupBytes) continue
    const target = { device, envelope: { deviceId, registrationId, messageId, body } }
    if (size > room) {
      groups.push([])
      room = groupBytes
    }
    groups.at(-1)?.push(target)
    room -= size
  }
  return groups.map((group) => ({ kind: 'ephemeral', from, targets: group }))
}
