/**
 * What is carried over row by row between the two engines, parents first. The tables have the same names in both, and
 * columns that are in both are carried.
 */
export const carried = [
  'accounts',
  'invitations',
  'devices',
  'device_keys',
  'one_time_pre_keys',
  'one_time_kyber_pre_keys',
  'queue',
  'spent_permits',
  'changes',
  'acts',
  'acts_state',
  'email_domains',
  'approvals',
  'budget_counts',
  'budget_settings',
  'alerts',
  'blobs',
  'credentials',
  'credential_links',
  'step_ups',
] as const

/** Made anew from what is carried, or from a counter of the other engine; or of use to running processes alone. */
export const derived = {
  sqlite: ['directory', 'queue_state', 'device_numbers'],
  postgres: [
    'words',
    'mailboxes',
    'shard_map',
    'permit_hours',
    'changes_state',
    'schema_version',
    'presence',
    'link_offers',
    'link_tries',
  ],
} as const

/** How many rows each carried table has now. */
export type MovedCounts = ReadonlyMap<string, number>

/** A row between the engines: as PostgreSQL has it, but bytes for its UUIDs and 0 and 1 for its booleans. */
export type PlainRow = Record<string, PlainValue>
export type PlainValue = string | number | Uint8Array | null
