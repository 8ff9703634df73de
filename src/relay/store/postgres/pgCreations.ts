import { toHex } from '../../../base/bytes.ts'
import { foldText } from '../foldText.ts'
import { searchText } from '../listing.ts'
import type { AccountAct, Profile } from '../peopleStore.ts'
import type { Transaction } from './database.ts'
import { accountColumns } from './pgAccess.ts'
import { shardHash } from './shards.ts'
import { list, statement } from './statement.ts'

type Creation = Extract<AccountAct, { readonly kind: 'create' }>

const findTaken = statement<{ readonly value: string }>(
  `SELECT account_id::text AS value FROM accounts WHERE account_id = ANY ($1::uuid[])
   UNION ALL SELECT 'e' || email FROM accounts WHERE email = ANY ($2::text[])
   UNION ALL SELECT 'i' || identifier FROM accounts WHERE identifier = ANY ($3::text[])
   UNION ALL SELECT 'c' || encode(code_hash, 'hex') FROM invitations WHERE code_hash = ANY ($4::bytea[])`,
)
const createAll = statement(
  `WITH given AS (
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::bigint[], $10::boolean[], $11::text[], $12::text[], $13::bigint[], $14::bytea[], $15::bigint[], $16::bigint[])
       AS g (${accountColumns}, sort_key, search_text, role, expires_at, hidden, email, identifier, hash, code, made_at, ends_at)
   ), made AS (
     INSERT INTO accounts (${accountColumns}, sort_key, search_text, role, expires_at, hidden, email, identifier, epoch, shard)
     SELECT ${accountColumns}, sort_key, search_text, role, expires_at, hidden, email, identifier, epoch, hash % shards
     FROM given, (SELECT epoch, shards FROM shard_map ORDER BY epoch DESC LIMIT 1) AS newest
     RETURNING id, account_id
   ) INSERT INTO invitations (code_hash, account, created_at, expires_at)
     SELECT code, id, made_at, ends_at FROM given JOIN made USING (account_id)`,
)
/** Accounts in one statement. */
const atOnce = 1_000

/**
 * The accounts that one transaction makes. What they must not share with others is looked up at once, so that an import
 * waits for one answer instead of several for each person.
 */
export class Creations {
  readonly #tx: Transaction
  readonly #taken: Set<string>
  readonly #waiting: Creation[] = []

  private constructor(tx: Transaction, taken: Set<string>) {
    this.#tx = tx
    this.#taken = taken
  }

  static async of(tx: Transaction, acts: readonly AccountAct[]): Promise<Creations> {
    const creations = acts.filter((act) => act.kind === 'create')
    if (creations.length === 0) return new Creations(tx, new Set())
    const given = (field: 'email' | 'identifier'): readonly string[] =>
      creations.flatMap(({ profile }) => profile[field] ?? [])
    const rows = await tx.rows(
      findTaken,
      list(creations.map(({ accountId }) => accountId)),
      given('email'),
      given('identifier'),
      creations.map(({ invitation }) => invitation.codeHash),
    )
    return new Creations(tx, new Set(rows.map(({ value }) => value)))
  }

  /** False: something of it is another account's. */
  perform(creation: Creation): boolean {
    const { accountId, profile, invitation } = creation
    const keys = [accountId, ...keysOf(profile), `c${toHex(invitation.codeHash)}`]
    if (keys.some((key) => this.#taken.has(key))) return false
    for (const key of keys) this.#taken.add(key)
    this.#waiting.push(creation)
    if (this.#waiting.length === atOnce) this.flush()
    return true
  }

  /** Before anything that concerns an account that was just made, and at the end. */
  flush(): void {
    const all = this.#waiting.splice(0)
    if (all.length === 0) return
    const profiles = all.map(({ profile }) => profile)
    const invitations = all.map(({ invitation }) => invitation)
    this.#tx.send(
      createAll,
      list(all.map(({ accountId }) => accountId)),
      profiles.map(({ displayName }) => displayName),
      profiles.map(({ title }) => title),
      profiles.map(({ service }) => service),
      profiles.map(({ organisation }) => organisation),
      profiles.map(({ displayName }) => foldText(displayName)),
      profiles.map(searchText),
      all.map(({ role }) => role),
      all.map(({ expiresAt }) => (expiresAt === null ? null : String(expiresAt))),
      all.map(({ hidden }) => String(hidden)),
      profiles.map(({ email }) => email),
      profiles.map(({ identifier }) => identifier),
      list(all.map(({ accountId }) => shardHash(accountId))),
      invitations.map(({ codeHash }) => codeHash),
      list(invitations.map(({ createdAt }) => createdAt)),
      list(invitations.map(({ expiresAt }) => expiresAt)),
    )
  }

  /** An account that there is has this profile from now on. */
  described(profile: Profile): void {
    for (const key of keysOf(profile)) this.#taken.add(key)
  }
}

function keysOf({ email, identifier }: Profile): readonly string[] {
  return [...(email === null ? [] : [`e${email}`]), ...(identifier === null ? [] : [`i${identifier}`])]
}
