import { catalogues, type Language, type TextKey } from './catalogues.ts'
import { createSentences, type Sentences } from './formatter.ts'
import en from './relay.en.json' with { type: 'json' }
import fr from './relay.fr.json' with { type: 'json' }

export { errorText } from './index.ts'
export type { Language } from './catalogues.ts'

type OwnKey = keyof typeof fr
export type RelayTextKey = TextKey | OwnKey

/** One line a language. */
export const relayCatalogues: Readonly<Record<Language, Readonly<Record<OwnKey, string>>>> = { fr, en }

/** What the relay’s commands, mails and administrator’s page say, and what they say as the workstation does. */
export type RelayText = Sentences<RelayTextKey>

export function createRelayText(language: Language): RelayText {
  return createSentences(language, { ...catalogues[language], ...relayCatalogues[language] })
}
