import { createHmac } from 'node:crypto'
import { copyBytes, sameBytes, toHex, utf8, type Bytes } from '../base/bytes.ts'
import { canonicalJson, parseJson, type JsonValue } from '../base/canonicalJson.ts'
import { actorSchema, journalEvents, saltBytes, type JournalEvent } from './events.ts'
import { appendLeaf, leafHash, rootOf, type JournalState } from './merkle.ts'

export interface JournalClock {
  /** Milliseconds since the epoch, whatever this machine believes. */
  now(): number
  /** Milliseconds by a clock that is never set, since this process began: shows where `now` was changed. */
  monotonic(): number
}

/**
 * One entry as the database keeps it. The first six members make the leaf and stay for ever; payload and salt may be
 * deleted by retention, both at once, which leaves every proof whole (SECURITY 13).
 */
export interface JournalRow {
  /** Place in the journal, and index of the leaf, from 0. */
  readonly seq: number
  readonly time: number
  readonly monotonic: number
  /** A type of `journalEvents`, or of a newer version. */
  readonly type: string
  readonly actor: string
  /** HMAC-SHA256 under the salt over the payload. */
  readonly commit: Bytes
  readonly leaf: Bytes
  /** Canonical JSON. */
  readonly payload: string | null
  readonly salt: Bytes | null
}

export type JournalHeader = Pick<JournalRow, 'seq' | 'time' | 'monotonic' | 'type' | 'actor' | 'commit'>

/** What an entry is made of, whichever journal it goes to: type and actor are that journal's own words. */
export interface EntryParts {
  readonly type: string
  readonly actor: string
  readonly payload: JsonValue
}

/**
 * The next entry and the journal after it. Pure: the caller writes the row and the state in the transaction of what
 * happened. `salt` is 32 fresh random bytes.
 */
export function sealEntry(
  state: JournalState,
  { type, actor, payload }: EntryParts,
  salt: Bytes,
  clock: JournalClock,
): { readonly row: JournalRow; readonly state: JournalState } {
  if (salt.length !== saltBytes) throw new RangeError('length of the salt')
  const text = canonicalJson(payload)
  const header: JournalHeader = {
    seq: state.size,
    time: Math.trunc(clock.now()),
    monotonic: Math.trunc(clock.monotonic()),
    type,
    actor,
    commit: commitOf(salt, text),
  }
  const leaf = leafOf(header)
  return { row: { ...header, leaf, payload: text, salt }, state: appendLeaf(state, leaf) }
}

/** The same for an event of a vault. Throws a ZodError for a payload that is not of its type: a defect. */
export function appendEntry(
  state: JournalState,
  event: JournalEvent,
  salt: Bytes,
  clock: JournalClock,
): { readonly row: JournalRow; readonly state: JournalState } {
  const parts = { type: event.type, actor: actorSchema.parse(event.actor), payload: plainPayload(event) }
  return sealEntry(state, parts, salt, clock)
}

/** The leaf hash: H(0x00 || canonical JSON of the header), commit in lower-case hex. */
export function leafOf(header: JournalHeader): Bytes {
  const { seq, time, monotonic, type, actor, commit } = header
  return leafHash(utf8(canonicalJson({ seq, time, monotonic, type, actor, commit: toHex(commit) })))
}

export interface JournalFinding {
  readonly code: 'entry.order' | 'entry.edited' | 'payload.edited' | 'journal.cut' | 'journal.root'
  /** The first place where it shows. */
  readonly seq: number
}

/**
 * Checks every entry, and all of them against the state that was kept beside them. Whoever can write the database can
 * make rows and state fit; what they were before, the sidecar and its checkpoints tell.
 */
export function verifyRows(
  rows: Iterable<JournalRow>,
  state: JournalState,
  start: JournalState,
): JournalFinding[] {
  const verification = new RowVerification(start)
  for (const row of rows) verification.take(row)
  return verification.end(state)
}

/** The same where the entries come little by little. */
export class RowVerification {
  readonly #findings: JournalFinding[] = []
  #seen: JournalState

  constructor(start: JournalState) {
    this.#seen = start
  }

  take(row: JournalRow): void {
    if (row.seq !== this.#seen.size) this.#findings.push({ code: 'entry.order', seq: this.#seen.size })
    const code = defectOf(row)
    if (code !== null) this.#findings.push({ code, seq: row.seq })
    this.#seen = appendLeaf(this.#seen, row.leaf)
  }

  /** Against the state that was kept beside them. */
  end(state: JournalState): JournalFinding[] {
    const seen = this.#seen
    if (seen.size !== state.size)
      return [...this.#findings, { code: 'journal.cut', seq: Math.min(seen.size, state.size) }]
    if (sameBytes(rootOf(seen), rootOf(state))) return this.#findings
    return [...this.#findings, { code: 'journal.root', seq: state.size }]
  }
}

function defectOf(row: JournalRow): 'entry.edited' | 'payload.edited' | null {
  if (!sameBytes(leafOf(row), row.leaf)) return 'entry.edited'
  if (row.payload === null && row.salt === null) return null
  if (row.payload === null || row.salt === null) return 'payload.edited'
  return sameBytes(commitOf(row.salt, row.payload), row.commit) ? null : 'payload.edited'
}

function commitOf(salt: Uint8Array, payload: string): Bytes {
  return copyBytes(createHmac('sha256', salt).update(payload, 'utf8').digest())
}

/** Parsed by the type's own schema, and without the members that are not there. */
function plainPayload(event: JournalEvent): JsonValue {
  return parseJson(JSON.stringify(journalEvents[event.type].parse(event.payload)))
}
