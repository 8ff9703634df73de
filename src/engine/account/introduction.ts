import { readConversations } from '../../storage/repositories/conversations.ts'
import { readDecisions } from '../../storage/repositories/identityDecisions.ts'
import type { Tx } from '../../storage/vault.ts'
import { accountSettings } from './accountSettings.ts'
import type { Posting } from '../sending/posting.ts'

/** Older than any change of a person: what the new device has been told otherwise stands. */
const longAgo = 1

/** What a new device of the account has to know of it besides its keys: what is set, who is accepted or blocked, who is verified. */
export function introduce(tx: Tx, posting: Posting, deviceId: number): void {
  const settings = accountSettings(tx)
  posting.toOwnDevice(tx, deviceId, { kind: 'accountSettings', settings, changedAt: longAgo })
  for (const conversation of readConversations(tx)) {
    const { conversationId, accepted, blocked, mutedUntil, pinned, archived } = conversation
    posting.toOwnDevice(tx, deviceId, {
      kind: 'conversationSettings',
      conversationId,
      settings: { accepted, blocked, mutedUntil, pinned, archived },
      changedAt: longAgo,
    })
    const [decision] = readDecisions(tx, conversationId)
    if (decision === undefined) continue
    const { identityKey, verified, decidedAt } = decision
    posting.toOwnDevice(tx, deviceId, {
      kind: 'identityDecision',
      accountId: conversationId,
      identityKey,
      accepted: decision.accepted,
      verified,
      decidedAt,
    })
  }
}
