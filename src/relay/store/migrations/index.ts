import { foundation } from './0001-foundation.ts'
import { directory } from './0002-directory.ts'
import { devices } from './0003-devices.ts'
import { accounts } from './0004-accounts.ts'
import { budgets } from './0005-budgets.ts'
import { blobs } from './0006-blobs.ts'
import { credentials } from './0007-credentials.ts'
import type { Migration } from './migration.ts'

/** In order, without gaps; one that has been released is never changed. */
export const migrations: readonly Migration[] = [
  foundation,
  directory,
  devices,
  accounts,
  budgets,
  blobs,
  credentials,
]
