import { isIP } from 'node:net'

/** Whether an address is a proxy whose word is taken. */
export type Trusted = (address: string) => boolean

export const nobodyTrusted: Trusted = () => false

/**
 * The network address that a request comes from, for budgets only: of IPv6 the /64, since whoever is in
 * one chooses the rest (RFC 4291 2.5.4): a whole network may share it, as behind one IPv4 address. `X-Forwarded-For` is read from its right end, where
 * the nearest proxy writes, as long as who wrote is trusted; what anybody else claims is not looked at.
 */
export function clientAddress(
  peer: string,
  forwarded: string | readonly string[] | undefined,
  trusted: Trusted,
): string {
  return networkOf(fullAddress(peer, forwarded, trusted))
}

function fullAddress(
  peer: string,
  forwarded: string | readonly string[] | undefined,
  trusted: Trusted,
): string {
  if (forwarded === undefined || !trusted(peer)) return peer
  const claimed = [forwarded]
    .flat()
    .join(',')
    .split(',')
    .map((part) => part.trim())
  let address = peer
  for (const next of claimed.toReversed()) {
    if (isIP(next) === 0) return address
    address = next
    if (!trusted(address)) return address
  }
  return address
}

/** IPv4 as it is, also where IPv6 carries it. */
function networkOf(address: string): string {
  if (isIP(address) !== 6 || /^::ffff:[\d.]+$/i.test(address)) return address
  const [head = '', tail = ''] = (address.split('%')[0] ?? '').split('::')
  // What is written as IPv4 stands for the last two groups, which do not count here.
  const groups = (text: string): string[] =>
    text === '' ? [] : text.replace(/[\d.]+\.\d+$/, '0:0').split(':')
  const [left, right] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const network = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16))
  return `${network.map((group) => group.toString(16)).join(':')}::/64`
}
