import type { Clock } from '../base/clock.ts'
import { CodedError, reportOf } from '../base/errors.ts'
import { SerialQueue } from '../base/serialQueue.ts'
import type {
  AccountSettings,
  Alert,
  CallInput,
  CallOutput,
  Change,
  ConnectionView,
  ConversationView,
  OwnAccount,
} from '../contract/index.ts'
import type { EffectivePolicy } from '../policy/index.ts'
import { Protocol } from '../protocol/protocol.ts'
import { deviceKeyOf, signWithDeviceKey } from '../protocol/keys.ts'
import type { Account } from '../storage/repositories/account.ts'
import { countQueuedMessages, makeDue, type Job } from '../storage/repositories/outbox.ts'
import { readOwnDevices } from '../storage/repositories/ownDevices.ts'
import type { Vault } from '../storage/vault.ts'
import { VaultRecords } from '../storage/writeSet.ts'
import { Access } from './sending/access.ts'
import { accountSettings, changeAccountSettings } from './account/accountSettings.ts'
import { Alerts } from './views/alerts.ts'
import type { BatchResult, RemovedMessage } from './receiving/arrivals.ts'
import { Certificates } from './sending/certificates.ts'
import { Conversations } from './conversations/conversations.ts'
import type { ReachPoint } from './crashPoints.ts'
import { Devices } from './account/devices.ts'
import { Expiry } from './conversations/expiry.ts'
import { Generation } from './account/generation.ts'
import { handOver } from './account/handingOver.ts'
import { Identities } from './conversations/identities.ts'
import { IdentityReplacement } from './account/identityReplacement.ts'
import { comingIdentities, previousIdentities } from './account/pendingIdentity.ts'
import { introduce } from './account/introduction.ts'
import type { Journal } from './profile/journal.ts'
import { Outbox } from './sending/outbox.ts'
import { People } from './conversations/people.ts'
import { Posting } from './sending/posting.ts'
import { Receiver } from './receiving/receiver.ts'
import { AnonymousConnection } from './relay/anonymousConnection.ts'
import { RelayConnection, type ConnectionState } from './relay/connection.ts'
import type { RelayEndpoint } from './relay/pinnedAgent.ts'
import type { DeviceLogin, Welcomed } from './relay/socket.ts'
import { Retries } from './receiving/retries.ts'
import { stored, Self } from './account/self.ts'
import { Sessions } from './sending/sessions.ts'
import { Typing } from './conversations/typing.ts'
import { Upkeep } from './account/upkeep.ts'
import { ViewChanges } from './views/viewChanges.ts'
import { conversationViews } from './views/views.ts'
import { Writing } from './sending/writing.ts'

interface MessengerParts {
  readonly vault: Vault
  readonly account: Account
  readonly journal: Journal
  readonly policy: EffectivePolicy
  readonly clock: Clock
  readonly tell: (change: Change) => void
  readonly reach: ReachPoint
}

/** How long an orderly stop waits for what is on its way, in ms; what is not done by then is done at the next start. */
const graceMs = 2_000

/** The messenger of an open, enrolled vault: its parts, and what happens between them. */
export class Messenger {
  readonly conversations: Conversations
  readonly writing: Writing
  readonly identities: Identities
  readonly people: People
  readonly #vault: Vault
  readonly #self: Self
  readonly #journal: Journal
  readonly #policy: EffectivePolicy
  readonly #clock: Clock
  readonly #tell: (change: Change) => void
  readonly #protocol: Protocol
  readonly #connection: RelayConnection
  readonly #anonymous: AnonymousConnection
  readonly #generation: Generation
  readonly #access: Access
  readonly #alerts: Alerts
  readonly #posting: Posting
  readonly #retries: Retries
  readonly #devices: Devices
  readonly #replacement: IdentityReplacement
  readonly #upkeep: Upkeep
  readonly #outbox: Outbox
  readonly #receiver: Receiver
  readonly #expiry: Expiry
  readonly #typing: Typing
  readonly #changes: ViewChanges
  readonly #background = new Set<Promise<void>>()
  #connectionState: ConnectionState
  #devicesRevision = 0

  constructor(parts: MessengerParts) {
    const { vault, account, journal, policy, clock, tell, reach } = parts
    const self = new Self(vault.sql, account.record)
    this.#vault = vault
    this.#self = self
    this.#journal = journal
    this.#policy = policy
    this.#clock = clock
    this.#tell = tell
    this.#connectionState = { state: 'connecting', since: clock.now() }
    this.#typing = new Typing((conversationId) => this.#changes.conversation(conversationId))
    const isTyping = (conversationId: string): boolean => this.#typing.is(conversationId)
    this.#changes = new ViewChanges({ sql: vault.sql, tell, isTyping, connection: () => this.connection() })
    const changes = this.#changes
    // What was written has jobs to do, and may have begun a timer.
    const wake = (): void => {
      this.#outbox.wake()
      this.#expiry.look()
    }
    const protocol = protocolOf(vault, account, clock)
    this.#protocol = protocol
    this.#alerts = new Alerts(vault, clock, tell)
    const alerts = this.#alerts
    const own = { accountId: self.accountId, deviceId: self.deviceId }
    const copied = (): void => alerts.raise('vaultCopied')
    this.#generation = new Generation({ vault, protocol, own, journal, clock, reach, copied })
    const endpoint = endpointOf(account)
    const connection = new RelayConnection(
      endpoint,
      loginOf(account, this.#generation),
      this.#events(),
      clock,
    )
    this.#connection = connection
    this.#anonymous = new AnonymousConnection(endpoint, account.record.relayId)
    const anonymous = this.#anonymous
    this.#access = new Access(vault, connection, stored(account.record.zkPublicParams))
    const access = this.#access
    this.#posting = new Posting(self, clock)
    const posting = this.#posting
    this.#retries = new Retries({ vault, posting, self, clock })
    const retries = this.#retries
    this.#devices = new Devices({
      vault,
      protocol,
      connection,
      journal,
      self,
      alerts,
      clock,
      introduce: (tx, deviceId) => introduce(tx, posting, deviceId),
    })
    const shared = { vault, protocol, journal, clock, reach, self, posting, retries }
    const replaced = (): void => {
      this.#inBackground(this.#receiver.quarantine.releaseDecided())
      this.#inBackground(this.#devices.nameThis('anew'))
    }
    this.#replacement = new IdentityReplacement({ ...shared, connection, alerts, wake, replaced })
    this.#receiver = new Receiver({ ...shared, committed: (batch) => this.#received(batch) })
    this.#upkeep = new Upkeep({
      vault,
      supply: { vault, connection, protocol, journal, self, clock, reach },
      live: () => connection.live,
      clock,
      devices: this.#devices,
      replacement: this.#replacement,
      access,
      retries,
      quarantine: this.#receiver.quarantine,
      wake,
    })
    const noted = (conversationId: string, position: number | null): void =>
      changes.messages(position === null ? [] : [position], [conversationId])
    this.#outbox = new Outbox({
      ...shared,
      sessions: new Sessions({ ...shared, connection, anonymous, access, noted }),
      connection,
      anonymous,
      access,
      certificates: new Certificates(vault, connection, self),
      mayLeave: () => this.#upkeep.isSettled(connection.live),
      changed: (jobs) => this.#jobsChanged(jobs),
      noted,
      sent: (live) => this.#generation.sent(live.socket),
    })
    this.people = new People(vault, connection, anonymous)
    const accessChanged = (): void => this.#inBackground(this.#upkeep.supply(connection.live))
    this.conversations = new Conversations({ ...shared, people: this.people, changes, wake, accessChanged })
    const { conversations } = this
    this.writing = new Writing({ ...shared, conversations, changes, wake, removed: this.#removed.bind(this) })
    this.identities = new Identities({
      ...shared,
      release: (turn, accountId) => this.#receiver.quarantine.release(turn, accountId),
      decided: (...decided) => this.#decided(...decided),
    })
    this.#expiry = new Expiry(vault, clock, (gone) => {
      for (const message of gone) this.#removed(message)
      changes.messages([], new Set(gone.map(({ conversationId }) => conversationId)))
    })
  }

  start(): void {
    this.#outbox.begin()
    this.#expiry.look()
    // Decided before the end, and not read yet: a crash may have come between.
    this.#inBackground(this.#receiver.quarantine.releaseDecided())
    this.#connection.start()
  }

  /** Ends what is under way; the vault may be closed afterwards. */
  async stop(): Promise<void> {
    this.#expiry.stop()
    this.#typing.stop()
    this.#upkeep.stop()
    const { live } = this.#connection
    const sending = this.#outbox.stop()
    await withinGrace(sending)
    this.#anonymous.stop()
    await Promise.all([withinGrace(sending), this.#receiver.stop()])
    // SECURITY 3: from here on nothing leaves, so the token given now is the last one.
    await withinGrace(this.#generation.stop(live?.socket ?? null))
    this.#connection.stop()
    await sending
    await Promise.allSettled(this.#background)
    await this.#protocol.exclusively(async () => undefined)
    this.#changes.stop()
  }

  ownAccount(): OwnAccount {
    const { accountId, displayName, title, service, organisation, deviceId, deviceName, relayAddress } =
      this.#self.record
    const person = { accountId, displayName, title, service, organisation }
    return { person, deviceId, deviceName, relayAddress }
  }

  conversationViews(): ConversationView[] {
    return conversationViews(this.#vault.sql, (conversationId) => this.#typing.is(conversationId))
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

  settings(): AccountSettings {
    return accountSettings(this.#vault.sql)
  }

  changeSettings(changes: CallInput<'account.settings'>): AccountSettings {
    this.#vault.transaction((tx) =>
      this.#posting.toOwnDevices(tx, changeAccountSettings(tx, changes, this.#clock.now())),
    )
    const settings = this.settings()
    this.#tell({ kind: 'settings', settings })
    this.#outbox.wake()
    return settings
  }

  alerts(): Alert[] {
    return this.#alerts.all()
  }

  dismissAlert({ alertId }: CallInput<'alert.dismiss'>): void {
    this.#alerts.dismiss(alertId)
  }

  devices(): CallOutput<'device.list'> {
    return { ...this.#devices.list(), limit: this.#policy.MaximumDevices.value }
  }

  /** SECURITY 15: as many as the organisation allows. */
  async link({ code }: CallInput<'device.link'>): Promise<CallOutput<'device.link'>> {
    const maximum = this.#policy.MaximumDevices.value
    if (maximum === 1) throw new CodedError('policy.forbidden')
    // It would be let in under a key that is about to be replaced.
    if (this.#replacement.isUnderWay) throw new CodedError('link.notNow')
    if (readOwnDevices(this.#vault.sql).length >= maximum) throw new CodedError('device.limit')
    const [vault, journal, connection, self] = [this.#vault, this.#journal, this.#connection, this.#self]
    return { deviceId: await handOver({ vault, connection, self, journal, clock: this.#clock }, code) }
  }

  async removeDevice({ deviceId, reason }: CallInput<'device.remove'>): Promise<void> {
    if (reason === 'retired') return await this.#devices.remove(deviceId)
    // Decided on durably first: whatever fails from here on is taken up again.
    this.#replacement.begin(this.#devices.known(deviceId))
    await this.#devices.remove(deviceId).catch(() => undefined)
    this.#settle()
  }

  reconnect(): void {
    this.#connection.start()
  }

  // ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────────

  #events(): ConstructorParameters<typeof RelayConnection>[2] {
    return {
      changed: (state) => this.#connectionChanged(state),
      welcomed: (welcomed) => this.#welcomed(welcomed),
      deliver: (envelopes, live) => this.#receiver.take(envelopes, live),
      devicesChanged: (revision) => this.#devicesChanged(revision),
      queueEmpty: () => this.#inBackground(this.#upkeep.caughtUp()),
    }
  }

  async #welcomed(welcomed: Welcomed): Promise<void> {
    this.#devicesRevision = welcomed.devicesRevision
    await this.#generation.welcomed(welcomed)
  }

  #connectionChanged(state: ConnectionState): void {
    this.#connectionState = state
    this.#changes.connection()
    if (state.state !== 'online') return
    this.#vault.transaction(makeDue)
    this.#settle()
  }

  #devicesChanged(revision: number): void {
    this.#devicesRevision = Math.max(this.#devicesRevision, revision)
    this.#settle()
  }

  #settle(): void {
    this.#inBackground(this.#upkeep.settle(this.#connection.live, this.#devicesRevision))
  }

  #received(batch: BatchResult): void {
    this.#changes.messages(batch.positions, batch.conversationIds)
    for (const message of batch.removed) this.#removed(message)
    for (const [conversationId, typing] of batch.typing) this.#typing.set(conversationId, typing)
    this.#expiry.look()
    this.#outbox.wake()
    if (batch.keysUsed) this.#inBackground(this.#upkeep.supply(this.#connection.live))
    for (const accountId of batch.conversationIds) this.#inBackground(this.#learn(accountId))
    for (const notice of batch.own) this.#ownNotice(notice, batch.conversationIds)
  }

  #ownNotice(
    notice: BatchResult['own'] extends ReadonlySet<infer N> ? N : never,
    about: ReadonlySet<string>,
  ): void {
    switch (notice) {
      case 'messages':
        return
      case 'accountSettings':
        return this.#tell({ kind: 'settings', settings: this.settings() })
      case 'accountKeys':
        this.#inBackground(this.#upkeep.supply(this.#connection.live))
        return this.#settle()
      case 'identityDecision':
        return this.#inBackground(this.identities.follow(about))
    }
  }

  async #learn(accountId: string): Promise<void> {
    if (await this.people.learn(accountId)) this.#changes.conversation(accountId)
  }

  #decided(accountId: string, position: number | null, released: BatchResult | null): void {
    this.#changes.messages(position === null ? [] : [position], [accountId])
    if (released !== null) this.#received(released)
    this.#vault.transaction(makeDue)
    this.#outbox.wake()
  }

  #removed(message: RemovedMessage): void {
    this.#tell({ kind: 'messageRemoved', ...message })
  }

  #jobsChanged(jobs: readonly Job[]): void {
    // Handing the account's new keys over was the last thing that had to leave under the old ones.
    if (this.#replacement.isUnderWay && jobs.some(({ destination }) => destination === this.#self.accountId))
      this.#settle()
    const positions = jobs.flatMap((job) => job.messagePosition ?? [])
    if (positions.length === 0) return
    this.#changes.messages(positions, new Set(jobs.map((job) => job.destination)))
    this.#changes.connection()
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
    previousIdentityKeyPairs: previousIdentities(vault.sql),
    comingIdentityKeyPairs: () => comingIdentities(vault.sql),
    trustRoot: stored(trustRoot),
  }
  return new Protocol(new VaultRecords(vault), local, new SerialQueue(), clock)
}

function endpointOf({ record }: Account): RelayEndpoint {
  const { relayAddress, tlsPin, tlsEndsAtProxy } = record
  return { origin: relayAddress, tlsPin: tlsPin === null ? null : stored(tlsPin), tlsEndsAtProxy }
}

function loginOf(account: Account, generation: Generation): DeviceLogin {
  const { accountId, deviceId, relayId } = account.record
  const { pkcs8 } = deviceKeyOf(account.deviceKey)
  return {
    accountId,
    deviceId,
    relayId,
    sign: (input) => signWithDeviceKey(pkcs8, input),
    vault: () => generation.standing(),
  }
}

async function withinGrace(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs)
  })
  await Promise.race([work, grace])
  clearTimeout(timer)
}
