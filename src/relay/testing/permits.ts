import {
  DonationPermitRequestContext,
  DonationPermitResponse,
  ServerPublicParams,
} from '@signalapp/libsignal-client/zkgroup.js'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { call } from './client.ts'

/** Draws permits as a client does: nobody but it can know what came out. */
export async function drawPermits(
  address: string,
  token: string,
  count: number,
  now = Date.now(),
): Promise<Bytes[]> {
  const context = DonationPermitRequestContext.forCount(count)
  const request = toBase64Url(context.request().serialize())
  const { response } = await call(address, 'permits', { token, body: { request } })
  const { zkPublicParams } = await call(address, 'anchors')
  const received = context.receive(
    new DonationPermitResponse(bytesOf(response)),
    new ServerPublicParams(bytesOf(zkPublicParams)),
    new Date(now),
  )
  return received.map((permit) => permit.serialize())
}

function bytesOf(text: string): Bytes {
  return fromBase64Url(text) ?? new Uint8Array(0)
}
