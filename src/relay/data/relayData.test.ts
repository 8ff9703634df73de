import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CodedError } from '../../base/errors.ts'
import { initRelay, readRelayData, renewCertificate, signerReader, usualTrustRootFile } from './relayData.ts'

let folder: string
let data: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-data-'))
  data = join(folder, 'relay')
})

afterEach(async () => rm(folder, { recursive: true, force: true }))

test('a new relay has parts that fit, and each has its own', async () => {
  await initRelay({ data, organisation: 'Un' })
  await initRelay({ data: join(folder, 'other'), organisation: 'Deux' })
  const [one, two] = [await readRelayData(data), await readRelayData(join(folder, 'other'))]
  expect(one.anchors.organisation).toBe('Un')
  expect(one.anchors.relayId).not.toBe(two.anchors.relayId)
  expect(one.anchors.trustRoot).not.toEqual(two.anchors.trustRoot)
  expect(one.anchors.zkPublicParams).not.toEqual(two.anchors.zkPublicParams)
})

test('the trust root goes where it is told and nowhere else', async () => {
  const trustRootOut = join(folder, 'usb.key')
  expect(await initRelay({ data, organisation: 'X', trustRootOut })).toEqual({ trustRootFile: trustRootOut })
  const secret = (await readFile(trustRootOut, 'utf8')).trim()
  expect((await stat(trustRootOut)).mode & 0o777).toBe(0o600)
  for (const name of await readdir(data))
    expect(await readFile(join(data, name), 'utf8')).not.toContain(secret)
})

test('an init that cannot finish leaves nothing behind and replaces nothing', async () => {
  const trustRootOut = join(folder, 'missing folder', 'root.key')
  await expect(initRelay({ data, organisation: 'X', trustRootOut })).rejects.toMatchObject({
    code: 'argument.invalid',
    details: { option: 'trust-root-out' },
  })
  await expect(stat(data)).rejects.toMatchObject({ code: 'ENOENT' })
  const within = join(data, 'root.key')
  await initRelay({ data, organisation: 'X', trustRootOut: within })
  await renewCertificate(data, within, async () => undefined)
  await rm(data, { recursive: true })
  const taken = join(folder, 'taken.key')
  await writeFile(taken, 'precious')
  const init = initRelay({ data, organisation: 'X', trustRootOut: taken })
  await expect(init).rejects.toMatchObject({ code: 'relay.dataExists' })
  expect(await readFile(taken, 'utf8')).toBe('precious')
  await initRelay({ data, organisation: 'X' })
})

test.each(['relay.json', 'server-certificate.json', 'zkgroup.params'])(
  'a damaged or foreign %s is noticed',
  async (name) => {
    await initRelay({ data, organisation: 'X' })
    await initRelay({ data: join(folder, 'other'), organisation: 'X' })
    const good = await readFile(join(data, name), 'utf8')
    const tries = [good.slice(0, -20), `${good.slice(0, 30)}?${good.slice(31)}`, '', '{}']
    if (name === 'server-certificate.json') tries.push(await readFile(join(folder, 'other', name), 'utf8'))
    for (const bad of tries) {
      await writeFile(join(data, name), bad)
      await expect(readRelayData(data)).rejects.toMatchObject({ code: 'relay.dataDamaged' })
    }
    await rm(join(data, name))
    await expect(readRelayData(data)).rejects.toMatchObject({ code: 'relay.dataMissing' })
  },
)

test('a renewal needs the right trust root and is seen by who holds the reader', async () => {
  await initRelay({ data, organisation: 'X' })
  await initRelay({ data: join(folder, 'other'), organisation: 'X' })
  const { anchors } = await readRelayData(data)
  const reads: number[] = []
  const reader = signerReader(data, anchors, () => reads.push(1))
  expect([(await reader()).keyId, (await reader()).keyId, reads.length]).toEqual([1, 1, 1])
  const recorded: string[] = []
  const signer = async (): Promise<string> => readFile(join(data, 'server-certificate.json'), 'utf8')
  const record = async (): Promise<void> => void recorded.push(await signer())
  const foreign = renewCertificate(data, usualTrustRootFile(join(folder, 'other')), record)
  await expect(foreign).rejects.toMatchObject({ code: 'relay.trustRootMismatch' })
  expect((await reader()).keyId).toBe(1)
  const unwritten = new CodedError('relay.unavailable')
  await expect(
    renewCertificate(data, usualTrustRootFile(data), async () => Promise.reject(unwritten)),
  ).rejects.toBe(unwritten)
  const before = await signer()
  expect(await renewCertificate(data, usualTrustRootFile(data), record)).toEqual({ keyId: 2 })
  expect(recorded).toEqual([before])
  expect((await reader()).keyId).toBe(2)
})

test.skipIf(process.getuid?.() === 0)('a folder that cannot be written is named as such', async () => {
  await chmod(folder, 0o500)
  await expect(initRelay({ data, organisation: 'X' })).rejects.toMatchObject({
    code: 'relay.dataNotWritable',
  })
  await chmod(folder, 0o700)
})
