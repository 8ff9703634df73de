import { z } from 'zod'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { limits } from '../../wire/limits.ts'
import { Linking, type LinkingPlace, type LinkOffer, type LinkTries } from '../linking.ts'
import type { Database, Transaction } from '../store/postgres/database.ts'
import { statement } from '../store/postgres/statement.ts'

interface OfferRow {
  readonly link_id: string
  readonly offer: string
}

/** Steps of linking are few: one at a time in all processes together. */
const lock = statement('SELECT pg_advisory_xact_lock(7625309847)')
const forgetOffers = statement('DELETE FROM link_offers WHERE expires_at <= $1')
const forgetTries = statement('DELETE FROM link_tries WHERE expires_at <= $1')
const count = statement<{ readonly n: number }>('SELECT count(*) AS n FROM link_offers')
const readOffers = statement<OfferRow>(
  'SELECT link_id, offer FROM link_offers WHERE link_id = $1 OR account_id = $2 ORDER BY expires_at',
)
const readTries = statement<{ readonly began: number; readonly tries: number }>(
  'SELECT began, tries FROM link_tries WHERE account_id = $1',
)
const writeOffer = statement(
  `INSERT INTO link_offers (link_id, account_id, expires_at, offer) VALUES ($1, $2, $3, $4)
   ON CONFLICT (link_id) DO UPDATE SET account_id = $2, expires_at = $3, offer = $4`,
)
const dropOffer = statement('DELETE FROM link_offers WHERE link_id = $1')
const writeTries = statement(
  `INSERT INTO link_tries (account_id, began, tries, expires_at) VALUES ($1, $2, $3, $4)
   ON CONFLICT (account_id) DO UPDATE SET began = $2, tries = $3, expires_at = $4`,
)

const bytes = z.string().transform((text): Bytes => fromBase64Url(text) ?? new Uint8Array(0))
const offerSchema = z.object({
  ephemeralKey: bytes,
  nonce: bytes,
  expiresAt: z.number(),
  finders: z.array(z.string()).transform((finders) => new Set(finders)),
  reservation: z
    .object({
      accountId: z.string(),
      // A relay of an earlier version did not say who: no device has this number.
      by: z.number().default(0),
      deviceId: z.number(),
      secretHash: bytes,
    })
    .nullable(),
  answer: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('waiting'), sealed: bytes }),
    z.object({ kind: z.literal('taken'), hash: bytes }),
  ]),
})

/**
 * Where devices meet that are connected to different processes: the state of `Linking`, as far as a step needs it, from
 * unlogged tables and back into them. A crash of the server ends the offers, as a restart ends those in memory.
 */
export class PostgresLinking implements LinkingPlace {
  readonly #db: Database
  readonly #clock: Clock

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  async meet<T>(linkId: Bytes, accountId: string | null, work: (linking: Linking) => T): Promise<T> {
    const done = await this.#db.atomically(async (tx) => this.#step(tx, toBase64Url(linkId), accountId, work))
    if (done.kind === 'refused') throw done.thrown
    return done.result
  }

  async forget(): Promise<void> {
    await Promise.all([forgetOffers, forgetTries].map(async (one) => this.#db.rows(one, this.#clock.now())))
  }

  /** What a step refuses it may have counted all the same. */
  async #step<T>(
    tx: Transaction,
    id: string,
    accountId: string | null,
    work: (linking: Linking) => T,
  ): Promise<
    { readonly kind: 'done'; readonly result: T } | { readonly kind: 'refused'; readonly thrown: CodedError }
  > {
    tx.send(lock)
    tx.send(forgetOffers, this.#clock.now())
    const [offerRows, triesRows, counted] = await Promise.all([
      tx.rows(readOffers, id, accountId),
      accountId === null ? [] : tx.rows(readTries, accountId),
      tx.rows(count),
    ])
    const offers = new Map(offerRows.map((row) => [row.link_id, offerOf(row.offer)]))
    const tries = new Map<string, LinkTries>()
    const [before] = triesRows
    if (accountId !== null && before !== undefined) {
      tries.set(accountId, { began: before.began, count: before.tries })
    }
    const others = (counted[0]?.n ?? 0) - offers.size
    const linking = new Linking(this.#clock, { offers, tries, others })
    const done = attempt(() => work(linking))
    save(tx, id, offers.get(id))
    const after = accountId === null ? undefined : tries.get(accountId)
    if (accountId !== null && after !== undefined) {
      tx.send(writeTries, accountId, after.began, after.count, after.began + limits.linkMs)
    }
    return done
  }
}

function attempt<T>(
  work: () => T,
): { readonly kind: 'done'; readonly result: T } | { readonly kind: 'refused'; readonly thrown: CodedError } {
  try {
    return { kind: 'done', result: work() }
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown
    return { kind: 'refused', thrown }
  }
}

function save(tx: Transaction, id: string, offer: LinkOffer | undefined): void {
  if (offer === undefined) tx.send(dropOffer, id)
  else tx.send(writeOffer, id, offer.reservation?.accountId ?? null, offer.expiresAt, textOf(offer))
}

function textOf(offer: LinkOffer): string {
  return JSON.stringify({ ...offer, finders: [...offer.finders] }, (_key, value: unknown) =>
    value instanceof Uint8Array ? toBase64Url(value) : value,
  )
}

function offerOf(text: string): LinkOffer {
  return offerSchema.parse(JSON.parse(text))
}
