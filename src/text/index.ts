import type { ErrorCode } from '../base/errors.ts'
import { catalogues, type Language, type TextKey } from './catalogues.ts'
import { createSentences, type Sentences } from './formatter.ts'

export { languages, type Language, type TextKey } from './catalogues.ts'
export { createDates, type Dates } from './dates.ts'
export type { TextValues } from './formatter.ts'

/** What the workstation says; the relay's sentences are in `relay.ts`, so that the window does not carry them. */
export type Text = Sentences<TextKey>

export function createText(language: Language): Text {
  return createSentences(language, catalogues[language])
}

/** What happened, what it means, what to do. These sentences take no values, so that any report can be shown. */
export function errorText(text: Text, code: ErrorCode): string {
  return text(`error.${code}`)
}
