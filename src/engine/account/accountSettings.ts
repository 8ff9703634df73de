import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { copyBytes, fromHex, toHex } from '../../base/bytes.ts'
import { timeAfter } from '../../content/rules/order.ts'
import { mergeSettings, type Settings } from '../../content/rules/settings.ts'
import type { AccountSettings as SettingsChanges, AccountSettingsBody } from '../../content/ownDevices.ts'
import type { AccountSettings } from '../../contract/index.ts'
import type { Sql } from '../../storage/binding.ts'
import { readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Tx } from '../../storage/vault.ts'

/** Unless the person says otherwise, on any of their devices. */
const usual: AccountSettings = { deliveryReceipts: true, readReceipts: true, typingNotices: true }
const names = ['deliveryReceipts', 'readReceipts', 'typingNotices'] as const

const kept = z.strictObject({ value: z.boolean(), sentAt: z.number(), changeId: z.string() })
const keptSettings = z.partialRecord(z.enum(names), kept)

/** What is set for the whole account. */
export function accountSettings(sql: Sql): AccountSettings {
  const stored = read(sql)
  const value = (name: (typeof names)[number]): boolean => stored[name]?.value ?? usual[name]
  return {
    deliveryReceipts: value('deliveryReceipts'),
    readReceipts: value('readReceipts'),
    typingNotices: value('typingNotices'),
  }
}

/** A change made here. Answers what the account's other devices are told. */
export function changeAccountSettings(
  tx: Tx,
  changes: { readonly [K in keyof AccountSettings]?: boolean | undefined },
  now: number,
): AccountSettingsBody {
  const newest = Object.values(read(tx)).toSorted((a, b) => b.sentAt - a.sentAt)[0] ?? null
  const body: AccountSettingsBody = {
    kind: 'accountSettings',
    settings: {
      deliveryReceipts: changes.deliveryReceipts ?? null,
      readReceipts: changes.readReceipts ?? null,
      typingNotices: changes.typingNotices ?? null,
    },
    changedAt: timeAfter(now, newest),
  }
  takeAccountSettings(tx, body, copyBytes(randomBytes(16)))
  return body
}

/** A change made on any device of the account; of each setting the newest stands. */
export function takeAccountSettings(
  tx: Tx,
  { settings, changedAt }: AccountSettingsBody,
  changeId: Uint8Array<ArrayBuffer>,
): void {
  const merged = mergeSettings<SettingsChanges>(read(tx), settings, { sentAt: changedAt, changeId })
  const text = Object.fromEntries(
    names.flatMap((name) => {
      const one = merged[name]
      return one === undefined ? [] : [[name, { ...one, changeId: toHex(one.changeId) }]]
    }),
  )
  writeSetting(tx, 'accountSettings', JSON.stringify(text))
}

function read(sql: Sql): Settings<SettingsChanges> {
  const stored = keptSettings.parse(JSON.parse(readSetting(sql, 'accountSettings') ?? '{}'))
  return Object.fromEntries(
    Object.entries(stored).map(([name, one]) => [
      name,
      { ...one, changeId: fromHex(one.changeId) ?? new Uint8Array() },
    ]),
  )
}
