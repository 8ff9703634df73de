import { IntlMessageFormat } from 'intl-messageformat'
import { regions, type Language } from './catalogues.ts'

export type TextValues = Readonly<Record<string, string | number>>

/** The sentences of one language. */
export interface Sentences<Key extends string> {
  /** The sentence of a key. Throws when a value that the sentence needs is missing: a defect, not a bad input. */
  (key: Key, values?: TextValues): string
  readonly language: Language
}

/** Sentences are parsed at their first use and kept; nothing is evaluated. */
export function createSentences<Key extends string>(
  language: Language,
  messages: Readonly<Record<Key, string>>,
): Sentences<Key> {
  const parsed = new Map<Key, IntlMessageFormat>()
  const sentence = (key: Key): IntlMessageFormat => {
    const known = parsed.get(key)
    if (known !== undefined) return known
    const made = new IntlMessageFormat(messages[key], regions[language])
    parsed.set(key, made)
    return made
  }
  // Values are put in as they are, never parsed as markup: `ignoreTag` is not needed, no sentence has a tag.
  const text = (key: Key, values: TextValues = {}): string => String(sentence(key).format({ ...values }))
  return Object.assign(text, { language })
}
