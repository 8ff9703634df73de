import { copyBytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { parseState, type JournalRow, type JournalState } from '../../journal/index.ts'

// The journal of acts as both engines' tables hold it.

export interface ActRow extends Omit<JournalRow, 'commit'> {
  readonly commitment: Uint8Array
}

export interface ActStateRow {
  readonly size: number
  readonly frontier: Uint8Array
}

export function actOf({ commitment, leaf, salt, ...row }: ActRow): JournalRow {
  return {
    ...row,
    commit: copyBytes(commitment),
    leaf: copyBytes(leaf),
    salt: salt === null ? null : copyBytes(salt),
  }
}

/** Throws `relay.dataDamaged`. */
export function actStateOf(row: ActStateRow | undefined): JournalState {
  const parsed = row === undefined ? null : parseState(row.size, row.frontier)
  if (parsed === null) throw new CodedError('relay.dataDamaged')
  return parsed
}
