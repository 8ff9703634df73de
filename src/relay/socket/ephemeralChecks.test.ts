import { expect, test } from 'vitest'
import { EphemeralChecks } from './ephemeralChecks.ts'

const put = {
  destination: new Uint8Array(16),
  by: { kind: 'accessKey', hash: new Uint8Array(32) },
  someDevices: false,
  envelopes: [],
} as const

test('so many checks are under way; whatever ends, well or not, makes room', async () => {
  const ends: { readonly done: () => void; readonly failed: (thrown: Error) => void }[] = []
  const checks = new EphemeralChecks({
    check: async () =>
      new Promise((resolve, reject) =>
        ends.push({ done: () => resolve({ kind: 'proper', targets: [] }), failed: reject }),
      ),
  })
  const begun = Array.from({ length: 201 }, () => checks.begin(put))
  expect(begun.map((check) => check !== null)).toEqual(Array.from({ length: 201 }, (_, n) => n < 200))
  ends[0]?.done()
  ends[1]?.failed(new Error('away'))
  await begun[0]
  await expect(begun[1]).rejects.toThrow('away')
  expect([checks.begin(put), checks.begin(put), checks.begin(put)].map((check) => check !== null)).toEqual([
    true,
    true,
    false,
  ])
})
