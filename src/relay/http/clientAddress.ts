import { isIP } from 'node:net'

/** Whether an address is a proxy whose word is taken. */
export type Trusted = (address: string) => boolean

export const nobodyTrusted: Trusted = () => false

/**
 * The network address that a request comes from, for budgets only. `X-Forwarded-For` is read from its right end, where
 * the nearest proxy writes, as long as who wrote is trusted; what anybody else claims is not looked at.
 */
export function clientAddress(
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
