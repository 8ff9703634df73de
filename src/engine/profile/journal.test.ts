import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyBytes } from '../../base/bytes.ts'
import { reportOf } from '../../base/errors.ts'
import { compareSidecar, readSidecar, type JournalEvent, type NoteSigner } from '../../journal/index.ts'
import { createVault, openVault } from '../../storage/open.ts'
import {
  leavesFrom,
  readFlushed,
  readJournalRows,
  readJournalState,
} from '../../storage/repositories/journal.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import { VaultRecords } from '../../storage/writeSet.ts'
import { Journal } from './journal.ts'

const now = 1_800_000_000_000
const key = randomBytes(32)
const signer = newSigner()
const event: JournalEvent = { type: 'envelope.quarantined', actor: 'peer', payload: { code: 'internal' } }

let folder: string
const stations: Station[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-journal-'))
})
afterEach(async () => {
  while (stations.length > 0) await stations.at(-1)?.kill()
  rmSync(folder, { recursive: true })
})

function newSigner(): NoteSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  return {
    publicKey: copyBytes(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
    sign: (data) => sign(null, data, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })),
  }
}

/** A vault and its journal in one folder, as the engine has them. */
class Station {
  readonly vault: Vault
  readonly journal: Journal
  readonly sidecar: string
  readonly #records: VaultRecords

  constructor(place: string, fresh = false) {
    if (fresh) mkdirSync(join(place, 'side'))
    this.vault = (fresh ? createVault : openVault)(join(place, 'vault.db'), key)
    this.sidecar = join(place, 'side', 'journal.sidecar')
    this.#records = new VaultRecords(this.vault)
    this.journal = new Journal(this.vault, { now: () => now }, signer, this.sidecar)
    stations.push(this)
  }

  /** What the receiver does: an entry with its unit of work, whatever the sidecar is at. */
  commit(): void {
    const writes = this.#records.begin()
    this.journal.note(writes, () => event)
    writes.commit()
  }

  /** Commits at each turn of the event loop until this is done; tells the code with which it failed. */
  async committingDuring(work: Promise<void>): Promise<string | null> {
    let over = false
    const end = work.then(
      () => null,
      (error: unknown) => reportOf(error).code,
    )
    void end.then(() => (over = true))
    while (!over) {
      this.commit()
      await new Promise((resolve) => setImmediate(resolve))
    }
    return await end
  }

  /** Reasons of the mismatches that the journal holds. */
  mismatches(): string[] {
    return readJournalRows(this.vault.sql)
      .filter(({ type }) => type === 'journal.sidecarMismatch')
      .map(({ payload }) => (JSON.parse(payload ?? '{}') as { reason: string }).reason)
  }

  /** Halves a new sidecar of which the vault does not know yet that it is whole; false where there is none. */
  cutUnfinished(): boolean {
    const names = readdirSync(dirname(this.sidecar))
    const anew = names.includes('journal.sidecar') && (this.mismatches()[0] === 'missing' || names.length > 1)
    if (!anew || readFlushed(this.vault.sql) === readJournalState(this.vault.sql).size) return false
    truncateSync(this.sidecar, Math.floor(statSync(this.sidecar).size / 2))
    return true
  }

  async comparison(): Promise<string> {
    const database = {
      state: readJournalState(this.vault.sql),
      flushed: readFlushed(this.vault.sql),
      leavesFrom: (seq: number) => leavesFrom(this.vault.sql, seq),
    }
    const found = compareSidecar(await readSidecar(this.sidecar), database, signer.publicKey)
    return found.kind === 'mismatch' ? found.reason : found.kind
  }

  /** Ends without an orderly stop. */
  async kill(): Promise<void> {
    stations.splice(stations.indexOf(this), 1)
    this.vault.close()
    // Fails on the closed vault, and lets go of the file.
    await this.journal.flush().catch(() => undefined)
  }

  async restarted(): Promise<Station> {
    await this.kill()
    const again = new Station(dirname(dirname(this.sidecar)))
    await again.journal.open()
    return again
  }
}

async function begun(entries: number): Promise<Station> {
  const station = new Station(folder, true)
  await station.journal.open()
  for (let n = 0; n < entries; n += 1) await station.journal.record(event)
  return station
}

async function codeOf(work: Promise<void>): Promise<string | null> {
  return await work.then(
    () => null,
    (error: unknown) => `${(error as Error).name} ${reportOf(error).code}`,
  )
}

/**
 * Puts another file under the descriptor that the journal writes the sidecar with: writes to /dev/full fail with ENOSPC,
 * forcing /dev/null to disk fails with EINVAL.
 */
function replaceOpenSidecar(path: string, device: '/dev/full' | '/dev/null'): void {
  const wanted = readdirSync('/proc/self/fd')
    .map(Number)
    .find((fd) => pointsAt(fd, path))
  if (wanted === undefined) throw new Error('the sidecar is not open')
  closeSync(wanted)
  const others: number[] = []
  for (;;) {
    const fd = openSync(device, 'a')
    if (fd === wanted) break
    others.push(fd)
  }
  for (const fd of others) closeSync(fd)
}

function pointsAt(fd: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === path
  } catch {
    return false
  }
}

describe.runIf(process.platform === 'linux')('after a failed write of the sidecar', () => {
  it.each([
    ['/dev/full', 'vault.diskFull'],
    ['/dev/null', 'profile.notWritable'],
  ] as const)('by %s the entry stays, and the next flush completes the file (%s)', async (device, code) => {
    const station = await begun(3)
    replaceOpenSidecar(station.sidecar, device)
    expect(await codeOf(station.journal.record(event))).toBe(`CodedError ${code}`)
    expect(readJournalState(station.vault.sql).size).toBe(4)
    expect(await station.comparison()).toBe('behind')
    await station.journal.flush()
    expect(await station.comparison()).toBe('equal')
    expect(station.mismatches()).toEqual([])
  })

  it('raises no alarm for what is committed while the file is read again', async () => {
    let station = await begun(3)
    replaceOpenSidecar(station.sidecar, '/dev/full')
    expect(await codeOf(station.journal.record(event))).toBe('CodedError vault.diskFull')
    expect(await station.committingDuring(station.journal.flush())).toBeNull()
    expect(station.mismatches()).toEqual([])
    await station.journal.flush()
    expect(await station.comparison()).toBe('equal')
    station = await station.restarted()
    expect(station.mismatches()).toEqual([])
  })

  it('closes with everything when it can be written again', async () => {
    let station = await begun(3)
    replaceOpenSidecar(station.sidecar, '/dev/full')
    expect(await codeOf(station.journal.close('stop'))).toBe('CodedError vault.diskFull')
    station = await station.restarted()
    expect(await station.committingDuring(station.journal.close('stop'))).toBeNull()
    expect(['equal', 'behind']).toContain(await station.comparison())
    station = await station.restarted()
    expect(station.mismatches()).toEqual([])
    expect(await station.comparison()).toBe('equal')
  })
})

it('knows its leaves when a kill kept the vault from noting that they were written', async () => {
  let station = await begun(3)
  station.vault.transaction((tx) => tx.run('UPDATE journal_state SET flushed = 1'))
  station = await station.restarted()
  await station.journal.record(event)
  expect(await station.comparison()).toBe('equal')
  expect((await station.restarted()).mismatches()).toEqual([])
})

it('writes each leaf once when the vault cannot note that it was written', async () => {
  const station = await begun(3)
  station.commit()
  station.vault.sql.get('PRAGMA query_only = ON')
  expect(await codeOf(station.journal.flush())).toBe('CodedError vault.readOnly')
  station.vault.sql.get('PRAGMA query_only = OFF')
  await station.journal.record(event)
  expect(await station.comparison()).toBe('equal')
})

it('signs a checkpoint over what the file holds, whatever is committed meanwhile', async () => {
  let station = await begun(1)
  for (let n = 0; n < 5; n += 1) {
    for (let more = 0; more < 40; more += 1) station.commit()
    await station.committingDuring(station.journal.flush())
  }
  await station.committingDuring(station.journal.close('stop'))
  expect(readFileSync(station.sidecar, 'latin1').match(/^checkpoint /gm)?.length).toBeGreaterThan(2)
  station = await station.restarted()
  expect(station.mismatches()).toEqual([])
})

const otherLeaves = `leaf ${'cd'.repeat(32)}\n`.repeat(3)

/** Ways in which a sidecar of ten leaves, all flushed, does not fit. */
const spoilt: readonly (readonly [string, (path: string) => void])[] = [
  ['missing', (path) => rmSync(path)],
  ['damaged', (path) => writeFileSync(path, 'something else\n')],
  ['cut', (path) => writeFileSync(path, linesOf(path).slice(0, 6).join(''))],
  ['ahead', (path) => writeFileSync(path, linesOf(path).join('') + otherLeaves)],
  ['fork', (path) => writeFileSync(path, linesOf(path).slice(0, 8).join('') + otherLeaves)],
]

function linesOf(path: string): string[] {
  return readFileSync(path, 'latin1').split(/(?<=\n)/)
}

async function begunWithSpoilt(spoil: (path: string) => void): Promise<Station> {
  const station = await begun(10)
  spoil(station.sidecar)
  await station.kill()
  return new Station(folder)
}

/** The files as a kill would leave them: before and after each commit, and at each turn of the event loop. */
async function copiedDuring(station: Station, work: () => Promise<void>): Promise<string[]> {
  const copies: string[] = []
  const copy = (): void => {
    const to = join(folder, 'copies', String(copies.length))
    for (const name of ['vault.db', 'vault.db-wal', 'side']) {
      if (existsSync(join(folder, name))) cpSync(join(folder, name), join(to, name), { recursive: true })
    }
    copies.push(to)
  }
  const transaction = station.vault.transaction.bind(station.vault)
  station.vault.transaction = <T>(change: (tx: Tx) => T): T => {
    copy()
    const result = transaction(change)
    copy()
    return result
  }
  let over = false
  const end = work().finally(() => (over = true))
  while (!over) {
    copy()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await end
  return copies
}

describe('a sidecar that does not fit', () => {
  it.each(spoilt)(
    '(%s) is journalled once and begun anew, whatever is committed then',
    async (reason, spoil) => {
      let station = await begunWithSpoilt(spoil)
      expect(await station.committingDuring(station.journal.open())).toBeNull()
      const found = station.mismatches()
      // A file that was ahead of the vault forks from it as soon as the vault goes on.
      expect(found).toEqual([reason === 'ahead' ? expect.stringMatching(/^(ahead|fork)$/) : reason])
      await station.journal.flush()
      expect(await station.comparison()).toBe('equal')
      station = await station.restarted()
      expect(station.mismatches()).toEqual(found)
    },
  )

  it.each(spoilt)('(%s) is not forgotten by a kill at any moment', async (reason, spoil) => {
    const station = await begunWithSpoilt(spoil)
    const copies = await copiedDuring(station, () => station.journal.open())
    let seen = false
    for (const copy of copies) {
      let survivor = new Station(copy)
      const unfinished = survivor.cutUnfinished()
      await survivor.journal.open()
      const found = survivor.mismatches()
      expect(found[0]).toBe(reason)
      // Only a kill between the entry and the renaming of the evidence may have it recorded once more.
      expect(found.length).toBeLessThanOrEqual(unfinished ? 1 : 2)
      seen ||= unfinished
      survivor = await survivor.restarted()
      expect(survivor.mismatches()).toEqual(found)
      expect(await survivor.comparison()).toBe('equal')
    }
    expect(seen).toBe(true)
  })

  it('is journalled once however often it cannot be put aside', async () => {
    const station = await begunWithSpoilt((path) => writeFileSync(path, 'something else\n'))
    const inTheWay = `${station.sidecar}.aside-${new Date(now).toISOString().replaceAll(/[:.]/g, '')}`
    mkdirSync(join(inTheWay, 'x'), { recursive: true })
    for (let n = 0; n < 3; n += 1) {
      expect(await codeOf(station.journal.flush())).toBe('CodedError profile.notWritable')
    }
    rmSync(inTheWay, { recursive: true })
    await station.journal.flush()
    expect(readFileSync(inTheWay, 'utf8')).toBe('something else\n')
    expect(station.mismatches()).toEqual(['damaged'])
    expect(await station.comparison()).toBe('equal')
  })
})

it.each([
  ['a folder in its place', (path: string) => mkdirSync(path)],
  ['no folder for it', (path: string) => rmSync(dirname(path), { recursive: true })],
])('tells with a code that the file cannot be opened: %s', async (_, spoil) => {
  let station = await begunWithSpoilt((path) => {
    rmSync(path)
    spoil(path)
  })
  expect(await codeOf(station.journal.open())).toBe('CodedError profile.notWritable')
  station.commit()
  rmSync(station.sidecar, { recursive: true, force: true })
  mkdirSync(dirname(station.sidecar), { recursive: true })
  station = await station.restarted()
  expect(station.mismatches()).toEqual(['missing'])
  expect(await station.comparison()).toBe('equal')
})
