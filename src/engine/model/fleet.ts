import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../base/clock.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { formatRelayText, parseRelayText } from '../../wire/linking.ts'
import { folders } from './folders.ts'
import { decide } from './person.ts'
import { Rest } from './rest.ts'
import { Station } from './station.ts'
import type { Step } from './steps.ts'
import { forgetEnded, forgive, type Account, type Text } from './texts.ts'
import { chosen, settles, turns, until, within } from './waiting.ts'

/** The relay's room, as the tests may reach it. */
export interface RelayRoom {
  init(data: string): Promise<void>
  start(
    data: string,
    port: number,
    clock: Clock,
  ): Promise<{ readonly address: string; stop(): Promise<void> }>
  invite(
    data: string,
    name: string,
    address: string,
  ): Promise<{ readonly text: string; readonly accountId: string }>
  inviteAgain(data: string, accountId: string, address: string): Promise<{ readonly text: string }>
}

export interface FleetOptions {
  /** So many accounts have three devices from the beginning, the others one. */
  readonly linked: number
  /** A planted bug: devices acknowledge what they have not committed. */
  readonly acknowledgesEarly: boolean
}

const accountCount = 5
const devicesAtMost = 3
const emoji = ['👍', '❤️', '😀'] as const
const linkMs = 6_000
const errandMs = 4 * 60_000

/** Five accounts with their devices on one relay, and the model of what they have written. */
export class Fleet {
  readonly accounts: Account[] = []
  readonly texts = new Map<string, Text>()
  /** Steps that did something. */
  steps = 0
  readonly #room: RelayRoom
  readonly #acknowledgesEarly: boolean
  readonly #folder = mkdtempSync(join(folders, 'valise-model-relay-'))
  readonly #clock: Clock = systemClock
  readonly #errands = new Set<Promise<void>>()
  readonly #all: Station[] = []
  /** The last refusal of an errand. */
  #tried = ''
  #relay: { readonly address: string; stop(): Promise<void> } | null = null
  #address = ''

  private constructor(room: RelayRoom, { acknowledgesEarly }: FleetOptions) {
    this.#room = room
    this.#acknowledgesEarly = acknowledgesEarly
  }

  /** Everybody knows everybody. */
  static async make(room: RelayRoom, options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(room, options)
    await fleet.#begin(options.linked)
    return fleet
  }

  get stations(): readonly Station[] {
    return this.accounts.flatMap(({ stations }) => stations)
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#errands)
    await Promise.all(this.#all.map(async (station) => station.end()))
    await this.#relay?.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async apply(step: Step): Promise<void> {
    this.steps += 1
    await this.#carryOut(step)
    await turns(1)
  }

  /** Lets everything come to rest and looks at it. What is wrong, in words; empty when all is as it should be. */
  async rest(): Promise<readonly string[]> {
    for (const station of this.stations) station.calm()
    const started = Promise.all(this.stations.map(async (station) => station.start()))
    if (!(await settles(errandMs, started))) return [`does not start: ${this.#standing()}`]
    for (const station of this.stations) {
      station.calm()
      station.wire.admit()
    }
    if (!(await within(errandMs, () => this.#errands.size === 0))) return [this.#errandsLeft()]
    // What was dropped is noticed by the end of its connection.
    for (const station of this.stations) station.wire.cut()
    return await new Rest(this.accounts, this.texts, (station) => {
      const account = this.#accountOf(station)
      if (account?.newKey === true) this.#leave(account, [station])
    }).come()
  }

  #errandsLeft(): string {
    const busy = this.accounts.filter((account) => account.busy)
    return `errands of ${busy.map(nameOf).join()} do not end: ${this.#standing()}; ${this.#tried}`
  }

  #standing(): string {
    return this.#all
      .map(({ name, phase, online }) => `${name} ${phase} ${online ? 'online' : 'offline'}`)
      .join()
  }

  // ── the beginning ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #begin(linked: number): Promise<void> {
    const data = join(this.#folder, 'data')
    await this.#room.init(data)
    this.#relay = await this.#room.start(data, 0, this.#clock)
    this.#address = this.#relay.address
    await Promise.all(Array.from({ length: accountCount }, async (_, index) => this.#enrol(index)))
    this.accounts.sort((a, b) => nameOf(a).localeCompare(nameOf(b)))
    for (const account of this.accounts) await this.#meetAll(account)
    await Promise.all(
      this.accounts.slice(0, linked).map(async (account) => {
        for (let more = 1; more < devicesAtMost; more += 1) await this.#link(account, 0)
      }),
    )
  }

  async #enrol(index: number): Promise<void> {
    const letter = String.fromCharCode(65 + index)
    const station = await this.#station(`${letter}1`)
    const invited = await this.#room.invite(join(this.#folder, 'data'), letter, station.wire.address)
    await this.#redeem(station, invited.text)
    const { accountId } = invited
    this.accounts.push({ accountId, stations: [station], busy: false, lostDevice: false, newKey: false })
  }

  async #redeem(station: Station, invitation: string): Promise<void> {
    await station.start()
    const input = { invitation, deviceName: station.name, protection: { kind: 'osKeyStore' } } as const
    while (station.phase !== 'ready') {
      const result = await station.attempt('enrolment.complete', input)
      this.#tried = JSON.stringify(result)
      if (result?.ok !== true) await turns(20)
    }
  }

  async #meetAll(account: Account): Promise<void> {
    const [station] = account.stations
    await until(() => station?.online === true)
    for (const { accountId } of this.accounts) {
      if (accountId !== account.accountId) await station?.ask('conversation.open', { accountId })
    }
  }

  async #station(name: string): Promise<Station> {
    const station = await Station.make(name, this.#address, this.#clock)
    station.wire.acknowledgesEarly = this.#acknowledgesEarly
    this.#all.push(station)
    return station
  }

  // ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #carryOut(step: Step): Promise<void> {
    switch (step.do) {
      case 'send':
        return await this.#send(step.by, step.to)
      case 'edit':
      case 'delete':
      case 'react':
        return await this.#change(step)
      case 'read':
        return await this.#read(step.by, step.with)
      case 'decide':
        return void (await decide(this.#pick(step.by, (station) => station.up)))
      case 'fault':
        return this.#pick(step.at)?.wire.arm(step.fault, step.times)
      case 'cut':
        return this.#pick(step.at, (station) => station.free)?.wire.cut()
      case 'away':
        return this.#pick(step.at, (station) => station.free)?.wire.refuse()
      case 'back':
        return this.#pick(step.at, (station) => station.up && !station.wire.admits)?.wire.admit()
      case 'retry':
        return void (await this.#pick(step.at, (station) => station.free && !station.online)?.ask(
          'connection.retry',
          {},
        ))
      case 'restart':
        return await this.#restart(this.#pick(step.at, (station) => station.up))
      case 'start':
        return await this.#pick(step.at, (station) => !station.up)?.start()
      case 'kill':
        return this.#kill(step)
      case 'relay':
        return await this.#restartRelay()
      case 'pause':
        return await turns(step.turns)
      case 'link':
        return this.#errand(step.account, async (account) => {
          if (account.stations.length < devicesAtMost) await this.#link(account, step.by)
        })
      case 'remove':
        return this.#errand(step.account, async (account) => this.#remove(account, step))
      case 'reinstall':
        return this.#errand(step.account, async (account) => this.#reinstall(account))
    }
    return exhausted(step)
  }

  async #send(by: number, toWhom: number): Promise<void> {
    const station = this.#pick(by, (one) => one.up)
    const from = station && this.#accountOf(station)
    if (!station || !from) return
    const to = chosen(
      toWhom,
      this.accounts.filter((account) => account !== from),
    )
    if (to === null) return
    const conversationId = to.accountId
    const messageId = randomBytes(16).toString('hex')
    const number = station.sent + 1
    const text = `${station.name}#${number}`
    const send = async () => station.attempt('message.send', { conversationId, messageId, text })
    const must = [...from.stations, ...to.stations]
    let result = await send()
    if (result?.ok === false && result.error.code === 'conversation.notFound') {
      if ((await station.ask('conversation.open', { accountId: conversationId })) === null) return
      result = await send()
    }
    if (result?.ok !== true) return
    station.sent = number
    const sent: Text = {
      messageId,
      from,
      to,
      station,
      number,
      versions: new Set([text]),
      must: must.filter((one) => !one.ended),
      changedBy: new Set(),
      deletedBy: new Set(),
      tainted: false,
      settled: false,
    }
    forgive(sent)
    this.texts.set(messageId, sent)
  }

  async #change(step: Extract<Step, { do: 'edit' | 'delete' | 'react' }>): Promise<void> {
    // Lately written ones: what is still on its way is what may go wrong.
    const text = chosen(step.text, [...this.texts.values()].slice(-40))
    if (text === null) return
    const accounts = step.do === 'react' ? [text.from, text.to] : [text.from]
    const station = chosen(
      step.by,
      accounts.flatMap(({ stations }) => stations).filter((one) => one.up && !one.ended),
    )
    if (station === null) return
    await this.#changeBy(station, text, step)
    forgive(text)
  }

  async #changeBy(
    station: Station,
    text: Text,
    step: Extract<Step, { do: 'edit' | 'delete' | 'react' }>,
  ): Promise<void> {
    const { messageId } = text
    switch (step.do) {
      case 'edit': {
        const version = `${text.station.name}#${text.number} (${randomBytes(4).toString('hex')})`
        text.versions.add(version)
        const done = await station.ask('message.edit', { messageId, text: version })
        if (done !== null) text.changedBy.add(station)
        return
      }
      case 'delete': {
        const done = await station.ask('message.deleteForEveryone', { messageId })
        if (done === null) return
        text.changedBy.add(station)
        text.deletedBy.add(station)
        return
      }
      case 'react': {
        const sign = chosen(step.text, emoji)
        const reaction = sign === null ? null : ({ kind: 'emoji', emoji: sign } as const)
        const ref = { authorId: text.from.accountId, messageId }
        const done = await station.ask('message.react', {
          ...ref,
          reaction: step.by % 4 === 0 ? null : reaction,
        })
        if (done !== null) text.changedBy.add(station)
        return
      }
    }
    return exhausted(step.do)
  }

  async #read(by: number, withWhom: number): Promise<void> {
    const station = this.#pick(by, (one) => one.up)
    const conversationId = chosen(withWhom, this.accounts)?.accountId
    if (station === undefined || conversationId === undefined) return
    const page = await station.ask('conversation.messages', { conversationId, before: null, limit: 1 })
    const position = page?.messages[0]?.position
    if (position !== undefined) await station.ask('conversation.read', { conversationId, position })
  }

  async #restart(station: Station | undefined): Promise<void> {
    if (station === undefined) return
    await station.stop()
    await station.start()
  }

  #kill({ at, point, times }: Extract<Step, { do: 'kill' }>): void {
    const station = this.#pick(at, (one) => one.up && one.phase === 'ready')
    if (point === null) station?.kill()
    else station?.killAt(point, times)
  }

  async #restartRelay(): Promise<void> {
    await this.#relay?.stop()
    this.#relay = await this.#room.start(
      join(this.#folder, 'data'),
      Number(new URL(this.#address).port),
      this.#clock,
    )
  }

  // ── devices that come and go ──────────────────────────────────────────────────────────────────────────────────────

  /** Beside the other steps, one at a time for an account. */
  #errand(choice: number, work: (account: Account) => Promise<void>): void {
    const account = chosen(choice, this.accounts)
    if (account === null || account.busy) return
    account.busy = true
    const errand = work(account).finally(() => {
      account.busy = false
      this.#errands.delete(errand)
    })
    this.#errands.add(errand)
  }

  async #link(account: Account, by: number): Promise<void> {
    const first = chosen(
      by,
      account.stations.filter((station) => station.up && !station.ended),
    )
    const listed = await first?.ask('device.list', {})
    if (first === null || listed === null || listed === undefined) return
    const next = await this.#station(this.#nameFor(account))
    await next.start()
    const relay = formatRelayText({ ...parseRelayText(listed.relay), address: next.wire.address })
    const input = { relay, deviceName: next.name, protection: { kind: 'osKeyStore' } } as const
    const begun = await next.ask('link.begin', input)
    if (begun !== null) await first.ask('device.link', { code: begun.code })
    // Whether the answer came or not: it may have been handed over.
    const linked = begun !== null && (await within(linkMs, () => next.phase === 'ready'))
    if (linked) account.stations.push(next)
    else await next.end()
  }

  async #remove(account: Account, step: Extract<Step, { do: 'remove' }>): Promise<void> {
    const target = chosen(step.device, account.stations)
    if (target === null || account.stations.length < 2 || target.phase !== 'ready') return
    const listed = await target.ask('device.list', {})
    const deviceId = listed?.devices.find(({ current }) => current)?.deviceId
    if (deviceId === undefined) return
    if (step.reason === 'lost') account.newKey = true
    this.#leave(account, [target])
    if (step.reason === 'lost') target.kill()
    else await target.stop()
    for (let tries = step.by; ; tries += 1) {
      const by = chosen(tries, account.stations)
      const result = await by?.attempt('device.remove', { deviceId, reason: step.reason })
      if (result?.ok === true || (result?.ok === false && result.error.code === 'device.notFound')) break
      this.#tried = JSON.stringify(result)
      await turns(20)
    }
    await target.end()
  }

  /** Everything of it is gone: a new invitation, a new identity. */
  async #reinstall(account: Account): Promise<void> {
    const gone = [...account.stations]
    const name = this.#nameFor(account)
    this.#leave(account, gone)
    for (const station of gone) station.kill()
    const next = await this.#station(name)
    const { text } = await this.#room.inviteAgain(
      join(this.#folder, 'data'),
      account.accountId,
      next.wire.address,
    )
    await this.#redeem(next, text)
    account.stations.push(next)
    await Promise.all(gone.map(async (station) => station.end()))
  }

  #leave(account: Account, gone: readonly Station[]): void {
    for (const station of gone) station.ended = true
    account.stations = account.stations.filter((station) => !station.ended)
    account.lostDevice = true
    forgetEnded(this.texts.values())
  }

  #nameFor(account: Account): string {
    const letter = nameOf(account).charAt(0)
    return `${letter}${this.#all.filter(({ name }) => name.startsWith(letter)).length + 1}`
  }

  #pick(choice: number, suits: (station: Station) => boolean = () => true): Station | undefined {
    return chosen(choice, this.stations.filter(suits)) ?? undefined
  }

  #accountOf(station: Station): Account | undefined {
    return this.accounts.find(({ stations }) => stations.includes(station))
  }
}

function nameOf({ stations: [station] }: Account): string {
  return station?.name ?? ''
}
