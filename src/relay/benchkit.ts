import { randomBytes } from 'node:crypto'
import { parseInvitation } from '../wire/invitation.ts'
import { enrolDevice } from './testing/client.ts'
import { AnonymousClient } from './testing/sockets.ts'

/** A scripted sender and a scripted recipient at a running relay, for measuring the way there and back alone. */
export interface RelayBench {
  /** ms from a put of so many bytes to its acknowledgement, which comes after the relay's fsync. */
  roundTrip(bytes: number): Promise<number>
  end(): Promise<void>
}

/** `invitation`: the text of one that has not been used. */
export async function relayBench(address: string, invitation: string): Promise<RelayBench> {
  const recipient = await enrolDevice(address, parseInvitation(invitation).code)
  const sender = await AnonymousClient.connect(address)
  return {
    async roundTrip(bytes) {
      const body = randomBytes(bytes)
      const start = performance.now()
      const { outcome } = await sender.put(recipient, body)
      if (outcome.case !== 'stored') throw new Error(`the relay answered ${outcome.case}`)
      return performance.now() - start
    },
    end: () => sender.end(),
  }
}

export { enrolDevice, type EnrolledDevice } from './testing/client.ts'
export { loadReceiver, loadSender, type LoadEnd, type LoadSender } from './testing/load.ts'
export { RawSocket } from './testing/rawSocket.ts'
export { testTls } from './testing/tls.ts'
