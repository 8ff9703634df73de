import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Listener {
  /** `http://127.0.0.1:port/` */
  readonly address: string
  /** Connections and datagrams so far: whoever came, whatever they said. */
  readonly visits: () => number
  close(): Promise<void>
}

/** Counts whoever reaches one port of loopback, by TCP or UDP. */
export async function listen(): Promise<Listener> {
  let visits = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    visits += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.end(
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\nx',
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  const datagrams = createSocket('udp4', () => (visits += 1))
  datagrams.bind(port, '127.0.0.1')
  await once(datagrams, 'listening')
  return {
    address: `http://127.0.0.1:${port}/`,
    visits: () => visits,
    async close() {
      datagrams.close()
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
