import { createServer } from 'node:http'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { WebSocketServer, type WebSocket } from 'ws'

/**
 * `entry.prototype.js FOLDER`: the floor that the relay is measured against: its commit loop with nothing around it. No
 * proof, no permission, no limits, no idempotence; an acknowledgement deletes whatever it names. Little endian frames:
 * in, 0 device; 1 request, to, body; 2 ids. Out, 1 request; 2 id, body.
 */
const db = new Database(join(process.argv[2] ?? '.', 'prototype.db'))
for (const pragma of [
  'journal_mode = WAL',
  'synchronous = FULL',
  'cache_size = -65536',
  'wal_autocheckpoint = 4000',
])
  db.pragma(pragma)
db.exec(
  'CREATE TABLE q (id INTEGER PRIMARY KEY, dev INTEGER NOT NULL, body BLOB NOT NULL); CREATE INDEX qd ON q (dev, id)',
)
const insert = db.prepare<[number, number, Buffer]>('INSERT INTO q (id, dev, body) VALUES (?, ?, ?)')
const remove = db.prepare<[number]>('DELETE FROM q WHERE id = ?')
const waiting = db.prepare<[number], { id: number; body: Buffer }>(
  'SELECT id, body FROM q WHERE dev = ? ORDER BY id',
)

interface Put {
  readonly from: WebSocket
  readonly request: number
  readonly to: number
  readonly body: Buffer
  readonly id: number
}

const online = new Map<number, WebSocket>()
let [puts, deletes, lastId, scheduled]: [Put[], number[], number, boolean] = [[], [], 0, false]

function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(commit)
}

function commit(): void {
  const [newPuts, newDeletes] = [puts, deletes]
  ;[puts, deletes, scheduled] = [[], [], false]
  db.transaction(() => {
    for (const { id, to, body } of newPuts) insert.run(id, to, body)
    for (const id of newDeletes) remove.run(id)
  }).immediate()
  const corked = new Set<WebSocket>()
  for (const put of newPuts) {
    answer(corked, put.from, numbers(1, put.request))
    const to = online.get(put.to)
    if (to !== undefined) answer(corked, to, Buffer.concat([numbers(2, put.id), put.body]))
  }
  for (const socket of corked) streamOf(socket)?.uncork()
}

function answer(corked: Set<WebSocket>, socket: WebSocket, bytes: Buffer): void {
  if (!corked.has(socket)) streamOf(socket)?.cork()
  corked.add(socket)
  socket.send(bytes)
}

const streams = new WeakMap<WebSocket, { cork(): void; uncork(): void }>()
function streamOf(socket: WebSocket): { cork(): void; uncork(): void } | undefined {
  return streams.get(socket)
}

function numbers(kind: number, value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = kind
  bytes.writeUInt32LE(value, 1)
  return bytes
}

function receive(socket: WebSocket, frame: Buffer): void {
  const first = frame.readUInt32LE(1)
  if (frame[0] === 0) {
    online.set(first, socket)
    for (const { id, body } of waiting.all(first)) socket.send(Buffer.concat([numbers(2, id), body]))
  } else if (frame[0] === 1) {
    const put = {
      from: socket,
      request: first,
      to: frame.readUInt32LE(5),
      body: frame.subarray(9),
      id: ++lastId,
    }
    puts.push(put)
    schedule()
  } else {
    for (let at = 1; at < frame.length; at += 4) deletes.push(frame.readUInt32LE(at))
    setTimeout(schedule, 5)
  }
}

const server = createServer()
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false })
server.on('upgrade', (request, stream, head) =>
  sockets.handleUpgrade(request, stream, head, (socket) => {
    streams.set(socket, stream)
    socket.on('message', (data: Buffer) => receive(socket, data))
    socket.on('close', () => {
      for (const [device, there] of online) if (there === socket) online.delete(device)
    })
  }),
)
server.listen(0, '127.0.0.1', () => {
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  process.stdout.write(`${JSON.stringify({ listening: `http://127.0.0.1:${port}` })}\n`)
})
