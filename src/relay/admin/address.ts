import { isIP } from 'node:net'

/** Under which origin browsers reach the page, and the host name that authenticators sign for. */
export interface PageAddress {
  readonly origin: string
  readonly rpId: string
}

/** Browsers let authenticators sign for a name over TLS, and for `localhost`; never for a number. Null for anything else. */
export function pageAddress(origin: string): PageAddress | null {
  if (!URL.canParse(origin)) return null
  const url = new URL(origin)
  const { hostname, protocol } = url
  const safe = protocol === 'https:' || (protocol === 'http:' && hostname === 'localhost')
  return safe && !isNumber(hostname) && url.origin === origin ? { origin, rpId: hostname } : null
}

export interface PagePlace {
  /** `admin.address`. */
  readonly address: string | null
  /** Of the relay, as workstations know it. */
  readonly relay: string | null
  /** The port of the page; null: another process serves it, or none does. */
  readonly port: number | null
  /** Where TLS ends: at this relay, at a proxy, or nowhere, on this machine alone. */
  readonly tls: 'here' | 'proxy' | 'none'
}

/** What the settings say, otherwise the relay's own name with the page's port, otherwise this machine. */
export function pageOrigin({ address, relay, port, tls }: PagePlace): string {
  if (address !== null) return address
  const host = tls === 'here' ? (hostOf(relay) ?? 'localhost') : 'localhost'
  return new URL(`${tls === 'here' ? 'https' : 'http'}://${host}:${port ?? 0}`).origin
}

export interface PageProblem {
  readonly code: 'config.pageAddress' | 'config.pageNumber'
  readonly key: 'address' | 'admin.address'
}

/**
 * Why no browser would sign under the page's origin, or no workstation open it: SECURITY 10, they follow a refusal to
 * the relay's own host name alone.
 */
export function pageProblem(place: PagePlace): PageProblem | null {
  const { address, relay, port, tls } = place
  if (address === null && port === null) return null
  const host = hostOf(address)
  if (host === null) {
    if (tls === 'none') return null
    if (tls === 'proxy') return { code: 'config.pageAddress', key: 'admin.address' }
  }
  const relayHost = hostOf(relay)
  if (host !== null && isNumber(host)) return { code: 'config.pageNumber', key: 'admin.address' }
  if (host === 'localhost' && tls === 'none') return null
  if (relayHost === null) return { code: 'config.pageAddress', key: 'address' }
  if (isNumber(relayHost)) return { code: 'config.pageNumber', key: 'address' }
  return (host ?? relayHost) === relayHost ? null : { code: 'config.pageAddress', key: 'admin.address' }
}

/** An origin with a number, which `pageProblem` explains. */
export function isNumberOrigin(origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).origin === origin && isNumber(new URL(origin).hostname)
}

function hostOf(address: string | null): string | null {
  return address === null || !URL.canParse(address) ? null : new URL(address).hostname
}

function isNumber(host: string): boolean {
  return isIP(host) !== 0 || host.startsWith('[')
}
