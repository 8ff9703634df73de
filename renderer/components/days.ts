import type { Text } from '../../src/text/index.ts'

/** `2 octobre 2026`, in the local zone, or in UTC for what is only known by its day. */
export function dayWords(text: Text, at: number, utc = false): string {
  const region = text.language === 'fr' ? 'fr-FR' : 'en-GB'
  const zone = utc ? { timeZone: 'UTC' } : {}
  const format = new Intl.DateTimeFormat(region, { day: 'numeric', month: 'long', year: 'numeric', ...zone })
  // French writes the first of the month as an ordinal, which Intl does not.
  return format
    .formatToParts(at)
    .map((part) => (part.type === 'day' && part.value === '1' ? text('time.firstOfMonth') : part.value))
    .join('')
}
