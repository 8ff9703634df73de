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
  const isName = isIP(hostname) === 0 && !hostname.startsWith('[')
  return safe && isName && url.origin === origin ? { origin, rpId: hostname } : null
}

export interface PagePlace {
  /** `admin.address`. */
  readonly address: string | null
  /** Of the relay, as workstations know it. */
  readonly relay: string | null
  /** The port of the page. */
  readonly port: number
  readonly secure: boolean
}

/** What the settings say, otherwise the relay's own name with the page's port, otherwise this machine. */
export function pageOrigin({ address, relay, port, secure }: PagePlace): string {
  if (address !== null) return address
  const host = relay === null || !URL.canParse(relay) ? 'localhost' : new URL(relay).hostname
  const name = isIP(host) !== 0 || host.startsWith('[') ? 'localhost' : host
  return new URL(`${secure ? 'https' : 'http'}://${name}:${port}`).origin
}
