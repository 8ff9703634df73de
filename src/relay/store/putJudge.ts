import { sameBytes } from '../../base/bytes.ts'
import { compareDevices } from './deviceCheck.ts'
import { putHash } from './putHash.ts'
import { admitted, recipientReader, type RecipientRow } from './sqliteAccess.ts'
import type { SqliteDatabase } from './sqliteOpen.ts'
import type { SpentPermits } from './sqlitePermits.ts'
import type { PutFault, PutRequest, PutTarget } from './store.ts'

interface DestinationRow {
  readonly device: number
  readonly deviceId: number
  readonly registrationId: number
  readonly adopted: number
}

interface KnownDestination extends Omit<DestinationRow, 'adopted'> {
  readonly adopted: boolean
}

interface Recipient {
  readonly row: RecipientRow | null
  readonly devices: readonly KnownDestination[]
}

/** What was read of recipients within one transaction, in which it stays true: a group has many puts to the same. */
export class SeenRecipients {
  readonly #recipients = new Map<string, Recipient>()

  of(accountId: Uint8Array, read: () => Recipient): Recipient {
    const key = Buffer.from(accountId.buffer, accountId.byteOffset, accountId.length).toString('latin1')
    const seen = this.#recipients.get(key)
    if (seen !== undefined) return seen
    const recipient = read()
    this.#recipients.set(key, recipient)
    return recipient
  }
}

export type PutJudgement =
  | { readonly kind: 'proper'; readonly account: number; readonly targets: readonly PutTarget[] }
  /** This very put was stored, paid with this very permit. */
  | { readonly kind: 'repeated' }
  | PutFault

/** Whether a put may be made and for which devices; reads only, within the caller's transaction or without one. */
export class PutJudge {
  readonly #find: (accountId: Uint8Array) => RecipientRow | null
  readonly #permits: SpentPermits
  readonly #destinations

  constructor(db: SqliteDatabase, permits: SpentPermits) {
    this.#find = recipientReader(db)
    this.#permits = permits
    this.#destinations = db.prepare<[number], DestinationRow>(
      `SELECT d.id AS device, d.device_id AS deviceId, d.registration_id AS registrationId,
              k.device IS NOT NULL AS adopted
       FROM devices d LEFT JOIN device_keys k ON k.device = d.id WHERE d.account = ?`,
    )
  }

  /** `seen` is of the transaction in which this is called; left out where there is none. */
  judge(put: PutRequest, seen = new SeenRecipients()): PutJudgement {
    const { by, destination } = put
    const { row, devices } = seen.of(destination, () => this.#read(destination))
    const admission = admitted(row, by)
    if (admission.kind !== 'admitted') return admission
    const spent = by.kind === 'permit' ? this.#permits.find(by.permit) : null
    if (spent !== null) {
      const same = spent.putHash !== null && sameBytes(spent.putHash, putHash(put))
      return { kind: same ? 'repeated' : 'permitSpent' }
    }
    return compare(put, admission.account, devices)
  }

  #read(accountId: Uint8Array): Recipient {
    const row = this.#find(accountId)
    const devices = row === null ? [] : this.#destinations.all(row.id)
    return { row, devices: devices.map((device) => ({ ...device, adopted: device.adopted !== 0 })) }
  }
}

function compare(put: PutRequest, account: number, all: readonly KnownDestination[]): PutJudgement {
  if (all.length === 0) return { kind: 'unknownRecipient' }
  const except = put.by.kind === 'own' ? put.by.except : null
  const known = all.filter((device) => device.device !== except)
  const [only] = known
  const [first] = put.envelopes
  // Most accounts have one device, and most puts name it rightly.
  if (only !== undefined && first !== undefined && known.length + put.envelopes.length === 2) {
    const right = only.deviceId === first.deviceId && only.registrationId === first.registrationId
    if (right) return { kind: 'proper', account, targets: [{ device: only.device, envelope: first }] }
  }
  const mismatch = compareDevices(known, put.envelopes, put.someDevices)
  if (mismatch !== null) return { kind: 'mismatch', ...mismatch }
  const targets = put.envelopes.flatMap((envelope) => {
    const device = known.find((candidate) => candidate.deviceId === envelope.deviceId)?.device
    return device === undefined ? [] : [{ device, envelope }]
  })
  return { kind: 'proper', account, targets }
}
