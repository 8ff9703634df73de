import type { StepUpSubject } from './credentialStore.ts'
import type { ActContext, ActEvent } from './peopleStore.ts'

/** What an account does with its own second factor. */
export function ownAct(
  accountId: string,
  event: Omit<ActEvent, 'account'>,
  now: number,
): [ActEvent, ActContext] {
  return [
    { ...event, account: accountId },
    { by: { kind: 'account', name: accountId }, now },
  ]
}

/** `opened` null: it signed in. */
export function usedAct(
  opened: Pick<StepUpSubject, 'deviceId' | 'budget'> | null,
): Pick<ActEvent, 'type' | 'detail'> {
  if (opened === null) return { type: 'factor.signedIn' }
  return { type: 'factor.steppedUp', detail: `${opened.budget}: ${opened.deviceId}` }
}

/**
 * So far the clock of the process that looks may be behind that of the one that wrote, in ms. The other way nothing is let
 * pass: what is asked is over for a clock that is ahead by as long as it lasts.
 */
export const clockSlackMs = 600_000

/** An authenticator that counts has counted on; one that does not says 0 always. */
export function isStale(counter: number, before: number): boolean {
  return counter <= before && (counter > 0 || before > 0)
}
