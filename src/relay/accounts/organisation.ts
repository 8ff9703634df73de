/**
 * An organisation is written as the names from the root of the tree down to it: `Ministère / Direction / Bureau`.
 * What an account belongs to is what the directory shows of it, and there is no second list that could differ.
 */
export const organisationSeparator = ' / '

/** Spaces around the names are those of the one form; empty names go. */
export function canonicalOrganisation(typed: string): string {
  return typed
    .split('/')
    .map((name) => name.trim().replace(/\s+/gu, ' '))
    .filter((name) => name !== '')
    .join(organisationSeparator)
}

export function isWithin(organisation: string, whole: string): boolean {
  return organisation === whole || organisation.startsWith(whole + organisationSeparator)
}

/**
 * The same question for an index in the order of code units: `whole` itself, or from `from` on and before `to`.
 * `!` follows the space that ends the separator.
 */
export function withinBounds(whole: string): { readonly from: string; readonly to: string } {
  return { from: `${whole}${organisationSeparator}`, to: `${whole} /!` }
}
