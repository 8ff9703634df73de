import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { fileError, systemCode } from '../base/atomicFile.ts'
import { CodedError } from '../base/errors.ts'
import { connect, type Connection } from './binding.ts'
import { migrate } from './migrations/index.ts'
import { Vault } from './vault.ts'

export type DatabaseKey = Uint8Array

/** "VALI": SQLite's application_id of a Valise vault. */
const applicationId = 0x56414c49
const pageSize = 4096
const plainMagic = 'SQLite format 3\0'

/**
 * Makes a new vault under a raw 32-byte key. Throws `vault.exists` where there is a file already.
 * The file has mode 0600 whatever the umask; SQLite gives its companions the same.
 */
export function createVault(file: string, key: DatabaseKey): Vault {
  makeEmptyFile(file)
  return opened(file, key, (connection) => {
    connection.pragma(`application_id = ${applicationId}`)
    migrate(connection)
  })
}

/**
 * Opens an existing vault and brings its schema up to date. Nothing is changed in a file that is refused:
 * `vault.missing`, `vault.notAVault` (too short, or a plain SQLite file), `vault.wrongKey` (or another file,
 * or page 1 damaged: SQLCipher cannot tell), `vault.damaged`, `vault.newer`.
 */
export function openVault(file: string, key: DatabaseKey): Vault {
  refuseForeignFile(file)
  return opened(file, key, (connection) => {
    if (connection.pragma('application_id') !== applicationId) throw new CodedError('vault.notAVault')
    migrate(connection)
  })
}

function makeEmptyFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new CodedError('vault.exists')
    throw fileError(error)
  }
}

function opened(file: string, key: DatabaseKey, check: (connection: Connection) => void): Vault {
  const connection = connect(file)
  try {
    applyKey(connection, key)
    settings(connection)
    check(connection)
    return new Vault(connection, file)
  } catch (error) {
    connection.close()
    throw error
  }
}

function applyKey(connection: Connection, key: DatabaseKey): void {
  const literal = `x'${Buffer.from(key).toString('hex')}'`
  // Anything but 64 digits would be taken for a passphrase, silently (libsignal.md section 8).
  if (!/^x'[0-9a-f]{64}'$/.test(literal)) throw new CodedError('vault.wrongKey')
  connection.pragma('cipher_log_level = NONE')
  connection.pragma(`key = "${literal}"`)
  // The first read: a wrong key shows here, before anything else touches the file.
  connection.get('SELECT count(*) AS n FROM sqlite_schema')
}

function settings(connection: Connection): void {
  connection.pragma('busy_timeout = 5000')
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  connection.pragma('secure_delete = ON')
  connection.pragma('temp_store = MEMORY')
}

/** The binding would create a missing file, or take an empty one for an empty vault. */
function refuseForeignFile(file: string): void {
  if (!existsSync(file)) throw new CodedError('vault.missing')
  const start = Buffer.alloc(plainMagic.length)
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch {
    throw new CodedError('profile.notWritable')
  }
  try {
    const { size } = fstatSync(handle)
    readSync(handle, start, 0, start.length, 0)
    if (size < pageSize || start.toString('latin1') === plainMagic) throw new CodedError('vault.notAVault')
    if (size % pageSize !== 0) throw new CodedError('vault.damaged', { reason: 'truncated' })
  } finally {
    closeSync(handle)
  }
}
