import { randomBytes, randomUUID } from 'node:crypto'
import { toBase64Url, utf8 } from '../../base/bytes.ts'
import { readJournalRows } from '../../storage/repositories/journal.ts'
import { socketPath, type Bundle, type OwnDevice } from '../../wire/http.ts'
import { Tampered } from '../testing/tamperingProxy.ts'
import { until, Workstation } from '../testing/workstation.ts'
import { requireThat, type Attack } from './attack.ts'
import { selfMade } from './bundles.ts'
import { newIdentityKeyPair } from '../../protocol/keys.ts'
import type { Stage } from './stage.ts'

interface DeviceList {
  readonly revision: number
  readonly identityKey: string
  readonly devices: readonly OwnDevice[]
}

let revision = 1_000_000

/** The relay says that the list of the account's own devices is another one now, and answers with this. */
async function listed(stage: Stage, change: (list: DeviceList) => unknown): Promise<void> {
  let asked = 0
  stage.proxy.tamper = (path, answer) => {
    if (path !== '/v1/devices') return answer
    asked += 1
    return change(answer as DeviceList)
  }
  revision += 1
  stage.proxy
    .lines(socketPath)
    .at(-1)
    ?.tellWorkstation({ case: 'devicesChanged', value: { devicesRevision: BigInt(revision) } })
  await until(async () => asked > 0)
}

async function refusedDevices(stage: Stage): Promise<number> {
  return (await stage.a.peek(readJournalRows)).filter(({ type }) => type === 'device.refused').length
}

/** A device that the account's identity key does not vouch for is written down and gets nothing. */
function inventedDevice(does: string, invent: (devices: readonly OwnDevice[]) => OwnDevice): Attack {
  return {
    does,
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      const before = await refusedDevices(stage)
      await listed(stage, (list) => ({ ...list, devices: [...list.devices, invent(list.devices)] }))
      await until(async () => (await refusedDevices(stage)) > before)
      return null
    },
  }
}

function secondOf(devices: readonly OwnDevice[]): OwnDevice {
  const second = devices.find(({ deviceId }) => deviceId === 2)
  if (second === undefined) throw new Error('no second device')
  return second
}

const noSignature = toBase64Url(new Uint8Array(64))

/** What it can say of the account's own devices. */
const deviceLists: readonly Attack[] = [
  inventedDevice('adds a device to the account that nobody has attested', (devices) => ({
    ...secondOf(devices),
    deviceId: 3,
    attestation: noSignature,
  })),
  inventedDevice('adds a device with the attestation of another', (devices) => ({
    ...secondOf(devices),
    deviceId: 4,
  })),
  inventedDevice('adds a device of another account’s, attested there', (devices) => ({
    ...secondOf(devices),
    deviceId: 5,
    deviceKey: toBase64Url(new Uint8Array(randomBytes(32))),
  })),
  {
    does: 'lists the account’s devices in another order',
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      await listed(stage, (list) => ({ ...list, devices: list.devices.toReversed() }))
      return null
    },
  },
  {
    does: 'leaves out the device that asks',
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      await listed(stage, (list) => ({ ...list, devices: [secondOf(list.devices)] }))
      return null
    },
  },
  {
    does: 'takes the attestation of the device that asks away',
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      await listed(stage, (list) => ({
        ...list,
        devices: list.devices.map((one) => (one.deviceId === 1 ? { ...one, attestation: noSignature } : one)),
      }))
      return null
    },
  },
  {
    does: 'names another identity key for the account itself',
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      await listed(stage, (list) => ({ ...list, identityKey: toBase64Url(stage.mallory.identityKey) }))
      return null
    },
  },
  {
    does: 'leaves out another device of the account',
    comesOf: 'shown',
    gives: 'deviceRemoved',
    run: async (stage) => {
      const newest = async () => (await stage.a.ready()).alerts.map(({ kind }) => kind)
      const before = (await newest()).length
      await listed(stage, (list) => ({
        ...list,
        devices: list.devices.filter(({ deviceId }) => deviceId === 1),
      }))
      await until(async () => (await newest()).length > before)
      const given = (await newest()).at(-1) ?? null
      await listed(stage, (list) => list)
      await until(async () => (await stage.a.ask('device.list', {})).devices.length === 2)
      return given
    },
  },
]

/** Looks a person up whom `a` does not know; answers why that failed. */
function answered(does: string, gives: Attack['gives'], answer: (stage: Stage) => Tampered): Attack {
  return {
    does,
    comesOf: 'blocked',
    gives,
    run: async (stage) => {
      stage.proxy.instead = (path) => (path === '/v1/account' ? answer(stage) : null)
      return await stage.a.refusal('conversation.open', { accountId: randomUUID() })
    },
  }
}

/** While the relay answers so, what is written waits; then it leaves. */
function waits(does: string, path: string, lie: (stage: Stage) => unknown, prepare: string): Attack {
  return {
    does,
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let asked = 0
      stage.proxy.instead = (one) => {
        if (one !== path) return null
        asked += 1
        return new Tampered(200, lie(stage))
      }
      await stage.a.inVault((vault) => vault.transaction((tx) => void tx.run(prepare)))
      await stage.backOnline()
      const to = stage.mallory.accountId
      const before = stage.tap.countTo(to)
      await stage.a.send(to, does)
      await until(async () => asked > 0)
      requireThat(stage.tap.countTo(to) === before, 'something left')
      stage.beHonest()
      await stage.reconnect()
      await until(async () => (await stage.waitingFor(to)) === 0)
      return null
    },
  }
}

const answers: readonly Attack[] = [
  answered(
    'answers for another account of the directory',
    'relay.malformedAnswer',
    ({ idOfB }) =>
      new Tampered(200, {
        accountId: idOfB,
        displayName: 'Une autre',
        title: '',
        service: '',
        organisation: '',
      }),
  ),
  answered(
    'answers something that is no person',
    'relay.malformedAnswer',
    () => new Tampered(200, { nobody: true }),
  ),
  answered(
    'answers with ten megabytes',
    'relay.malformedAnswer',
    () => new Tampered(200, { much: 'x'.repeat(10 * 1024 * 1024) }),
  ),
  answered(
    'refuses with a code that there is not',
    'relay.malformedAnswer',
    () => new Tampered(400, { code: 'all.isLost' }),
  ),
  answered('is broken', 'relay.unavailable', () => new Tampered(503, 'no')),
  waits(
    'gives the sender certificate of somebody else',
    '/v1/certificate',
    ({ mallory }) => ({
      certificate: toBase64Url(mallory.certificate()),
      expiresAt: Date.now() + 24 * 3_600_000,
    }),
    'UPDATE account SET sender_certificate = NULL',
  ),
  waits(
    'gives a sender certificate that is none',
    '/v1/certificate',
    () => ({ certificate: toBase64Url(utf8('certificate')), expiresAt: Date.now() + 24 * 3_600_000 }),
    'UPDATE account SET sender_certificate = NULL',
  ),
  waits(
    'draws permits that are worth nothing',
    '/v1/permits',
    () => ({ response: toBase64Url(new Uint8Array(randomBytes(4_000))), left: 100 }),
    'DELETE FROM permit',
  ),
]

/** What it can do while a device is linked. */
const linking: readonly Attack[] = [
  swapped('swaps the key of a device that is being linked', (found) => ({
    ...found,
    ephemeralKey: `B${toBase64Url(new Uint8Array(randomBytes(33))).slice(1)}`,
  })),
  swapped('swaps what the code of a device was made with', (found) => ({
    ...found,
    nonce: toBase64Url(new Uint8Array(randomBytes(16))),
  })),
  {
    does: 'hands a device over that nobody has linked',
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      const next = await waiting(stage)
      stage.proxy.tamper = (path, answer) =>
        path === '/v1/link/take' ? { sealed: toBase64Url(new Uint8Array(randomBytes(400))) } : answer
      const linking = async (): Promise<boolean> => {
        const { state } = await next.station.snapshot()
        return state.phase === 'enrolment' && state.link !== null
      }
      await until(async () => !(await linking()))
      requireThat((await next.station.snapshot()).state.phase === 'enrolment', 'it was taken in')
      await next.station.end()
      return null
    },
  },
]

interface Found {
  readonly ephemeralKey: string
  readonly nonce: string
}

async function waiting(stage: Stage): Promise<{ readonly station: Workstation; readonly code: string }> {
  const station = await new Workstation().start()
  const { relay } = await stage.a.ask('device.list', {})
  const protection = { kind: 'osKeyStore' } as const
  const { code } = await station.ask('link.begin', { relay, deviceName: 'TROIS', protection })
  return { station, code }
}

/** The person types the code that the new device shows; what the relay has put there does not fit it. */
function swapped(does: string, swap: (found: Found) => unknown): Attack {
  return {
    does,
    comesOf: 'blocked',
    gives: 'link.mismatch',
    run: async (stage) => {
      const { station, code } = await waiting(stage)
      stage.proxy.requests.length = 0
      stage.proxy.tamper = (path, answer) => (path === '/v1/link/find' ? swap(answer as Found) : answer)
      const given = await stage.a.refusal('device.link', { code })
      const sent = stage.proxy.requests.filter((one) => one.includes('/v1/link/answer'))
      requireThat(sent.length === 0, 'keys were sent')
      await station.end()
      return given
    },
  }
}

/** A stranger's keys cannot be told from the relay's own at first; that they are others later is shown. */
const firstContact: Attack = {
  does: 'gives a key of its own at the first contact, and the true one later',
  comesOf: 'shown',
  gives: 'identity.changed',
  run: async (stage) => {
    const { accountId } = stage.stranger
    const forged = newIdentityKeyPair()
    await stage.a.ask('conversation.open', { accountId })
    stage.proxy.tamper = (path, answer) =>
      path === '/v1/bundle' ? selfMade(answer as Bundle, accountId, forged) : answer
    await stage.a.inVault((vault) =>
      vault.transaction((tx) => {
        for (const table of ['session', 'identity']) {
          tx.run(`DELETE FROM ${table} WHERE account_id = ?`, [accountId])
        }
      }),
    )
    await stage.backOnline()
    await stage.a.send(accountId, 'à qui ?')
    await until(async () => (await stage.waitingFor(accountId)) === 0)
    const body = await stage.stranger.envelope(stage.target, { kind: 'typing', typing: true })
    return await stage.refusal(() => stage.inject({ body }))
  },
}

export const answerAttacks: readonly Attack[] = [...deviceLists, ...answers, ...linking, firstContact]
