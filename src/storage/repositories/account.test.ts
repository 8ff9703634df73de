import { afterEach, beforeEach, expect, it } from 'vitest'
import { CodedError } from '../../base/errors.ts'
import { blob, testAccountRecord, testVault, type TestVault } from '../testkit.ts'
import {
  readAccount,
  readCertificate,
  readDevicesRevision,
  readGeneration,
  readPendingLink,
  readPendingUpload,
  readTakenUpTo,
  updateIdentity,
  updateProfileKey,
  writeAccount,
  writeCertificate,
  writeDevicesRevision,
  writeGeneration,
  writePendingLink,
  writeTakenUpTo,
  type Account,
} from './account.ts'
import { markProfileKeySent, readConversation, touchConversation } from './conversations.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

const account: Account = {
  status: 'linking',
  record: testAccountRecord,
  identityKeyPair: blob(1),
  deviceKey: blob(2),
  profileKey: Buffer.alloc(32, 3),
}

it('holds nothing at first', () => {
  expect(readAccount(kit.sql)).toBeNull()
  expect([readGeneration(kit.sql), readPendingLink(kit.sql), readPendingUpload(kit.sql)]).toEqual([
    null,
    null,
    null,
  ])
  expect([readTakenUpTo(kit.sql), readDevicesRevision(kit.sql)]).toEqual([0, 0])
})

it('changes its keys by themselves; writing its record again never changes one', () => {
  kit.write((tx) => {
    writeAccount(tx, account, null)
    writePendingLink(tx, '{"offer":1}')
  })
  expect(readAccount(kit.sql)).toEqual(account)
  expect(readPendingLink(kit.sql)).toBe('{"offer":1}')
  const linked = { identityKeyPair: blob(9, 9), profileKey: Buffer.alloc(32, 8) }
  kit.write((tx) => {
    updateIdentity(tx, linked.identityKeyPair)
    updateProfileKey(tx, linked.profileKey)
    writePendingLink(tx, null)
    writeAccount(
      tx,
      { ...account, status: 'enrolled', identityKeyPair: blob(0), deviceKey: blob(0) },
      'upload',
    )
  })
  expect(readAccount(kit.sql)).toEqual({ ...account, ...linked, status: 'enrolled' })
  expect([readPendingLink(kit.sql), readPendingUpload(kit.sql)]).toEqual([null, 'upload'])
})

it('tells another profile key to everybody anew, and the same one to nobody', () => {
  const sent = () => readConversation(kit.sql, 'a')?.profileKeySent
  kit.write((tx) => {
    writeAccount(tx, account, null)
    touchConversation(tx, 'a', 1)
    markProfileKeySent(tx, 'a')
    updateProfileKey(tx, account.profileKey)
  })
  expect(sent()).toBe(true)
  kit.write((tx) => updateProfileKey(tx, Buffer.alloc(32, 4)))
  expect(sent()).toBe(false)
})

it('keeps generation, revision and certificate; what was taken in never goes back', () => {
  kit.write((tx) => {
    writeAccount(tx, account, null)
    writeGeneration(tx, Buffer.alloc(16, 1))
    writeGeneration(tx, Buffer.alloc(16, 2))
    writeDevicesRevision(tx, 4)
    writeTakenUpTo(tx, 90)
    writeTakenUpTo(tx, 80)
    writeCertificate(tx, { certificate: blob(5), expiresAt: 6 })
  })
  expect(readGeneration(kit.sql)).toEqual(Buffer.alloc(16, 2))
  expect([readDevicesRevision(kit.sql), readTakenUpTo(kit.sql)]).toEqual([4, 90])
  expect(readCertificate(kit.sql)).toEqual({ certificate: blob(5), expiresAt: 6 })
})

it.each<[string, Partial<Account>]>([
  ['a profile key of another length', { profileKey: blob(1) }],
  ['no identity key', { identityKeyPair: blob() }],
])('refuses %s', (_, spoilt) => {
  expect(() => kit.write((tx) => writeAccount(tx, { ...account, ...spoilt }, null))).toThrow(CodedError)
  expect(readAccount(kit.sql)).toBeNull()
})
