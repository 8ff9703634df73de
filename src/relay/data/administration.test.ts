import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytes } from '../store/contractKit.ts'
import type { AccountAct } from '../store/peopleStore.ts'
import { administer as ask, postgresServer, type PostgresServer } from '../testing/postgres.ts'
import { administer, revokeOrganisation } from './administration.ts'
import { initRelay } from './relayData.ts'

let server: PostgresServer
let folder: string

beforeAll(async () => {
  server = await postgresServer()
  folder = await mkdtemp(join(tmpdir(), 'valise-administration-'))
})

afterAll(async () => {
  await server.end()
  await rm(folder, { recursive: true, force: true })
})

test('an organisation is revoked in several transactions, each with its acts, and may be revoked again', async () => {
  const [data, url] = [join(folder, 'relay'), await server.database()]
  await initRelay({ data, organisation: 'X', postgresUrl: url })
  const context = { by: { kind: 'operator', name: 'root' }, now: 1 } as const
  const creations = Array.from({ length: 115 }, (_, n): AccountAct => {
    const names = { displayName: `Ada ${n}`, title: '', service: '', email: null, identifier: null }
    const profile = { ...names, organisation: n < 105 ? 'X / Y' : 'Z' }
    const invitation = { codeHash: bytes(32), createdAt: 1, expiresAt: 1e12 }
    const usual = { role: 'member', expiresAt: null, hidden: false } as const
    return { kind: 'create', accountId: randomUUID(), profile, invitation, ...usual }
  })
  await administer(data, creations, context)
  const revoked = await revokeOrganisation(data, 'X', context)
  expect(revoked.map(({ kind }) => kind)).toEqual(Array.from({ length: 105 }, () => 'done'))
  const transactions = await ask(
    url,
    `SELECT count(*)::int AS acts FROM valise.acts WHERE type = 'devices.ended' GROUP BY xmin::text ORDER BY 1`,
  )
  expect(transactions).toEqual([{ acts: 5 }, { acts: 100 }])
  const again = await revokeOrganisation(data, 'X', context)
  expect(new Set(again.map(({ kind }) => kind))).toEqual(new Set(['unchanged']))
  await expect(revokeOrganisation(data, 'nowhere', context)).rejects.toThrow('argument.invalid')
})
