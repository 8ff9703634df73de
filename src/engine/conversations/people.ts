import { CodedError } from '../../base/errors.ts'
import type { CallInput, CallOutput } from '../../contract/index.ts'
import { accessKeyOf } from '../../protocol/profileKey.ts'
import { readPersonKey } from '../../storage/repositories/personKeys.ts'
import { readPerson, writePerson, type PersonRow } from '../../storage/repositories/people.ts'
import type { Vault } from '../../storage/vault.ts'
import type { AnonymousConnection } from '../relay/anonymousConnection.ts'
import type { RelayConnection } from '../relay/connection.ts'

/** Names, as the directory confirms them. */
export class People {
  readonly #vault: Vault
  readonly #connection: RelayConnection
  readonly #anonymous: AnonymousConnection
  readonly #lookups = new Set<string>()

  constructor(vault: Vault, connection: RelayConnection, anonymous: AnonymousConnection) {
    this.#vault = vault
    this.#anonymous = anonymous
    this.#connection = connection
  }

  async search(input: CallInput<'directory.search'>): Promise<CallOutput<'directory.search'>> {
    const { query, after } = input
    const answer = await this.#connection.request('directory', {
      query: { query, after: after ?? undefined },
    })
    return { people: answer.entries, next: answer.next, total: answer.total }
  }

  /** Throws `relay.malformedAnswer` for somebody else: a relay must not rename another contact. */
  async find(accountId: string): Promise<PersonRow> {
    const person = await this.#connection.request('account', { query: { accountId } })
    if (person.accountId !== accountId) throw new CodedError('relay.malformedAnswer')
    return person
  }

  /**
   * Learns the name of someone who wrote first, by the access key that came with it. True when there is a new one.
   * SECURITY 9: asked with this device's name, the relay would know who had just written to it.
   */
  async learn(accountId: string): Promise<boolean> {
    const profileKey = readPersonKey(this.#vault.sql, accountId)
    if (profileKey === null || this.#lookups.has(accountId)) return false
    if (readPerson(this.#vault.sql, accountId) !== null) return false
    this.#lookups.add(accountId)
    try {
      const person = await this.#anonymous.person(accountId, accessKeyOf(profileKey))
      if (person.accountId !== accountId) throw new CodedError('relay.malformedAnswer')
      this.#vault.transaction((tx) => writePerson(tx, person))
      return true
    } finally {
      this.#lookups.delete(accountId)
    }
  }
}
