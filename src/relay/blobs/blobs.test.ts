import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyBytes } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { Counters } from '../counters.ts'
import type { RelayLog } from '../log.ts'
import { permit } from '../store/contractKit.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { postgresServer } from '../testing/postgres.ts'
import { Blobs, usualBlobSettings } from './blobs.ts'

const ignore = (): void => undefined
const silent: RelayLog = { info: ignore, warn: ignore, error: ignore, debug: ignore }
const socketName = '.s.PGSQL.5432'

interface Way {
  readonly server: Server
  /** The next commit happens; its answer and the connection are lost. */
  loseNext(): void
}

/** A way to PostgreSQL, from a socket in one folder to that in another. */
async function wayTo(from: string, to: string): Promise<Way> {
  let losing = false
  const server = createServer((near) => {
    const far = connect(join(to, socketName))
    near.on('error', ignore).on('close', () => far.destroy())
    far.on('error', ignore).on('close', () => near.destroy())
    near.pipe(far)
    far.on('data', (data) => {
      if (losing && data.includes('COMMIT\0')) {
        losing = false
        near.destroy()
      } else near.write(data)
    })
  })
  await once(server.listen(join(from, socketName)), 'listening')
  return {
    server,
    loseNext: () => {
      losing = true
    },
  }
}

test('a file whose commit was not answered is there when the put is repeated', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'valise-blobs-'))
  const server = await postgresServer()
  const url = new URL(await server.database())
  const way = await wayTo(folder, url.searchParams.get('host') ?? '')
  url.searchParams.set('host', folder)
  const { blobs: store, close } = await openPostgresStore({ url: url.href })
  const settings = { ...usualBlobSettings, freeBytes: 0, shared: true }
  const blobs = new Blobs({
    folder: join(folder, 'blobs'),
    store,
    settings,
    clock: systemClock,
    log: silent,
    counters: new Counters(),
  })
  await blobs.start()
  const [capability, body] = [copyBytes(randomBytes(32)), randomBytes(1_000)]
  const id = copyBytes(createHash('sha256').update(capability).digest())
  const wanted = { id, size: body.length, reads: 1, keptMs: 60_000, permit: permit(Date.now() + 1e9) }
  const put = async (): Promise<unknown> =>
    blobs.put(
      wanted,
      (async function* () {
        yield* [body]
      })(),
    )
  way.loseNext()
  await expect(put()).rejects.toMatchObject({ code: 'relay.unavailable' })
  expect((await store.files()).size).toBe(1)
  await put()
  const { handle } = await blobs.open(capability, permit(Date.now() + 1e9))
  expect(body.equals(await handle.readFile())).toBe(true)
  await handle.close()
  await blobs.stop()
  await close()
  way.server.close()
  await server.end()
  await rm(folder, { recursive: true, force: true })
})
