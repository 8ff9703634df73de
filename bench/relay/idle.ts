import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createInvitation, initRelay } from '../../src/relay/index.ts'
import {
  enrolDevice,
  loadReceiver,
  testTls,
  type EnrolledDevice,
  type LoadEnd,
} from '../../src/relay/benchkit.ts'
import { atMost, type Figure } from '../figure.ts'
import { unbudgetedRelay } from './ours.ts'
import { proportionalBytes } from './process.ts'

const batch = 50
const restMs = 1_500
const goalBytes = 35_000

/** Memory of a device's connection over TLS on which nothing happens: growth of the relay's share of memory. */
export async function idleConnections(folder: string, count: number): Promise<Figure> {
  const data = join(folder, 'relay')
  mkdirSync(folder, { recursive: true })
  await initRelay({ data, organisation: 'Mesures' })
  const files = { certificate: join(folder, 'tls.pem'), key: join(folder, 'tls.key') }
  writeFileSync(files.certificate, testTls.certificate)
  writeFileSync(files.key, testTls.key)
  const plain = await unbudgetedRelay(data, [], {})
  const devices: EnrolledDevice[] = []
  for (let number = 0; number < count; number += 1) {
    const { code } = await createInvitation({ data, name: `Idle ${number}`, address: plain.address })
    devices.push(await enrolDevice(plain.address, code, undefined, 0))
  }
  await plain.server.stop()
  const { server, address } = await unbudgetedRelay(
    data,
    ['--tls-certificate', files.certificate, '--tls-key', files.key],
    {},
  )
  const open: LoadEnd[] = []
  try {
    const connect = async (from: number): Promise<void> => {
      const some = devices.slice(from, from + batch)
      const tls = { certificate: testTls.certificate }
      open.push(
        ...(await Promise.all(
          some.map(async (device) => loadReceiver(address, device, () => undefined, tls)),
        )),
      )
    }
    // The first connections pay for what all share.
    await connect(0)
    await wait(restMs)
    const before = proportionalBytes(server.pid)
    for (let from = batch; from < count; from += batch) await connect(from)
    await wait(restMs)
    const value = (proportionalBytes(server.pid) - before) / (count - batch)
    const beside = { name: `${goalBytes / 1_000} kB`, value: goalBytes }
    return atMost({
      name: `memory of an idle TLS connection, ${count} of them`,
      value,
      unit: 'bytes',
      beside,
      goal: 1,
    })
  } finally {
    for (const end of open) end.close()
    await server.stop()
  }
}
