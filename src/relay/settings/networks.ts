import { BlockList, isIP } from 'node:net'

/** Whether a text is an address or a network in CIDR form: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== null
}

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

export function parseNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return null
  const bits = version === 4 ? 32 : 128
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (prefix < 0 || prefix > bits) return null
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** Whether an address lies in one of these networks; what is no address lies in none. */
export function networkList(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network !== null) list.addSubnet(network.address, network.prefix, network.family)
  }
  return (address) => {
    // Node listens on both families and shows an IPv4 peer as an IPv6 address.
    const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
  }
}
