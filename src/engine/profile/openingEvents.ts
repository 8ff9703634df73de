import { createHash } from 'node:crypto'
import type { JournalEvent } from '../../journal/index.ts'
import { policyHash, type EffectivePolicy, type PolicyFinding } from '../../policy/index.ts'
import { deviceKeyOf } from '../../protocol/keys.ts'
import type { Account } from '../../storage/repositories/account.ts'
import { readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { SlotOpener } from '../../storage/slots/index.ts'
import type { Vault } from '../../storage/vault.ts'
import type { Journal } from './journal.ts'

/** What the journal says of a vault that is opened; failed passphrases are told at the next success. */
export function openingEvents(slot: SlotOpener['kind'], version: string, failures: number): JournalEvent[] {
  const opened: JournalEvent = { type: 'vault.opened', actor: 'person', payload: { slot, version } }
  if (failures === 0) return [opened]
  const payload = { code: 'vault.passphraseWrong', count: failures } as const
  return [{ type: 'vault.openFailed', actor: 'person', payload }, opened]
}

/** What it says of a vault that is opened for the first time. */
export function creationEvents(account: Account, slot: SlotOpener['kind'], version: string): JournalEvent[] {
  const { deviceId } = account.record
  const deviceKey = createHash('sha256').update(deviceKeyOf(account.deviceKey).publicKey).digest('hex')
  return [
    { type: 'vault.created', actor: 'person', payload: { slot, version } },
    { type: 'device.enrolled', actor: 'device', payload: { deviceId, deviceKey } },
  ]
}

/** Records the policy in force, once for each change of it. */
export async function recordPolicy(
  vault: Vault,
  journal: Journal,
  policy: EffectivePolicy,
  found: readonly PolicyFinding[],
): Promise<void> {
  const hash = policyHash(policy)
  if (readSetting(vault.sql, 'policyHash') === hash) return
  const managed = Object.values(policy).filter(({ origin }) => origin !== 'default').length
  await journal.record({
    type: 'policy.applied',
    actor: 'device',
    payload: { hash, managed, findings: [...found] },
  })
  // After the entry: a kill in between records it twice, never not at all.
  vault.transaction((tx) => writeSetting(tx, 'policyHash', hash))
}
