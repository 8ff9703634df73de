import { fromHex, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError, reportOf } from '../base/errors.ts'
import { SerialQueue } from '../base/serialQueue.ts'
import { encodeContent, outgoingText } from '../content/content.ts'
import type { CallInput, CallOutput, Change, ConnectionView, OwnAccount } from '../contract/index.ts'
import { deviceKeyOf, signWithDeviceKey } from '../protocol/keys.ts'
import { Protocol } from '../protocol/protocol.ts'
import {
  readConversation,
  touchConversation,
  markRead,
  writeDraft,
} from '../storage/repositories/conversations.ts'
import {
  deleteMessage,
  findOwnMessage,
  insertMessage,
  setDelivery,
  type MessageRow,
} from '../storage/repositories/messages.ts'
import {
  countQueuedMessages,
  insertJob,
  jobOfMessage,
  makeDue,
  type Job,
} from '../storage/repositories/outbox.ts'
import { readPerson, writePerson, type PersonRow } from '../storage/repositories/people.ts'
import type { Account } from '../storage/repositories/account.ts'
import type { Tx, Vault } from '../storage/vault.ts'
import { VaultRecords } from '../storage/writeSet.ts'
import { Certificates } from './certificates.ts'
import type { Journal } from './journal.ts'
import { replenishKeys } from './keySupply.ts'
import type { ReachPoint } from './crashPoints.ts'
import { Outbox } from './outbox.ts'
import { Receiver, type BatchResult } from './receiver.ts'
import { RelayConnection, type ConnectionState } from './relay/connection.ts'
import { Sessions } from './sessions.ts'
import { ViewChanges } from './viewChanges.ts'
import { conversationViews, messagePage } from './views.ts'

interface MessengerParts {
  readonly vault: Vault
  readonly account: Account
  readonly journal: Journal
  readonly clock: Clock
  readonly tell: (change: Change) => void
  readonly reach: ReachPoint
}

/** The messenger of an open, enrolled vault: what can be called while the state is `ready`. */
export class Messenger {
  readonly #vault: Vault
  readonly #account: Account
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #tell: (change: Change) => void
  readonly #reach: ReachPoint
  readonly #protocol: Protocol
  readonly #connection: RelayConnection
  readonly #outbox: Outbox
  readonly #receiver: Receiver
  readonly #changes: ViewChanges
  readonly #lookups = new Set<string>()
  #replenishing: Promise<void> | null = null
  #connectionState: ConnectionState
  #background = new Set<Promise<void>>()

  constructor(parts: MessengerParts) {
    this.#vault = parts.vault
    this.#account = parts.account
    this.#journal = parts.journal
    this.#clock = parts.clock
    this.#tell = parts.tell
    this.#reach = parts.reach
    this.#connectionState = { state: 'connecting', since: this.#clock.now() }
    const { sql } = parts.vault
    this.#changes = new ViewChanges({ sql, tell: parts.tell, connection: () => this.connection() })
    this.#protocol = protocolOf(parts.vault, parts.account, parts.clock)
    this.#connection = connectionOf(parts.account, parts.clock, {
      changed: (state) => this.#connectionChanged(state),
      deliver: (envelopes, live) => this.#receiver.take(envelopes, live),
      queueEmpty: () => this.#inBackground(this.#replenish()),
    })
    const { vault, journal, clock, reach } = parts
    const shared = { vault, protocol: this.#protocol, journal, clock, reach }
    this.#receiver = new Receiver({ ...shared, committed: (batch) => this.#received(batch) })
    this.#outbox = new Outbox({
      ...shared,
      sessions: new Sessions({ ...shared, connection: this.#connection }),
      connection: this.#connection,
      certificates: new Certificates(parts.vault, this.#connection),
      changed: (jobs) => this.#jobsChanged(jobs),
    })
  }

  start(): void {
    this.#connection.start()
  }

  /** Ends what is under way; the vault may be closed afterwards. */
  async stop(): Promise<void> {
    this.#connection.stop()
    await Promise.all([this.#outbox.stop(), this.#receiver.stop()])
    await Promise.allSettled(this.#background)
    await this.#protocol.exclusively(async () => undefined)
    this.#changes.stop()
  }

  ownAccount(): OwnAccount {
    const { accountId, displayName, title, service, organisation, deviceId, deviceName, relayAddress } =
      this.#account.record
    const person = { accountId, displayName, title, service, organisation }
    return { person, deviceId, deviceName, relayAddress }
  }

  conversations() {
    return conversationViews(this.#vault.sql)
  }

  connection(): ConnectionView {
    const state = this.#connectionState
    return {
      state: state.state,
      since: state.since,
      nextAttemptAt: state.state === 'offline' ? state.nextAttemptAt : null,
      queued: countQueuedMessages(this.#vault.sql),
      error: state.state === 'offline' ? reportOf(state.error) : null,
    }
  }

  async search(input: CallInput<'directory.search'>): Promise<CallOutput<'directory.search'>> {
    const { query, after } = input
    const answer = await this.#connection.request('directory', {
      query: { query, after: after ?? undefined },
    })
    return { people: answer.entries, next: answer.next, total: answer.total }
  }

  async open({ accountId }: CallInput<'conversation.open'>): Promise<CallOutput<'conversation.open'>> {
    if (accountId === this.#account.record.accountId) throw new CodedError('recipient.unknown')
    if (readConversation(this.#vault.sql, accountId) === null) {
      const person = await this.#personOf(accountId)
      this.#vault.transaction((tx) => {
        writePerson(tx, person)
        touchConversation(tx, accountId, this.#clock.now())
      })
      this.#changes.conversation(accountId)
      // Before the answer: whoever asked goes there next.
      this.#changes.flush()
    }
    return { conversationId: accountId }
  }

  messages(input: CallInput<'conversation.messages'>): CallOutput<'conversation.messages'> {
    this.#known(input.conversationId)
    return messagePage(this.#vault.sql, input.conversationId, input.before, input.limit)
  }

  read({ conversationId, position }: CallInput<'conversation.read'>): void {
    this.#known(conversationId)
    this.#vault.transaction((tx) => markRead(tx, conversationId, position))
    this.#changes.conversation(conversationId)
  }

  draft({ conversationId, text }: CallInput<'conversation.draft'>): void {
    this.#known(conversationId)
    this.#vault.transaction((tx) => writeDraft(tx, conversationId, text))
    this.#changes.conversation(conversationId)
  }

  /** Durable, with its outbox job, when it returns. */
  send({ conversationId, messageId, text }: CallInput<'message.send'>): void {
    this.#known(conversationId)
    const id = idOf(messageId)
    const outgoing = outgoingText(text)
    const position = this.#vault.transaction((tx) => this.#insertOutgoing(tx, conversationId, id, outgoing))
    this.#reach('send.kept')
    if (position === null) return
    this.#changes.messages([position], [conversationId])
    this.#changes.connection()
    this.#outbox.wake()
  }

  retry({ messageId }: CallInput<'message.retry'>): void {
    const message = this.#ownMessage(messageId)
    if (message.delivery !== 'failed') return
    this.#vault.transaction((tx) => {
      setDelivery(tx, message.position, 'queued', null)
      this.#insertJob(tx, message)
    })
    this.#changes.messages([message.position], [message.conversationId])
    this.#changes.connection()
    this.#outbox.wake()
  }

  /** Waits for the sessions, so that nothing is taken away while it is being encrypted. */
  async discard({ messageId }: CallInput<'message.discard'>): Promise<void> {
    const message = this.#ownMessage(messageId)
    await this.#protocol.exclusively(async () => {
      const job = jobOfMessage(this.#vault.sql, message.position)
      if (job?.status === 'encrypted') throw new CodedError('message.notFound')
      if (job === null && this.#ownMessage(messageId).delivery !== 'failed')
        throw new CodedError('message.notFound')
      this.#vault.transaction((tx) => deleteMessage(tx, message.position))
    })
    const { conversationId } = message
    this.#tell({ kind: 'messageRemoved', conversationId, messageId })
    this.#changes.conversation(conversationId)
    this.#changes.connection()
  }

  reconnect(): void {
    this.#connection.start()
  }

  #insertOutgoing(tx: Tx, conversationId: string, messageId: Bytes, text: string): number | null {
    const now = this.#clock.now()
    const { accountId, deviceId } = this.#account.record
    touchConversation(tx, conversationId, now)
    const position = insertMessage(tx, {
      conversationId,
      messageId,
      authorId: accountId,
      authorDevice: deviceId,
      own: true,
      kind: 'text',
      text,
      raw: null,
      sentAt: now,
      receivedAt: now,
      delivery: 'queued',
    })
    if (position === null) return null
    // Whoever answers has read what came before.
    markRead(tx, conversationId, position)
    writeDraft(tx, conversationId, '')
    this.#insertJob(tx, { conversationId, messageId, text, sentAt: now, position })
    return position
  }

  #insertJob(
    tx: Tx,
    message: Pick<MessageRow, 'conversationId' | 'messageId' | 'text' | 'sentAt' | 'position'>,
  ): void {
    const { conversationId, messageId, sentAt, text, position } = message
    insertJob(tx, {
      lane: conversationId,
      destination: conversationId,
      kind: 'message',
      messagePosition: position,
      content: encodeContent({ messageId, sentAt, body: { kind: 'text', text } }),
      createdAt: this.#clock.now(),
    })
  }

  #known(conversationId: string): void {
    if (readConversation(this.#vault.sql, conversationId) === null)
      throw new CodedError('conversation.notFound')
  }

  #ownMessage(messageId: string): MessageRow {
    const message = findOwnMessage(this.#vault.sql, idOf(messageId))
    if (message === null) throw new CodedError('message.notFound')
    return message
  }

  #connectionChanged(state: ConnectionState): void {
    this.#connectionState = state
    this.#changes.connection()
    if (state.state !== 'online') return
    this.#vault.transaction(makeDue)
    this.#outbox.wake()
  }

  #received({ positions, conversationIds, keysUsed }: BatchResult): void {
    this.#changes.messages(positions, conversationIds)
    this.#outbox.wake()
    if (keysUsed) this.#inBackground(this.#replenish())
    for (const accountId of conversationIds) {
      if (readPerson(this.#vault.sql, accountId) === null) this.#inBackground(this.#lookUp(accountId))
    }
  }

  #jobsChanged(jobs: readonly Job[]): void {
    const positions = jobs.flatMap((job) => job.messagePosition ?? [])
    if (positions.length === 0) return
    this.#changes.messages(positions, new Set(jobs.map((job) => job.destination)))
    this.#changes.connection()
  }

  /** Learns the name of someone who wrote first. */
  async #lookUp(accountId: string): Promise<void> {
    if (this.#lookups.has(accountId)) return
    this.#lookups.add(accountId)
    try {
      const person = await this.#personOf(accountId)
      this.#vault.transaction((tx) => writePerson(tx, person))
      this.#changes.conversation(accountId)
    } finally {
      this.#lookups.delete(accountId)
    }
  }

  /** Throws `relay.malformedAnswer` for somebody else: a relay must not rename another contact. */
  async #personOf(accountId: string): Promise<PersonRow> {
    const person = await this.#connection.request('account', { query: { accountId } })
    if (person.accountId !== accountId) throw new CodedError('relay.malformedAnswer')
    return person
  }

  /** One at a time; another wish meanwhile is met by the one under way or by the next batch. */
  async #replenish(): Promise<void> {
    this.#replenishing ??= replenishKeys({
      vault: this.#vault,
      connection: this.#connection,
      protocol: this.#protocol,
      journal: this.#journal,
      identityKeyPair: this.#account.identityKeyPair,
      clock: this.#clock,
    }).finally(() => {
      this.#replenishing = null
    })
    await this.#replenishing
  }

  /** Work that nobody waits for. It may fail with the network or the disk; the next connection does it again. */
  #inBackground(work: Promise<void>): void {
    const settled = work.catch(() => undefined).finally(() => this.#background.delete(settled))
    this.#background.add(settled)
  }
}

function protocolOf(vault: Vault, account: Account, clock: Clock): Protocol {
  const { accountId, deviceId, registrationId, trustRoot } = account.record
  const local = {
    accountId,
    deviceId,
    registrationId,
    identityKeyPair: account.identityKeyPair,
    trustRoot: stored(trustRoot),
  }
  return new Protocol(new VaultRecords(vault), local, new SerialQueue(), clock)
}

function connectionOf(
  account: Account,
  clock: Clock,
  events: ConstructorParameters<typeof RelayConnection>[2],
): RelayConnection {
  const { relayAddress, tlsPin, accountId, deviceId, relayId } = account.record
  const endpoint = { origin: relayAddress, tlsPin: tlsPin === null ? null : stored(tlsPin) }
  const { pkcs8 } = deviceKeyOf(account.deviceKey)
  const sign = (input: Uint8Array): Bytes => signWithDeviceKey(pkcs8, input)
  return new RelayConnection(endpoint, { accountId, deviceId, relayId, sign }, events, clock)
}

function stored(hex: string): Bytes {
  const bytes = fromHex(hex)
  if (bytes === null) throw new CodedError('vault.damaged', { reason: 'account' })
  return bytes
}

function idOf(messageId: string): Bytes {
  const bytes = fromHex(messageId)
  if (bytes === null || bytes.length !== 16) throw new CodedError('message.notFound')
  return bytes
}
