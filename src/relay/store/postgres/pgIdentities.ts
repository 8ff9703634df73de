import { copyBytes, sameBytes } from '../../../base/bytes.ts'
import { CodedError } from '../../../base/errors.ts'
import type { IdentityAdoption, IdentityReplacement, IdentityStore, ReplaceOutcome } from '../deviceStore.ts'
import { lockOwner } from './pgAccess.ts'
import type { Database, Transaction } from './database.ts'
import { bumped, removeDevices } from './pgDevices.ts'
import { dropKeys, writeKeys } from './pgKeys.ts'
import { statement } from './statement.ts'

const readHash = statement<{ readonly access_key_hash: Uint8Array | null }>(
  'SELECT access_key_hash FROM accounts WHERE account_id = $1 AND enrolled_at IS NOT NULL',
)
const setHash = statement('UPDATE accounts SET access_key_hash = $1 WHERE account_id = $2')
const attest = statement('UPDATE devices SET attestation = $1 WHERE id = $2')
const setIdentity = statement('UPDATE accounts SET identity_key = $1, access_key_hash = $2 WHERE id = $3')
const devicesOf = statement<{ readonly id: number; readonly device_id: number }>(
  'SELECT id, device_id FROM devices WHERE account = $1',
)

export function pgIdentities(db: Database): IdentityStore {
  return {
    replace: async (replacement) => db.atomically(async (tx) => replace(tx, replacement)),
    adopt: async (adoption) => db.atomically(async (tx) => adopt(tx, adoption)),
    accessKeyHash: async (accountId) => {
      const [row] = await db.rows(readHash, accountId)
      const hash = row?.access_key_hash ?? null
      return hash === null ? null : copyBytes(hash)
    },
    setAccessKeyHash: async (accountId, hash) => {
      await db.rows(setHash, hash, accountId)
    },
  }
}

interface Owner {
  readonly account: number
  readonly identityKey: Uint8Array
}

async function ownerOf(tx: Transaction, device: number): Promise<Owner> {
  const [account] = await tx.rows(lockOwner, device)
  const identityKey = account?.identity_key ?? null
  if (account === undefined || identityKey === null) throw new CodedError('relay.deviceGone')
  // It may have gone while the lock was waited for.
  const mine = (await tx.rows(devicesOf, account.id)).some(({ id }) => id === device)
  if (!mine) throw new CodedError('relay.deviceGone')
  return { account: account.id, identityKey }
}

async function replace(tx: Transaction, replacement: IdentityReplacement): Promise<ReplaceOutcome> {
  const { account, identityKey } = await ownerOf(tx, replacement.device)
  // The answer was lost. The keys may be others than the first time; those of other devices are left alone.
  const repeated = sameBytes(identityKey, replacement.identityKey)
  if (!repeated && !sameBytes(identityKey, replacement.previousIdentityKey)) return { kind: 'superseded' }
  const removed = repeated ? [] : await removeOthers(tx, account, replacement)
  tx.send(setIdentity, replacement.identityKey, replacement.accessKeyHash, account)
  await bring(tx, replacement)
  return { kind: 'replaced', revision: await bumped(tx, account), removed }
}

/** Takes the devices off that are not kept and the keys of those that are; answers the store's numbers of the former. */
async function removeOthers(
  tx: Transaction,
  account: number,
  { device, keep }: IdentityReplacement,
): Promise<readonly number[]> {
  const all = await tx.rows(devicesOf, account)
  const isKept = (one: { readonly id: number; readonly device_id: number }): boolean =>
    one.id === device || keep.includes(one.device_id)
  const removed = all.filter((one) => !isKept(one)).map(({ id }) => id)
  await removeDevices(tx, removed)
  for (const { id } of all.filter(isKept)) dropKeys(tx, id)
  return removed
}

async function adopt(
  tx: Transaction,
  adoption: IdentityAdoption,
): Promise<{ readonly revision: number } | null> {
  const { account, identityKey } = await ownerOf(tx, adoption.device)
  if (!sameBytes(identityKey, adoption.identityKey)) return null
  await bring(tx, adoption)
  return { revision: await bumped(tx, account) }
}

async function bring(tx: Transaction, { device, attestation, keys }: IdentityAdoption): Promise<void> {
  dropKeys(tx, device)
  tx.send(attest, attestation, device)
  await writeKeys(tx, device, keys)
}
