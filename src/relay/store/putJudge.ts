import { sameBytes } from '../../base/bytes.ts'
import { compareDevices } from './deviceCheck.ts'
import { putHash } from './putHash.ts'
import { admitter, type Admission } from './sqliteAccess.ts'
import type { SqliteDatabase } from './sqliteOpen.ts'
import type { SpentPermits } from './sqlitePermits.ts'
import type { Authorisation, PutFault, PutRequest, PutTarget } from './store.ts'

interface DestinationRow {
  readonly device: number
  readonly deviceId: number
  readonly registrationId: number
  readonly adopted: number
}

export type PutJudgement =
  | { readonly kind: 'proper'; readonly account: number; readonly targets: readonly PutTarget[] }
  /** This very put was stored, paid with this very permit. */
  | { readonly kind: 'repeated' }
  | PutFault

/** Whether a put may be made and for which devices; reads only, within the caller's transaction or without one. */
export class PutJudge {
  readonly #admit: (accountId: Uint8Array, by: Authorisation) => Admission
  readonly #permits: SpentPermits
  readonly #destinations

  constructor(db: SqliteDatabase, permits: SpentPermits) {
    this.#admit = admitter(db)
    this.#permits = permits
    this.#destinations = db.prepare<[number], DestinationRow>(
      `SELECT d.id AS device, d.device_id AS deviceId, d.registration_id AS registrationId,
              k.device IS NOT NULL AS adopted
       FROM devices d LEFT JOIN device_keys k ON k.device = d.id WHERE d.account = ?`,
    )
  }

  judge(put: PutRequest): PutJudgement {
    const { by } = put
    const admitted = this.#admit(put.destination, by)
    if (admitted.kind !== 'admitted') return admitted
    const spent = by.kind === 'permit' ? this.#permits.find(by.permit) : null
    if (spent !== null) {
      const same = spent.putHash !== null && sameBytes(spent.putHash, putHash(put))
      return { kind: same ? 'repeated' : 'permitSpent' }
    }
    return this.#compare(put, admitted.account)
  }

  #compare(put: PutRequest, account: number): PutJudgement {
    const all = this.#destinations.all(account).map((row) => ({ ...row, adopted: row.adopted !== 0 }))
    if (all.length === 0) return { kind: 'unknownRecipient' }
    const except = put.by.kind === 'own' ? put.by.except : null
    const known = all.filter((device) => device.device !== except)
    const mismatch = compareDevices(known, put.envelopes, put.someDevices)
    if (mismatch !== null) return { kind: 'mismatch', ...mismatch }
    const targets = put.envelopes.flatMap((envelope) => {
      const device = known.find((candidate) => candidate.deviceId === envelope.deviceId)?.device
      return device === undefined ? [] : [{ device, envelope }]
    })
    return { kind: 'proper', account, targets }
  }
}
