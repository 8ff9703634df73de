import { sameBytes, type Bytes } from '../../base/bytes.ts'
import type { IdentityDecisionBody } from '../ownDevices.ts'
import type { Stamp } from './order.ts'

/** A decision about a contact's identity key; of two about the same account and key `newest` wins. */
export interface IdentityDecision extends Stamp {
  readonly identityKey: Bytes
  readonly accepted: boolean
  readonly verified: boolean
}

export function decisionOf(body: IdentityDecisionBody, changeId: Bytes): IdentityDecision {
  const { identityKey, accepted, verified, decidedAt } = body
  return { identityKey, accepted, verified, sentAt: decidedAt, changeId }
}

// SECURITY 5
/** What was decided on another device about this very key; a decision about another key says nothing of it. */
export function decidedAbout(
  identityKey: Bytes,
  decision: IdentityDecision | null,
): 'accepted' | 'verified' | 'refused' | null {
  if (decision === null || !sameBytes(decision.identityKey, identityKey)) return null
  if (!decision.accepted) return 'refused'
  return decision.verified ? 'verified' : 'accepted'
}
