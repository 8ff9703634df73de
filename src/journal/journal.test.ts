import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromBase64Url, toHex, type Bytes } from '../base/bytes.ts'
import {
  appendEntry,
  compareSidecar,
  consistencyProof,
  emptyJournal,
  keyToken,
  peerToken,
  readSidecar,
  rootOf,
  setSidecarAside,
  SidecarWriter,
  signCheckpoint,
  verifyCheckpoint,
  verifyConsistency,
  verifyRows,
  type JournalEvent,
  type JournalInDatabase,
  type JournalRow,
  type JournalState,
  type NoteSigner,
} from './index.ts'
import { appendLeaf } from './merkle.ts'
import { openNote } from './signedNote.ts'

const salt = (): Bytes => new Uint8Array(randomBytes(32))
const account = '0b4cf2b1-6a55-4d0e-9d3b-111111111111'
const clock = { now: () => 1_800_000_000_000.7, monotonic: () => 12.5 }

function deviceSigner(): NoteSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = fromBase64Url(publicKey.export({ format: 'jwk' }).x ?? '')
  if (raw === null) throw new Error('no public key')
  return { publicKey: raw, sign: (data) => sign(null, data, privateKey) }
}

const events: readonly JournalEvent[] = [
  { type: 'vault.created', actor: 'person', payload: { slot: 'passphrase', version: '0.1.0' } },
  { type: 'device.enrolled', actor: 'person', payload: { deviceId: 1, deviceKey: 'ab'.repeat(32) } },
  {
    type: 'keys.published',
    actor: 'device',
    payload: { signedPreKey: true, preKeys: 100, kyberPreKeys: 100 },
  },
  { type: 'envelope.quarantined', actor: 'peer', payload: { code: 'envelope.undecryptable' } },
  { type: 'policy.applied', actor: 'device', payload: { hash: '0'.repeat(64), managed: 0, findings: [] } },
  { type: 'vault.closed', actor: 'person', payload: { reason: 'stop' } },
]

interface Journal {
  readonly rows: readonly JournalRow[]
  readonly state: JournalState
}

function journalOf(size: number, from: Journal = { rows: [], state: emptyJournal }): Journal {
  const rows = [...from.rows]
  let state = from.state
  while (rows.length < size) {
    const event = events[rows.length % events.length]
    if (event === undefined) throw new Error('no event')
    const appended = appendEntry(state, event, salt(), clock)
    rows.push(appended.row)
    state = appended.state
  }
  return { rows, state }
}

const findings = (rows: readonly JournalRow[], state: JournalState): readonly string[] =>
  verifyRows(rows, state, emptyJournal).map(({ code }) => code)

describe('entries', () => {
  it('verify as they were written, and after retention has deleted payloads with their salts', () => {
    const { rows, state } = journalOf(20)
    expect(verifyRows(rows, state, emptyJournal)).toEqual([])
    const emptied = rows.map((row) => (row.seq % 2 === 0 ? { ...row, payload: null, salt: null } : row))
    expect(verifyRows(emptied, state, emptyJournal)).toEqual([])
    expect(rows[0]).toMatchObject({ seq: 0, time: 1_800_000_000_000, monotonic: 12, type: 'vault.created' })
    expect(rows[0]?.payload).toBe('{"slot":"passphrase","version":"0.1.0"}')
  })

  it('are named where one is missing, out of place or changed', () => {
    const { rows, state } = journalOf(10)
    expect(verifyRows(rows.toSpliced(4, 1), state, emptyJournal)[0]).toEqual({ code: 'entry.order', seq: 4 })
    const edited = rows.map((row) => (row.seq === 7 ? { ...row, time: 0 } : row))
    expect(verifyRows(edited, state, emptyJournal)).toEqual([{ code: 'entry.edited', seq: 7 }])
    expect(verifyRows(rows.slice(0, 8), state, emptyJournal)).toEqual([{ code: 'journal.cut', seq: 8 }])
    expect(verifyRows(rows.slice(6), state, cut({ rows, state }, 6).state)).toEqual([])
  })

  it('take no payload that is not of their type, and no account id', () => {
    const bare = {
      type: 'identity.firstSeen',
      actor: 'peer',
      payload: { peer: account, key: account },
    } as const
    expect(() => appendEntry(emptyJournal, bare, salt(), clock)).toThrow()
    const more = { slot: 'passphrase', version: '1', text: 'bonjour' } as const
    const event = { type: 'vault.opened', actor: 'person', payload: more } as const
    expect(() => appendEntry(emptyJournal, event, salt(), clock)).toThrow()
  })

  it('name a peer only to one who has the salt and the id', () => {
    const [one, two] = [salt(), salt()]
    expect(peerToken(one, account)).toBe(peerToken(one, account))
    expect(peerToken(one, account)).not.toBe(peerToken(two, account))
    expect(peerToken(one, account)).not.toBe(keyToken(one, new Uint8Array(16)))
    const payload = { peer: peerToken(one, account), key: keyToken(one, new Uint8Array(33)) }
    const { row } = appendEntry(
      emptyJournal,
      { type: 'identity.firstSeen', actor: 'peer', payload },
      one,
      clock,
    )
    expect(row.payload).not.toContain(account.slice(0, 8))
    expect(() => peerToken(one, account.toUpperCase())).toThrow(TypeError)
  })

  it('show every deletion, insertion, edit, exchange and cut', () => {
    const { rows, state } = journalOf(24)
    const other = journalOf(24).rows
    const place = fc.nat({ max: rows.length - 1 })
    const at = (list: readonly JournalRow[], n: number): JournalRow => {
      const row = list[n]
      if (row === undefined) throw new Error('no row')
      return row
    }
    const edit = fc.constantFrom<(row: JournalRow) => JournalRow>(
      (row) => ({ ...row, time: row.time + 1 }),
      (row) => ({ ...row, monotonic: row.monotonic + 1 }),
      (row) => ({ ...row, type: `${row.type}x` }),
      (row) => ({ ...row, actor: 'relay' === row.actor ? 'peer' : 'relay' }),
      (row) => ({ ...row, seq: row.seq + 1 }),
      (row) => ({ ...row, commit: salt() }),
      (row) => ({ ...row, leaf: salt() }),
      (row) => ({ ...row, payload: `${row.payload ?? ''} ` }),
      (row) => ({ ...row, payload: null }),
      (row) => ({ ...row, salt: null }),
      (row) => ({ ...row, salt: salt() }),
    )
    const attack = fc.oneof(
      place.map((n) => rows.toSpliced(n, 1)),
      fc.tuple(place, place).map(([n, m]) => rows.toSpliced(n, 0, at(other, m))),
      fc.tuple(place, edit).map(([n, change]) => rows.with(n, change(at(rows, n)))),
      fc
        .tuple(place, place)
        .filter(([n, m]) => n !== m)
        .map(([n, m]) => rows.with(n, at(rows, m)).with(m, at(rows, n))),
      place.map((n) => rows.slice(0, n)),
      place.map((n) => [...rows.slice(0, n), ...other.slice(n)]),
    )
    fc.assert(
      fc.property(attack, (attacked) => {
        expect(findings(attacked, state)).not.toEqual([])
      }),
      { numRuns: 1000 },
    )
  })
})

describe('checkpoints', () => {
  it('read the signed note of the C2SP specification’s reference implementation', () => {
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    const note = `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`
    const key = Buffer.from('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', 'base64').subarray(1)
    expect(openNote(note, 'PeterNeumann', key)).toBe(text)
    expect(openNote(note.replace('answer', 'Answer'), 'PeterNeumann', key)).toBeNull()
    expect(openNote(note, 'EnochRoot', key)).toBeNull()
  })

  it('are believed from this device alone, and after no change', () => {
    const signer = deviceSigner()
    const { state } = journalOf(9)
    const note = signCheckpoint(state, signer)
    expect(verifyCheckpoint(note, signer.publicKey)).toMatchObject({ size: 9, root: rootOf(state) })
    expect(verifyCheckpoint(note, deviceSigner().publicKey)).toBeNull()
    const witness = `${note}— witness.example ${Buffer.alloc(68, 7).toString('base64')}\n`
    expect(verifyCheckpoint(witness, signer.publicKey)).not.toBeNull()
    const change = fc.tuple(fc.nat({ max: note.length - 1 }), fc.string({ minLength: 0, maxLength: 2 }))
    fc.assert(
      fc.property(change, ([at, text]) => {
        const changed = note.slice(0, at) + text + note.slice(at + 1)
        fc.pre(changed !== note)
        expect(verifyCheckpoint(changed, signer.publicKey)).toBeNull()
      }),
    )
  })

  it('of two states are tied by a consistency proof, and a fork by none', () => {
    const base = journalOf(8)
    const [longer, fork] = [journalOf(13, base), journalOf(13, journalOf(7))]
    const leaves = longer.rows.map((row) => row.leaf)
    const proof = consistencyProof(leaves, 8)
    const older = { size: 8, root: rootOf(base.state) }
    expect(verifyConsistency(older, { size: 13, root: rootOf(longer.state) }, proof)).toBe(true)
    expect(verifyConsistency(older, { size: 13, root: rootOf(fork.state) }, proof)).toBe(false)
  })
})

describe('the sidecar', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'valise-journal-'))
    path = join(folder, 'journal.sidecar')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const signer = deviceSigner()
  const inDatabase = ({ rows, state }: Journal, flushed = rows.length): JournalInDatabase => ({
    state,
    flushed,
    leavesFrom: (seq) => rows.slice(seq).map((row) => row.leaf),
  })
  const compared = async (database: JournalInDatabase): Promise<object> =>
    compareSidecar(await readSidecar(path), database, signer.publicKey)

  /** Eight leaves, a checkpoint, and the rest. */
  async function written(journal: Journal): Promise<void> {
    const writer = await SidecarWriter.open(path, await readSidecar(path))
    const leaves = journal.rows.map((row) => row.leaf)
    await writer.append(leaves.slice(0, 8), signCheckpoint(journalOf(8, cut(journal, 8)).state, signer))
    await writer.append(leaves.slice(8), null)
    await writer.close()
  }

  it('agrees with its database, catches up after a crash and holds nothing but hashes', async () => {
    const journal = journalOf(12)
    expect(await compared(inDatabase(journal, 0))).toMatchObject({ kind: 'behind' })
    await written(journal)
    expect(await compared(inDatabase(journal))).toEqual({ kind: 'equal' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    for (const row of journal.rows)
      expect(readFileSync(path, 'latin1')).not.toContain(toHex(row.salt ?? row.leaf.slice(1)))

    // A crash between the database's commit and the sidecar, in the middle of a line.
    appendFileSync(path, 'leaf 0123')
    const grown = journalOf(14, journal)
    const comparison = compareSidecar(await readSidecar(path), inDatabase(grown, 12), signer.publicKey)
    if (comparison.kind !== 'behind') throw new Error(comparison.kind)
    expect(comparison.missing).toHaveLength(2)
    const writer = await SidecarWriter.open(path, await readSidecar(path))
    await writer.append(comparison.missing, signCheckpoint(grown.state, signer))
    await writer.close()
    expect(await compared(inDatabase(grown))).toEqual({ kind: 'equal' })
  })

  it('shows a cut, a rolled back database, a fork, a missing and a foreign one', async () => {
    const journal = journalOf(12)
    await written(journal)
    expect(await compared(inDatabase(journalOf(14, journal), 13))).toMatchObject({ reason: 'cut' })
    expect(await compared(inDatabase(cut(journal, 10)))).toMatchObject({ reason: 'ahead', sidecar: 12 })
    expect(await compared(inDatabase(journalOf(12)))).toMatchObject({ reason: 'fork' })
    expect(await compared(inDatabase(journalOf(9, cut(journal, 5))))).toMatchObject({ reason: 'fork' })
    const foreign = compareSidecar(await readSidecar(path), inDatabase(journal), deviceSigner().publicKey)
    expect(foreign).toMatchObject({ reason: 'checkpoint' })
    const writer = await SidecarWriter.open(path, await readSidecar(path))
    await writer.append([], signCheckpoint({ ...journal.state, size: 11 }, signer))
    await writer.close()
    expect(await compared(inDatabase(journal))).toMatchObject({ reason: 'checkpoint' })
    const aside = await setSidecarAside(path, 0)
    expect(readdirSync(folder).map((name) => join(folder, name))).toEqual([aside])
    expect(await compared(inDatabase(journal))).toMatchObject({ reason: 'missing' })
  })

  it('shows every flipped byte, every missing line and every cut at a line', async () => {
    const journal = journalOf(12)
    await written(journal)
    const whole = readFileSync(path)
    const lines = whole.toString('latin1').split('\n').slice(0, -1)
    const attack = fc.oneof(
      fc.tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ mask
        return bytes.toString('latin1')
      }),
      fc.nat({ max: lines.length - 1 }).map((n) => textOf(lines.toSpliced(n, 1))),
      fc.nat({ max: lines.length - 1 }).map((n) => textOf(lines.slice(0, n))),
      fc.nat({ max: whole.length - 1 }).map((n) => whole.toString('latin1').slice(0, n)),
      fc.nat({ max: lines.length - 1 }).map((n) => textOf(lines.toSpliced(n, 0, lines[n] ?? ''))),
    )
    await fc.assert(
      fc.asyncProperty(attack, async (text) => {
        // The one line without an effect on the leaves is the checkpoint itself.
        fc.pre(!onlyCheckpointGone(lines, text))
        writeFileSync(path, text, 'latin1')
        expect(await compared(inDatabase(journal))).toMatchObject({ kind: 'mismatch' })
      }),
      { numRuns: 600 },
    )
  })
})

function cut(journal: Journal, size: number): Journal {
  const rows = journal.rows.slice(0, size)
  const state = rows.reduce((before, row) => appendLeaf(before, row.leaf), emptyJournal)
  return { rows, state }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

function onlyCheckpointGone(lines: readonly string[], text: string): boolean {
  const leaves = (list: readonly string[]): string =>
    list.filter((line) => !line.startsWith('checkpoint')).join()
  const changed = text.split('\n').slice(0, -1)
  return text.endsWith('\n') && leaves(changed) === leaves(lines)
}
