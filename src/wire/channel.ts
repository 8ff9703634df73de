import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { copyBytes, type Bytes } from '../base/bytes.ts'

/** Of a TLS channel: RFC 9266, `tls-exporter`. */
export const channelBindingBytes = 32
const exporterLabel = 'EXPORTER-Channel-Binding'

/** Where there is no TLS, or it ends at a proxy that both sides were told of. */
export const unbound: Bytes = new Uint8Array(0)

/**
 * A value that both ends of one TLS channel have and nobody else: whoever stands in the middle has two channels with
 * two values, also with the relay's own key. Empty for a connection without TLS 1.3 at this end.
 */
export function channelBinding(socket: Duplex): Bytes {
  // Before TLS 1.3 an exporter may be the same on two channels (RFC 9266 section 3).
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return unbound
  return copyBytes(socket.exportKeyingMaterial(channelBindingBytes, exporterLabel, Buffer.alloc(0)))
}
