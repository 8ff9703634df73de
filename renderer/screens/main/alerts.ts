import type { Alert } from '../../../src/contract/index.ts'

/** From the gravest to the one that is least urgent. */
const gravity = [
  'vaultCopied',
  'identityReplaced',
  'deviceAdded',
  'deviceRemoved',
] as const satisfies readonly Alert['kind'][]

/** The one to be shown: the gravest, and of equal ones the latest. */
export function gravestOf(alerts: readonly Alert[]): Alert | null {
  const sorted = alerts.toSorted(
    (a, b) => gravity.indexOf(a.kind) - gravity.indexOf(b.kind) || b.at - a.at || b.alertId - a.alertId,
  )
  return sorted[0] ?? null
}

export function isGrave({ kind }: Alert): boolean {
  return kind === 'vaultCopied' || kind === 'identityReplaced'
}
