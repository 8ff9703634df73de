import { fromHex, toUuid, type Bytes } from '../../../base/bytes.ts'
import { CodedError } from '../../../base/errors.ts'
import type {
  PutOutcome,
  PutRequest,
  QueueDelete,
  QueueGroup,
  QueueStore,
  SpendablePermit,
  StoredEnvelope,
} from '../store.ts'
import { AtMost } from './atMost.ts'
import { lockAccounts } from './pgAccess.ts'
import type { Database, Transaction } from './database.ts'
import { findSpent, spend } from './pgPermits.ts'
import {
  envelopeKey,
  judgePut,
  planPuts,
  type PermitHour,
  type PlannedRow,
  type PutBounds,
  type PutPlan,
  type Recipient,
  type RecipientDevice,
} from './putPlan.ts'
import { list, statement } from './statement.ts'

interface RecipientRow {
  readonly account: number
  readonly account_id: string
  readonly shard: number
  readonly access_key_hash: Uint8Array | null
  /** Null for an account without devices, as is all that follows. */
  readonly device: number | null
  readonly device_id: number
  readonly registration_id: number
  readonly adopted: boolean
  readonly last_id: number
  readonly received_at: number
  readonly envelopes: number
  readonly bytes: number
}

interface EnvelopeRow {
  readonly id: number
  readonly received_at: number
  readonly message_id: string
  readonly body: Uint8Array
}

const readRecipients = statement<RecipientRow>(
  `SELECT a.id AS account, a.account_id, a.shard, a.access_key_hash, d.id AS device, d.device_id, d.registration_id,
          k.device IS NOT NULL AS adopted, m.last_id, m.received_at, m.envelopes, m.bytes
   FROM accounts a LEFT JOIN devices d ON d.account = a.id LEFT JOIN mailboxes m ON m.device = d.id
        LEFT JOIN device_keys k ON k.device = d.id
   WHERE a.account_id = ANY ($1::uuid[]) AND a.enrolled_at IS NOT NULL`,
)
const readHours = statement<PermitHour & { readonly account: number }>(
  `SELECT account, began, puts FROM permit_hours
   WHERE account IN (SELECT id FROM accounts WHERE account_id = ANY ($1::uuid[]))`,
)
const writeHours = statement(
  `INSERT INTO permit_hours SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[])
   ON CONFLICT (account) DO UPDATE SET began = excluded.began, puts = excluded.puts`,
)
const readKnown = statement<{ readonly device: number; readonly message_id: string }>(
  `WITH asked AS MATERIALIZED (
     SELECT a.shard, d.id AS device, u.message_id
     FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS u (account_id, device_id, message_id)
     JOIN accounts a ON a.account_id = u.account_id JOIN devices d ON d.account = a.id AND d.device_id = u.device_id
   )
   SELECT q.device, q.message_id FROM asked u
   JOIN queue q ON q.shard = u.shard AND q.message_id = u.message_id AND q.device + 0 = u.device`,
)
/** Both numbers must agree: nobody deletes another device's envelope. Of what was deleted the highest id is kept. */
const removeEnvelopes = statement(
  `WITH named AS MATERIALIZED (
     SELECT a.shard, u.device, u.id FROM unnest($1::bigint[], $2::bigint[]) AS u (device, id)
     JOIN devices d ON d.id = u.device JOIN accounts a ON a.id = d.account
   ), gone AS (
     DELETE FROM queue q USING named u WHERE q.shard = u.shard AND q.device = u.device AND q.id = u.id
     RETURNING q.device, q.id, length(q.body) AS bytes
   ), sums AS (
     SELECT device, count(*) AS envelopes, sum(bytes) AS bytes, max(id) AS highest FROM gone GROUP BY device
   )
   UPDATE mailboxes m SET envelopes = m.envelopes - s.envelopes, bytes = m.bytes - s.bytes,
          acknowledged = greatest(m.acknowledged, s.highest)
   FROM sums s WHERE m.device = s.device`,
)
/**
 * All envelopes of a group come as one run of bytes, each with its message id before its body: an array of them would be
 * written as text. Answers those that were there already under their message ids; their numbers are left out.
 */
const insertEnvelopes = statement<{ readonly device: number; readonly id: number }>(
  `WITH planned AS MATERIALIZED (
     SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[])
       AS u (shard, device, id, received_at, start, length)
   ), stored AS (
     INSERT INTO queue (shard, device, id, message_id, received_at, body)
     SELECT shard, device, id, encode(substring($7::bytea FROM start FOR 16), 'hex')::uuid, received_at,
            substring($7::bytea FROM start + 16 FOR length) FROM planned
     ON CONFLICT (shard, device, message_id) DO NOTHING
     RETURNING device, id, received_at, length(body) AS bytes
   ), sums AS (
     SELECT device, max(id) AS last_id, max(received_at) AS received_at, count(*) AS envelopes, sum(bytes) AS bytes
     FROM stored GROUP BY device
   ), moved AS (
     UPDATE mailboxes m SET last_id = s.last_id, received_at = s.received_at, envelopes = m.envelopes + s.envelopes,
            bytes = m.bytes + s.bytes
     FROM sums s WHERE m.device = s.device
   )
   SELECT device, id FROM planned EXCEPT SELECT device, id FROM stored`,
)
const shardOf = 'SELECT a.shard FROM devices d JOIN accounts a ON a.id = d.account WHERE d.id = $1'
const readPage = statement<EnvelopeRow>(
  `SELECT id, received_at, message_id, body FROM (
     SELECT id, received_at, message_id, body, sum(length(body)) OVER (ORDER BY id) - length(body) AS before
     FROM queue WHERE shard = (${shardOf}) AND device = $1 AND id > $2 ORDER BY id LIMIT $3
   ) page WHERE before < $4 ORDER BY id`,
)
const readNewest = statement<{ readonly id: number | null }>(
  `SELECT max(id) AS id FROM queue WHERE shard = (${shardOf}) AND device = $1`,
)

/** Half of the pool: when many devices read at once, puts do not wait behind all of them. */
const pagesAtOnce = 4

/**
 * The durable queues. Ids are given out for each device apart, under the lock of its account (`lockAccounts`), so that
 * they are committed in their order: who has read up to an id never finds a lower one later.
 */
export function pgQueues(db: Database, bounds: PutBounds): QueueStore {
  const pages = new AtMost(pagesAtOnce)
  return {
    alone: false,
    commit: async (group) =>
      group.puts.length + group.deletes.length === 0
        ? []
        : db.atomically(async (tx) => commitGroup(tx, group, bounds)),
    check: async (put) => {
      const permits = permitsOf([put])
      const [recipients, spent] = await Promise.all([
        db.rows(readRecipients, list(destinationsOf([put]))),
        findSpent(db, permits),
      ])
      const judged = judgePut(put, { recipients: recipientsOf(recipients), spent })
      if (judged.kind === 'repeated') return { kind: 'proper', targets: [] }
      return judged.kind === 'proper' ? { kind: 'proper', targets: judged.targets } : judged
    },
    page: async (device, after, rows, bytes) => {
      const page = await pages.run(async () => db.rows(readPage, device, after, rows, bytes))
      return page.map((row) => envelopeOf(device, row))
    },
    newest: async (device) => (await db.rows(readNewest, device))[0]?.id ?? 0,
  }
}

async function commitGroup(tx: Transaction, group: QueueGroup, bounds: PutBounds): Promise<PutOutcome[]> {
  const destinations = list(destinationsOf(group.puts))
  tx.send(lockAccounts, destinations, list(new Set(group.deletes.map(({ device }) => device))))
  removeAll(tx, group.deletes)
  if (group.puts.length === 0) return []
  const plan = await planned(tx, group, destinations, bounds)
  spend(tx, plan.paid, group.now)
  countHours(tx, plan.hours)
  return store(tx, plan)
}

function removeAll(tx: Transaction, deletes: readonly QueueDelete[]): void {
  if (deletes.length === 0) return
  tx.send(removeEnvelopes, list(deletes.map(({ device }) => device)), list(deletes.map(({ id }) => id)))
}

async function planned(
  tx: Transaction,
  { puts, now }: QueueGroup,
  destinations: string,
  bounds: PutBounds,
): Promise<PutPlan> {
  const permits = permitsOf(puts)
  const [rows, spent, hours] = await Promise.all([
    tx.rows(readRecipients, destinations),
    findSpent(tx, permits),
    permits.length === 0 ? [] : tx.rows(readHours, destinations),
  ])
  const state = {
    recipients: recipientsOf(rows),
    spent,
    hours: new Map(hours.map((hour) => [hour.account, hour])),
  }
  const plan =
    planPuts(puts, now, { ...state, known: null }, bounds) ??
    planPuts(puts, now, { ...state, known: await knownOf(tx, puts) }, bounds)
  if (plan === null) throw new CodedError('internal')
  return plan
}

function destinationsOf(puts: readonly PutRequest[]): Set<string> {
  return new Set(puts.flatMap(({ destination }) => toUuid(destination) ?? []))
}

function permitsOf(puts: readonly PutRequest[]): SpendablePermit[] {
  return puts.flatMap(({ by }) => (by.kind === 'permit' ? [by.permit] : []))
}

async function knownOf(tx: Transaction, puts: readonly PutRequest[]): Promise<ReadonlySet<string>> {
  const asked = puts.flatMap(({ destination, envelopes }) =>
    envelopes.map(({ deviceId, messageId }) => ({
      accountId: toUuid(destination) ?? '',
      deviceId,
      messageId: toUuid(messageId) ?? '',
    })),
  )
  const rows = await tx.rows(
    readKnown,
    list(asked.map(({ accountId }) => accountId)),
    list(asked.map(({ deviceId }) => deviceId)),
    list(asked.map(({ messageId }) => messageId)),
  )
  return new Set(rows.map((row) => envelopeKey(row.device, messageIdOf(row.message_id))))
}

function recipientsOf(rows: readonly RecipientRow[]): ReadonlyMap<string, Recipient> {
  const found = new Map<string, Recipient & { readonly devices: RecipientDevice[] }>()
  for (const row of rows) {
    const recipient = found.get(row.account_id) ?? {
      account: row.account,
      shard: row.shard,
      accessKeyHash: row.access_key_hash,
      devices: [],
    }
    found.set(row.account_id, recipient)
    if (row.device !== null) recipient.devices.push(deviceOf(row, row.device))
  }
  return found
}

function deviceOf(row: RecipientRow, device: number): RecipientDevice {
  return {
    device,
    deviceId: row.device_id,
    registrationId: row.registration_id,
    adopted: row.adopted,
    lastId: row.last_id,
    receivedAt: row.received_at,
    envelopes: row.envelopes,
    bytes: row.bytes,
  }
}

function countHours(tx: Transaction, hours: PutPlan['hours']): void {
  if (hours.size === 0) return
  const all = [...hours.values()]
  tx.send(
    writeHours,
    list(hours.keys()),
    list(all.map(({ began }) => began)),
    list(all.map(({ puts }) => puts)),
  )
}

async function store(tx: Transaction, { rows, outcomes }: PutPlan): Promise<PutOutcome[]> {
  if (rows.length === 0) return [...outcomes]
  const inserting = tx.rows(insertEnvelopes, ...packed(rows))
  // On the way before the rows are answered: one round trip less.
  const committing = tx.commit()
  const [there] = await Promise.all([inserting, committing])
  if (there.length === 0) return [...outcomes]
  const repeated = new Set(there.map(({ device, id }) => `${device} ${id}`))
  return outcomes.map((outcome) =>
    outcome.kind === 'stored'
      ? { kind: 'stored', added: outcome.added.filter((one) => !repeated.has(`${one.device} ${one.id}`)) }
      : outcome,
  )
}

function packed(
  rows: readonly PlannedRow[],
): readonly [string, string, string, string, string, string, Uint8Array] {
  const starts: number[] = []
  const parts: Uint8Array[] = []
  let start = 1
  for (const { envelope } of rows) {
    starts.push(start)
    parts.push(envelope.messageId, envelope.body)
    start += envelope.messageId.length + envelope.body.length
  }
  return [
    list(rows.map(({ shard }) => shard)),
    list(rows.map(({ envelope }) => envelope.device)),
    list(rows.map(({ envelope }) => envelope.id)),
    list(rows.map(({ envelope }) => envelope.receivedAt)),
    list(starts),
    list(rows.map(({ envelope }) => envelope.body.length)),
    Buffer.concat(parts),
  ]
}

function envelopeOf(device: number, row: EnvelopeRow): StoredEnvelope {
  const { id, received_at: receivedAt, body } = row
  return { device, id, receivedAt, messageId: messageIdOf(row.message_id), body }
}

function messageIdOf(uuid: string): Bytes {
  return fromHex(uuid.replaceAll('-', '')) ?? new Uint8Array(0)
}
