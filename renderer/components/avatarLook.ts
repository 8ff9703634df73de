/** First letters of the first and the last word; a hyphenated name counts as one word. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => firstLetter(word) !== '')
  const first = words[0] ?? ''
  const last = words.length > 1 ? (words.at(-1) ?? '') : ''
  return (firstLetter(first) + firstLetter(last)).toLocaleUpperCase('fr')
}

function firstLetter(word: string): string {
  return [...word].find((character) => /\p{L}|\p{N}/u.test(character)) ?? ''
}

/** One of the six tints, always the same for an account. */
export function avatarTint(accountId: string): number {
  let sum = 0
  for (const character of accountId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521
  return (sum % 6) + 1
}
