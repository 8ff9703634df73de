import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyBytes, utf8 } from '../base/bytes.ts'
import { createVault, openVault } from './open.ts'
import { accountOf, deviceKey, senderKeyKey } from './records.ts'
import { VaultRecords } from './writeSet.ts'

const key = copyBytes(randomBytes(32))
let folder: string
let records: VaultRecords

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-records-'))
  records = new VaultRecords(createVault(join(folder, 'vault.db'), key))
})
afterEach(() => {
  records.vault.close()
  rmSync(folder, { recursive: true })
})

function restart(): void {
  records.vault.close()
  records = new VaultRecords(openVault(join(folder, 'vault.db'), key))
}

const account = crypto.randomUUID()
const text = (values: readonly { readonly record: Uint8Array }[] | null) =>
  values?.map(({ record }) => new TextDecoder().decode(record)) ?? null

describe('the keys of records', () => {
  it('are listed for every kind, through all layers, as they would be after a commit', () => {
    const timed = { record: utf8('x'), createdAt: 5 }
    const writes = records.begin()
    writes.identities.put(account, { identityKey: utf8('k'), changedKey: null, firstSeenAt: 1 })
    writes.sessions.put(deviceKey(account, 2), utf8('s'))
    writes.retiredSessions.put(deviceKey(account, 3), [{ record: utf8('r'), retiredAt: 1 }])
    writes.preKeys.put('7', utf8('p'))
    writes.signedPreKeys.put('8', timed)
    writes.kyberPreKeys.put('9', { ...timed, lastResort: true })
    writes.senderKeys.put(senderKeyKey(account, 4, 'd'), utf8('d'))
    const kinds = (of: typeof writes) => [
      of.identities,
      of.sessions,
      of.retiredSessions,
      of.preKeys,
      of.signedPreKeys,
      of.kyberPreKeys,
      of.senderKeys,
    ]
    const listed = (of: typeof writes) => kinds(of).map((overlay) => [...overlay.keys()])
    const wanted = [[account], [`${account}.2`], [`${account}.3`], ['7'], ['8'], ['9'], [`${account}.4.d`]]
    expect(listed(records.begin())).toEqual(wanted.map(() => []))
    expect(listed(writes)).toEqual(wanted)
    expect(listed(writes.fork())).toEqual(wanted)
    writes.commit()
    restart()
    expect(listed(records.begin())).toEqual(wanted)
    const removal = records.begin().fork()
    for (const [index, overlay] of kinds(removal).entries()) overlay.remove(wanted[index]?.[0] ?? '')
    expect(listed(removal)).toEqual(wanted.map(() => []))
    expect(listed(records.begin())).toEqual(wanted)
  })

  it('tell the account', () => {
    expect(accountOf(deviceKey(account, 1))).toBe(account)
    expect(accountOf(senderKeyKey(account, 1, 'd'))).toBe(account)
  })
})

describe('retired sessions', () => {
  it('come back in the order in which they were put, whatever their times', () => {
    const retirements = fc.array(fc.record({ record: fc.string({ minLength: 1 }), retiredAt: fc.nat(3) }), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(fc.array(retirements, { minLength: 1, maxLength: 4 }), (versions) => {
        for (const version of versions) {
          const writes = records.begin()
          // Newest first, as they are kept.
          const ordered = version
            .toSorted((a, b) => b.retiredAt - a.retiredAt)
            .map(({ record, retiredAt }) => ({ record: utf8(record), retiredAt }))
          if (ordered.length === 0) writes.retiredSessions.remove(deviceKey(account, 1))
          else writes.retiredSessions.put(deviceKey(account, 1), ordered)
          writes.retiredSessions.put(deviceKey(account, 2), [{ record: utf8('autre'), retiredAt: 0 }])
          writes.commit()
          const expected = ordered.length === 0 ? null : text(ordered)
          expect(text(records.begin().retiredSessions.get(deviceKey(account, 1)))).toEqual(expected)
          const fresh = new VaultRecords(records.vault)
          expect(text(fresh.begin().retiredSessions.get(deviceKey(account, 1)))).toEqual(expected)
          expect(text(fresh.begin().retiredSessions.get(deviceKey(account, 2)))).toEqual(['autre'])
        }
      }),
      { numRuns: 30 },
    )
  })
})
