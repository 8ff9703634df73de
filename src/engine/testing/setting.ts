import { afterAll, afterEach, beforeAll } from 'vitest'
import { RelayProcess, type TlsFiles } from './relayProcess.ts'
import { Workstation } from './workstation.ts'

/** What the tests of a file share: one relay, and workstations that end with each test. */
export interface Setting {
  readonly relay: RelayProcess
  /** A workstation before its enrolment. */
  fresh(): Promise<Workstation>
  /** One with the account of a new invitation. */
  enrolled(name: string, invitation?: string): Promise<Workstation>
  /** One that serves all tests of the file. */
  lasting(name: string): Promise<Workstation>
}

/** To be called at the top of a test file. */
export function setting(tls: () => TlsFiles | null = () => null): Setting {
  let relay: RelayProcess | null = null
  const stations: Workstation[] = []
  const lasting: Workstation[] = []
  beforeAll(async () => {
    relay = await RelayProcess.start(tls())
  })
  afterEach(async () => {
    await Promise.all(stations.splice(0).map((station) => station.end()))
  })
  afterAll(async () => {
    await Promise.all(lasting.map((station) => station.end()))
    await relay?.end()
  })
  const running = (): RelayProcess => {
    if (relay === null) throw new Error('the relay starts with the first test')
    return relay
  }
  const fresh = async (): Promise<Workstation> => {
    const station = new Workstation()
    stations.push(station)
    return await station.start()
  }
  return {
    get relay() {
      return running()
    },
    fresh,
    enrolled: async (name, invitation) => {
      const station = await fresh()
      await station.enrol(invitation ?? (await running().invite(name)))
      return station
    },
    lasting: async (name) => {
      const station = new Workstation()
      lasting.push(station)
      await station.start()
      await station.enrol(await running().invite(name))
      return station
    },
  }
}
