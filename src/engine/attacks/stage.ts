import type { Account } from '../../storage/repositories/account.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { copyBytes, toUuid, type Bytes } from '../../base/bytes.ts'
import { socketPath, type Bundle } from '../../wire/http.ts'
import { formatInvitation, parseInvitation } from '../../wire/invitation.ts'
import type { ClientFrame, Envelope, ServerFrame } from '../../wire/relay_pb.ts'
import { link } from '../testing/linking.ts'
import { accountOf, Attacker, newId, targetOf, textBody, type Target } from '../testing/attacker.ts'
import type { ClientSays, Line, ServerSays } from '../testing/frames.ts'
import type { RelayProcess } from '../testing/relayProcess.ts'
import { TamperingProxy } from '../testing/tamperingProxy.ts'
import { putIn, WireTap } from '../testing/wireTap.ts'
import { until, Workstation } from '../testing/workstation.ts'

/** An envelope as a lying relay delivers it. `queueId` 0: as an ephemeral one. */
export interface Injected {
  readonly body: Bytes
  readonly envelopeId?: Bytes
  readonly queueId?: bigint
  readonly receivedAt?: number
}

/** Far above what the real relay gives out in a test. */
const firstForgedId = 1n << 40n

/** A second device of the account of `first`, which is switched off: it is there for whoever writes to the account. */
async function linkSleeping(first: Workstation, address: string): Promise<void> {
  const next = await new Workstation().start()
  await link(first, next, 'DEUX', address)
  await next.end()
}

/**
 * Where the attacks are played: `a` is attacked, the relay between it and the others lies as it is told. `b` is an honest
 * contact, `mallory` a contact gone bad, `stranger` nobody whom `a` knows.
 */
export class Stage {
  readonly proxy: TamperingProxy
  readonly relay: RelayProcess
  readonly a: Workstation
  readonly b: Workstation
  readonly mallory: Attacker
  readonly stranger: Attacker
  /** Another one, for what makes a stranger known. */
  readonly passerBy: Attacker
  readonly target: Target
  readonly idOfA: string
  readonly idOfB: string
  readonly keysOfA: Account
  readonly keysOfB: Account
  /** What has left `a`. */
  readonly tap = new WireTap()
  /** What the relay has delivered to `a`, in order. */
  readonly delivered: Envelope[] = []
  readonly #acknowledged = new Map<bigint, () => void>()
  #stolen: Envelope[] | null = null
  #nextId = firstForgedId
  #proofs = 0
  /** Sees frames before they are passed on; null: passes them as they are. */
  toRelay: ((frame: ClientFrame['frame'], line: Line) => readonly ClientSays[] | null) | null = null
  toWorkstation: ((frame: ServerFrame['frame'], line: Line) => readonly ServerSays[] | null) | null = null

  private constructor(parts: {
    readonly relay: RelayProcess
    readonly proxy: TamperingProxy
    readonly a: Workstation
    readonly b: Workstation
    readonly mallory: Attacker
    readonly stranger: Attacker
    readonly passerBy: Attacker
    readonly keysOfA: Account
    readonly keysOfB: Account
  }) {
    this.relay = parts.relay
    this.proxy = parts.proxy
    this.a = parts.a
    this.b = parts.b
    this.mallory = parts.mallory
    this.stranger = parts.stranger
    this.passerBy = parts.passerBy
    this.keysOfA = parts.keysOfA
    this.keysOfB = parts.keysOfB
    this.target = targetOf(parts.keysOfA)
    this.idOfA = parts.keysOfA.record.accountId
    this.idOfB = parts.keysOfB.record.accountId
    this.beHonest()
  }

  static async open(relay: RelayProcess): Promise<Stage> {
    const proxy = await TamperingProxy.start(relay.address)
    const enrolled = async (name: string, address: string): Promise<Workstation> => {
      const station = await new Workstation().start()
      const invitation = parseInvitation(await relay.invite(name))
      await station.enrol(formatInvitation({ ...invitation, address }))
      await station.online()
      return station
    }
    const [a, b, m, s, p] = await Promise.all([
      enrolled('Solène', proxy.address),
      enrolled('Aïssatou', relay.address),
      enrolled('Mallory', relay.address),
      enrolled('Personne', relay.address),
      enrolled('Passante', relay.address),
    ])
    await Promise.all([a.openConversation(b), a.openConversation(m), b.openConversation(a)])
    await linkSleeping(a, relay.address)
    const root = relay.trustRootPrivateKey()
    const [keysOfA, keysOfB] = [await accountOf(a), await accountOf(b)]
    const [mallory, stranger] = [await Attacker.of(m, root), await Attacker.of(s, root)]
    const passerBy = await Attacker.of(p, root)
    for (const attacker of [mallory, stranger, passerBy]) await attacker.meet(targetOf(keysOfA), [1, 2])
    const stage = new Stage({ relay, proxy, a, b, mallory, stranger, passerBy, keysOfA, keysOfB })
    await stage.reconnect()
    await stage.inject({ body: await mallory.envelope(stage.target, textBody('bonjour')) })
    await stage.prove()
    return stage
  }

  async end(): Promise<void> {
    this.mallory.end()
    this.stranger.end()
    this.passerBy.end()
    await Promise.all([this.a.end(), this.b.end()])
    this.proxy.end()
  }

  beHonest(): void {
    this.toRelay = null
    this.toWorkstation = null
    this.proxy.beHonest()
    this.proxy.frames = {
      toRelay: (frame, line) => {
        this.tap.see(frame)
        return this.toRelay?.(frame, line) ?? this.#onward(frame)
      },
      toWorkstation: (frame, line) => this.toWorkstation?.(frame, line) ?? this.#inward(frame),
    }
  }

  /** Connects again at once, and waits until it stands. */
  async backOnline(): Promise<void> {
    await until(async () => {
      await this.a.ask('connection.retry', {})
      return (await this.a.ready()).connection.state === 'online' && this.proxy.lines(socketPath).length > 0
    })
  }

  /** On a new connection the relay delivers what was kept back. */
  async reconnect(): Promise<void> {
    this.proxy.cut()
    await this.backOnline()
  }

  lastDelivered(): Envelope {
    const last = this.delivered.at(-1)
    if (last === undefined) throw new Error('nothing was delivered')
    return last
  }

  /** Waits until `a` shows a text of b, and sees that it is there so many times. */
  async shows(text: string, times: number): Promise<void> {
    const count = async (): Promise<number> =>
      (await this.a.texts(this.idOfB)).filter((one) => one === text).length
    await until(async () => (await count()) > 0)
    if ((await count()) !== times) throw new Error(`${text}: ${await count()} times`)
  }

  /** The id of the last envelope that leaves for an account while this is done; the relay gets it. */
  async lettingOut(accountId: string, work: () => Promise<unknown>): Promise<Bytes> {
    const seen: Bytes[] = []
    this.toRelay = (frame) => {
      const put = frame.case === 'anonymousPut' ? putIn(frame) : null
      if (put !== null && toUuid(copyBytes(put.destination)) === accountId) {
        seen.push(...put.envelopes.map(({ messageId }) => copyBytes(messageId)))
      }
      return null
    }
    await work()
    await until(async () => (await this.waitingFor(accountId)) === 0)
    this.toRelay = null
    const last = seen.at(-1)
    if (last === undefined) throw new Error('nothing left')
    return last
  }

  /** Waits until b shows a text of `a`. */
  async arrives(text: string): Promise<void> {
    await until(async () => (await this.b.texts(this.idOfA)).includes(text))
  }

  /** Delivers these to `a`, and waits until `a` has acknowledged what lies in a queue. */
  async inject(...envelopes: readonly Injected[]): Promise<void> {
    const line = this.proxy.lines(socketPath).at(-1)
    if (line === undefined) throw new Error('the workstation is not connected')
    const waits = new Map<bigint, Promise<void>>()
    const made = envelopes.map(({ body, envelopeId = newId(), queueId = this.#forgedId(), receivedAt }) => {
      if (queueId > 0n) {
        waits.set(queueId, new Promise((done) => void this.#acknowledged.set(queueId, done)))
      }
      return { queueId, receivedAt: BigInt(receivedAt ?? Date.now()), messageId: envelopeId, body }
    })
    line.tellWorkstation({ case: 'deliver', value: { envelopes: made } })
    await Promise.all(waits.values())
  }

  /** b writes, and what the relay has for `a` is kept back until all of it is there; the texts come last. */
  async steal(texts: readonly string[]): Promise<readonly Envelope[]> {
    const stolen: Envelope[] = []
    this.#stolen = stolen
    for (const text of texts) await this.b.send(this.idOfA, text)
    const stored = async (): Promise<boolean> => (await this.b.thread(this.idOfA)).at(-1)?.delivery === 'sent'
    await until(async () => stolen.length >= texts.length && (await stored()))
    this.#stolen = null
    return stolen
  }

  /** The first code that `a` writes down while this is done; null: none. */
  async refusal(work: () => Promise<unknown>): Promise<ErrorCode | null> {
    const before = (await this.a.refused()).length
    await work()
    return (await this.a.refused())[before] ?? null
  }

  /** How much has left for an account, or is about to. */
  async answersTo(accountId: string): Promise<number> {
    return this.tap.countTo(accountId) + (await this.waitingFor(accountId))
  }

  /** Jobs of the outbox for an account. */
  async waitingFor(accountId: string): Promise<number> {
    const waiting = await this.a.peek((sql) =>
      sql.get<{ n: number }>('SELECT count(*) AS n FROM outbox WHERE destination = ?', [accountId]),
    )
    return waiting?.n ?? 0
  }

  /**
   * `a` writes to `b`, and the relay, which has heard of another registration of b's device, has this to say of its keys.
   * Answers why the message has failed, or where it stands.
   */
  async withBundle(change: (bundle: Bundle) => unknown): Promise<string | null> {
    this.sayStale()
    this.proxy.tamper = (path, answer) => (path === '/v1/bundle' ? change(answer as Bundle) : answer)
    const { a, idOfB } = this
    const messageId = await a.send(idOfB, 'pour les bonnes clés')
    const own = async () => (await a.thread(idOfB)).findLast((one) => one.messageId === messageId)
    const changed = async (): Promise<boolean> =>
      (await a.ready()).conversations.some(
        (one) => one.conversationId === idOfB && one.identity === 'changed',
      )
    await until(
      async () => ['failed', 'delivered'].includes((await own())?.delivery ?? '') || (await changed()),
    )
    if (await changed()) return 'identity.changed'
    return (await own())?.error?.code ?? null
  }

  /** The next put to somebody else meets a relay that knows another registration of the device. */
  sayStale(): void {
    let said = false
    this.toRelay = (frame, line) => {
      const put = frame.case === 'anonymousPut' ? putIn(frame) : null
      if (put === null || said) return null
      said = true
      const outcome = { case: 'deviceMismatch' as const, value: { stale: [1] } }
      line.tellWorkstation({ case: 'putResult', value: { requestId: put.requestId, outcome } })
      return []
    }
  }

  /** Puts the vault back as it was before an identity was held, which no person can. */
  async forgetChangedKeys(): Promise<void> {
    this.beHonest()
    await this.a.inVault((vault) =>
      vault.transaction((tx) => void tx.run('UPDATE identity SET changed_key = NULL')),
    )
    await this.backOnline()
  }

  /** All that a person at `a` can see. */
  async seen(): Promise<unknown> {
    const { conversations, alerts } = await this.a.ready()
    const { devices } = await this.a.ask('device.list', {})
    const threads = await Promise.all(
      conversations.map(({ conversationId }) => this.a.thread(conversationId)),
    )
    // When a device was last there is the relay's to say.
    return { conversations, alerts, threads, devices: devices.map((one) => ({ ...one, lastSeenDay: 0 })) }
  }

  /** The honest ones still reach each other, both ways, and everything comes to rest. */
  async prove(): Promise<void> {
    this.beHonest()
    const { a, b, idOfA, idOfB } = this
    await this.backOnline()
    const text = `preuve ${(this.#proofs += 1)}`
    const delivered = async (from: Workstation, to: string): Promise<boolean> =>
      (await from.thread(to)).findLast((one) => one.text === text && one.delivery !== 'received')
        ?.delivery === 'delivered'
    await b.send(idOfA, text)
    await until(() => delivered(b, idOfA))
    await a.send(idOfB, text)
    await until(() => delivered(a, idOfB))
  }

  #forgedId(): bigint {
    this.#nextId += 1n
    return this.#nextId
  }

  /** What was forged here is not the real relay's to delete. */
  #onward(frame: ClientFrame['frame']): readonly ClientSays[] {
    switch (frame.case) {
      case undefined:
        return []
      case 'acknowledge': {
        for (const queueId of frame.value.queueIds) this.#acknowledged.get(queueId)?.()
        const queueIds = frame.value.queueIds.filter((queueId) => !this.#acknowledged.delete(queueId))
        return queueIds.length === 0 ? [] : [{ case: 'acknowledge', value: { queueIds } }]
      }
      case 'authenticate': {
        const { takenUpTo } = frame.value
        const real = this.delivered.reduce((most, { queueId }) => (queueId > most ? queueId : most), 0n)
        return [
          { case: 'authenticate', value: { ...frame.value, takenUpTo: takenUpTo < real ? takenUpTo : real } },
        ]
      }
      default:
        return [frame]
    }
  }

  #inward(frame: ServerFrame['frame']): readonly ServerSays[] {
    if (frame.case === undefined) return []
    if (frame.case !== 'deliver') return [frame]
    const { envelopes } = frame.value
    if (this.#stolen !== null) {
      this.#stolen.push(...envelopes)
      return []
    }
    this.delivered.push(...envelopes)
    return [frame]
  }
}
