import { randomBytes } from 'node:crypto'
import { copyBytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { noticeMessages } from '../../content/limits.ts'
import { receiptsFor } from '../../content/rules/receipts.ts'
import type { CallInput, CallOutput } from '../../contract/index.ts'
import { peerToken } from '../../journal/index.ts'
import { changeSettings, type SettingsPatch } from '../../storage/repositories/conversationSettings.ts'
import {
  readConversation,
  readConversations,
  takeTimer,
  touchConversation,
  writeDraft,
  type ConversationRow,
} from '../../storage/repositories/conversations.ts'
import { insertMessage, readPage } from '../../storage/repositories/messages.ts'
import { readPerson, writePerson } from '../../storage/repositories/people.ts'
import { readPersonKey } from '../../storage/repositories/personKeys.ts'
import { markRead, type ReadMessage } from '../../storage/repositories/readState.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import { accountSettings } from '../account/accountSettings.ts'
import type { Journal } from '../profile/journal.ts'
import type { People } from './people.ts'
import type { Posting } from '../sending/posting.ts'
import { replaceProfileKey } from '../account/profileKeys.ts'
import type { Self } from '../account/self.ts'
import { systemLine } from './systemLine.ts'
import type { ViewChanges } from '../views/viewChanges.ts'
import { messagePage } from '../views/views.ts'

interface ConversationsParts {
  readonly vault: Vault
  readonly journal: Journal
  readonly clock: Clock
  readonly self: Self
  readonly posting: Posting
  readonly people: People
  readonly changes: ViewChanges
  /** Jobs were added. */
  readonly wake: () => void
  /** The access key has to be told to the relay. */
  readonly accessChanged: () => void
}

/** How far back messages of a stranger are confirmed once they are accepted. */
const confirmedOnAccept = 200

/** What a person does with conversations as a whole. */
export class Conversations {
  readonly #parts: ConversationsParts

  constructor(parts: ConversationsParts) {
    this.#parts = parts
  }

  async open({ accountId }: CallInput<'conversation.open'>): Promise<CallOutput<'conversation.open'>> {
    const { vault, people, self, clock, changes } = this.#parts
    if (accountId === self.accountId) throw new CodedError('recipient.unknown')
    const isNew = readConversation(vault.sql, accountId) === null
    if (isNew || readPerson(vault.sql, accountId) === null) {
      const person = await people.find(accountId)
      vault.transaction((tx) => {
        writePerson(tx, person)
        touchConversation(tx, accountId, clock.now())
        // Whoever is looked up to be written to is no stranger; a request stays one until it is accepted or answered.
        if (isNew) this.#set(tx, accountId, { accepted: true })
      })
      changes.conversation(accountId)
      // Before the answer: whoever asked goes there next.
      changes.flush()
    }
    return { conversationId: accountId }
  }

  messages(input: CallInput<'conversation.messages'>): CallOutput<'conversation.messages'> {
    this.known(input.conversationId)
    return messagePage(this.#parts.vault.sql, input.conversationId, input.before, input.limit)
  }

  read({ conversationId, position }: CallInput<'conversation.read'>): void {
    this.known(conversationId)
    const { vault, clock, changes, wake } = this.#parts
    const read = vault.transaction((tx) => {
      const messages = markRead(tx, conversationId, position, clock.now())
      this.tellRead(tx, conversationId, messages)
      return messages
    })
    changes.messages(
      read.map((message) => message.position),
      [conversationId],
    )
    if (read.length > 0) wake()
  }

  draft({ conversationId, text }: CallInput<'conversation.draft'>): void {
    this.known(conversationId)
    this.#parts.vault.transaction((tx) => writeDraft(tx, conversationId, text))
    this.#parts.changes.conversation(conversationId)
  }

  typing({ conversationId, typing }: CallInput<'conversation.typing'>): void {
    const conversation = this.known(conversationId)
    const { vault, posting, wake } = this.#parts
    if (!accountSettings(vault.sql).typingNotices || !conversation.accepted || conversation.blocked) return
    // The relay passes nothing on for a stranger that it does not keep.
    if (readPersonKey(vault.sql, conversationId) === null) return
    vault.transaction((tx) =>
      posting.toAccount(tx, conversationId, { kind: 'typing', body: { kind: 'typing', typing } }),
    )
    wake()
  }

  timer({ conversationId, seconds }: CallInput<'conversation.timer'>): void {
    const conversation = this.known(conversationId)
    if (conversation.blocked) throw new CodedError('conversation.blocked')
    if (conversation.timerSeconds === seconds) return
    const { vault, posting, changes, clock, self, wake } = this.#parts
    const now = clock.now()
    const position = vault.transaction((tx) => {
      const changedAt = Math.max(now, conversation.timerChangedAt + 1)
      const content = posting.toAccount(tx, conversationId, {
        kind: 'timer',
        body: { kind: 'timerChange', seconds },
        sentAt: changedAt,
      })
      takeTimer(tx, conversationId, { seconds, changedAt, changeId: content.messageId })
      const note = { kind: 'timerChanged', seconds, own: true } as const
      return insertMessage(tx, systemLine(conversationId, self.record, true, note, now))
    })
    changes.messages(position === null ? [] : [position], [conversationId])
    wake()
  }

  /** What they wrote before is confirmed now; from here on they are told like any contact. */
  accept({ conversationId }: CallInput<'conversation.accept'>): void {
    const conversation = this.known(conversationId)
    if (conversation.accepted && !conversation.blocked) return
    const { vault, changes, wake } = this.#parts
    vault.transaction((tx) => {
      this.#set(tx, conversationId, { accepted: true, blocked: false })
      this.#confirmEarlier(tx, conversationId)
    })
    changes.conversation(conversationId)
    wake()
  }

  /** SECURITY 13. The access key changes with it, and every other contact is told the new one. */
  async block({ conversationId, blocked }: CallInput<'conversation.block'>): Promise<void> {
    const conversation = this.known(conversationId)
    if (conversation.blocked === blocked) return
    const { vault, journal, changes, wake, accessChanged } = this.#parts
    vault.transaction((tx) => {
      this.#set(tx, conversationId, { blocked })
      journal.append(tx, (salt) => ({
        type: 'peer.blocked',
        actor: 'person',
        payload: { peer: peerToken(salt, conversationId), blocked },
      }))
      if (blocked) this.#replaceAccessKey(tx)
    })
    await journal.flush()
    changes.conversation(conversationId)
    wake()
    if (blocked) accessChanged()
  }

  settings({ conversationId, ...chosen }: CallInput<'conversation.settings'>): void {
    this.known(conversationId)
    const { mutedUntil = null, pinned = null, archived = null } = chosen
    this.#parts.vault.transaction((tx) => this.#set(tx, conversationId, { mutedUntil, pinned, archived }))
    this.#parts.changes.conversation(conversationId)
    this.#parts.wake()
  }

  /** Throws `conversation.notFound`. */
  known(conversationId: string): ConversationRow {
    const conversation = readConversation(this.#parts.vault.sql, conversationId)
    if (conversation === null) throw new CodedError('conversation.notFound')
    return conversation
  }

  /** Writing to somebody accepts them. */
  acceptInPassing(tx: Tx, conversation: ConversationRow): void {
    if (!conversation.accepted) this.#set(tx, conversation.conversationId, { accepted: true })
  }

  #set(tx: Tx, conversationId: string, patch: SettingsPatch): void {
    const changeId = copyBytes(randomBytes(16))
    const changedAt = changeSettings(tx, conversationId, patch, { now: this.#parts.clock.now(), changeId })
    this.#parts.posting.toOwnDevices(
      tx,
      {
        kind: 'conversationSettings',
        conversationId,
        settings: {
          accepted: patch.accepted ?? null,
          blocked: patch.blocked ?? null,
          mutedUntil: patch.mutedUntil ?? null,
          pinned: patch.pinned ?? null,
          archived: patch.archived ?? null,
        },
        changedAt,
      },
      changeId,
    )
  }

  /** The author and the account's other devices, of what has just been read here. */
  tellRead(tx: Tx, conversationId: string, read: readonly ReadMessage[]): void {
    const { posting } = this.#parts
    const contact = readConversation(tx, conversationId)
    if (contact === null || read.length === 0) return
    const terms = { contact, switches: accountSettings(tx) }
    for (const body of receiptsFor('readReceipt', shownTexts(read), terms)) {
      posting.toAccount(tx, conversationId, { kind: 'readReceipt', body })
    }
    for (let at = 0; at < read.length; at += noticeMessages) {
      const messages = read.slice(at, at + noticeMessages)
      posting.toOwnDevices(tx, { kind: 'readUpTo', conversationId, messages })
    }
  }

  #confirmEarlier(tx: Tx, conversationId: string): void {
    const contact = readConversation(tx, conversationId)
    if (contact === null) return
    const received = readPage(tx, conversationId, null, confirmedOnAccept).filter(({ own }) => !own)
    const terms = { contact, switches: accountSettings(tx) }
    for (const body of receiptsFor('deliveryReceipt', shownTexts(received), terms)) {
      this.#parts.posting.toAccount(tx, conversationId, { kind: 'receipt', body })
    }
  }

  #replaceAccessKey(tx: Tx): void {
    const { posting, journal, clock } = this.#parts
    const { body, changeId } = replaceProfileKey(tx, clock.now())
    journal.append(tx, () => ({ type: 'access.replaced', actor: 'person', payload: {} }))
    posting.toOwnDevices(tx, body, changeId)
    for (const { conversationId, accepted, blocked } of readConversations(tx)) {
      if (!accepted || blocked) continue
      posting.toAccount(tx, conversationId, { kind: 'profileKey', body: { kind: 'profileKeyUpdate' } })
    }
  }
}

function shownTexts(rows: readonly Pick<ReadMessage, 'kind' | 'messageId'>[]) {
  return rows
    .filter(({ kind }) => kind === 'text')
    .map(({ messageId }) => ({ kind: 'text', messageId }) as const)
}
