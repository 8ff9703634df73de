import { CodedError } from '../base/errors.ts'

/** A relay's origin after `parseRelayAddress`. */
export interface RelayAddress {
  /** `https://host[:port]` or `http://127.0.0.1:port`, canonical, without a trailing slash. */
  readonly origin: string
  readonly secure: boolean
}

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost'])

/**
 * The only two forms that are ever contacted: https, and http on loopback.
 * Throws `relay.insecureAddress` for http elsewhere and `invitation.malformed` for anything else.
 */
export function parseRelayAddress(text: string): RelayAddress {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new CodedError('invitation.malformed')
  }
  const bare =
    url.username === '' && url.password === '' && url.pathname === '/' && url.search + url.hash === ''
  if (!bare) throw new CodedError('invitation.malformed')
  if (url.protocol === 'https:') return { origin: url.origin, secure: true }
  if (url.protocol !== 'http:') throw new CodedError('invitation.malformed')
  if (!loopback.has(url.hostname)) throw new CodedError('relay.insecureAddress')
  return { origin: url.origin, secure: false }
}
