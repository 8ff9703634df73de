import { domainToASCII, domainToUnicode } from 'node:url'

/** Lengths in octets (RFC 5321, 4.5.3.1; 254 is what fits into a path). */
const addressMax = 254
const localMax = 64
const domainMax = 253

/**
 * Letters, digits, and between two of them one of `. _ + ' -`. What RFC 5322 allows beyond that is refused: quoted local
 * parts and comments, in which a second @ could hide, and `%` and `!`, by which some mail servers route on.
 */
const local = /^[a-z0-9_](?:[._+'-]?[a-z0-9_])*$/
/** Labels of letters, digits and hyphens; the last one has a letter, so that no number of a machine passes. */
const domain =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * The one form of an e-mail address, which is checked, stored and mailed; null for what has none. ASCII letters are made
 * lower case; nothing else of what was given is changed, left out or guessed, spaces around it neither. Domains in other
 * scripts are given in their ASCII form (`xn--…`), so that no two that look alike are taken for each other.
 */
export function canonicalEmail(given: string): string | null {
  if (given.length > addressMax || !/^[\x21-\x7e]+$/.test(given)) return null
  const address = given.toLowerCase()
  const at = address.indexOf('@')
  const [name, host] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)]
  if (at < 0 || name.length > localMax || !local.test(name)) return null
  return canonicalDomain(host) === host ? address : null
}

/** The same for a domain, which may be given in upper case or in another script; null for what is none. */
export function canonicalDomain(given: string): string | null {
  const host = /^[\x21-\x7e]+$/.test(given) ? given.toLowerCase() : domainToASCII(given)
  if (host.length > domainMax || !domain.test(host)) return null
  return isProperIdna(host) ? host : null
}

/** A label of another script has to be the one form of what it stands for. */
function isProperIdna(host: string): boolean {
  if (!host.split('.').some((label) => label.slice(2, 4) === '--')) return true
  const unicode = domainToUnicode(host)
  return unicode !== '' && domainToASCII(unicode) === host && unicode !== host
}

/** Whether the relay takes addresses of this domain. `*.` before an entry stands for whatever is under it, not itself. */
export function isAllowedEmail(address: string, domains: readonly string[]): boolean {
  const host = address.slice(address.lastIndexOf('@') + 1)
  return domains.some((each) => (each.startsWith('*.') ? host.endsWith(each.slice(1)) : host === each))
}

/** An entry of the list of domains in its one form, or null. */
export function canonicalDomainEntry(given: string): string | null {
  const wild = given.startsWith('*.')
  const host = canonicalDomain(wild ? given.slice(2) : given)
  return host === null ? null : wild ? `*.${host}` : host
}
