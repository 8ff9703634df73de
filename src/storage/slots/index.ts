export {
  createSlots,
  databaseKeyBytes,
  describeSlots,
  failedPassphrases,
  openSlots,
  passphraseWaitUntil,
  replaceSlots,
  type SlotOpener,
  type SlotProtection,
  type SlotsDescription,
} from './keySlots.ts'
export type { OsKeyStore } from './osKeyStoreSlot.ts'
export { freeAttempts } from './attempts.ts'
export { passphraseLength } from './passphraseSlot.ts'
