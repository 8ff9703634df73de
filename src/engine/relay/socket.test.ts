import { Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'
import { CodedError } from '../../base/errors.ts'
import { verdictNumber } from '../../wire/generation.ts'
import { ServerFrameSchema } from '../../wire/relay_pb.ts'
import { openSocket, type SocketEvents, type Welcomed } from './socket.ts'

type Frame = NonNullable<MessageInitShape<typeof ServerFrameSchema>['frame']>

const frame = (content: Frame): Uint8Array =>
  toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame: content }))
const challenge = (relayId = 'relay', protocolVersion = 1): Uint8Array =>
  frame({ case: 'challenge', value: { nonce: new Uint8Array(32), relayId, protocolVersion } })
const welcome = frame({
  case: 'welcome',
  value: {
    token: { value: 't', expiresAt: 9n },
    relayTime: 5n,
    verdict: verdictNumber('first'),
    nextGeneration: new Uint8Array(16),
    devicesRevision: 1n,
  },
})
const nothingToPut = { destination: new Uint8Array(16), envelopes: [], someDevices: false }

const login = {
  accountId: '0b6f1c9e-7f53-4d7e-9a55-0c1c8a1d2e3f',
  deviceId: 1,
  relayId: 'relay',
  sign: () => new Uint8Array(64),
  vault: () => ({ generation: null, holder: new Uint8Array(16), takenUpTo: 0 }),
}
const quiet: SocketEvents = {
  deliver: () => undefined,
  queueEmpty: () => undefined,
  devicesChanged: () => undefined,
  closed: () => undefined,
}

let server: WebSocketServer | null = null

/** A relay that says what it is told to. */
async function relaySaying(script: (socket: WebSocket) => void): Promise<string> {
  const made = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server = made
  made.on('connection', (socket) => {
    socket.on('error', () => undefined)
    script(socket)
  })
  await new Promise((done) => made.once('listening', done))
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

async function opened(
  origin: string,
  events: Partial<SocketEvents> = {},
  { by = login, ended = new AbortController().signal } = {},
): Promise<Welcomed | string> {
  try {
    return await openSocket({ origin, bound: false, agent: new Agent(), ended }, by, { ...quiet, ...events })
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error)
  }
}

afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate()
  server?.close()
  server = null
})

describe('a connection to a relay that misbehaves', () => {
  it.each([
    ['another relay', () => challenge('other'), 'relay.anchors'],
    ['another version', () => challenge('relay', 2), 'relay.version'],
    ['no frame at all', () => Uint8Array.of(0xff, 0xff, 0xff), 'relay.malformedAnswer'],
    [
      'a refusal',
      () => frame({ case: 'refusal', value: { code: 'relay.deviceGone', retryAfterMs: 0 } }),
      'relay.deviceGone',
    ],
    [
      'a refusal with a code of a later version',
      () => frame({ case: 'refusal', value: { code: 'later.code', retryAfterMs: 0 } }),
      'relay.malformedAnswer',
    ],
  ])('ends with a code for %s', async (_, bytes, code) => {
    const origin = await relaySaying((socket) => {
      socket.send(bytes())
      setTimeout(() => socket.close(), 20)
    })
    expect(await opened(origin)).toBe(code)
  })

  it('ends with a code for text, for silence after the connection, and where nobody listens', async () => {
    const origin = await relaySaying((socket) => socket.send('bonjour'))
    expect(await opened(origin)).toBe('relay.malformedAnswer')
    server?.close()
    const closing = await relaySaying((socket) => socket.terminate())
    expect(await opened(closing)).toBe('relay.unreachable')
    server?.close()
    expect(await opened('http://127.0.0.1:9')).toBe('relay.unreachable')
  })

  it('ends with a code when the vault cannot be read any more, or an event cannot be taken', async () => {
    const origin = await relaySaying((socket) => {
      socket.send(challenge())
      socket.once('message', () => {
        socket.send(welcome)
        socket.send(frame({ case: 'queueEmpty', value: {} }))
      })
    })
    const closed = (): never => {
      throw new CodedError('vault.damaged')
    }
    expect(await opened(origin, {}, { by: { ...login, vault: closed } })).toBe('vault.damaged')
    const ends = new Promise<string>((ended) => {
      const queueEmpty = (): never => {
        throw new TypeError('a defect')
      }
      void opened(origin, { queueEmpty, closed: (error) => ended(error.code) })
    })
    expect(await ends).toBe('internal')
  })

  it('says of what was not answered that it was not, whatever the connection ended with', async () => {
    const origin = await relaySaying((socket) => {
      socket.send(challenge())
      socket.once('message', () => {
        socket.send(welcome)
        socket.once('message', () => {
          socket.send(frame({ case: 'refusal', value: { code: 'frame.malformed', retryAfterMs: 0 } }))
          socket.close()
        })
      })
    })
    const ended: string[] = []
    const connection = await opened(origin, { closed: (error) => ended.push(error.code) })
    if (typeof connection === 'string') throw new Error(connection)
    const { socket } = connection
    const waiting = [socket.put(nothingToPut), socket.confirmGeneration(new Uint8Array(16), false)]
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'relay.unreachable' })
    await expect(socket.put(nothingToPut)).rejects.toMatchObject({ code: 'relay.unreachable' })
    expect(ended).toEqual(['frame.malformed'])
  })

  it('ends on the way to its welcome when its owner has ended', async () => {
    const origin = await relaySaying(() => undefined)
    const owner = new AbortController()
    const opening = opened(origin, {}, { ended: owner.signal })
    while (server?.clients.size !== 1) await new Promise((resolve) => setTimeout(resolve, 5))
    owner.abort()
    expect(await opening).toBe('relay.unreachable')
    while (server.clients.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it('survives any bytes after the welcome: the connection ends, or they are passed over', async () => {
    let current: WebSocket | null = null
    const origin = await relaySaying((socket) => {
      current = socket
      socket.send(challenge())
      socket.once('message', () => socket.send(welcome))
    })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
        const ended: string[] = []
        const connection = await opened(origin, { closed: (error) => ended.push(error.code) })
        if (typeof connection === 'string') throw new Error(connection)
        const waiting = connection.socket.put(nothingToPut).catch((error: unknown) => error)
        current?.send(bytes)
        await new Promise((resolve) => setTimeout(resolve, 2))
        connection.socket.close()
        expect(ended).toHaveLength(1)
        expect(['relay.unreachable', 'relay.malformedAnswer']).toContain(ended[0])
        await waiting
      }),
      { numRuns: 60 },
    )
  })

  it('never leaves a caller waiting once the connection is gone', async () => {
    const origin = await relaySaying((socket) => {
      socket.send(challenge())
      socket.once('message', () => socket.send(welcome))
    })
    const connection = await opened(origin)
    if (typeof connection === 'string') throw new Error(connection)
    const before = connection.socket.put(nothingToPut)
    connection.socket.close()
    await expect(before).rejects.toMatchObject({ code: 'relay.unreachable' })
    await expect(connection.socket.put(nothingToPut)).rejects.toMatchObject({
      code: 'relay.unreachable',
    })
    await expect(connection.socket.requestToken()).rejects.toMatchObject({ code: 'relay.unreachable' })
  })
})
