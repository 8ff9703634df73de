import { fromBase64Url, toBase64Url } from '../../base/bytes.ts'
import { CodedError, reportOf, type ErrorCode } from '../../base/errors.ts'
import { beginPermits, finishPermits } from '../../protocol/permits.ts'
import { accessKeyOf } from '../../protocol/profileKey.ts'
import { forgetPersonKey, readPersonKey } from '../../storage/repositories/personKeys.ts'
import { addPermits, countPermits, takePermit } from '../../storage/repositories/permits.ts'
import type { Vault } from '../../storage/vault.ts'
import { limits } from '../../wire/limits.ts'
import type { Authorisation } from '../relay/anonymousSocket.ts'
import type { LiveConnection, RelayConnection } from '../relay/connection.ts'

/** Drawn in advance, so that the drawing does not tell when somebody writes to a stranger. */
const permitsInStock = 20

/** libsignal refuses a permit about two hours before the end that it names. */
const refusedBeforeMs = 3 * 3_600_000

/** How often another authorisation is taken in a row: the relay may refuse them all. */
const triesInARow = 3

/** With what this account writes to others namelessly: their access key where it is known, else a blind permit. */
export class Access {
  readonly #vault: Vault
  readonly #connection: RelayConnection
  readonly #zkPublicParams: Uint8Array<ArrayBuffer>
  #drawing: Promise<void> | null = null

  constructor(vault: Vault, connection: RelayConnection, zkPublicParams: Uint8Array<ArrayBuffer>) {
    this.#vault = vault
    this.#connection = connection
    this.#zkPublicParams = zkPublicParams
  }

  /** Throws `permit.exhausted` when there is neither, and the codes of the relay. */
  async to(accountId: string, live: LiveConnection): Promise<Authorisation> {
    const profileKey = readPersonKey(this.#vault.sql, accountId)
    if (profileKey !== null) return { kind: 'accessKey', accessKey: accessKeyOf(profileKey) }
    const now = live.relayTime()
    const permit = this.#take(now) ?? (await this.#drawn(live))
    if (permit === null) throw new CodedError('permit.exhausted')
    return { kind: 'permit', permit }
  }

  /**
   * Does something at the relay without a name; where its authorisation is refused, with another one. Throws what `work`
   * throws, and as `to`.
   */
  async spend<T>(
    accountId: string,
    live: LiveConnection,
    work: (authorisation: Authorisation) => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const authorisation = await this.to(accountId, live)
      try {
        return await work(authorisation)
      } catch (error) {
        if (tries >= triesInARow || !this.refused(accountId, authorisation, reportOf(error).code)) throw error
      }
    }
  }

  /** True when another authorisation may be taken in place of the one that was refused. */
  refused(accountId: string, authorisation: Authorisation, code: ErrorCode): boolean {
    // Any refusal: they may have told us their key while this was under way.
    if (authorisation.kind === 'permit') return code === 'permit.invalid' || this.isKnown(accountId)
    if (code !== 'access.denied') return false
    // They have changed it without telling us: a permit serves as for any stranger.
    this.#vault.transaction((tx) => forgetPersonKey(tx, accountId))
    return true
  }

  /** Their access key is known here. */
  isKnown(accountId: string): boolean {
    return readPersonKey(this.#vault.sql, accountId) !== null
  }

  /** Keeps some in stock. */
  async replenish(live: LiveConnection): Promise<void> {
    if (countPermits(this.#vault.sql, live.relayTime()) < permitsInStock) await this.#draw(live)
  }

  #take(now: number): Uint8Array<ArrayBuffer> | null {
    return this.#vault.transaction((tx) => takePermit(tx, now))
  }

  async #drawn(live: LiveConnection): Promise<Uint8Array<ArrayBuffer> | null> {
    await this.#draw(live)
    return this.#take(live.relayTime())
  }

  async #draw(live: LiveConnection): Promise<void> {
    this.#drawing ??= this.#request(live).finally(() => {
      this.#drawing = null
    })
    await this.#drawing
  }

  async #request(live: LiveConnection): Promise<void> {
    const { context, request } = beginPermits(limits.permitsAtOnce)
    const answer = await this.#connection.request('permits', { body: { request: toBase64Url(request) } })
    const response = fromBase64Url(answer.response)
    if (response === null) throw new CodedError('relay.malformedAnswer')
    const permits = finishPermits(context, response, this.#zkPublicParams, live.relayTime())
    const usable = permits.map(({ permit, expiresAt }) => ({
      permit,
      expiresAt: expiresAt - refusedBeforeMs,
    }))
    this.#vault.transaction((tx) => addPermits(tx, usable))
  }
}
