import { createHash } from 'node:crypto'

/** What spreads accounts over the shards of an epoch: a number below 2^32 that is always the same for an account. */
export function shardHash(accountId: string): number {
  return createHash('sha256').update(accountId).digest().readUInt32BE(0)
}
