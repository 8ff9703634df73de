import type { ErrorCode } from '../base/errors.ts'
import en from './en.json' with { type: 'json' }
import fr from './fr.json' with { type: 'json' }

/** French is the language of reference: its keys are the keys. */
export type TextKey = keyof typeof fr
export type Catalogue = Readonly<Record<TextKey, string>>
export type Language = 'fr' | 'en'

/** One line a language. */
export const catalogues: Readonly<
  Record<Language, Catalogue & Readonly<Record<`error.${ErrorCode}`, string>>>
> = {
  fr,
  en,
}

export const languages = Object.keys(catalogues) as readonly Language[]

/** BCP 47 tags for dates and numbers: English is written the British way (day before month, 24 h). */
export const regions: Readonly<Record<Language, string>> = { fr: 'fr-FR', en: 'en-GB' }
