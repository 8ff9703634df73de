import { createServer, Agent } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { reportOf } from '../../base/errors.ts'
import { RelayHttp } from './httpClient.ts'

test('a refusal says where to confirm, on the relay’s own host over TLS alone', async () => {
  let address: string | undefined
  const server = createServer((_request, response) => {
    const body = { code: 'budget.stepUp', retryAfterMs: 1_500, ...(address === undefined ? {} : { address }) }
    response.writeHead(429, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const http = new RelayHttp(`http://127.0.0.1:${port}`, new Agent())
  const details = async (): Promise<unknown> =>
    http.request('anchors').then(
      () => null,
      (thrown: unknown) => reportOf(thrown),
    )
  const refused = { code: 'budget.stepUp', details: { seconds: 2 } }
  expect(await details()).toEqual(refused)
  address = 'https://127.0.0.1:9443/#step-up'
  expect(await details()).toEqual({ ...refused, details: { seconds: 2, address } })
  for (const other of [
    'https://evil.example/#step-up',
    'https://127.0.0.1.evil.example/',
    'https://127.0.0.1@evil.example/',
    'https://anne@127.0.0.1/',
    'http://127.0.0.1:9443/#step-up',
    'file://127.0.0.1/etc',
    'nothing',
  ]) {
    address = other
    expect(await details(), other).toEqual(refused)
  }
  http.stop()
  server.close()
})
