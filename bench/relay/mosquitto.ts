import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BatchedSocket } from './batchedSocket.ts'
import type { Peer } from './peer.ts'
import { reachable, startServer } from './process.ts'

const port = 19_201
const types = { connect: 1, connack: 2, publish: 3, puback: 4, subscribe: 8, suback: 9 } as const

/** MQTT 3.1.1, QoS 1, persistent sessions. */
export const mosquitto: Peer = {
  name: 'Mosquitto',
  durability: 'in memory, a snapshot every half hour',
  fsyncs: false,
  async start(folder, env) {
    mkdirSync(folder, { recursive: true })
    const settings = [
      `listener ${port} 127.0.0.1`,
      'user root',
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${folder}/`,
      'autosave_interval 1800',
      'max_queued_messages 0',
      'max_inflight_messages 1000',
      'set_tcp_nodelay true',
      'log_type error',
    ]
    const file = join(folder, 'mosquitto.conf')
    writeFileSync(file, `${settings.join('\n')}\n`)
    const server = startServer('/usr/sbin/mosquitto', ['-c', file], env)
    await reachable(port)
    return {
      pid: server.pid,
      stop: server.stop,
      receiver: async (pair, onPayload) => {
        const client = await MqttClient.open(`receiver${pair}`, false, onPayload)
        await client.subscribe(`u/${pair}`)
        return client
      },
      sender: async (pair) => {
        const client = await MqttClient.open(`sender${pair}`, true, () => undefined)
        return {
          send: (payload, stored) => client.publish(`u/${pair}`, payload, stored),
          close: () => client.close(),
        }
      },
    }
  },
}

class MqttClient {
  #socket: BatchedSocket | null = null
  readonly #onPayload: (payload: Uint8Array) => void
  readonly #open = new Map<number, () => void>()
  #id = 0
  #answered: () => void = () => undefined

  private constructor(onPayload: (payload: Uint8Array) => void) {
    this.#onPayload = onPayload
  }

  static async open(
    id: string,
    clean: boolean,
    onPayload: (payload: Uint8Array) => void,
  ): Promise<MqttClient> {
    const client = new MqttClient(onPayload)
    client.#socket = await BatchedSocket.open(port, (bytes) => client.#parse(bytes))
    const head = Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, clean ? 2 : 0, 0, 0])
    await client.#ask(packet(types.connect << 4, head, text(id)))
    return client
  }

  async subscribe(topic: string): Promise<void> {
    await this.#ask(packet((types.subscribe << 4) | 2, Buffer.from([0, 1]), text(topic), Buffer.from([1])))
  }

  publish(topic: string, payload: Uint8Array, stored: () => void): void {
    this.#id = (this.#id % 0xffff) + 1
    this.#open.set(this.#id, stored)
    this.#socket?.write(packet((types.publish << 4) | 2, text(topic), number(this.#id), payload))
  }

  close(): void {
    this.#socket?.close()
  }

  async #ask(bytes: Buffer): Promise<void> {
    const answer = new Promise<void>((resolve) => (this.#answered = resolve))
    this.#socket?.write(bytes)
    await answer
  }

  #parse(bytes: Buffer): number {
    let at = 0
    for (;;) {
      const found = lengthAt(bytes, at + 1)
      if (found === null || found.after + found.length > bytes.length) return at
      const end = found.after + found.length
      this.#take((bytes[at] ?? 0) >> 4, bytes.subarray(found.after, end))
      at = end
    }
  }

  #take(type: number, body: Buffer): void {
    if (type === types.puback) {
      const id = body.readUInt16BE(0)
      const stored = this.#open.get(id)
      this.#open.delete(id)
      stored?.()
    } else if (type === types.publish) {
      const topic = 2 + body.readUInt16BE(0)
      this.#socket?.write(Buffer.from([types.puback << 4, 2]), body.subarray(topic, topic + 2))
      this.#onPayload(body.subarray(topic + 2))
    } else this.#answered()
  }
}

function packet(first: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = []
  for (let rest = body.length; length.length === 0 || rest > 0; rest >>= 7)
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

function lengthAt(bytes: Buffer, from: number): { readonly length: number; readonly after: number } | null {
  let length = 0
  for (let index = 0; from + index < bytes.length; index += 1) {
    const byte = bytes[from + index] ?? 0
    length |= (byte & 0x7f) << (7 * index)
    if (byte < 0x80) return { length, after: from + index + 1 }
  }
  return null
}

function text(value: string): Buffer {
  return Buffer.concat([number(value.length), Buffer.from(value)])
}

function number(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
