import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInvitation, initRelay } from '../../src/relay/index.ts'
import {
  enrolDevice,
  loadReceiver,
  loadSender,
  RawSocket,
  type EnrolledDevice,
} from '../../src/relay/benchkit.ts'
import { payloadBytes, type Peer } from './peer.ts'
import { listeningAddress, startServer, type ServerProcess } from './process.ts'

/** Where `npm run bench` puts the programs that are measured. */
const programs = join(process.cwd(), 'out', 'bench-run')

/** The relay as it is, on its embedded engine; budgets that one network address would reach are out of reach. */
export const ours: Peer = {
  name: 'Valise',
  durability: 'fsync before the acknowledgement',
  fsyncs: true,
  async start(folder, env) {
    const data = join(folder, 'relay')
    mkdirSync(folder, { recursive: true })
    await initRelay({ data, organisation: 'Mesures' })
    const { server, address } = await unbudgetedRelay(data, [], env)
    const devices = new Map<number, EnrolledDevice>()
    const deviceOf = async (pair: number): Promise<EnrolledDevice> => {
      const known = devices.get(pair)
      if (known !== undefined) return known
      const { code } = await createInvitation({ data, name: `Pair ${pair}`, address })
      const device = await enrolDevice(address, code)
      devices.set(pair, device)
      return device
    }
    return {
      pid: server.pid,
      stop: server.stop,
      receiver: async (pair, onPayload) => loadReceiver(address, await deviceOf(pair), onPayload),
      sender: async (pair) => loadSender(address, await deviceOf(pair), payloadBytes),
    }
  },
}

export async function unbudgetedRelay(
  data: string,
  options: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly server: ServerProcess; readonly address: string }> {
  const args = ['run', '--data', data, '--port', '0', '--log-level', 'error', ...options]
  const server = startServer(process.execPath, [join(programs, 'entry.unbudgeted.mjs'), ...args], env)
  return { server, address: await listeningAddress(server) }
}

/** The commit loop alone. */
export const prototype: Peer = {
  name: 'commit loop alone',
  durability: 'fsync before the acknowledgement',
  fsyncs: true,
  async start(folder, env) {
    mkdirSync(folder, { recursive: true })
    const server = startServer(process.execPath, [join(programs, 'entry.prototype.mjs'), folder], env)
    const address = await listeningAddress(server)
    return {
      pid: server.pid,
      stop: server.stop,
      receiver: async (pair, onPayload) => {
        const socket = await RawSocket.open(address, '/')
        socket.onMessage = (bytes) => {
          const frame = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
          onPayload(frame.subarray(5))
          socket.send(Buffer.concat([Buffer.from([2]), frame.subarray(1, 5)]))
        }
        socket.send(Buffer.concat([Buffer.from([0]), number(pair)]))
        return { close: () => socket.destroy() }
      },
      sender: async (pair) => {
        const socket = await RawSocket.open(address, '/')
        const open = new Map<number, () => void>()
        let count = 0
        socket.onMessage = (bytes) => {
          const request = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(1)
          open.get(request)?.()
          open.delete(request)
        }
        return {
          send: (payload, stored) => {
            open.set(++count, stored)
            socket.send(Buffer.concat([Buffer.from([1]), number(count), number(pair), payload]))
          },
          close: () => socket.destroy(),
        }
      },
    }
  },
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Compiles the library that slows every fsync down; its environment for a server's process. */
export function slowSync(folder: string, microseconds: number): Record<string, string> {
  const library = join(folder, 'slowSync.so')
  const source = join(process.cwd(), 'src/relay/testing/faults/slowSync.c')
  const { status } = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'], {
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('No C compiler: on Debian, apt-get install gcc libc6-dev')
  return { LD_PRELOAD: library, SLOW_SYNC_US: String(microseconds) }
}
