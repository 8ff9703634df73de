import type { AccountRole } from '../accounts/standing.ts'

/** What can be done on the administrator's page. */
export const rights = [
  'overview.read',
  'journal.read',
  'alerts.read',
  'budgets.read',
  'accounts.read',
  'alerts.acknowledge',
  'budgets.reset',
  'devices.end',
  'accounts.invite',
  'accounts.disable',
  'accounts.enable',
] as const
export type Right = (typeof rights)[number]

const reads: readonly Right[] = ['overview.read', 'journal.read', 'alerts.read', 'budgets.read']
const security: readonly Right[] = [
  ...reads,
  'accounts.read',
  'alerts.acknowledge',
  'budgets.reset',
  'devices.end',
]

/** Who has none does not get in. */
const table: Readonly<Record<AccountRole, readonly Right[]>> = {
  member: [],
  guest: [],
  auditor: reads,
  securityOfficer: security,
  administrator: rights,
}

export function rightsOf(role: AccountRole): readonly Right[] {
  return table[role]
}

export function may(role: AccountRole, right: Right): boolean {
  return table[role].includes(right)
}
