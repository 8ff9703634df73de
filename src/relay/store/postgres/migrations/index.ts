import { foundation } from './0001-foundation.ts'
import { people } from './0002-people.ts'
import { budgets } from './0003-budgets.ts'
import { peers } from './0004-peers.ts'
import { linking } from './0005-linking.ts'
import { credentials } from './0006-credentials.ts'
import type { PostgresMigration } from './migration.ts'

/** In order, without gaps; one that has been released is never changed. Numbered apart from the embedded engine's. */
export const postgresMigrations: readonly PostgresMigration[] = [
  foundation,
  people,
  budgets,
  peers,
  linking,
  credentials,
]
