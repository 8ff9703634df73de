import type { Bytes } from '../../base/bytes.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { takeProfileKey } from './profileKeys.ts'
import { takeSettings } from '../../storage/repositories/conversationSettings.ts'
import { writeDecision } from '../../storage/repositories/identityDecisions.ts'
import { deleteMessages, findMessage } from '../../storage/repositories/messages.ts'
import { markMessagesRead } from '../../storage/repositories/readState.ts'
import type { Tx } from '../../storage/vault.ts'
import { takeAccountSettings } from './accountSettings.ts'
import { takeHandover } from './pendingIdentity.ts'
import type { OwnNotice } from '../receiving/receivePlan.ts'

/** What has to follow a notice of an own device once it is committed. */
export type OwnNoticeOutcome = 'messages' | 'accountKeys' | 'identityDecision' | 'accountSettings'

interface Taken {
  readonly kind: OwnNoticeOutcome
  readonly conversationIds: readonly string[]
  readonly positions: readonly number[]
  readonly removed: readonly {
    readonly conversationId: string
    readonly authorId: string
    readonly messageId: Bytes
  }[]
}

/** Carries out what another device of the account says. */
export function takeOwnNotice(tx: Tx, notice: OwnNotice, changeId: Bytes, now: number): Taken {
  switch (notice.kind) {
    case 'readUpTo': {
      const read = markMessagesRead(tx, notice.conversationId, notice.messages, now)
      return taken('messages', [notice.conversationId], { positions: read.map(({ position }) => position) })
    }
    case 'conversationSettings':
      takeSettings(tx, notice.conversationId, notice.settings, { changedAt: notice.changedAt, changeId })
      return taken('messages', [notice.conversationId])
    case 'deleteForMe': {
      const { conversationId } = notice
      const rows = notice.messages.flatMap(({ authorId, messageId }) => {
        const row = findMessage(tx, authorId, messageId)
        return row === null || row.conversationId !== conversationId ? [] : [row]
      })
      deleteMessages(
        tx,
        rows.map(({ position }) => position),
      )
      return taken('messages', [conversationId], { removed: rows })
    }
    case 'accountKeys':
      // Taken up by `identityReplacement.ts`: it needs the sessions for itself.
      if (notice.identityKeyPair !== null) takeHandover(tx, notice.identityKeyPair)
      if (notice.profileKey !== null) takeProfileKey(tx, notice.profileKey, notice.changedAt, changeId)
      return taken('accountKeys', [])
    case 'identityDecision': {
      const { accountId, identityKey, accepted, verified, decidedAt } = notice
      writeDecision(tx, { accountId, identityKey, previousKey: null, accepted, verified, decidedAt })
      return taken('identityDecision', [accountId])
    }
    case 'accountSettings':
      takeAccountSettings(tx, notice, changeId)
      return taken('accountSettings', [])
  }
  return exhausted(notice)
}

function taken(
  kind: OwnNoticeOutcome,
  conversationIds: readonly string[],
  more: Partial<Pick<Taken, 'positions' | 'removed'>> = {},
): Taken {
  return { kind, conversationIds, positions: [], removed: [], ...more }
}
