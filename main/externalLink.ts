import { CodedError } from '../src/base/errors.ts'

/** An address that may leave, once a person has confirmed it. */
export interface ExternalLink {
  /** The parsed and serialised form: exactly this is opened. */
  readonly href: string
  /** What the person is asked about: the host in its ASCII form, or the mail address. */
  readonly shown: string
}

/**
 * SECURITY 8: https with a host and without credentials, or mailto with one plain address and nothing else (no headers,
 * which could attach files). Throws `link.refused`.
 */
export function parseExternalLink(address: string): ExternalLink {
  // Also refuses what an URL parser would silently drop: controls, white space, text-direction marks.
  if (/[\p{C}\p{Z}\\]/u.test(address)) throw new CodedError('link.refused')
  const url = URL.canParse(address) ? new URL(address) : null
  if (url?.protocol === 'https:' && url.hostname !== '' && url.username === '' && url.password === '') {
    if (!/^https:\/\/[^/]/i.test(address)) throw new CodedError('link.refused')
    return { href: url.href, shown: url.host }
  }
  if (
    url?.protocol === 'mailto:' &&
    /^[\w.+-]+@[a-z\d-]+(\.[a-z\d-]+)+$/i.test(url.pathname) &&
    url.href === `mailto:${url.pathname}`
  ) {
    return { href: url.href, shown: url.pathname }
  }
  throw new CodedError('link.refused')
}
