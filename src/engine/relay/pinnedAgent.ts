import { createHash } from 'node:crypto'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'
import { sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'

/** How long a TLS handshake may take, in ms: a silent server must not hold a request for ever. */
const handshakeMs = 10_000

/** Where the relay is and how it is known: pinned at enrolment by the invitation or by policy. */
export interface RelayEndpoint {
  /** As `parseRelayAddress` gives it. */
  readonly origin: string
  /** SHA-256 of the certificate's SubjectPublicKeyInfo; null for http on loopback. */
  readonly tlsPin: Bytes | null
  /** The invitation says that a proxy ends TLS: there is no channel to bind a login to. */
  readonly tlsEndsAtProxy: boolean
}

/** Whether a device that logs in there has to bind itself to the TLS channel. */
export function isBound({ tlsPin, tlsEndsAtProxy }: RelayEndpoint): boolean {
  return tlsPin !== null && !tlsEndsAtProxy
}

/** The agent of every connection to the relay, HTTP and WebSocket. */
export function relayAgent(endpoint: RelayEndpoint): HttpAgent | HttpsAgent {
  const { tlsPin } = endpoint
  return tlsPin === null ? new HttpAgent({ keepAlive: true }) : new PinnedAgent({ ...endpoint, tlsPin })
}

/**
 * TLS whose server is known by its key alone: the pin in the invitation replaces certificate authorities, which an
 * administration's own relay need not have. No byte of a request leaves before the key has been compared.
 */
class PinnedAgent extends HttpsAgent {
  readonly #pin: Bytes
  readonly #minVersion: 'TLSv1.2' | 'TLSv1.3'

  constructor({ tlsPin, tlsEndsAtProxy }: RelayEndpoint & { readonly tlsPin: Bytes }) {
    // A resumed session would come without a certificate to compare.
    super({ keepAlive: true, maxCachedSessions: 0 })
    this.#pin = tlsPin
    // A login is bound to a TLS 1.3 channel; a proxy of the administration may be older.
    this.#minVersion = tlsEndsAtProxy ? 'TLSv1.2' : 'TLSv1.3'
  }

  override createConnection(
    options: ConnectionOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = connect({ ...options, rejectUnauthorized: false, minVersion: this.#minVersion })
    const fail = (error: Error): void => callback?.(error, socket)
    socket.once('error', fail)
    socket.setTimeout(handshakeMs, () => socket.destroy(new CodedError('relay.unreachable')))
    socket.once('secureConnect', () => {
      socket.off('error', fail)
      socket.setTimeout(0)
      const certificate = socket.getPeerX509Certificate()
      const spki = certificate?.publicKey.export({ format: 'der', type: 'spki' })
      const hash = createHash('sha256')
        .update(spki ?? '')
        .digest()
      if (sameBytes(hash, this.#pin)) callback?.(null, socket)
      else {
        fail(new CodedError('relay.certificate'))
        socket.destroy()
      }
    })
    return undefined
  }
}
