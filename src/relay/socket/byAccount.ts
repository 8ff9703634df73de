import type { Connection } from './connection.ts'

/** Connections that have proved themselves, by their account: what concerns one account costs no look at all the others. */
export class ByAccount {
  readonly #connections = new Map<string, Set<Connection>>()

  add(connection: Connection): void {
    const { accountId } = connection
    if (accountId === null) return
    const others = this.#connections.get(accountId)
    if (others === undefined) this.#connections.set(accountId, new Set([connection]))
    else others.add(connection)
  }

  remove(connection: Connection): void {
    const { accountId } = connection
    const all = accountId === null ? undefined : this.#connections.get(accountId)
    if (accountId === null || all === undefined) return
    all.delete(connection)
    if (all.size === 0) this.#connections.delete(accountId)
  }

  /** Also those that wait for their device's place. */
  of(accountId: string): readonly Connection[] {
    return [...(this.#connections.get(accountId) ?? [])]
  }
}
