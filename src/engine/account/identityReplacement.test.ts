import { describe, expect, it } from 'vitest'
import { toHex } from '../../base/bytes.ts'
import type { Sql } from '../../storage/binding.ts'
import { comingIdentities, previousIdentities, readPending } from './pendingIdentity.ts'
import { formatInvitation, parseInvitation } from '../../wire/invitation.ts'
import { linkDevice, texts } from '../testing/linkDevice.ts'
import type { Line, ServerSays } from '../testing/frames.ts'
import { link } from '../testing/linking.ts'
import { setting } from '../testing/setting.ts'
import { TamperingProxy } from '../testing/tamperingProxy.ts'
import { until, type Workstation } from '../testing/workstation.ts'

const here = setting()
const { fresh, enrolled } = here

const linked = async (first: Workstation, deviceName: string): Promise<Workstation> =>
  linkDevice(first, await fresh(), deviceName)

async function lose(by: Workstation, deviceName: string): Promise<void> {
  const lost = (await by.ask('device.list', {})).devices.find(({ name }) => name === deviceName)
  await by.ask('device.remove', { deviceId: lost?.deviceId ?? 0, reason: 'lost' })
}

const names = async (station: Workstation): Promise<string[]> =>
  (await station.ask('device.list', {})).devices.map(({ name }) => name)

const isGone = async (station: Workstation): Promise<boolean> =>
  (await station.ready()).connection.error?.code === 'relay.deviceGone'

const replacedTimes = async (station: Workstation): Promise<number> =>
  (await station.ready()).alerts.filter(({ kind }) => kind === 'identityReplaced').length

/** The identity key pairs that a device has or was handed, in hex; its own first. */
const keysOf = async (station: Workstation): Promise<string[]> =>
  station.peek((sql) => {
    const own =
      sql.get<{ key: string }>('SELECT lower(hex(identity_key_pair)) AS key FROM account')?.key ?? ''
    return [own, ...comingIdentities(sql).map(toHex), ...previousIdentities(sql).map(toHex)]
  })

const countJobs = (sql: Sql): number => sql.get<{ n: number }>('SELECT count(*) AS n FROM outbox')?.n ?? 0

const isUnderWay = async (station: Workstation): Promise<boolean> =>
  station.peek((sql) => readPending(sql) !== null)

describe('a lost device', () => {
  it('costs the account its identity key; the others go on and contacts decide', async () => {
    const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
    const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
    const a2 = await linked(a, 'DEUX')
    const a3 = await linked(a, 'TROIS')
    await until(async () => (await a2.ask('device.list', {})).devices.length === 3)
    await b.send(toA, 'avant')
    for (const one of [a, a2, a3]) await until(async () => (await texts(one, toB)).includes('avant'))
    const before = (await b.ask('identity.safetyNumber', { accountId: toA })).groups
    const lost = (await a.ask('device.list', {})).devices.find(({ name }) => name === 'DEUX')
    await a.ask('device.remove', { deviceId: lost?.deviceId ?? 0, reason: 'lost' })
    await until(async () => (await a2.ready()).connection.error?.code === 'relay.deviceGone')
    for (const one of [a, a3]) {
      await until(async () => (await one.ready()).alerts.some(({ kind }) => kind === 'identityReplaced'))
    }
    await until(async () => (await b.ready()).conversations[0]?.identity === 'changed')
    await a.send(toB, 'sous la nouvelle clé')
    await a3.send(toB, 'et du troisième')
    await until(async () => ((await b.ready()).conversations[0]?.held ?? 0) >= 2)
    expect((await texts(b, toA)).filter((text) => text !== 'avant')).toEqual([])
    const { groups, pending } = await b.ask('identity.safetyNumber', { accountId: toA })
    expect(pending).toBe(true)
    expect(groups).not.toEqual(before)
    expect(groups).toEqual((await a3.ask('identity.safetyNumber', { accountId: toB })).groups)
    await b.ask('identity.accept', { accountId: toA, groups })
    await until(async () => (await texts(b, toA)).length === 3)
    await b.send(toA, 'bien reçu')
    for (const one of [a, a3]) await until(async () => (await texts(one, toB)).includes('bien reçu'))
    expect(await texts(a2, toB)).toEqual(['avant'])
  })

  it('loses nothing that another device sent under the old key and that comes under the new one', async () => {
    const proxy = await TamperingProxy.start(here.relay.address)
    const invitation = parseInvitation(await here.relay.invite('Solène'))
    const a = await enrolled('Solène', formatInvitation({ ...invitation, address: proxy.address }))
    const toB = await a.openConversation(await enrolled('Aïssatou'))
    const [a2, lost] = [await fresh(), await fresh()]
    await link(a, a2, 'DEUX', here.relay.address)
    await link(a, lost, 'TROIS', here.relay.address)
    await until(async () => (await names(a2)).length === 3)
    const late: (readonly [Line, ServerSays])[] = []
    const honest = proxy.frames.toWorkstation
    proxy.frames = {
      ...proxy.frames,
      toWorkstation: (frame, line) => {
        if (frame.case !== 'deliver') return honest(frame, line)
        late.push([line, frame])
        return []
      },
    }
    await a2.ask('conversation.open', { accountId: toB })
    await a2.send(toB, 'encore sous l’ancienne clé')
    await until(async () => (await a2.thread(toB)).some(({ delivery }) => delivery === 'sent'))
    // So has what tells `a` of it.
    await until(async () => (await a2.peek(countJobs)) === 0)
    await lose(a, 'TROIS')
    for (const one of [a, a2]) await until(async () => (await replacedTimes(one)) === 1)
    proxy.frames = { ...proxy.frames, toWorkstation: honest }
    for (const [line, said] of late) line.tellWorkstation(said)
    await until(async () => (await texts(a, toB)).includes('encore sous l’ancienne clé'))
    proxy.end()
  })

  it('takes with it who was handed a key before and never came to take it up', async () => {
    const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
    const toB = await a.openConversation(b)
    await b.openConversation(a)
    const [lost1, away, lost2] = [
      await linked(a, 'DEUX'),
      await linked(a, 'TROIS'),
      await linked(a, 'QUATRE'),
    ]
    await until(async () => (await names(lost2)).length === 4)
    await away.engine.stop()
    await lose(a, 'DEUX')
    await until(async () => (await replacedTimes(lost2)) === 1)
    expect(await isGone(lost1)).toBe(true)
    expect(await names(a)).toEqual(expect.arrayContaining(['TROIS', 'QUATRE']))
    expect(await names(a)).toHaveLength(3)
    // What is for the one that is away waits ahead of the new keys.
    await a.send(toB, 'entre les deux')
    await until(async () => (await a.thread(toB))[0]?.delivery === 'delivered')
    await lose(a, 'QUATRE')
    await until(async () => (await replacedTimes(a)) === 2)
    expect(await names(a)).toHaveLength(1)
    expect((await a.ready()).alerts).toContainEqual(
      expect.objectContaining({ kind: 'deviceRemoved', deviceName: 'TROIS' }),
    )
    await away.restart()
    await until(async () => isGone(away))
  })

  it('and another one at the same time, said at two desks, leave both with one key', async () => {
    const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
    const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
    const [lost1, a3, lost2] = [await linked(a, 'DEUX'), await linked(a, 'TROIS'), await linked(a, 'QUATRE')]
    for (const one of [a, a3]) await until(async () => (await names(one)).length === 4)
    await b.send(toA, 'sous la première clé')
    for (const one of [a, a3]) await until(async () => (await texts(one, toB)).length === 1)
    await here.relay.kill()
    for (const one of [a, a3]) await until(async () => (await one.ready()).connection.state === 'offline')
    await lose(a, 'DEUX')
    await lose(a3, 'QUATRE')
    const first = [(await keysOf(a))[1], (await keysOf(a3))[1]]
    await here.relay.up()
    for (const one of [a, a3]) await until(async () => (await replacedTimes(one)) === 2)
    await b.send(toA, 'pour les deux')
    // Between the two replacements B may have seen a key that is gone by now.
    const groupsOf = async (one: Workstation, accountId: string) =>
      (await one.ask('identity.safetyNumber', { accountId })).groups
    const groups = await groupsOf(a, toB)
    await until(async () => (await groupsOf(b, toA)).join(' ') === groups.join(' '))
    expect((await b.ready()).conversations[0]?.identity).toBe('changed')
    await b.ask('identity.accept', { accountId: toA, groups })
    for (const one of [a, a3]) {
      await until(async () => (await texts(one, toB)).includes('pour les deux'))
      expect(await groupsOf(one, toB)).toEqual(groups)
      expect(await names(one)).toHaveLength(2)
    }
    await a3.send(toB, 'du troisième')
    await until(async () => (await texts(a, toB)).includes('du troisième'))
    await until(async () => (await texts(b, toA)).includes('du troisième'))
    // Each desk had handed its first one to the device that the other calls lost, or was about to.
    expect(first).not.toContain((await keysOf(a))[0])
    for (const lost of [lost1, lost2]) expect(await keysOf(lost)).not.toContain((await keysOf(a))[0])
  })

  it('and another one that was handed the new key are followed by yet another key', async () => {
    const a = await enrolled('Solène')
    const [lost1, lost2, a4] = [await linked(a, 'DEUX'), await linked(a, 'TROIS'), await linked(a, 'QUATRE')]
    for (const one of [a, lost2, a4]) await until(async () => (await names(one)).length === 4)
    await Promise.all([lose(a, 'DEUX'), lose(a, 'TROIS')])
    for (const one of [a, a4]) await until(async () => (await replacedTimes(one)) === 2)
    await until(async () => (await isGone(lost1)) && (await isGone(lost2)))
    await until(async () => {
      const [[final], ofOther] = [await keysOf(a), await keysOf(a4)]
      return final === ofOther[0] && !(await isUnderWay(a))
    })
    for (const lost of [lost1, lost2]) expect(await keysOf(lost)).not.toContain((await keysOf(a))[0])
  })

  it('does not let in who was linked after it was said, for it may be the thief’s', async () => {
    const a = await enrolled('Solène')
    const [lost, a3] = [await linked(a, 'DEUX'), await linked(a, 'TROIS')]
    await until(async () => (await names(lost)).length === 3)
    await here.relay.kill()
    await until(async () => (await a.ready()).connection.state === 'offline')
    await lose(a, 'DEUX')
    await a.engine.stop()
    await here.relay.up()
    const late = await linked(lost, 'QUATRE')
    await a.restart()
    for (const one of [lost, late]) await until(async () => isGone(one))
    await until(async () => (await replacedTimes(a3)) === 1)
    expect((await names(a)).toSorted()).toEqual(['POSTE-1', 'TROIS'])
    expect(await keysOf(late)).not.toContain((await keysOf(a))[0])
  })
})
