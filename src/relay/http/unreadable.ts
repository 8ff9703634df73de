import type { Duplex } from 'node:stream'
import { systemCode } from '../../base/atomicFile.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { statusOf } from '../../wire/refusals.ts'
import type { RelayLog } from '../log.ts'

/**
 * What never became a request (a head that is too large, cannot be read or does not end) is refused like any other: by
 * a code alone. The connection ends with it.
 */
export function refuseUnreadable(log: RelayLog): (error: Error, stream: Duplex) => void {
  return (error, stream) => {
    if (!stream.writable || systemCode(error) === 'ECONNRESET') {
      stream.destroy()
      return
    }
    const code: ErrorCode =
      systemCode(error) === 'HPE_HEADER_OVERFLOW' ? 'request.tooLarge' : 'request.malformed'
    const status = statusOf(code)
    log.debug('request refused', { error: code, status })
    const body = JSON.stringify({ code })
    stream.end(
      `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    )
    // The server keeps half-open connections: one that is never closed from the other side would stay.
    setTimeout(() => stream.destroy(), closeMs).unref()
  }
}

const closeMs = 2_000
