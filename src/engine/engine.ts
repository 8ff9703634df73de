import { createHash, randomBytes } from 'node:crypto'
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
import { managedRelay, policyHash, type EffectivePolicy } from '../policy/index.ts'
import { deviceKeyOf, signWithDeviceKey } from '../protocol/keys.ts'
import { createVault, openVault } from '../storage/open.ts'
import { readAccount, type Account } from '../storage/repositories/account.ts'
import { readSetting, writeSetting } from '../storage/repositories/settings.ts'
import {
  createSlots,
  describeSlots,
  failedPassphrases,
  openSlots,
  passphraseWaitUntil,
  type SlotOpener,
} from '../storage/slots/index.ts'
import type { Vault } from '../storage/vault.ts'
import { checkRelay, enrol, inspect, prepareAccount, readInvitation } from './enrolment.ts'
import { reachNothing, type ReachPoint } from './crashPoints.ts'
import { Feed } from './feed.ts'
import type { EngineHost, EngineOptions, OsKeyStore } from './host.ts'
import { Journal } from './journal.ts'
import { Messenger } from './messenger.ts'
import {
  lockProfile,
  profileFiles,
  removeUnusedVault,
  vaultExists,
  wasInUse,
  type ProfileFiles,
} from './profileFiles.ts'

type Handlers = { [N in EngineCallName]: (input: CallInput<N>) => Promise<CallOutput<N>> | CallOutput<N> }

/** Where the engine stands; `open` holds a vault that is unlocked. */
type Stage =
  | { readonly name: 'starting' }
  | { readonly name: 'refused'; readonly error: CodedError }
  | { readonly name: 'enrolment'; readonly pending: PendingVault | null }
  | { readonly name: 'locked'; readonly waitUntil: number | null }
  | {
      readonly name: 'ready'
      readonly vault: Vault
      readonly journal: Journal
      readonly messenger: Messenger
    }

/** A vault whose enrolment the relay has not confirmed: the answer was lost, or Valise was ended meanwhile. */
interface PendingVault {
  readonly vault: Vault
  readonly account: Account
  readonly slot: SlotOpener['kind']
}

/** Failures after which the relay may still have used the invitation. */
const unknownOutcome: ReadonlySet<ErrorCode> = new Set([
  'relay.unreachable',
  'relay.unavailable',
  'relay.malformedAnswer',
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
      await this.#close()
      await this.#unlockProfile?.()
    })
    return this.#stopped
  }

  // ── stages ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #begin(): Promise<void> {
    if (!vaultExists(this.#files)) {
      // A vault that was in use has a sidecar: it was moved or not mounted, and its key slots must not be replaced.
      if (wasInUse(this.#files)) throw new CodedError('vault.missing')
      return this.#enter({ name: 'enrolment', pending: null })
    }
    const { kinds } = await describeSlots(this.#files.slots)
    if (kinds.includes('osKeyStore') && this.#osKeyStore) {
      return await this.#open({ kind: 'osKeyStore', keyStore: this.#keyStore })
    }
    // SECURITY 2: no key store that answers and no passphrase is no start.
    if (!kinds.includes('passphrase')) throw new CodedError('vault.noKeyStore')
    this.#enter({ name: 'locked', waitUntil: await passphraseWaitUntil(this.#files.slots, this.#clock) })
  }

  async #open(opener: SlotOpener): Promise<void> {
    const failures = await failedPassphrases(this.#files.slots, this.#clock)
    const key = await openSlots(this.#files.slots, opener, this.#clock)
    const vault = openVault(this.#files.vault, key)
    key.fill(0)
    try {
      const account = readAccount(vault.sql)
      if (account?.status === 'enrolled')
        return await this.#beReady(vault, account, this.#opening(opener, failures))
      await this.#resumeEnrolment(vault, account, opener.kind)
    } catch (error) {
      vault.close()
      throw error
    }
  }

  #opening({ kind }: SlotOpener, failures: number): JournalEvent[] {
    const opened: JournalEvent = {
      type: 'vault.opened',
      actor: 'person',
      payload: { slot: kind, version: this.#options.version },
    }
    if (failures === 0) return [opened]
    const payload = { code: 'vault.passphraseWrong', count: failures } as const
    return [{ type: 'vault.openFailed', actor: 'person', payload }, opened]
  }

  /** A vault that was made and never confirmed: ask the relay again, with the same device key. */
  async #resumeEnrolment(vault: Vault, account: Account | null, slot: SlotOpener['kind']): Promise<void> {
    if (account === null) return this.#dropPending({ vault })
    try {
      await this.#finishEnrolment({ vault, account, slot })
    } catch (error) {
      if (!unknownOutcome.has(codedError(error).code)) return
      this.#enter({ name: 'enrolment', pending: { vault, account, slot } })
    }
  }

  #dropPending(pending: Pick<PendingVault, 'vault'>): void {
    pending.vault.close()
    removeUnusedVault(this.#files)
    this.#enter({ name: 'enrolment', pending: null })
  }

  async #beReady(vault: Vault, account: Account, events: readonly JournalEvent[]): Promise<void> {
    const { publicKey, pkcs8 } = deviceKeyOf(account.deviceKey)
    const signer = { publicKey, sign: (data: Uint8Array) => signWithDeviceKey(pkcs8, data) }
    const journal = new Journal(vault, this.#clock, signer, this.#files.sidecar)
    await journal.open()
    for (const event of events) await journal.record(event)
    await this.#journalPolicy(vault, journal)
    const kept = readSetting(vault.sql, 'appearance')
    if (kept === null) this.#keepAppearance(vault)
    else this.#appearance = appearanceSchema.parse(JSON.parse(kept))
    const tell = this.#feed.tell.bind(this.#feed)
    const messenger = new Messenger({ vault, account, journal, clock: this.#clock, tell, reach: this.#reach })
    this.#enter({ name: 'ready', vault, journal, messenger })
    this.#feed.tell({ kind: 'appearance', appearance: this.#appearance })
    messenger.start()
  }

  async #journalPolicy(vault: Vault, journal: Journal): Promise<void> {
    const hash = policyHash(this.#options.policy)
    if (readSetting(vault.sql, 'policyHash') === hash) return
    vault.transaction((tx) => writeSetting(tx, 'policyHash', hash))
    const managed = Object.values(this.#options.policy).filter(({ origin }) => origin !== 'default').length
    const findings = [...this.#options.policyFindings]
    await journal.record({ type: 'policy.applied', actor: 'device', payload: { hash, managed, findings } })
  }

  async #close(): Promise<void> {
    const stage = this.#stage
    this.#stage = { name: 'starting' }
    if (stage.name === 'enrolment') stage.pending?.vault.close()
    if (stage.name !== 'ready') return
    await stage.messenger.stop()
    await stage.journal.close('stop')
    stage.vault.checkpoint()
    stage.vault.close()
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
      'vault.unlock': (input) => this.#change(() => this.#unlock(input)),
      'directory.search': (input) => this.#messenger().search(input),
      'conversation.open': (input) => this.#messenger().open(input),
      'conversation.messages': (input) => this.#messenger().messages(input),
      'conversation.read': (input) => nothing(this.#messenger().read(input)),
      'conversation.draft': (input) => nothing(this.#messenger().draft(input)),
      'message.send': (input) => nothing(this.#messenger().send(input)),
      'message.retry': (input) => nothing(this.#messenger().retry(input)),
      'message.discard': async (input) => nothing(await this.#messenger().discard(input)),
      'connection.retry': () => nothing(this.#messenger().reconnect()),
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
    const policy = this.#options.policy
    if (policy.RequirePassphrase.value && input.protection.kind !== 'passphrase') {
      throw new CodedError('policy.forbidden')
    }
    const invitation = readInvitation(input.invitation, policy)
    if (stage.pending?.account.record.invitationCode === invitation.code) {
      return await this.#finishEnrolment(stage.pending)
    }
    const relay = await checkRelay(invitation)
    if (stage.pending !== null) this.#dropPending(stage.pending)
    const vault = await this.#makeVault(input.protection)
    const account = prepareAccount(vault, relay, input.deviceName, this.#clock.now())
    return await this.#finishEnrolment({ vault, account, slot: input.protection.kind })
  }

  /** On a clear refusal nothing stays behind; on a lost answer the vault stays, for the invitation may be used up. */
  async #finishEnrolment(pending: PendingVault): Promise<CallOutput<'enrolment.complete'>> {
    let account: Account
    try {
      account = await enrol(pending.vault, pending.account)
    } catch (error) {
      const coded = codedError(error)
      if (unknownOutcome.has(coded.code)) this.#stage = { name: 'enrolment', pending }
      else this.#dropPending(pending)
      throw coded
    }
    try {
      await this.#beReady(pending.vault, account, this.#creation(account, pending.slot))
    } catch (error) {
      pending.vault.close()
      this.#enter({ name: 'refused', error: codedError(error) })
      throw error
    }
    return {}
  }

  #creation(account: Account, slot: SlotOpener['kind']): JournalEvent[] {
    const { deviceId } = account.record
    const deviceKey = createHash('sha256').update(deviceKeyOf(account.deviceKey).publicKey).digest('hex')
    return [
      { type: 'vault.created', actor: 'person', payload: { slot, version: this.#options.version } },
      { type: 'device.enrolled', actor: 'device', payload: { deviceId, deviceKey } },
    ]
  }

  async #makeVault(protection: CallInput<'enrolment.complete'>['protection']): Promise<Vault> {
    const key = randomBytes(32)
    try {
      // Slots without a vault are what a crash in between leaves; they hold the key of nothing.
      removeUnusedVault(this.#files)
      await createSlots(
        this.#files.slots,
        key,
        protection.kind === 'passphrase'
          ? { ...protection, minLength: this.#options.policy.PassphraseMinLength.value }
          : { kind: 'osKeyStore', keyStore: this.#keyStore },
      )
      return createVault(this.#files.vault, key)
    } catch (error) {
      removeUnusedVault(this.#files)
      throw error
    } finally {
      key.fill(0)
    }
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
        }
      case 'locked':
        return { phase: 'locked', managed, waitUntil: stage.waitUntil }
      case 'ready':
        return {
          phase: 'ready',
          managed,
          account: stage.messenger.ownAccount(),
          connection: stage.messenger.connection(),
          conversations: stage.messenger.conversations(),
        }
    }
  }
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

/** For calls that answer nothing but that they were done. */
function nothing(_done: void): Record<string, never> {
  return {}
}
