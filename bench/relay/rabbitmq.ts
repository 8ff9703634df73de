import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'amqplib'
import type { Peer } from './peer.ts'
import { reachable, startServer } from './process.ts'

const port = 19_203
const distributionPort = '19213'
const prefetch = 1_000

/** A server that stops resets what is still closing; a measurement that lost its connection says that it is not complete. */
async function connected(): ReturnType<typeof connect> {
  const connection = await connect(`amqp://127.0.0.1:${port}`, { noDelay: true })
  connection.on('error', () => undefined)
  return connection
}

/** One quorum queue for each receiver, publisher confirms, persistent messages. */
export const rabbitmq: Peer = {
  name: 'RabbitMQ quorum queues',
  durability: 'fsync before the confirm',
  fsyncs: true,
  async start(folder, env) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'rabbitmq.conf'),
      `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console.level = error\n`,
    )
    writeFileSync(join(folder, 'enabled_plugins'), '[].\n')
    const server = startServer('/usr/lib/rabbitmq/bin/rabbitmq-server', [], {
      ...env,
      HOME: folder,
      RABBITMQ_NODENAME: 'bench@localhost',
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
      RABBITMQ_DIST_PORT: distributionPort,
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    })
    await reachable(port)
    return {
      pid: server.pid,
      stop: server.stop,
      receiver: async (pair, onPayload) => {
        const connection = await connected()
        const channel = await connection.createChannel()
        await channel.assertQueue(`u${pair}`, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
        await channel.prefetch(prefetch)
        await channel.consume(`u${pair}`, (message) => {
          if (message === null) return
          channel.ack(message)
          onPayload(message.content)
        })
        return { close: () => void connection.close() }
      },
      sender: async (pair) => {
        const connection = await connected()
        const channel = await connection.createConfirmChannel()
        return {
          send: (payload, stored) =>
            void channel.sendToQueue(`u${pair}`, Buffer.from(payload), { persistent: true }, () => stored()),
          close: () => void connection.close(),
        }
      },
    }
  },
}
