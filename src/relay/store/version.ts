import { CodedError } from '../../base/errors.ts'

/** Added to the version of a database that was left for another engine; a program that does not know of it refuses it as too new. */
export const movedBy = 1_000_000

/** Throws `relay.dataMoved` for a database that was left, `relay.dataNewer` for one of a newer relay. */
export function checkVersion(version: number, newest: number): void {
  if (version >= movedBy) throw new CodedError('relay.dataMoved')
  if (version > newest) throw new CodedError('relay.dataNewer')
}
