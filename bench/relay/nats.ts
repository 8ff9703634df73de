import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BatchedSocket } from './batchedSocket.ts'
import type { Peer } from './peer.ts'
import { reachable, startServer } from './process.ts'

const port = 19_202
const stream = {
  name: 'Q',
  subjects: ['q.>'],
  retention: 'workqueue',
  storage: 'file',
  num_replicas: 1,
  discard: 'old',
}

/** JetStream: a work queue on file, a durable push consumer for each receiver. */
export const nats: Peer = {
  name: 'NATS JetStream',
  durability: 'in the page cache, an fsync every two minutes',
  fsyncs: false,
  async start(folder, env) {
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'nats.conf')
    const limits = 'max_mem: 1G, max_file: 20G'
    writeFileSync(file, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}", ${limits} }\n`)
    const server = startServer('/usr/sbin/nats-server', ['-c', file, '-l', join(folder, 'nats.log')], env)
    await reachable(port)
    const manager = await NatsClient.open()
    await manager.ask('$JS.API.STREAM.CREATE.Q', stream)
    const known = new Set<number>()
    return {
      pid: server.pid,
      stop: server.stop,
      receiver: async (pair, onPayload) => {
        const client = await NatsClient.open()
        client.subscribe(`d.${pair}`, (payload, reply) => {
          onPayload(payload)
          client.publish(reply, acknowledgement)
        })
        if (!known.has(pair)) await manager.ask(`$JS.API.CONSUMER.DURABLE.CREATE.Q.c${pair}`, consumer(pair))
        known.add(pair)
        return client
      },
      sender: async (pair) => {
        const client = await NatsClient.open()
        return {
          send: (payload, stored) => client.publish(`q.${pair}`, payload, client.inbox(stored)),
          close: () => client.close(),
        }
      },
    }
  },
}

const acknowledgement = Buffer.from('+ACK')

function consumer(pair: number): object {
  return {
    stream_name: 'Q',
    config: {
      durable_name: `c${pair}`,
      deliver_subject: `d.${pair}`,
      filter_subject: `q.${pair}`,
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: 30_000_000_000,
      max_ack_pending: 5_000,
      replay_policy: 'instant',
    },
  }
}

type Listener = (payload: Buffer, reply: string) => void

const lineEnd = Buffer.from('\r\n')
let clients = 0

class NatsClient {
  #socket: BatchedSocket | null = null
  readonly #inbox = `_INBOX.${process.pid}.${++clients}.`
  readonly #listeners = new Map<string, Listener>()
  readonly #answers = new Map<string, (payload: Buffer) => void>()
  #count = 0

  static async open(): Promise<NatsClient> {
    const client = new NatsClient()
    client.#socket = await BatchedSocket.open(port, (bytes) => client.#parse(bytes))
    client.#socket.write(
      Buffer.from('CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1"}\r\n'),
    )
    client.subscribe(`${client.#inbox}*`, () => undefined)
    return client
  }

  subscribe(subject: string, listener: Listener): void {
    const id = String(this.#listeners.size + 1)
    this.#listeners.set(id, listener)
    this.#socket?.write(Buffer.from(`SUB ${subject} ${id}\r\n`))
  }

  /** A subject of its own for one answer. */
  inbox(answered: (payload: Buffer) => void): string {
    const subject = `${this.#inbox}${++this.#count}`
    this.#answers.set(subject, answered)
    return subject
  }

  publish(subject: string, payload: Uint8Array, reply = ''): void {
    this.#socket?.write(Buffer.from(`PUB ${subject} ${reply} ${payload.length}\r\n`), payload, lineEnd)
  }

  async ask(subject: string, body: object): Promise<void> {
    const text = await new Promise<string>((resolve) =>
      this.publish(
        subject,
        Buffer.from(JSON.stringify(body)),
        this.inbox((payload) => resolve(payload.toString())),
      ),
    )
    if (text.includes('"error"')) throw new Error(`${subject}: ${text}`)
  }

  close(): void {
    this.#socket?.close()
  }

  #parse(bytes: Buffer): number {
    let at = 0
    for (;;) {
      const end = bytes.indexOf(lineEnd, at)
      if (end < 0) return at
      const words = bytes.toString('latin1', at, end).split(' ')
      if (words[0] === 'MSG') {
        const after = end + 2 + Number(words.at(-1)) + 2
        if (after > bytes.length) return at
        this.#take(words, bytes.subarray(end + 2, after - 2))
        at = after
      } else {
        if (words[0] === 'PING') this.#socket?.write(Buffer.from('PONG\r\n'))
        at = end + 2
      }
    }
  }

  #take([, subject = '', id = '', ...rest]: readonly string[], payload: Buffer): void {
    const answered = this.#answers.get(subject)
    if (answered === undefined) {
      this.#listeners.get(id)?.(payload, rest.length > 1 ? (rest[0] ?? '') : '')
      return
    }
    this.#answers.delete(subject)
    answered(payload)
  }
}
