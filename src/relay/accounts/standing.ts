import { limits } from '../../wire/limits.ts'

export const accountRoles = ['member', 'guest', 'administrator', 'auditor', 'securityOfficer'] as const
export type AccountRole = (typeof accountRoles)[number]

/** What an account may do, and until when. */
export interface Standing {
  readonly role: AccountRole
  readonly disabled: boolean
  /** ms since the epoch; null: no end. */
  readonly expiresAt: number | null
}

/** Whether the account is disabled or its time is over: none of its devices may do anything. */
export function isEnded(standing: Pick<Standing, 'disabled' | 'expiresAt'>, now: number): boolean {
  return standing.disabled || (standing.expiresAt !== null && standing.expiresAt <= now)
}

export function devicesAtMost(role: AccountRole): number {
  return role === 'guest' ? limits.guestDevices : limits.devicesPerAccount
}

/** With rights on the administrator's page (`admin/rights.ts`). */
export function isPrivileged(role: AccountRole): boolean {
  return role !== 'member' && role !== 'guest'
}
