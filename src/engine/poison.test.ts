import { randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import { expect, it } from 'vitest'
import { copyBytes, fromUuid, type Bytes } from '../base/bytes.ts'
import { signWithDeviceKey } from '../protocol/keys.ts'
import { readAccount, type Account } from '../storage/repositories/account.ts'
import { countQuarantined } from '../storage/repositories/quarantine.ts'
import { openSocket, type Welcomed } from './relay/socket.ts'
import { setting } from './testing/setting.ts'
import { until, type Workstation } from './testing/workstation.ts'

const { enrolled } = setting()

async function accountOf(station: Workstation): Promise<Account> {
  const account = await station.inVault((vault) => readAccount(vault.sql))
  if (account === null) throw new Error('no account')
  return account
}

/** A login of an enrolled device that speaks the frames by hand. */
async function rawLogin(account: Account): Promise<Welcomed> {
  const { accountId, deviceId, relayId, relayAddress } = account.record
  const sign = (input: Uint8Array): Bytes => signWithDeviceKey(account.deviceKey, input)
  return await openSocket(
    { origin: relayAddress, agent: new Agent() },
    { accountId, deviceId, relayId, sign },
    { deliver: () => undefined, queueEmpty: () => undefined, closed: () => undefined },
  )
}

it('keeps poison in quarantine and takes in everything between', async () => {
  const [a, b, mallory] = [await enrolled('A'), await enrolled('B'), await enrolled('M')]
  const toB = await a.openConversation(b)
  const { record } = await accountOf(b)
  const attacker = await accountOf(mallory)
  await mallory.engine.stop()
  const { socket } = await rawLogin(attacker)
  const destination = fromUuid(record.accountId) ?? new Uint8Array()
  const poison = [
    new Uint8Array(1),
    copyBytes(randomBytes(100)),
    Uint8Array.of(0x11, ...randomBytes(300)),
    Uint8Array.of(0x22, ...randomBytes(300)),
    copyBytes(randomBytes(80_000)),
  ]
  await b.engine.stop()
  const texts = Array.from({ length: 40 }, (_, n) => `entre deux ${n}`)
  for (const [n, text] of texts.entries()) {
    await a.send(toB, text)
    await until(async () => (await a.thread(toB)).at(-1)?.delivery === 'sent')
    const outcome = await socket.put(destination, [
      {
        deviceId: record.deviceId,
        registrationId: record.registrationId,
        envelopeId: copyBytes(randomBytes(16)),
        body: poison[n % poison.length] ?? new Uint8Array(1),
      },
    ])
    expect(outcome.kind).toBe('stored')
  }
  socket.close()
  await b.restart()
  const toA = await a.accountId()
  await until(async () => (await b.texts(toA)).length === texts.length)
  expect(await b.texts(toA)).toEqual(texts)
  await until(async () => (await b.ready()).connection.state === 'online')
  expect(await b.inVault((vault) => countQuarantined(vault.sql))).toBe(texts.length)
  expect(await b.texts(toA)).toEqual(texts)
  await a.send(toB, 'après')
  await until(async () => (await b.texts(toA)).at(-1) === 'après')
})
