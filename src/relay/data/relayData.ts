import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { fromBase64Url, toBase64Url, utf8, type Bytes } from '../../base/bytes.ts'
import { systemCode, writeFileAtomically } from '../../base/atomicFile.ts'
import { CodedError } from '../../base/errors.ts'
import {
  generateTrustRoot,
  issueServerSigner,
  publicTrustRoot,
  signerFits,
  type ServerSigner,
} from '../crypto/trustRoot.ts'
import { generateZkSecretParams, publicZkParams } from '../crypto/zkParams.ts'

/** What the relay tells everybody, and what invitations pin. */
export interface RelayAnchors {
  readonly relayId: string
  readonly organisation: string
  readonly trustRoot: Bytes
  readonly zkPublicParams: Bytes
}

export interface RelayData {
  readonly anchors: RelayAnchors
  readonly signer: ServerSigner
  /** Secret parameters of groups and permits. */
  readonly zkSecretParams: Bytes
}

const names = {
  relay: 'relay.json',
  signer: 'server-certificate.json',
  zk: 'zkgroup.params',
  database: 'relay.db',
  lock: 'relay.lock',
  blobs: 'blobs',
  postgres: 'postgres.url',
} as const

/** Without these nobody's invitation fits the relay any more. In the order in which they have to be written. */
export const keyFileNames = [names.zk, names.signer, names.relay] as const

export function databaseFile(folder: string): string {
  return join(folder, names.database)
}

/** Where the bytes of encrypted files lie. */
export function blobFolder(folder: string): string {
  return join(folder, names.blobs)
}

/** There only when the relay remembers in PostgreSQL; it may hold a password. */
export function postgresFile(folder: string): string {
  return join(folder, names.postgres)
}

export function lockFile(folder: string): string {
  return join(folder, names.lock)
}

/** Where the trust root's private key lies until the administrator moves it away. */
export function usualTrustRootFile(folder: string): string {
  return join(folder, 'offline', 'trust-root.key')
}

const base64Url = z.string().transform((text, context) => {
  const bytes = fromBase64Url(text)
  if (bytes !== null && bytes.length > 0) return bytes
  context.addIssue({ code: 'custom' })
  return z.NEVER
})

const relayFileSchema = z.strictObject({
  version: z.literal(1),
  relayId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  organisation: z.string().min(1).max(200),
  trustRoot: base64Url,
})

const signerFileSchema = z.strictObject({
  keyId: z.int().min(1),
  certificate: base64Url,
  privateKey: base64Url,
})

export interface InitOptions {
  readonly data: string
  readonly organisation: string
  /** Where to put the trust root's private key; left out: `usualTrustRootFile`. */
  readonly trustRootOut?: string
  /** Where the relay will remember; left out: in a file of the folder. */
  readonly postgresUrl?: string
}

/**
 * Makes a relay: id, offline trust root, server certificate and its key, zkgroup parameters. Returns the file of the
 * trust root. Throws `relay.dataExists` when the folder holds anything, `relay.dataNotWritable` when it cannot, and
 * `argument.invalid` when the folder of `trustRootOut` is missing; nothing is left behind then.
 */
export async function initRelay(options: InitOptions): Promise<{ readonly trustRootFile: string }> {
  const { data } = options
  const trustRootFile = options.trustRootOut ?? usualTrustRootFile(data)
  if (options.trustRootOut !== undefined) await checkFolderOf(options.trustRootOut, data)
  await asDataErrors(async () => {
    await mkdir(data, { recursive: true, mode: 0o700 })
    if ((await readdir(data)).length > 0 || (await exists(trustRootFile)))
      throw new CodedError('relay.dataExists')
    if (options.trustRootOut === undefined) await mkdir(join(data, 'offline'), { mode: 0o700 })
    try {
      await writeNewRelay(options, trustRootFile)
    } catch (thrown) {
      // All of these are this call's own: the folder was empty and the trust root's file did not exist.
      for (const file of [trustRootFile, ...Object.values(names).map((name) => join(data, name))]) {
        await rm(file, { force: true })
      }
      throw thrown
    }
  })
  return { trustRootFile }
}

/** The data folder itself may be named too: it is about to be made. */
async function checkFolderOf(trustRootOut: string, data: string): Promise<void> {
  const folder = dirname(resolve(trustRootOut))
  if (folder === resolve(data) || (await isFolder(folder))) return
  throw new CodedError('argument.invalid', { option: 'trust-root-out' })
}

async function writeNewRelay(options: InitOptions, trustRootFile: string): Promise<void> {
  const { data, organisation, postgresUrl } = options
  const trustRoot = generateTrustRoot()
  if (postgresUrl !== undefined)
    await writeFileAtomically(join(data, names.postgres), utf8(`${postgresUrl}\n`))
  await writeFileAtomically(trustRootFile, utf8(`${toBase64Url(trustRoot.privateKey)}\n`))
  await writeFileAtomically(join(data, names.zk), utf8(`${toBase64Url(generateZkSecretParams())}\n`))
  await writeSigner(data, issueServerSigner(trustRoot.privateKey, 1))
  const relay = {
    version: 1,
    relayId: toBase64Url(randomBytes(16)),
    organisation,
    trustRoot: toBase64Url(trustRoot.publicKey),
  }
  // Last: a folder without it counts as not made, so an interrupted init cannot be taken for a relay.
  await writeFileAtomically(join(data, names.relay), utf8(`${JSON.stringify(relay, null, 2)}\n`))
}

/** Throws `relay.dataMissing` for a folder without a relay and `relay.dataDamaged` when its parts do not fit. */
export async function readRelayData(folder: string): Promise<RelayData> {
  return asDataErrors(async () => {
    const { relayId, organisation, trustRoot } = await readJson(join(folder, names.relay), relayFileSchema)
    const zkSecretParams = fromBase64Url((await readFile(join(folder, names.zk), 'utf8')).trim())
    const zkPublicParams = zkSecretParams === null ? null : publicZkParams(zkSecretParams)
    if (zkSecretParams === null || zkPublicParams === null) throw new CodedError('relay.dataDamaged')
    const signer = await readSigner(folder, trustRoot)
    return { anchors: { relayId, organisation, trustRoot, zkPublicParams }, signer, zkSecretParams }
  })
}

/**
 * Replaces the server certificate and its key, once `record` has written down that it is done. Throws
 * `relay.trustRootMismatch` for another relay's trust root, and what `record` throws.
 */
export async function renewCertificate(
  folder: string,
  trustRootFile: string,
  record: () => Promise<void>,
): Promise<{ readonly keyId: number }> {
  return asDataErrors(async () => {
    const { anchors, signer } = await readRelayData(folder)
    const privateKey = fromBase64Url((await readFile(trustRootFile, 'utf8')).trim())
    const publicKey = privateKey === null ? null : publicTrustRoot(privateKey)
    if (
      privateKey === null ||
      publicKey === null ||
      toBase64Url(publicKey) !== toBase64Url(anchors.trustRoot)
    ) {
      throw new CodedError('relay.trustRootMismatch')
    }
    await record()
    const keyId = signer.keyId + 1
    await writeSigner(folder, issueServerSigner(privateKey, keyId))
    return { keyId }
  })
}

/** The signer in force: looks at its file each time, so that `renew-certificate` works beside a running relay. */
export function signerReader(
  folder: string,
  anchors: RelayAnchors,
  onRead: () => void,
): () => Promise<ServerSigner> {
  let read: { readonly mtimeMs: number; readonly signer: ServerSigner } | null = null
  return async () => {
    const { mtimeMs } = await stat(join(folder, names.signer))
    if (read?.mtimeMs === mtimeMs) return read.signer
    const signer = await readSigner(folder, anchors.trustRoot)
    read = { mtimeMs, signer }
    onRead()
    return signer
  }
}

async function readSigner(folder: string, trustRoot: Bytes): Promise<ServerSigner> {
  const signer = await readJson(join(folder, names.signer), signerFileSchema)
  if (!signerFits(signer, trustRoot)) throw new CodedError('relay.dataDamaged')
  return signer
}

async function writeSigner(folder: string, signer: ServerSigner): Promise<void> {
  const text = JSON.stringify({
    keyId: signer.keyId,
    certificate: toBase64Url(signer.certificate),
    privateKey: toBase64Url(signer.privateKey),
  })
  await writeFileAtomically(join(folder, names.signer), utf8(`${text}\n`))
}

async function readJson<T extends z.ZodType>(file: string, schema: T): Promise<z.output<T>> {
  const text = await readFile(file, 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new CodedError('relay.dataDamaged')
  }
  const result = schema.safeParse(value)
  if (!result.success) throw new CodedError('relay.dataDamaged')
  return result.data
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false
    throw thrown
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

/** File errors as codes of the relay's data folder. */
export async function asDataErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw dataError(thrown)
  }
}

function dataError(thrown: unknown): unknown {
  if (thrown instanceof CodedError) {
    const file = thrown.code === 'profile.notWritable' || thrown.code === 'vault.diskFull'
    return file ? new CodedError('relay.dataNotWritable', {}, { cause: thrown }) : thrown
  }
  switch (systemCode(thrown)) {
    case null:
      return thrown
    case 'ENOENT':
    case 'ENOTDIR':
      return new CodedError('relay.dataMissing', {}, { cause: thrown })
    default:
      return new CodedError('relay.dataNotWritable', {}, { cause: thrown })
  }
}
