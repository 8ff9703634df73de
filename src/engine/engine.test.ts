import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { limits } from '../wire/limits.ts'
import { setting } from './testing/setting.ts'
import { until, Workstation } from './testing/workstation.ts'

const here = setting()
const { fresh, enrolled } = here

async function pair(): Promise<{ a: Workstation; b: Workstation; toB: string; toA: string }> {
  const [a, b] = [await enrolled('Solène Vauquelard'), await enrolled('Aïssatou Kermorvan')]
  return { a, b, toB: await a.openConversation(b), toA: await b.openConversation(a) }
}

describe('enrolment', () => {
  it('shows whom an invitation is for and makes a ready workstation', async () => {
    const station = await fresh()
    const invitation = await here.relay.invite('Solène Vauquelard')
    expect(await station.ask('enrolment.inspect', { invitation })).toMatchObject({
      address: here.relay.address,
      organisation: 'Ministère des essais',
      person: { displayName: 'Solène Vauquelard' },
    })
    await station.enrol(invitation, 'CAB-114')
    expect(await station.ready()).toMatchObject({ account: { deviceName: 'CAB-114' }, conversations: [] })
    for (const file of readdirSync(station.folder)) {
      expect(statSync(join(station.folder, file)).mode & 0o077, file).toBe(0)
    }
  })

  it('refuses a used, a wrong and a mistyped invitation and leaves nothing behind', async () => {
    const used = await here.relay.invite('Quelqu’un')
    await (await fresh()).enrol(used)
    const station = await fresh()
    const attempt = (invitation: string) =>
      station.refusal('enrolment.complete', {
        invitation,
        deviceName: 'X',
        protection: { kind: 'osKeyStore' },
      })
    expect(await attempt(used)).toBe('invitation.used')
    expect(await attempt(`${used.slice(0, -3)}AAA`)).toBe('invitation.malformed')
    expect(await attempt('bonjour')).toBe('invitation.malformed')
    expect(readdirSync(station.folder)).toEqual([])
    expect((await station.snapshot()).state.phase).toBe('enrolment')
    await station.enrol(await here.relay.invite('Quelqu’un'))
  })

  it('opens by passphrase where there is no key store, and starts by none of both', async () => {
    const station = await fresh()
    const passphrase = 'cinq mots que personne ne devine'
    station.keyStore.present = false
    await station.restart()
    expect((await station.snapshot()).state).toMatchObject({ phase: 'enrolment', osKeyStore: false })
    const invitation = await here.relay.invite('Quelqu’un')
    const complete = { invitation, deviceName: 'X' }
    expect(
      await station.refusal('enrolment.complete', { ...complete, protection: { kind: 'osKeyStore' } }),
    ).toBe('vault.noKeyStore')
    expect(
      await station.refusal('enrolment.complete', {
        ...complete,
        protection: { kind: 'passphrase', passphrase: 'court' },
      }),
    ).toBe('vault.passphraseTooShort')
    await station.ask('enrolment.complete', { ...complete, protection: { kind: 'passphrase', passphrase } })
    await station.restart()
    expect((await station.snapshot()).state.phase).toBe('locked')
    expect(await station.refusal('vault.unlock', { passphrase: 'une autre phrase' })).toBe(
      'vault.passphraseWrong',
    )
    await station.ask('vault.unlock', { passphrase })
    expect((await station.snapshot()).state.phase).toBe('ready')
  })

  it('does not start a vault whose key store is gone, and deletes nothing', async () => {
    const station = await enrolled('Quelqu’un')
    station.keyStore.present = false
    await station.restart()
    expect((await station.snapshot()).state).toMatchObject({
      phase: 'refused',
      error: { code: 'vault.noKeyStore' },
    })
    station.keyStore.present = true
    await station.restart()
    expect((await station.snapshot()).state.phase).toBe('ready')
  })

  it('holds a profile for one engine', async () => {
    const station = await fresh()
    const second = await new Workstation({ profile: station.folder }).start()
    expect((await second.snapshot()).state).toMatchObject({
      phase: 'refused',
      error: { code: 'profile.inUse' },
    })
    await second.engine.stop()
  })
})

describe('a conversation', () => {
  it('goes both ways with delivery receipts, and survives restarts', async () => {
    const { a, b, toB, toA } = await pair()
    await a.send(toB, 'Bonjour, Aïssatou.')
    await until(async () => (await b.texts(toA)).length === 1)
    await b.send(toA, 'Bonjour, Solène.')
    await until(async () => (await a.texts(toB)).length === 2)
    await until(async () => (await a.thread(toB))[0]?.delivery === 'read')
    await until(async () => (await b.thread(toA))[1]?.delivery === 'delivered')
    expect((await b.ready()).conversations[0]).toMatchObject({
      person: { displayName: 'Solène Vauquelard' },
      unread: 0,
      preview: { text: 'Bonjour, Solène.', own: true },
    })
    await a.restart()
    await b.restart()
    expect(await a.texts(toB)).toEqual(['Bonjour, Aïssatou.', 'Bonjour, Solène.'])
    await a.send(toB, 'Encore là ?')
    await until(async () => (await b.texts(toA)).at(-1) === 'Encore là ?')
  })

  it('carries 500 messages both ways in bursts, once and in order', async () => {
    const { a, b, toB, toA } = await pair()
    const texts = Array.from({ length: 250 }, (_, n) => `message ${n}`)
    for (const text of texts) await a.send(toB, text)
    await until(async () => (await b.ready()).conversations.length === 1)
    for (const text of texts) await b.send(toA, text)
    await until(async () => (await a.texts(toB)).length === 500 && (await b.texts(toA)).length === 500)
    for (const [station, conversation] of [
      [a, toB],
      [b, toA],
    ] as const) {
      const thread = await station.thread(conversation)
      expect(thread.filter((m) => m.kind !== 'text')).toEqual([])
      expect(thread.filter((m) => m.own).map((m) => m.text)).toEqual(texts)
      expect(thread.filter((m) => !m.own).map((m) => m.text)).toEqual(texts)
    }
  })

  it('queues while either side is away', async () => {
    const { a, b, toB, toA } = await pair()
    await b.engine.stop()
    for (const text of ['un', 'deux', 'trois']) await a.send(toB, text)
    await until(async () => (await a.thread(toB)).every((m) => m.delivery === 'sent'))
    await here.relay.kill()
    await until(async () => (await a.ready()).connection.state === 'offline')
    await a.send(toB, 'quatre')
    expect((await a.ready()).connection.queued).toBe(1)
    await here.relay.up()
    await b.restart()
    await until(async () => (await b.texts(toA)).length === 4)
    expect(await b.texts(toA)).toEqual(['un', 'deux', 'trois', 'quatre'])
  })

  it('sends what the limit for strangers held back as soon as they are none any more', async () => {
    const { a, b, toB, toA } = await pair()
    await b.engine.stop()
    const texts = Array.from({ length: limits.permitPutsPerHour + 5 }, (_, n) => `message ${n}`)
    for (const text of texts) await a.send(toB, text)
    await until(async () => (await a.ready()).connection.queued === 5)
    await b.restart()
    await until(async () => (await a.ready()).connection.queued === 0)
    await until(async () => (await b.texts(toA)).length === texts.length)
    expect(await b.texts(toA)).toEqual(texts)
  })

  it('loses and doubles nothing when the relay is killed in the middle of a burst', async () => {
    const { a, b, toB, toA } = await pair()
    const texts = Array.from({ length: 200 }, (_, n) => `message ${n}`)
    for (const [n, text] of texts.entries()) {
      await a.send(toB, text)
      if (n === 60 || n === 140) {
        await here.relay.kill()
        await here.relay.up()
      }
    }
    await a.ask('connection.retry', {})
    await until(async () => (await b.texts(toA)).length >= 200)
    await until(async () => (await a.ready()).connection.queued === 0)
    expect(await b.texts(toA)).toEqual(texts)
  })

  it('refuses what cannot be sent', async () => {
    const { a, toB } = await pair()
    const send = (text: string, conversationId = toB) =>
      a.refusal('message.send', { conversationId, messageId: 'ab'.repeat(16), text })
    expect(await send(' \n')).toBe('message.empty')
    expect(await send('é'.repeat(9_000))).toBe('message.tooLarge')
    expect(await send('x', crypto.randomUUID())).toBe('conversation.notFound')
    expect(await send('x')).toBeNull()
    expect(await send('x')).toBeNull()
    expect(await a.texts(toB)).toEqual(['x'])
    expect(await a.refusal('conversation.open', { accountId: crypto.randomUUID() })).toBe('recipient.unknown')
  })

  it('keeps drafts, read places and the appearance', async () => {
    const { a, b, toB, toA } = await pair()
    for (const text of ['un', 'deux']) await a.send(toB, text)
    await until(async () => (await b.texts(toA)).length === 2)
    const [first] = await b.thread(toA)
    expect((await b.ready()).conversations[0]).toMatchObject({ unread: 2, firstUnread: first?.position })
    await b.ask('conversation.read', { conversationId: toA, position: first?.position ?? 0 })
    await b.ask('conversation.draft', { conversationId: toA, text: 'à finir' })
    await b.ask('appearance.set', { theme: 'dark', locale: 'en' })
    await b.restart()
    expect((await b.ready()).conversations[0]).toMatchObject({ unread: 1, draft: 'à finir' })
    expect((await b.snapshot()).appearance).toEqual({ locale: 'en', theme: 'dark' })
  })

  it('numbers its deltas without a gap', async () => {
    const { a, toB } = await pair()
    await a.send(toB, 'un')
    await until(async () => (await a.thread(toB))[0]?.delivery !== 'queued')
    const numbers = a.deltas.map((delta) => delta.number)
    expect(numbers).toEqual(numbers.map((_, n) => n + 1))
    await until(async () => (await a.snapshot()).number === a.deltas.length)
  })

  it('tells a burst in a few deltas', async () => {
    const { a, toB } = await pair()
    a.deltas.length = 0
    const begun = performance.now()
    const id = (n: number) => n.toString(16).padStart(32, '0')
    await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        a.ask('message.send', { conversationId: toB, messageId: id(n), text: `message ${n}` }),
      ),
    )
    await until(async () => (await a.thread(toB)).every((m) => m.delivery === 'delivered'))
    // Messages, conversation and connection at most once in about 10 ms, so more of them where it takes longer.
    expect(a.deltas.length).toBeLessThan(Math.max(300, (3 * (performance.now() - begun)) / 8))
    const shown = a.deltas.flatMap(({ change }) => (change.kind === 'messages' ? change.messages : []))
    expect(new Set(shown.map((m) => m.messageId)).size).toBe(100)
  })

  it('removes what has not left and keeps what has', async () => {
    const { a, b, toB } = await pair()
    const sent = await a.send(toB, 'parti')
    await until(async () => (await a.thread(toB))[0]?.delivery === 'delivered')
    await here.relay.kill()
    await until(async () => (await a.ready()).connection.state === 'offline')
    const waiting = await a.send(toB, 'à retirer')
    await a.ask('message.discard', { messageId: waiting })
    expect(await a.refusal('message.discard', { messageId: sent })).toBe('message.notFound')
    expect(await a.texts(toB)).toEqual(['parti'])
    expect((await a.ready()).connection.queued).toBe(0)
    await here.relay.up()
    expect(existsSync(b.folder)).toBe(true)
  })
})
