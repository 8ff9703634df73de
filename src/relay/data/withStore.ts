import { CodedError } from '../../base/errors.ts'
import { engineOf, openStoreOf } from '../engine.ts'
import type { RelayStore } from '../store/store.ts'

/**
 * Opens a relay's store for one command, also beside a running relay. Throws as `openStoreOf` does, and
 * `relay.databaseUnreachable` when PostgreSQL goes away meanwhile.
 */
export async function withStore<T>(folder: string, work: (store: RelayStore) => Promise<T>): Promise<T> {
  const choice = await engineOf(folder)
  const store = await openStoreOf(folder, choice)
  try {
    return await work(store)
  } catch (thrown) {
    const away = thrown instanceof CodedError && thrown.code === 'relay.unavailable'
    throw away && choice.kind === 'postgres'
      ? new CodedError('relay.databaseUnreachable', {}, { cause: thrown })
      : thrown
  } finally {
    await store.close()
  }
}
