import type { Clock } from '../base/clock.ts'
import { makePrivateFolder } from '../base/privateFolder.ts'
import { CodedError, reportOf, type ErrorCode, type Result } from '../base/errors.ts'
import {
  appearanceSchema,
  type Appearance,
  type CallInput,
  type CallOutput,
  type Delta,
} from '../contract/index.ts'
import type { EngineCallName, Managed, Snapshot, State } from '../contract/index.ts'
import type { JournalEvent } from '../journal/index.ts'
import { managedRelay, relayAllowed, type EffectivePolicy } from '../policy/index.ts'
import { deviceKeyOf, signWithDeviceKey } from '../protocol/keys.ts'
import { openVault } from '../storage/open.ts'
import { readAccount, type Account } from '../storage/repositories/account.ts'
import { readJournalState } from '../storage/repositories/journal.ts'
import { readSetting, writeSetting } from '../storage/repositories/settings.ts'
import {
  describeSlots,
  failedPassphrases,
  openSlots,
  passphraseWaitUntil,
  type SlotOpener,
  type SlotProtection,
} from '../storage/slots/index.ts'
import type { Vault } from '../storage/vault.ts'
import {
  checkRelay,
  enrol,
  inspect,
  invitedAccount,
  invitedPerson,
  linkedAccount,
  readInvitation,
  readRelay,
  type CheckedRelay,
} from './account/enrolment.ts'
import { reachNothing, type ReachPoint } from './crashPoints.ts'
import { Feed } from './views/feed.ts'
import { creationEvents, openingEvents, recordPolicy } from './profile/openingEvents.ts'
import type { EngineHost, EngineOptions, OsKeyStore } from './host.ts'
import { Journal } from './profile/journal.ts'
import { messengerHandlers, nothing, type Handlers } from './handlers.ts'
import { Messenger } from './messenger.ts'
import { PendingVault } from './profile/pendingVault.ts'
import { WaitingForLink } from './account/waitingForLink.ts'
import {
  lockProfile,
  profileFiles,
  vaultExists,
  wasInUse,
  type ProfileFiles,
} from './profile/profileFiles.ts'

/** Where the engine stands; `open` holds a vault that is unlocked. */
type Stage =
  | { readonly name: 'starting' }
  | { readonly name: 'refused'; readonly error: CodedError }
  | {
      readonly name: 'enrolment'
      readonly pending: PendingVault | null
      readonly link: WaitingForLink | null
    }
  | { readonly name: 'locked'; readonly waitUntil: number | null }
  | {
      readonly name: 'ready'
      readonly vault: Vault
      readonly journal: Journal
      readonly messenger: Messenger
    }

const enrolment: Extract<Stage, { name: 'enrolment' }> = { name: 'enrolment', pending: null, link: null }

/** The relay's clear refusals of an enrolment: after any other failure it may have used the invitation. */
const refusedEnrolment: ReadonlySet<ErrorCode> = new Set([
  'invitation.malformed',
  'invitation.unknown',
  'invitation.used',
  'invitation.expired',
  'invitation.disabled',
  'keys.malformed',
  'keys.signature',
  'request.malformed',
  'link.unknown',
  'device.limit',
])

/**
 * One profile from start to stop: opens or makes the vault, and is the messenger once it is open. It runs in the
 * engine thread, in the command line, or beside a test; calls are answered with coded results, never thrown.
 */
export class Engine implements EngineHost {
  readonly #options: EngineOptions
  readonly #keyStore: OsKeyStore
  readonly #clock: Clock
  readonly #reach: ReachPoint
  readonly #files: ProfileFiles
  readonly #feed = new Feed()
  readonly #handlers: Handlers
  #stage: Stage = { name: 'starting' }
  #osKeyStore = false
  #appearance: Appearance
  #unlockProfile: (() => Promise<void>) | null = null
  #changing: Promise<unknown> = Promise.resolve()
  #stopped: Promise<void> | null = null

  constructor(options: EngineOptions, keyStore: OsKeyStore, clock: Clock, reach: ReachPoint = reachNothing) {
    this.#options = options
    this.#keyStore = keyStore
    this.#clock = clock
    this.#reach = reach
    this.#files = profileFiles(options.profile)
    this.#appearance = { locale: options.locale, theme: null }
    this.#handlers = this.#makeHandlers()
  }

  /** Comes to rest in `enrolment`, `locked`, `ready` or, where Valise cannot start, `refused`. */
  async start(): Promise<void> {
    await this.#change(async () => {
      try {
        makePrivateFolder(this.#files.folder)
        this.#unlockProfile = await lockProfile(this.#files.folder)
        this.#osKeyStore = await this.#keyStore.available()
        await this.#begin()
      } catch (error) {
        this.#enter({ name: 'refused', error: codedError(error) })
      }
    })
  }

  async call<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<Result<CallOutput<N>>> {
    try {
      const handler: (input: CallInput<N>) => Promise<CallOutput<N>> | CallOutput<N> = this.#handlers[name]
      return { ok: true, value: await handler(input) }
    } catch (error) {
      return { ok: false, error: reportOf(error) }
    }
  }

  onDelta(listener: (delta: Delta) => void): () => void {
    return this.#feed.listen(listener)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#change(async () => {
      // What could not be written at the end is written at the next start: the journal's sidecar, the checkpoint.
      await this.#close().catch(() => undefined)
      await this.#unlockProfile?.()
    })
    return this.#stopped
  }

  // ── stages ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #begin(): Promise<void> {
    if (!vaultExists(this.#files)) {
      // A vault that was in use has a sidecar: it was moved or not mounted, and its key slots must not be replaced.
      if (wasInUse(this.#files)) throw new CodedError('vault.missing')
      return this.#enter(enrolment)
    }
    const { kinds } = await describeSlots(this.#files.slots)
    const passphrase = kinds.includes('passphrase')
    // SECURITY 15: where policy asks for a passphrase and there is one, the key store alone opens nothing.
    const byKeyStore =
      kinds.includes('osKeyStore') && !(passphrase && this.#options.policy.RequirePassphrase.value)
    if (byKeyStore && this.#osKeyStore) {
      return await this.#open({ kind: 'osKeyStore', keyStore: this.#keyStore })
    }
    // SECURITY 2: no key store that answers and no passphrase is no start.
    if (!passphrase) throw new CodedError('vault.noKeyStore')
    this.#enter({ name: 'locked', waitUntil: await passphraseWaitUntil(this.#files.slots, this.#clock) })
  }

  async #open(opener: SlotOpener): Promise<void> {
    const failures = await failedPassphrases(this.#files.slots, this.#clock)
    const key = await openSlots(this.#files.slots, opener, this.#clock)
    const vault = openVault(this.#files.vault, key)
    let account: Account
    try {
      account = knownAccount(vault)
      if (account.status === 'enrolled') {
        key.fill(0)
        return await this.#beReady(
          vault,
          account,
          opener.kind,
          openingEvents(opener.kind, this.#options.version, failures),
        )
      }
    } catch (error) {
      vault.close()
      throw error
    }
    await this.#resumeEnrolment(new PendingVault(this.#files, { vault, account, slot: opener.kind, key }))
  }

  /** A vault that was made and never confirmed: ask the relay again, with the same device key. */
  async #resumeEnrolment(pending: PendingVault): Promise<void> {
    try {
      await this.#finishEnrolment(pending)
    } catch {
      // Where it stands now is the state: enrolment with or without the pending vault, or refused.
      this.#enter(this.#stage)
    }
  }

  async #beReady(
    vault: Vault,
    account: Account,
    slot: SlotOpener['kind'],
    opening: readonly JournalEvent[],
  ): Promise<void> {
    // SECURITY 10, 15: policy may have narrowed the relays since the enrolment.
    if (!relayAllowed(this.#options.policy, account.record.relayAddress))
      throw new CodedError('relay.notAllowed')
    const { publicKey, pkcs8 } = deviceKeyOf(account.deviceKey)
    const signer = { publicKey, sign: (data: Uint8Array) => signWithDeviceKey(pkcs8, data) }
    const journal = new Journal(vault, this.#clock, signer, this.#files.sidecar)
    // Also after a kill between the enrolment and its first entry.
    const { version, policy, policyFindings } = this.#options
    const begun = readJournalState(vault.sql).size > 0
    const events = begun ? opening : creationEvents(account, slot, version)
    await journal.open()
    for (const event of events) await journal.record(event)
    await recordPolicy(vault, journal, policy, policyFindings)
    const kept = readSetting(vault.sql, 'appearance')
    if (kept === null) this.#keepAppearance(vault)
    else this.#appearance = appearanceSchema.parse(JSON.parse(kept))
    const tell = this.#feed.tell.bind(this.#feed)
    const messenger = new Messenger({
      vault,
      account,
      journal,
      policy,
      clock: this.#clock,
      tell,
      reach: this.#reach,
    })
    this.#enter({ name: 'ready', vault, journal, messenger })
    this.#feed.tell({ kind: 'appearance', appearance: this.#appearance })
    messenger.start()
  }

  /** Every step is taken, whatever fails before it: a full disk must not leave the profile held. */
  async #close(): Promise<void> {
    const stage = this.#stage
    this.#stage = { name: 'starting' }
    if (stage.name === 'enrolment') {
      stage.link?.end()
      stage.pending?.close()
    }
    if (stage.name !== 'ready') return
    try {
      await stage.messenger.stop()
      await stage.journal.close('stop')
      stage.vault.checkpoint()
    } finally {
      stage.vault.close()
    }
  }

  #enter(stage: Stage): void {
    this.#stage = stage
    this.#feed.tell({ kind: 'state', state: this.#state() })
  }

  /** Stages change one after another, whoever asks. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(work)
    this.#changing = result.catch(() => undefined)
    return result
  }

  // ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #makeHandlers(): Handlers {
    return {
      'state.snapshot': () => this.#snapshot(),
      'appearance.set': (input) => this.#setAppearance(input),
      'enrolment.inspect': ({ invitation }) => inspect(invitation, this.#options.policy),
      'enrolment.complete': (input) => this.#change(() => this.#completeEnrolment(input)),
      'link.begin': (input) => this.#change(() => this.#beginLink(input)),
      'link.cancel': () => this.#change(async () => nothing(this.#cancelLink())),
      'vault.unlock': (input) => this.#change(() => this.#unlock(input)),
      ...messengerHandlers(() => this.#messenger()),
    }
  }

  #messenger(): Messenger {
    if (this.#stage.name !== 'ready') throw new CodedError('ipc.notReady')
    return this.#stage.messenger
  }

  async #completeEnrolment(
    input: CallInput<'enrolment.complete'>,
  ): Promise<CallOutput<'enrolment.complete'>> {
    const stage = this.#stage
    if (stage.name !== 'enrolment') throw new CodedError('ipc.notReady')
    this.#checkProtection(input.protection)
    const invitation = readInvitation(input.invitation, this.#options.policy)
    const protection = this.#slotProtection(input.protection)
    const { pending } = stage
    if (pending?.account.record.invitationCode === invitation.code) {
      return await this.#finishEnrolment(await pending.protect(protection, input.deviceName))
    }
    const relay = await checkRelay(invitation)
    const given = invitedAccount(await invitedPerson(invitation), invitation.code, input.deviceName)
    pending?.setAside(this.#clock.now())
    this.#stopWaiting()
    const choice = { protection, now: this.#clock.now() }
    return await this.#finishEnrolment(await PendingVault.make(this.#files, relay, given, choice))
  }

  async #beginLink(input: CallInput<'link.begin'>): Promise<CallOutput<'link.begin'>> {
    if (this.#stage.name !== 'enrolment') throw new CodedError('ipc.notReady')
    this.#checkProtection(input.protection)
    const protection = this.#slotProtection(input.protection)
    const relay = await checkRelay(readRelay(input.relay, this.#options.policy))
    const link = await WaitingForLink.begin(relay)
    this.#stopWaiting()
    this.#enter({ ...enrolment, link })
    void this.#awaitLink(link, relay, protection, input.deviceName)
    return { code: link.code, expiresAt: link.expiresAt }
  }

  /** Ends where the state shows it: linked, or back at the beginning with nothing left behind. */
  async #awaitLink(
    link: WaitingForLink,
    relay: CheckedRelay,
    protection: SlotProtection,
    deviceName: string,
  ): Promise<void> {
    const taken = await link.taken().catch(() => null)
    await this.#change(async () => {
      if (this.#stage.name !== 'enrolment' || this.#stage.link !== link) return
      this.#stage = enrolment
      try {
        if (taken !== null) {
          const choice = { protection, now: this.#clock.now() }
          const given = linkedAccount(taken, deviceName)
          await this.#finishEnrolment(await PendingVault.make(this.#files, relay, given, choice))
        }
      } catch {
        // Where it stands now is the state.
      }
      if (this.#stage.name === 'enrolment') this.#enter(this.#stage)
    })
  }

  #cancelLink(): void {
    if (this.#stage.name !== 'enrolment') throw new CodedError('ipc.notReady')
    this.#stopWaiting()
    this.#enter(this.#stage)
  }

  /** A vault that waits for the relay's confirmation is not touched: it may be an account's. */
  #stopWaiting(): void {
    if (this.#stage.name !== 'enrolment') return
    this.#stage.link?.end()
    this.#stage = { ...this.#stage, link: null }
  }

  #checkProtection(chosen: CallInput<'enrolment.complete'>['protection']): void {
    if (this.#options.policy.RequirePassphrase.value && chosen.kind !== 'passphrase') {
      throw new CodedError('policy.forbidden')
    }
  }

  #slotProtection(chosen: CallInput<'enrolment.complete'>['protection']): SlotProtection {
    return chosen.kind === 'passphrase'
      ? { ...chosen, minLength: this.#options.policy.PassphraseMinLength.value }
      : { kind: 'osKeyStore', keyStore: this.#keyStore }
  }

  /** After a clear refusal nothing stays behind; after any other failure the vault stays: it may be the account's. */
  async #finishEnrolment(pending: PendingVault): Promise<CallOutput<'enrolment.complete'>> {
    let account: Account
    try {
      if (!relayAllowed(this.#options.policy, pending.account.record.relayAddress)) {
        throw new CodedError('relay.notAllowed')
      }
      account = await enrol(pending.vault, pending.account)
    } catch (error) {
      const refused = refusedEnrolment.has(codedError(error).code)
      if (refused) pending.drop()
      this.#stage = refused ? enrolment : { ...enrolment, pending }
      throw error
    }
    pending.finish()
    try {
      await this.#beReady(pending.vault, account, pending.slot, [])
    } catch (error) {
      pending.vault.close()
      this.#enter({ name: 'refused', error: codedError(error) })
      throw error
    }
    return {}
  }

  async #unlock({ passphrase }: CallInput<'vault.unlock'>): Promise<CallOutput<'vault.unlock'>> {
    if (this.#stage.name !== 'locked') throw new CodedError('ipc.notReady')
    try {
      await this.#open({ kind: 'passphrase', passphrase })
      return {}
    } catch (error) {
      this.#enter({ name: 'locked', waitUntil: await passphraseWaitUntil(this.#files.slots, this.#clock) })
      throw error
    }
  }

  #setAppearance(input: CallInput<'appearance.set'>): Appearance {
    const { locale = this.#appearance.locale, theme = this.#appearance.theme } = input
    this.#appearance = { locale, theme }
    if (this.#stage.name === 'ready') this.#keepAppearance(this.#stage.vault)
    this.#feed.tell({ kind: 'appearance', appearance: this.#appearance })
    return this.#appearance
  }

  #keepAppearance(vault: Vault): void {
    vault.transaction((tx) => writeSetting(tx, 'appearance', JSON.stringify(this.#appearance)))
  }

  #snapshot(): Snapshot {
    return { number: this.#feed.number, appearance: this.#appearance, state: this.#state() }
  }

  #state(): State {
    const stage = this.#stage
    const managed = managedView(this.#options.policy)
    switch (stage.name) {
      case 'starting':
        return { phase: 'starting' }
      case 'refused':
        return { phase: 'refused', error: reportOf(stage.error) }
      case 'enrolment':
        return {
          phase: 'enrolment',
          managed,
          osKeyStore: this.#osKeyStore,
          deviceName: this.#options.deviceName,
          link: stage.link && { code: stage.link.code, expiresAt: stage.link.expiresAt },
        }
      case 'locked':
        return { phase: 'locked', managed, waitUntil: stage.waitUntil }
      case 'ready':
        return {
          phase: 'ready',
          managed,
          account: stage.messenger.ownAccount(),
          connection: stage.messenger.connection(),
          settings: stage.messenger.settings(),
          alerts: stage.messenger.alerts(),
          conversations: stage.messenger.conversationViews(),
        }
    }
  }
}

function knownAccount(vault: Vault): Account {
  const account = readAccount(vault.sql)
  if (account === null) throw new CodedError('vault.damaged', { reason: 'account' })
  return account
}

function managedView(policy: EffectivePolicy): Managed {
  return {
    relayAddress: managedRelay(policy)?.address ?? null,
    passphraseRequired: policy.RequirePassphrase.value,
    passphraseMinLength: policy.PassphraseMinLength.value,
    helpContact: policy.HelpContact.value,
  }
}

function codedError(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('internal', {}, { cause: error })
}
