import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CodedError } from '../base/errors.ts'
import { connect } from './binding.ts'
import { schemaVersion } from './migrations/index.ts'
import { createVault, openVault } from './open.ts'
import { readConversation, touchConversation } from './repositories/conversations.ts'
import {
  advanceDelivery,
  insertMessage,
  readMessage,
  readPage,
  type NewMessage,
} from './repositories/messages.ts'
import { dueLanes, insertJob, laneJobs, nextDue, postponeLane } from './repositories/outbox.ts'
import type { Vault } from './vault.ts'
import { VaultRecords } from './writeSet.ts'

const key = randomBytes(32)
let folder: string
let file: string
const open: Vault[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-storage-'))
  file = join(folder, 'vault.db')
})
afterEach(() => {
  for (const vault of open.splice(0)) vault.close()
  rmSync(folder, { recursive: true })
})

function kept(vault: Vault): Vault {
  open.push(vault)
  return vault
}

function codeOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error)
  }
}

function message(conversationId: string, n: number): NewMessage {
  return {
    conversationId,
    messageId: new Uint8Array(randomBytes(16)),
    authorId: conversationId,
    authorDevice: 1,
    own: n % 2 === 0,
    kind: 'text',
    text: `message ${n}`,
    raw: null,
    sentAt: n,
    receivedAt: n,
    delivery: n % 2 === 0 ? 'queued' : 'received',
  }
}

function filled(): void {
  const vault = createVault(file, key)
  vault.transaction((tx) => {
    touchConversation(tx, 'c', 1)
    for (let n = 0; n < 200; n += 1) insertMessage(tx, message('c', n))
  })
  vault.checkpoint()
  vault.close()
}

describe('opening', () => {
  it('makes an encrypted file for this user alone and opens it again', () => {
    const vault = createVault(file, key)
    for (const name of ['', '-wal', '-shm']) expect(statSync(file + name).mode & 0o777).toBe(0o600)
    vault.close()
    expect(readFileSync(file).subarray(0, 15).toString('latin1')).not.toBe('SQLite format 3')
    const again = kept(openVault(file, key))
    for (const [pragma, value] of [
      ['user_version', schemaVersion],
      ['journal_mode', 'wal'],
      ['synchronous', 2],
      ['foreign_keys', 1],
      ['secure_delete', 1],
      ['temp_store', 2],
      // SQLCipher answers this one as text.
      ['page_size', '4096'],
    ] as const) {
      expect(Object.values(again.sql.get(`PRAGMA ${pragma}`) ?? {}), pragma).toEqual([value])
    }
  })

  it('never takes an existing file for a new vault', () => {
    writeFileSync(file, 'something of somebody')
    expect(codeOf(() => createVault(file, key))).toBe('vault.exists')
    expect(readFileSync(file, 'utf8')).toBe('something of somebody')
  })

  it('refuses keys that SQLCipher would take for passphrases', () => {
    filled()
    expect(codeOf(() => openVault(file, key.subarray(0, 31)))).toBe('vault.wrongKey')
    expect(codeOf(() => openVault(file, new Uint8Array(0)))).toBe('vault.wrongKey')
  })

  it.each([
    ['a wrong key', 'vault.wrongKey', () => undefined, randomBytes(32)],
    ['nothing there', 'vault.missing', () => rmSync(file), key],
    ['an empty file', 'vault.notAVault', () => truncateSync(file, 0), key],
    ['a plain SQLite file', 'vault.notAVault', () => plainFile(), key],
    ['a file cut inside a page', 'vault.damaged', () => truncateSync(file, 5 * 4096 + 17), key],
    ['random bytes', 'vault.wrongKey', () => writeFileSync(file, randomBytes(8 * 4096)), key],
  ])('refuses %s with a code and changes nothing', (_, code, spoil, withKey) => {
    filled()
    spoil()
    const before = codeOf(() => readFileSync(file)) === null ? readFileSync(file) : null
    expect(codeOf(() => openVault(file, withKey))).toBe(code)
    if (before !== null) expect(readFileSync(file).equals(before)).toBe(true)
    else expect(codeOf(() => statSync(file))).toContain('ENOENT')
  })

  function plainFile(): void {
    rmSync(file)
    const plain = connect(file)
    plain.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    plain.close()
  }

  it('refuses a vault of a later version untouched', () => {
    filled()
    const connection = connect(file)
    connection.pragma(`key = "x'${key.toString('hex')}'"`)
    connection.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
    connection.close()
    expect(codeOf(() => openVault(file, key))).toBe('vault.newer')
  })

  it('says damaged when a page has been changed', () => {
    filled()
    const bytes = readFileSync(file)
    for (let page = 2; page < bytes.length / 4096; page += 1)
      bytes[page * 4096 + 100] = ~(bytes[page * 4096 + 100] ?? 0)
    writeFileSync(file, bytes)
    expect(
      codeOf(() => {
        readPage(kept(openVault(file, key)).sql, 'c', null, 100)
      }),
    ).toBe('vault.damaged')
  })

  it('tells a full disk, changes nothing then, and goes on when there is room', () => {
    const vault = kept(createVault(file, key))
    vault.transaction((tx) => touchConversation(tx, 'c', 1))
    const pages = Number(Object.values(vault.sql.get('PRAGMA page_count') ?? {})[0])
    vault.sql.get(`PRAGMA max_page_count = ${pages + 4}`)
    const write = () =>
      vault.transaction((tx) => {
        for (let n = 0; n < 400; n += 1) insertMessage(tx, { ...message('c', n), text: 'x'.repeat(500) })
      })
    expect(codeOf(write)).toBe('vault.diskFull')
    expect(readPage(vault.sql, 'c', null, 10)).toEqual([])
    vault.sql.get('PRAGMA max_page_count = 100000')
    expect(codeOf(write)).toBeNull()
  })
})

describe('a write-set', () => {
  const bytes = (n: number) => new Uint8Array([n])

  it('is seen through, sinks, and is only durable when committed', () => {
    const records = new VaultRecords(kept(createVault(file, key)))
    const first = records.begin()
    first.sessions.put('a.1', bytes(1))
    const fork = first.fork()
    fork.sessions.put('a.1', bytes(2))
    fork.sessions.put('b.1', bytes(3))
    expect([fork.sessions.get('a.1'), first.sessions.get('a.1')]).toEqual([bytes(2), bytes(1)])
    expect(records.begin().sessions.get('a.1')).toBeNull()
    fork.sink()
    first.commit()
    const second = records.begin()
    expect([second.sessions.get('a.1'), second.sessions.get('b.1')]).toEqual([bytes(2), bytes(3)])
    second.sessions.remove('a.1')
    expect(second.sessions.get('a.1')).toBeNull()
    second.commit()
    records.vault.close()
    open.length = 0
    const again = new VaultRecords(kept(openVault(file, key))).begin()
    expect(again.sessions.get('a.1')).toBeNull()
    expect(again.sessions.get('b.1')?.at(0)).toBe(3)
  })

  it('leaves nothing of itself, in the vault or the cache, when its commit fails', () => {
    const records = new VaultRecords(kept(createVault(file, key)))
    const set = records.begin()
    set.sessions.put('a.1', bytes(1))
    set.useKyberPreKey({ keyId: 1, signedKeyId: 1, baseKey: bytes(9) })
    set.write(() => {
      throw new CodedError('vault.diskFull')
    })
    expect(codeOf(() => set.commit())).toBe('vault.diskFull')
    const after = records.begin()
    expect(after.sessions.get('a.1')).toBeNull()
    expect(after.useKyberPreKey({ keyId: 1, signedKeyId: 1, baseKey: bytes(9) })).toBe(true)
  })

  it('behaves like a map with a stack of drafts, whatever is done', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), key: fc.nat(5), value: fc.nat(200) }),
      fc.record({ kind: fc.constant('remove' as const), key: fc.nat(5) }),
      fc.record({ kind: fc.constant('fork' as const) }),
      fc.record({ kind: fc.constant('sink' as const) }),
      fc.record({ kind: fc.constant('drop' as const) }),
      fc.record({ kind: fc.constant('commit' as const) }),
    )
    const records = new VaultRecords(kept(createVault(file, key)))
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        records.vault.transaction((tx) => void tx.run('DELETE FROM session'))
        for (let n = 0; n <= 5; n += 1) records.tables.sessions.settle(new Map([[`${n}.1`, null]]))
        let model = [new Map<string, number>()]
        let sets = [records.begin()]
        const top = <T>(stack: T[]): T =>
          stack.at(-1) ??
          (() => {
            throw new Error('empty')
          })()
        for (const step of actions) {
          switch (step.kind) {
            case 'put':
              top(sets).sessions.put(`${step.key}.1`, bytes(step.value))
              top(model).set(`${step.key}.1`, step.value)
              break
            case 'remove':
              top(sets).sessions.remove(`${step.key}.1`)
              top(model).delete(`${step.key}.1`)
              break
            case 'fork':
              sets.push(top(sets).fork())
              model.push(new Map(top(model)))
              break
            case 'sink':
              if (sets.length === 1) break
              sets.pop()?.sink()
              model.splice(-2, 1)
              break
            case 'drop':
              if (sets.length === 1) break
              sets.pop()
              model.pop()
              break
            case 'commit':
              if (sets.length > 1) break
              top(sets).commit()
              sets = [records.begin()]
          }
          for (let n = 0; n <= 5; n += 1) {
            const expected = top(model).get(`${n}.1`)
            expect(top(sets).sessions.get(`${n}.1`)).toEqual(expected === undefined ? null : bytes(expected))
          }
        }
        model = model.slice(0, 1)
      }),
      { numRuns: 60 },
    )
  })
})

describe('repositories', () => {
  it('page a conversation from anywhere, oldest first', () => {
    filled()
    const { sql } = kept(openVault(file, key))
    const newest = readPage(sql, 'c', null, 50)
    expect(newest.map((m) => m.text)).toEqual(Array.from({ length: 50 }, (_, n) => `message ${n + 150}`))
    expect(readPage(sql, 'c', newest[0]?.position ?? 0, 3).map((m) => m.text)).toEqual([
      'message 147',
      'message 148',
      'message 149',
    ])
    expect(readConversation(sql, 'c')).toMatchObject({ unread: 100, firstUnread: 2, queued: 0, held: 0 })
  })

  it('take a message in once and move its delivery forward only', () => {
    const vault = kept(createVault(file, key))
    vault.transaction((tx) => {
      touchConversation(tx, 'c', 1)
      const one = message('c', 0)
      const position = insertMessage(tx, one) ?? 0
      expect(insertMessage(tx, one)).toBeNull()
      expect(advanceDelivery(tx, position, 'delivered')).toBe(true)
      expect(advanceDelivery(tx, position, 'sent')).toBe(false)
      expect(readMessage(tx, position)?.delivery).toBe('delivered')
    })
  })

  it('give the jobs of a lane in order, and none behind a head that waits', () => {
    const vault = kept(createVault(file, key))
    const job = (lane: string) => ({
      lane,
      destination: lane,
      kind: 'receipt' as const,
      messagePosition: null,
      content: new Uint8Array([1]),
      createdAt: 0,
    })
    vault.transaction((tx) => {
      for (const lane of ['a', 'b', 'a', 'a', 'b']) insertJob(tx, job(lane))
      postponeLane(tx, 'a', 500)
    })
    const ids = (lane: string, now: number) => laneJobs(vault.sql, lane, now, 2).map((j) => j.jobId)
    expect(dueLanes(vault.sql, 100)).toEqual(['b'])
    expect(dueLanes(vault.sql, 500)).toEqual(['a', 'b'])
    expect([ids('a', 100), ids('a', 500), ids('b', 100), ids('c', 100)]).toEqual([[], [1, 3], [2, 5], []])
    expect(nextDue(vault.sql)).toBe(0)
  })
})
