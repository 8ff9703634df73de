import { createHash } from 'node:crypto'
import { toHex, type Bytes } from '../base/bytes.ts'
import { hashBytes, rootOf, type JournalState } from './merkle.ts'
import { fromBase64, openNote, signNote, toBase64, type NoteSigner } from './signedNote.ts'

/**
 * Checkpoints of the journal: C2SP tlog-checkpoint in a C2SP signed-note, signed by the device's Ed25519 key.
 *
 *   valise-journal/<32 hex>          origin, one for each device key
 *   12                               size of the tree, decimal
 *   <base64 of the 32-byte root>
 *
 *   — valise-journal/<32 hex> <base64 of 4 bytes key id and 64 bytes signature>
 *
 * More signature lines (witnesses, other algorithms) may follow.
 */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Bytes
}

/** Names this device's journal without saying whose it is. */
export function journalOrigin(publicKey: Uint8Array): string {
  return `valise-journal/${toHex(createHash('sha256').update(publicKey).digest().subarray(0, 16))}`
}

export function signCheckpoint(state: JournalState, signer: NoteSigner): string {
  const origin = journalOrigin(signer.publicKey)
  return signNote(`${origin}\n${state.size}\n${toBase64(rootOf(state))}\n`, origin, signer)
}

/** The checkpoint that this device signed, or null for anything else. */
export function verifyCheckpoint(note: string, publicKey: Uint8Array): Checkpoint | null {
  const name = journalOrigin(publicKey)
  const text = openNote(note, name, publicKey)
  if (text === null) return null
  const match = /^([^\n]+)\n(0|[1-9][0-9]{0,9})\n([A-Za-z0-9+/=]{44})\n$/.exec(text)
  const [, origin, size, encoded] = match ?? []
  if (origin !== name || size === undefined || encoded === undefined) return null
  const root = fromBase64(encoded)
  return root?.length === hashBytes ? { origin, size: Number(size), root } : null
}
