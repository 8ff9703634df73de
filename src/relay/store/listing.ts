import type { DirectoryEntry } from '../../wire/http.ts'
import { foldText } from './foldText.ts'

/** The leading space makes every word findable by its beginning, wherever it stands. */
export function searchText(account: Omit<DirectoryEntry, 'accountId'>): string {
  const { displayName, title, service, organisation } = account
  return ` ${foldText(`${displayName} ${title} ${service} ${organisation}`)}`
}
