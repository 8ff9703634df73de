import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CodedError } from '../../base/errors.ts'
import { connect, type Connection } from '../binding.ts'
import { migrate, schemaVersion } from './index.ts'

let folder: string
let connection: Connection
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-migrations-'))
  connection = connect(join(folder, 'vault.db'))
})
afterEach(() => {
  connection.close()
  rmSync(folder, { recursive: true })
})

function codeOfMigration(scripts?: readonly string[]): string | null {
  try {
    migrate(connection, scripts)
    return null
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error)
  }
}

it('tells a full disk wherever it meets it, changes nothing then, and goes on when there is room', () => {
  let room = 1
  for (; ; room += 1) {
    connection.pragma(`max_page_count = ${room}`)
    const code = codeOfMigration()
    if (code === null) break
    expect([room, code]).toEqual([room, 'vault.diskFull'])
    expect(connection.pragma('user_version')).toBe(0)
    expect(connection.get('SELECT count(*) AS n FROM sqlite_schema')).toEqual({ n: 0 })
  }
  expect(room).toBeGreaterThan(5)
  expect(connection.pragma('user_version')).toBe(schemaVersion)
})

it('tells a full disk also where SQLite has rolled back by itself, and keeps the steps before', () => {
  const scripts = ['CREATE TABLE kept (value)', 'INSERT INTO kept VALUES (zeroblob(100000))']
  connection.pragma('max_page_count = 10')
  expect(codeOfMigration(scripts)).toBe('vault.diskFull')
  expect(connection.pragma('user_version')).toBe(1)
  connection.pragma('max_page_count = 100')
  expect(codeOfMigration(scripts)).toBeNull()
  expect(connection.get('SELECT count(*) AS n FROM kept')).toEqual({ n: 1 })
})
