import { openSqliteStore } from '../store/sqlite.ts'
import type { RelayStore } from '../store/store.ts'
import { databaseFile } from './relayData.ts'

/** Opens a relay's store for one command, also beside a running relay. */
export async function withStore<T>(folder: string, work: (store: RelayStore) => Promise<T>): Promise<T> {
  const store = openSqliteStore(databaseFile(folder))
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}
