import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInvitation, initRelay, startRelay, type RelayOptions, type RunningRelay } from '../index.ts'
import { enrolDevice, newDevice, type EnrolledDevice } from './client.ts'

/** A real relay in this process, in a folder of its own; `data` names one that there is. */
export interface RelayFixture {
  readonly data: string
  readonly relay: RunningRelay
  readonly address: string
  invite(name: string): Promise<string>
  /** An account with its first device, named by the administrator. */
  enrol(name: string, oneTimeKeys?: number): Promise<EnrolledDevice>
  /** Stops and starts on the same folder; the new one listens elsewhere. */
  restart(): Promise<RelayFixture>
  end(): Promise<void>
}

export async function relayFixture(options: Partial<RelayOptions> = {}): Promise<RelayFixture> {
  if (options.data !== undefined) return running(options.data, options)
  const data = join(await mkdtemp(join(tmpdir(), 'valise-relay-')), 'data')
  await initRelay({ data, organisation: 'Ministère des essais' })
  return running(data, options)
}

/** A client of a slow machine is not given up: who tests that says so with a time of its own. */
const patient = {
  authenticationMs: 600_000,
  keepAliveMs: 600_000,
  holderProbeMs: 60_000,
  bodyMs: 600_000,
  stopMs: 100_000,
}

async function running(data: string, options: Partial<RelayOptions>): Promise<RelayFixture> {
  const relay = await startRelay({ ...options, times: { ...patient, ...options.times }, data })
  const { address } = relay
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const invite = async (name: string): Promise<string> =>
    (await createInvitation({ data, name, address, ...clock })).code
  return {
    data,
    relay,
    address,
    invite,
    enrol: async (name, oneTimeKeys = 2) =>
      enrolDevice(address, await invite(name), newDevice(), oneTimeKeys),
    restart: async () => {
      await relay.stop()
      return running(data, options)
    },
    end: async () => {
      await relay.stop()
      await rm(join(data, '..'), { recursive: true, force: true })
    },
  }
}
