import { createHash } from 'node:crypto'
import { copyFile, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { syncFolder, systemCode, writeFileAtomically } from '../../base/atomicFile.ts'
import { utf8 } from '../../base/bytes.ts'
import { systemClock, type Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { engineOf } from '../engine.ts'
import { operatorContext } from '../data/actor.ts'
import { lockData } from '../data/dataLock.ts'
import { asDataErrors, databaseFile, keyFileNames, postgresFile, readRelayData } from '../data/relayData.ts'
import { withStore } from '../data/withStore.ts'
import { writeLastBackup } from '../operations/status.ts'
import { copyDatabase, markOfCopy, markRestored } from '../store/sqliteBackup.ts'
import { openKeys, sealKeys } from './keysFile.ts'

/** Where the keys of the data folder go or come from; left out, they are not part of the backup. */
export interface KeysPlace {
  readonly file: string
  readonly passphrase: string
}

export interface BackupOptions {
  readonly data: string
  /** Null: the keys alone. */
  readonly to: string | null
  readonly keys?: KeysPlace
  readonly clock?: Clock
}

/**
 * Copies the database of a relay to a new file, beside a running relay; returns its size, 0 for keys alone. Throws `relay.backupExists` when a file is there
 * already, `relay.databaseUnreachable` when the journal cannot be written, `relay.backupPostgres` for a database of PostgreSQL, `relay.dataDamaged`, `relay.dataNotWritable`. A file that is there afterwards is a whole one.
 */
export async function backUp(options: BackupOptions): Promise<{ readonly bytes: number }> {
  const { data, to, keys, clock = systemClock } = options
  const { anchors } = await readRelayData(data)
  if (to !== null) await isEmbedded(data)
  return asDataErrors(async () => {
    for (const file of [to, keys?.file ?? null]) {
      if (file !== null && (await exists(file))) throw new CodedError('relay.backupExists')
    }
    // First: what is in nobody's journal is not made.
    const context = operatorContext(clock)
    await withStore(data, async ({ acts }) => {
      if (keys !== undefined) await acts.append({ type: 'backup.keys' }, context)
      if (to !== null) await acts.append({ type: 'backup.made' }, context)
    })
    if (keys !== undefined) await backUpKeys(data, keys)
    if (to === null) return { bytes: 0 }
    const temporary = `${to}.new`
    try {
      await rm(temporary, { force: true })
      await copyDatabase(databaseFile(data), temporary, markOf(anchors.relayId))
      await settle(temporary, to)
    } catch (thrown) {
      await rm(temporary, { force: true })
      throw thrown
    }
    const { size } = await stat(to)
    await writeLastBackup(data, { at: clock.now(), bytes: size })
    return { bytes: size }
  })
}

/** PostgreSQL has backups of its own, made for databases of that size. */
async function isEmbedded(data: string): Promise<void> {
  if ((await engineOf(data)).kind === 'postgres') throw new CodedError('relay.backupPostgres')
}

/** What `restore` does besides, for a database that PostgreSQL has put back; no relay may run on it. */
export async function adaptRestored(data: string): Promise<void> {
  await readRelayData(data)
  if ((await engineOf(data)).kind !== 'postgres')
    throw new CodedError('argument.invalid', { option: 'after-postgres' })
  await withStore(data, async ({ stats, acts }) => {
    await stats.restored()
    await acts.append({ type: 'backup.restored' }, operatorContext())
  })
}

async function backUpKeys(data: string, { file, passphrase }: KeysPlace): Promise<void> {
  const files = Object.fromEntries(
    await Promise.all(
      keyFileNames.map(async (name) => [name, await readFile(join(data, name), 'utf8')] as const),
    ),
  )
  await writeFileAtomically(file, utf8(await sealKeys(files, passphrase)))
}

export interface RestoreOptions {
  readonly data: string
  readonly from: string
  readonly keys?: KeysPlace
}

/**
 * Puts a backup in the place of a missing database, into the folder of its own relay or, with its keys, into an empty
 * one. Nothing that is there is replaced: throws `relay.dataExists`, `relay.dataInUse` beside a running relay,
 * `relay.backupDamaged`, `relay.backupForeign`, `relay.backupPassphrase`.
 */
export async function restore(options: RestoreOptions): Promise<void> {
  const { data, from, keys } = options
  const mark = markOfCopy(from)
  await isEmbedded(data)
  return asDataErrors(async () => {
    await refuseDatabase(data)
    if (keys !== undefined) await putKeysInPlace(data, await readKeys(keys, mark))
    const { anchors } = await readRelayData(data)
    const lock = lockData(data)
    try {
      if (markOf(anchors.relayId) !== mark) throw new CodedError('relay.backupForeign')
      await putInPlace(from, databaseFile(data))
    } finally {
      lock.release()
    }
  })
}

/**
 * Makes a data folder of a backup of keys alone, for a database that PostgreSQL has or gets back (`postgresUrl`), or
 * for one that is lost. Throws as `restore` does.
 */
export async function restoreKeys(data: string, keys: KeysPlace, postgresUrl: string | null): Promise<void> {
  return asDataErrors(async () => {
    await refuseDatabase(data)
    if (await exists(postgresFile(data))) throw new CodedError('relay.dataExists')
    await putKeysInPlace(data, await readKeys(keys, null), postgresUrl)
  })
}

/** Nor beside what an earlier database left: SQLite would play an old log into the one that is put back. */
export async function refuseDatabase(data: string): Promise<void> {
  for (const end of ['', '-wal', '-shm', '-journal'])
    if (await exists(databaseFile(data) + end)) throw new CodedError('relay.dataExists')
}

interface NamedText {
  readonly name: string
  readonly text: string
}

async function readKeys({ file, passphrase }: KeysPlace, mark: number | null): Promise<readonly NamedText[]> {
  const files = await openKeys(await readFile(file, 'utf8'), passphrase)
  const relayId = relayIdIn(files['relay.json'] ?? '')
  if (mark !== null && markOf(relayId) !== mark) throw new CodedError('relay.backupForeign')
  return keyFileNames.map((name) => {
    const text = files[name]
    if (text === undefined) throw new CodedError('relay.backupDamaged')
    return { name, text }
  })
}

/** `relay.json` is the last of them: a folder without it counts as not made. */
async function putKeysInPlace(
  data: string,
  texts: readonly NamedText[],
  postgresUrl: string | null = null,
): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 })
  for (const { name } of texts) if (await exists(join(data, name))) throw new CodedError('relay.dataExists')
  if (postgresUrl !== null) await writeFileAtomically(postgresFile(data), utf8(`${postgresUrl}\n`))
  for (const { name, text } of texts) await writeFileAtomically(join(data, name), utf8(text))
}

function relayIdIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'relayId' in value) return String(value.relayId)
  } catch (thrown) {
    throw new CodedError('relay.backupDamaged', {}, { cause: thrown })
  }
  throw new CodedError('relay.backupDamaged')
}

async function putInPlace(from: string, to: string): Promise<void> {
  const temporary = `${to}.restoring`
  try {
    await rm(temporary, { force: true })
    await copyFile(from, temporary)
    await markRestored(temporary, operatorContext())
    await settle(temporary, to)
  } finally {
    for (const end of ['', '-wal', '-shm']) await rm(temporary + end, { force: true })
  }
}

/** Gives a file its name once its bytes are on the disk. */
async function settle(temporary: string, file: string): Promise<void> {
  const handle = await open(temporary, 'r+')
  try {
    await handle.chmod(0o600)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await syncFolder(dirname(resolve(file)))
}

/** Ties a backup to its relay: 31 bits, against mistakes and not against anybody. */
function markOf(relayId: string): number {
  return createHash('sha256').update(relayId).digest().readUInt32BE(0) >>> 1
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return false
    throw thrown
  }
}
