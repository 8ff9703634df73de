import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bundleSchema, type Bundle } from '../wire/http.ts'
import { formatInvitation, parseInvitation } from '../wire/invitation.ts'
import { setting } from './testing/setting.ts'
import { Tampered, TamperingProxy } from './testing/tamperingProxy.ts'
import { until, type Workstation } from './testing/workstation.ts'

const here = setting()
let proxy: TamperingProxy

beforeAll(async () => {
  proxy = await TamperingProxy.start(here.relay.address)
})
afterAll(() => {
  proxy.end()
})
afterEach(() => {
  proxy.tamper = (_path, answer) => answer
})

async function invited(name: string, through: string): Promise<string> {
  return formatInvitation({ ...parseInvitation(await here.relay.invite(name)), address: through })
}

async function enrolled(name: string, through = here.relay.address): Promise<Workstation> {
  return await here.enrolled(name, await invited(name, through))
}

/** Rewrites the first device of each bundle. */
function tamperBundle(change: (bundle: Bundle) => unknown): void {
  proxy.tamper = (path, answer) => (path === '/v1/bundle' ? change(bundleSchema.parse(answer)) : answer)
}

async function failure(station: Workstation, conversationId: string) {
  await until(async () => (await station.thread(conversationId)).at(-1)?.delivery === 'failed')
  return (await station.thread(conversationId)).at(-1)?.error?.code
}

describe('a relay that lies', () => {
  it('gets nothing for a bundle with a forged signature, and the other conversations go on', async () => {
    const [a, b, c] = [await enrolled('A', proxy.address), await enrolled('B'), await enrolled('C')]
    const [toB, toC] = [await a.openConversation(b), await a.openConversation(c)]
    tamperBundle((bundle) => ({
      ...bundle,
      devices: bundle.devices.map((device) => ({
        ...device,
        signedPreKey: { ...device.signedPreKey, signature: 'A'.repeat(86) },
      })),
    }))
    const messageId = await a.send(toB, 'pour B')
    expect(await failure(a, toB)).toBe('bundle.signature')
    proxy.tamper = (_path, answer) => answer
    await a.send(toC, 'pour C')
    await until(async () => (await c.texts(await a.accountId())).length === 1)
    await a.ask('message.retry', { messageId })
    await until(async () => (await b.texts(await a.accountId())).length === 1)
  })

  it('cannot take the post-quantum part away', async () => {
    const [a, b] = [await enrolled('A', proxy.address), await enrolled('B')]
    const toB = await a.openConversation(b)
    tamperBundle((bundle) => ({
      ...bundle,
      devices: bundle.devices.map(({ kyberPreKey: _left, ...device }) => device),
    }))
    await a.send(toB, 'x')
    expect(await failure(a, toB)).toBe('bundle.noKyberKey')
  })

  it('cannot swap the identity key of someone who is known', async () => {
    const [a, b, c] = [await enrolled('A', proxy.address), await enrolled('B'), await enrolled('C')]
    const [toB, toC] = [await a.openConversation(b), await a.openConversation(c)]
    await a.send(toB, 'avant')
    await until(async () => (await b.texts(await a.accountId())).length === 1)
    const bundles: Bundle[] = []
    tamperBundle((bundle) => {
      bundles.push(bundle)
      return bundle
    })
    await a.send(toC, 'pour voir les clés de C')
    await until(async () => (await a.thread(toC)).at(-1)?.delivery === 'sent')
    // a has to begin a session anew, and the relay hands out the keys of another account for b.
    await a.inVault((vault) => vault.transaction((tx) => void tx.run('DELETE FROM session')))
    tamperBundle(() => bundles[0])
    await a.send(toB, 'secret')
    // They are good keys, and attested, for somebody else.
    expect(await failure(a, toB)).toBe('device.attestation')
    expect(await c.texts(await a.accountId())).not.toContain('secret')
  })

  it('is refused with other trust anchors than the invitation’s', async () => {
    const station = await here.fresh()
    const invitation = await invited('A', proxy.address)
    proxy.tamper = (path, answer) =>
      path === '/v1/anchors' ? { ...(answer as object), trustRoot: `B${'A'.repeat(43)}` } : answer
    expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.anchors')
    proxy.tamper = (path, answer) => (path === '/v1/anchors' ? { nonsense: true } : answer)
    expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.malformedAnswer')
    proxy.tamper = (path, answer) =>
      path === '/v1/anchors' ? { ...(answer as object), protocolVersion: 99 } : answer
    expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.version')
  })

  it('keeps an enrolment whose answer was lost, and takes it up again', async () => {
    const station = await here.fresh()
    const invitation = await invited('A', proxy.address)
    const attempt = () =>
      station.refusal('enrolment.complete', {
        invitation,
        deviceName: 'X',
        protection: { kind: 'osKeyStore' },
      })
    proxy.tamper = (path, answer) => (path === '/v1/enrol' ? 'lost' : answer)
    expect(await attempt()).toBe('relay.malformedAnswer')
    proxy.tamper = (_path, answer) => answer
    await station.restart()
    expect((await station.snapshot()).state.phase).toBe('ready')
  })

  it.each(['relay.tooManyRequests', 'internal', 'relay.unauthorised'])(
    'keeps the keys of an account that it may have made, whatever it says then: %s',
    async (code) => {
      const station = await here.fresh()
      const invitation = await invited('A', proxy.address)
      proxy.tamper = (path, answer) => (path === '/v1/enrol' ? new Tampered(429, { code }) : answer)
      const protection = { kind: 'osKeyStore' } as const
      expect(await station.refusal('enrolment.complete', { invitation, deviceName: 'X', protection })).toBe(
        code,
      )
      await station.restart()
      expect((await station.snapshot()).state.phase).toBe('enrolment')
      proxy.tamper = (_path, answer) => answer
      await station.ask('enrolment.complete', { invitation, deviceName: 'X', protection })
      expect((await station.ready()).account.person.displayName).toBe('A')
    },
  )

  it('leaves the protection and the name to the last choice when an enrolment is taken up again', async () => {
    const station = await here.fresh()
    const invitation = await invited('A', proxy.address)
    const complete = (deviceName: string, passphrase: string) =>
      station.refusal('enrolment.complete', {
        invitation,
        deviceName,
        protection: { kind: 'passphrase', passphrase },
      })
    proxy.tamper = (path, answer) => (path === '/v1/enrol' ? 'lost' : answer)
    expect(await complete('PREMIER', 'la première phrase de passe')).toBe('relay.malformedAnswer')
    proxy.tamper = (_path, answer) => answer
    expect(await complete('SECOND', 'la seconde phrase de passe')).toBeNull()
    await station.restart()
    expect(await station.refusal('vault.unlock', { passphrase: 'la première phrase de passe' })).toBe(
      'vault.passphraseWrong',
    )
    await station.ask('vault.unlock', { passphrase: 'la seconde phrase de passe' })
    expect((await station.ready()).account.deviceName).toBe('SECOND')
  })

  it('cannot rename somebody by answering for another account', async () => {
    const [a, b, c] = [await enrolled('A', proxy.address), await enrolled('B'), await enrolled('C')]
    await a.openConversation(b)
    const idOfB = await b.accountId()
    proxy.tamper = (path, answer) =>
      path === '/v1/account' ? { ...(answer as object), accountId: idOfB, displayName: 'Un autre' } : answer
    expect(await a.refusal('conversation.open', { accountId: await c.accountId() })).toBe(
      'relay.malformedAnswer',
    )
    expect((await a.ready()).conversations[0]?.person.displayName).toBe('B')
  })

  it('may cut the network at any time: nothing is lost or doubled', async () => {
    const [a, b] = [await enrolled('A', proxy.address), await enrolled('B', proxy.address)]
    const toB = await a.openConversation(b)
    const texts = Array.from({ length: 75 }, (_, n) => `message ${n}`)
    for (const [n, text] of texts.entries()) {
      await a.send(toB, text)
      if (n % 25 === 24) {
        proxy.cut()
        await a.ask('connection.retry', {})
      }
    }
    const toA = await a.accountId()
    await until(async () => (await b.texts(toA)).length >= texts.length)
    expect(await b.texts(toA)).toEqual(texts)
  })
})
