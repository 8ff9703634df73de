import { createHash, randomBytes } from 'node:crypto'
import { sameBytes, toBase64Url, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'
import type { DeviceList, DeviceRecord } from './store/deviceStore.ts'

/** Offers at once: more than the budget of one network address makes in `linkMs`. Only an account adds its 16 KiB. */
const offersMax = 20_000
const fullRetryMs = 60_000

/** What is known of one offer. */
export interface LinkOffer {
  readonly ephemeralKey: Bytes
  readonly nonce: Bytes
  readonly expiresAt: number
  /** The accounts where its code was typed. */
  readonly finders: Set<string>
  reservation: Reservation | null
  answer: Answer
}

interface Reservation {
  readonly accountId: string
  /** The store's number of the device that reserved: where it ends, so does what it reserved. */
  readonly by: number
  readonly deviceId: number
  readonly secretHash: Bytes
}

type Answer =
  | { readonly kind: 'none' }
  | { readonly kind: 'waiting'; readonly sealed: Bytes }
  | { readonly kind: 'taken'; readonly hash: Bytes }

export interface LinkTries {
  readonly began: number
  count: number
}

/** Steps of linking, wherever their state lies. */
export interface LinkingPlace {
  /** One step on an offer, by an account or by nobody; nothing else happens to them meanwhile. Throws what the step throws. */
  meet<T>(linkId: Bytes, accountId: string | null, work: (linking: Linking) => T): Promise<T>
  /** Drops what has ended. */
  forget(): Promise<void>
}

/** For a relay of one process: in memory only, and a restart ends all offers. */
export function linkingInMemory(clock: Clock): LinkingPlace {
  const linking = new Linking(clock)
  return {
    meet: async (_linkId, _accountId, work) => work(linking),
    forget: async () => linking.forgetOld(),
  }
}

export interface LinkingState {
  /** In the order of their ends. */
  readonly offers: Map<string, LinkOffer>
  readonly tries: Map<string, LinkTries>
  /** Offers that there are besides. */
  readonly others: number
}

/**
 * Where a new device and an old one meet (ARCHITECTURE: linking). An offer lives ten minutes. The relay sees a hash of the code, so that it can neither guess the code nor know the key behind it.
 */
export class Linking {
  readonly #clock: Clock
  readonly #offers: Map<string, LinkOffer>
  readonly #tries: Map<string, LinkTries>
  readonly #others: number

  constructor(clock: Clock, state: LinkingState = { offers: new Map(), tries: new Map(), others: 0 }) {
    this.#clock = clock
    this.#offers = state.offers
    this.#tries = state.tries
    this.#others = state.others
  }

  /** The end of the offer; the same one may be repeated. `relay.tooManyRequests` while there are too many. */
  offer(linkId: Bytes, ephemeralKey: Bytes, nonce: Bytes): number {
    const known = this.#live(linkId)
    if (known !== null) {
      const same = sameBytes(known.ephemeralKey, ephemeralKey) && sameBytes(known.nonce, nonce)
      if (!same) throw new CodedError('link.unknown')
      return known.expiresAt
    }
    this.forgetOld()
    if (this.#offers.size + this.#others >= offersMax) {
      throw new CodedError('relay.tooManyRequests', { retryAfterMs: fullRetryMs })
    }
    const expiresAt = this.#clock.now() + limits.linkMs
    const finders = new Set<string>()
    // A new one goes to the end, also where an old one of this id is still in the map.
    this.#offers.delete(toBase64Url(linkId))
    this.#offers.set(toBase64Url(linkId), {
      ephemeralKey,
      nonce,
      expiresAt,
      finders,
      reservation: null,
      answer: { kind: 'none' },
    })
    return expiresAt
  }

  /** Counts a try of the account, whatever it finds. */
  find(linkId: Bytes, accountId: string): { readonly ephemeralKey: Bytes; readonly nonce: Bytes } {
    this.#try(accountId)
    const offer = this.#live(linkId)
    if (offer === null) throw new CodedError('link.unknown')
    offer.finders.add(accountId)
    return offer
  }

  /** A free device id for the new device and the secret that it has to show; reserving again voids the first secret. */
  reserve(
    linkId: Bytes,
    { accountId, device: by }: Pick<DeviceRecord, 'accountId' | 'device'>,
    list: DeviceList,
  ): { readonly deviceId: number; readonly secret: Bytes } {
    const offer = this.#live(linkId)
    if (offer === null || !offer.finders.has(accountId)) throw new CodedError('link.unknown')
    const { reservation } = offer
    if (reservation !== null && reservation.accountId !== accountId) throw new CodedError('link.unknown')
    const deviceId = reservation?.deviceId ?? this.#freeDevice(accountId, list)
    const secret = new Uint8Array(randomBytes(32))
    offer.reservation = { accountId, by, deviceId, secretHash: sha256(secret) }
    return { deviceId, secret }
  }

  /** Until it is taken it may be replaced; the one that was taken may be repeated. */
  answer(linkId: Bytes, accountId: string, sealed: Bytes): void {
    const offer = this.#live(linkId)
    if (offer?.reservation?.accountId !== accountId) throw new CodedError('link.unknown')
    if (offer.answer.kind === 'taken') {
      if (!sameBytes(offer.answer.hash, sha256(sealed))) throw new CodedError('link.unknown')
    } else offer.answer = { kind: 'waiting', sealed }
  }

  /** Null while nobody has answered. An answer is given out once. */
  take(linkId: Bytes): Bytes | null {
    const offer = this.#live(linkId)
    if (offer === null || offer.answer.kind === 'taken') throw new CodedError('link.unknown')
    if (offer.answer.kind === 'none') return null
    const { sealed } = offer.answer
    offer.answer = { kind: 'taken', hash: sha256(sealed) }
    return sealed
  }

  /** The device that reserved this very device of this account for who shows the secret, or null: nobody did. */
  reservedBy(linkId: Bytes, accountId: string, deviceId: number, secret: Bytes): number | null {
    const reservation = this.#live(linkId)?.reservation ?? null
    if (reservation === null) return null
    const fits = reservation.accountId === accountId && reservation.deviceId === deviceId
    return sameBytes(reservation.secretHash, sha256(secret)) && fits ? reservation.by : null
  }

  /** It is used. */
  end(linkId: Bytes): void {
    this.#offers.delete(toBase64Url(linkId))
  }

  #live(linkId: Bytes): LinkOffer | null {
    const offer = this.#offers.get(toBase64Url(linkId))
    return offer === undefined || offer.expiresAt <= this.#clock.now() ? null : offer
  }

  #try(accountId: string): void {
    const now = this.#clock.now()
    const before = this.#tries.get(accountId)
    const over = before === undefined || now - before.began >= limits.linkMs || now < before.began
    const tries = over ? { began: now, count: 0 } : before
    if (tries.count >= limits.linkTries) {
      throw new CodedError('link.tooManyTries', { retryAfterMs: tries.began + limits.linkMs - now })
    }
    tries.count += 1
    if (over) this.#tries.delete(accountId)
    this.#tries.set(accountId, tries)
  }

  /** Ids that no device of the account had before come first: correspondents know nothing of them. */
  #freeDevice(accountId: string, list: DeviceList): number {
    const reserved = this.#reservedOf(accountId)
    const taken = new Set([...list.devices.map((device) => device.deviceId), ...reserved])
    if (taken.size >= limits.devicesPerAccount) throw new CodedError('device.limit')
    const all = Array.from({ length: limits.deviceIdMax }, (_, n) => n + 1).filter((id) => !taken.has(id))
    const free = all.find((id) => id > list.highestDeviceId) ?? all.find((id) => id > limits.firstDeviceId)
    if (free === undefined) throw new CodedError('device.limit')
    return free
  }

  #reservedOf(accountId: string): number[] {
    const now = this.#clock.now()
    return [...this.#offers.values()].flatMap(({ reservation, expiresAt }) =>
      reservation?.accountId === accountId && expiresAt > now ? [reservation.deviceId] : [],
    )
  }

  /** Both are in the order of their ends. */
  forgetOld(): void {
    const now = this.#clock.now()
    for (const [id, offer] of this.#offers) {
      if (offer.expiresAt > now) break
      this.#offers.delete(id)
    }
    for (const [id, tries] of this.#tries) {
      if (now - tries.began < limits.linkMs) break
      this.#tries.delete(id)
    }
  }
}

function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
