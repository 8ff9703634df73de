export * from './events.ts'
export * from './entry.ts'
export { emptyJournal, formatFrontier, parseState, rootOf, type JournalState } from './merkle.ts'
export * from './proofs.ts'
export * from './checkpoint.ts'
export type { NoteSigner } from './signedNote.ts'
export {
  compareSidecar,
  type JournalInDatabase,
  type Sidecar,
  type SidecarComparison,
  type SidecarMismatch,
  type SidecarReading,
} from './sidecar.ts'
export * from './sidecarFile.ts'
