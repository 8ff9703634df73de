import { IntlMessageFormat } from 'intl-messageformat'
import type { ErrorCode } from '../base/errors.ts'
import { catalogues, regions, type Language, type TextKey } from './catalogues.ts'

export { languages, type Language, type TextKey } from './catalogues.ts'
export { createDates, type Dates } from './dates.ts'

export type TextValues = Readonly<Record<string, string | number>>

export interface Text {
  /** The sentence of a key. Throws when a value that the sentence needs is missing: a defect, not a bad input. */
  (key: TextKey, values?: TextValues): string
  readonly language: Language
}

/** The catalogue of one language. Sentences are parsed at their first use and kept; nothing is evaluated. */
export function createText(language: Language): Text {
  const messages = catalogues[language]
  const parsed = new Map<TextKey, IntlMessageFormat>()
  const sentence = (key: TextKey): IntlMessageFormat => {
    const known = parsed.get(key)
    if (known !== undefined) return known
    const made = new IntlMessageFormat(messages[key], regions[language])
    parsed.set(key, made)
    return made
  }
  // Values are put in as they are, never parsed as markup: `ignoreTag` is not needed, no sentence has a tag.
  const text = (key: TextKey, values: TextValues = {}): string => String(sentence(key).format({ ...values }))
  return Object.assign(text, { language })
}

/** What happened, what it means, what to do. These sentences take no values, so that any report can be shown. */
export function errorText(text: Text, code: ErrorCode): string {
  return text(`error.${code}`)
}
