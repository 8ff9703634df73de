import { sameBytes, toHex, toUuid } from '../../../base/bytes.ts'
import { limits } from '../../../wire/limits.ts'
import { compareDevices } from '../deviceCheck.ts'
import { putHash } from '../putHash.ts'
import { hourMs } from '../recipientLimit.ts'
import type {
  DeviceEnvelopeInput,
  PutFault,
  PutOutcome,
  PutRequest,
  PutTarget,
  StoredEnvelope,
} from '../store.ts'
import type { PaidWith } from './pgPermits.ts'

/** What the store knows before a group of puts, under the locks of all accounts that they go to. */
export interface PutState {
  /** By account id; enrolled ones only. */
  readonly recipients: ReadonlyMap<string, Recipient>
  /** What was put with spent permits, by the hex of their ids. */
  readonly spent: ReadonlyMap<string, Uint8Array | null>
  /** What permits have brought to accounts, by the store's numbers. */
  readonly hours: ReadonlyMap<number, PermitHour>
  /** The envelopes of the group that were stored before, as `envelopeKey` names them; null: not looked up yet. */
  readonly known: ReadonlySet<string> | null
}

export interface Recipient {
  readonly account: number
  readonly shard: number
  readonly accessKeyHash: Uint8Array | null
  readonly devices: readonly RecipientDevice[]
}

export interface RecipientDevice {
  readonly device: number
  readonly deviceId: number
  readonly registrationId: number
  readonly adopted: boolean
  readonly lastId: number
  readonly receivedAt: number
  readonly envelopes: number
  readonly bytes: number
}

export interface PermitHour {
  readonly began: number
  readonly puts: number
}

export interface PutPlan {
  readonly outcomes: readonly PutOutcome[]
  readonly rows: readonly PlannedRow[]
  readonly paid: readonly PaidWith[]
  readonly hours: ReadonlyMap<number, PermitHour>
}

export interface PlannedRow {
  readonly shard: number
  readonly envelope: StoredEnvelope
}

export interface PutBounds {
  readonly queueBytes: number
  readonly permitPutsPerHour: number
}

export type Judgement =
  | { readonly kind: 'proper'; readonly recipient: Recipient; readonly targets: readonly PutTarget[] }
  /** This very put was stored, paid with this very permit. */
  | { readonly kind: 'repeated' }
  | PutFault

export function envelopeKey(device: number, messageId: Uint8Array): string {
  return `${device} ${toHex(messageId)}`
}

/** Whether a put may be made and for which devices; the embedded engine's `PutJudge` decides the same. */
export function judgePut(put: PutRequest, state: Pick<PutState, 'recipients' | 'spent'>): Judgement {
  const { by } = put
  const recipient = state.recipients.get(toUuid(put.destination) ?? '')
  if (by.kind === 'accessKey') {
    const hash = recipient?.accessKeyHash ?? null
    if (hash === null || !sameBytes(hash, by.hash)) return { kind: 'denied' }
  }
  if (recipient === undefined) return { kind: 'unknownRecipient' }
  const spent = by.kind === 'permit' ? state.spent.get(toHex(by.permit.spendId)) : undefined
  if (spent !== undefined) {
    return { kind: spent !== null && sameBytes(spent, putHash(put)) ? 'repeated' : 'permitSpent' }
  }
  if (recipient.devices.length === 0) return { kind: 'unknownRecipient' }
  const except = by.kind === 'own' ? by.except : null
  const others = recipient.devices.filter(({ device }) => device !== except)
  const mismatch = compareDevices(others, put.envelopes, put.someDevices)
  if (mismatch !== null) return { kind: 'mismatch', ...mismatch }
  const targets = put.envelopes.flatMap((envelope) => {
    const device = others.find(({ deviceId }) => deviceId === envelope.deviceId)?.device
    return device === undefined ? [] : [{ device, envelope }]
  })
  return { kind: 'proper', recipient, targets }
}

/**
 * What becomes of each put of a group, one after the other, and what is to be written. Null: the answer hangs on which
 * envelopes were stored before, and `state.known` does not say so yet (a full queue, a permit).
 */
export function planPuts(
  puts: readonly PutRequest[],
  now: number,
  state: PutState,
  bounds: PutBounds,
): PutPlan | null {
  const planner = new Planner(now, state, bounds)
  const outcomes: PutOutcome[] = []
  for (const put of puts) {
    const outcome = planner.take(put)
    if (outcome === null) return null
    outcomes.push(outcome)
  }
  return { outcomes, rows: planner.rows, paid: planner.paid, hours: planner.hours }
}

interface Mailbox {
  lastId: number
  readonly receivedAt: number
  envelopes: number
  bytes: number
}

class Planner {
  readonly rows: PlannedRow[] = []
  readonly paid: PaidWith[] = []
  readonly hours = new Map<number, PermitHour>()
  readonly #now: number
  readonly #state: PutState
  readonly #bounds: PutBounds
  readonly #mailboxes = new Map<number, Mailbox>()
  /** Of this group. */
  readonly #planned = new Set<string>()
  readonly #spent: Map<string, Uint8Array | null>

  constructor(now: number, state: PutState, bounds: PutBounds) {
    this.#now = now
    this.#state = state
    this.#bounds = bounds
    this.#spent = new Map(state.spent)
  }

  /** Null: `known` is needed. */
  take(put: PutRequest): PutOutcome | null {
    const { by } = put
    const judged = judgePut(put, { recipients: this.#state.recipients, spent: this.#spent })
    if (judged.kind === 'repeated') return { kind: 'stored', added: [] }
    if (judged.kind !== 'proper') return judged
    const { recipient, targets } = judged
    const full = targets.some(({ device, envelope }) => this.#isFull(recipient, device, envelope))
    if ((full || by.kind === 'permit') && this.#state.known === null) return null
    if (full) return { kind: 'full' }
    if (by.kind !== 'permit') return { kind: 'stored', added: this.#append(recipient, targets) }
    const retryAfterMs = this.#wait(recipient.account)
    if (retryAfterMs > 0) return { kind: 'recipientLimit', retryAfterMs }
    const added = this.#append(recipient, targets)
    if (added.length > 0) {
      const hash = putHash(put)
      this.paid.push({ permit: by.permit, putHash: hash })
      this.#spent.set(toHex(by.permit.spendId), hash)
      this.#count(recipient.account)
    }
    return { kind: 'stored', added }
  }

  /** A repetition of what is stored already finds room even in a full queue. */
  #isFull(recipient: Recipient, device: number, envelope: DeviceEnvelopeInput): boolean {
    const { envelopes, bytes } = this.#mailbox(recipient, device)
    const full = envelopes >= limits.queueEnvelopes || bytes + envelope.body.length > this.#bounds.queueBytes
    return full && !this.#isKnown(envelopeKey(device, envelope.messageId))
  }

  #isKnown(key: string): boolean {
    return this.#planned.has(key) || (this.#state.known?.has(key) ?? false)
  }

  #mailbox(recipient: Recipient, device: number): Mailbox {
    const planned = this.#mailboxes.get(device)
    if (planned !== undefined) return planned
    const found = recipient.devices.find((one) => one.device === device)
    const mailbox = {
      lastId: found?.lastId ?? 0,
      receivedAt: Math.max(found?.receivedAt ?? 0, this.#now),
      envelopes: found?.envelopes ?? 0,
      bytes: found?.bytes ?? 0,
    }
    this.#mailboxes.set(device, mailbox)
    return mailbox
  }

  #append(recipient: Recipient, targets: readonly PutTarget[]): StoredEnvelope[] {
    const added: StoredEnvelope[] = []
    for (const { device, envelope } of targets) {
      const { messageId, body } = envelope
      const key = envelopeKey(device, messageId)
      if (this.#isKnown(key)) continue
      this.#planned.add(key)
      const mailbox = this.#mailbox(recipient, device)
      mailbox.lastId += 1
      mailbox.envelopes += 1
      mailbox.bytes += body.length
      const stored = { device, id: mailbox.lastId, receivedAt: mailbox.receivedAt, messageId, body }
      added.push(stored)
      this.rows.push({ shard: recipient.shard, envelope: stored })
    }
    return added
  }

  #hour(account: number): PermitHour | null {
    const hour = this.hours.get(account) ?? this.#state.hours.get(account) ?? null
    return hour === null || this.#now - hour.began >= hourMs || this.#now < hour.began ? null : hour
  }

  /** 0: one more may come. Otherwise the milliseconds until one may. */
  #wait(account: number): number {
    const hour = this.#hour(account)
    return hour === null || hour.puts < this.#bounds.permitPutsPerHour ? 0 : hour.began + hourMs - this.#now
  }

  #count(account: number): void {
    const hour = this.#hour(account)
    this.hours.set(account, { began: hour?.began ?? this.#now, puts: (hour?.puts ?? 0) + 1 })
  }
}
