import { z } from 'zod'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'

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
    device: number,
    deviceId: number,
    registrationId: number,
    messageId: bytes,
    body: bytes,
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
