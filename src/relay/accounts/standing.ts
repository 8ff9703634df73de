import { limits } from '../../wire/limits.ts'

export const accountRoles = ['member', 'guest', 'administrator', 'auditor', 'securityOfficer'] as const
export type AccountRole = (typeof accountRoles)[number]

/** What an account may do, and until when. */
export interface Standing {
  readonly role: AccountRole
  /** Path of names from the root of the tree (`organisation.ts`). */
  readonly organisation: string
  readonly disabled: boolean
  /** ms since the epoch; null: no end. */
  readonly expiresAt: number | null
}

/** Whether the account is disabled or its time is over: none of its devices may do anything. */
export function isEnded(standing: Pick<Standing, 'disabled' | 'expiresAt'>, now: number): boolean {
  return standing.disabled || (standing.expiresAt !== null && standing.expiresAt <= now)
}

/** How far an account sees the directory: null means all of it. */
export function directoryScope({ role, organisation }: Standing): string | null {
  return role === 'guest' ? organisation : null
}

export function devicesAtMost(role: AccountRole): number {
  return role === 'guest' ? limits.guestDevices : limits.devicesPerAccount
}
