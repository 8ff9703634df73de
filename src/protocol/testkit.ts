import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrivateKey, PublicKey, SenderCertificate, ServerCertificate } from '@signalapp/libsignal-client'
import { toBase64Url, type Bytes } from '../base/bytes.ts'
import { SerialQueue } from '../base/serialQueue.ts'
import { createVault, openVault } from '../storage/open.ts'
import { VaultRecords } from '../storage/writeSet.ts'
import type { Bundle, KeyUpload } from '../wire/http.ts'
import { attest } from './attestation.ts'
import {
  identityPublicKey,
  makeKeys,
  newDeviceKey,
  newFirstKeyId,
  newIdentityKeyPair,
  newRegistrationId,
} from './keys.ts'
import { Protocol, type Lane, type LocalDevice } from './protocol.ts'

/** For tests and benchmarks of this room: real vaults and real certificates, without a relay. */
export interface TestAuthority {
  readonly trustRoot: Bytes
  certificate(device: TestDevice, expiresAt: number): Bytes
}

export function testAuthority(): TestAuthority {
  const root = PrivateKey.generate()
  const signer = PrivateKey.generate()
  const server = ServerCertificate.new(1, signer.getPublicKey(), root)
  return {
    trustRoot: root.getPublicKey().serialize(),
    certificate: (device, expiresAt) =>
      SenderCertificate.new(
        device.local.accountId,
        null,
        device.local.deviceId,
        PublicKey.deserialize(device.identityKey),
        expiresAt,
        server,
        signer,
      ).serialize(),
  }
}

export interface TestDevice {
  readonly local: LocalDevice
  readonly identityKey: Bytes
  /** Ed25519, raw 32 bytes. */
  readonly deviceKey: Bytes
  records: VaultRecords
  protocol: Protocol
  readonly upload: KeyUpload
  /** Closes and opens the vault again, as a restart does. */
  restart(): void
  /** Copies the vault as it is now; what comes back puts the copy in its place. */
  copy(): () => void
  remove(): void
}

export function testDevice(
  authority: TestAuthority,
  options: {
    readonly accountId?: string
    readonly deviceId?: number
    readonly identityKeyPair?: Bytes
    readonly lane?: Lane
    readonly now?: () => number
    readonly oneTimeKeys?: number
  } = {},
): TestDevice {
  const folder = mkdtempSync(join(tmpdir(), 'valise-protocol-'))
  const file = join(folder, 'vault.db')
  const key = randomBytes(32)
  const clock = { now: options.now ?? Date.now }
  const identityKeyPair = options.identityKeyPair ?? newIdentityKeyPair()
  const local: LocalDevice = {
    accountId: options.accountId ?? crypto.randomUUID(),
    deviceId: options.deviceId ?? 1,
    registrationId: newRegistrationId(),
    identityKeyPair,
    trustRoot: authority.trustRoot,
  }
  const records = new VaultRecords(createVault(file, key))
  const writes = records.begin()
  const order = { firstKeyId: newFirstKeyId(), oneTime: options.oneTimeKeys ?? 4, lasting: true }
  const { upload } = makeKeys(writes, identityKeyPair, order, clock.now())
  writes.commit()
  const lane = options.lane ?? new SerialQueue()
  const reopen = (): void => {
    device.records = new VaultRecords(openVault(file, key))
    device.protocol = new Protocol(device.records, local, lane, clock)
  }
  const device: TestDevice = {
    local,
    identityKey: identityPublicKey(identityKeyPair),
    deviceKey: newDeviceKey().publicKey,
    records,
    protocol: new Protocol(records, local, lane, clock),
    upload,
    restart() {
      device.records.vault.close()
      reopen()
    },
    copy() {
      device.records.vault.checkpoint()
      const bytes = readFileSync(file)
      return () => {
        device.records.vault.close()
        writeFileSync(file, bytes)
        reopen()
      }
    },
    remove() {
      device.records.vault.close()
      rmSync(folder, { recursive: true })
    },
  }
  return device
}

/** What the relay would answer; takes one-time keys from the upload as long as there are any. */
export function bundleOf(device: TestDevice): Bundle {
  const { signedPreKey, lastResortKyberPreKey, oneTimePreKeys, oneTimeKyberPreKeys } = device.upload
  if (signedPreKey === undefined || lastResortKyberPreKey === undefined) throw new Error('no lasting keys')
  const { accountId, deviceId, registrationId, identityKeyPair } = device.local
  const attested = { accountId, deviceId, registrationId, deviceKey: device.deviceKey }
  return {
    identityKey: toBase64Url(device.identityKey),
    devices: [
      {
        deviceId,
        registrationId,
        deviceKey: toBase64Url(device.deviceKey),
        attestation: toBase64Url(attest(identityKeyPair, attested)),
        signedPreKey,
        preKey: oneTimePreKeys.shift() ?? null,
        kyberPreKey: oneTimeKyberPreKeys.shift() ?? lastResortKyberPreKey,
      },
    ],
  }
}

/** Starts sessions from `from` to each device of the bundle. */
export async function startSessions(from: TestDevice, accountId: string, bundle: Bundle): Promise<void> {
  await from.protocol.exclusively(async (turn) => {
    for (const device of bundle.devices) await turn.startSession(accountId, bundle.identityKey, device)
    turn.writes.commit()
  })
}

/** Encrypts, commits and seals one content. */
export async function sealedMessage(
  from: TestDevice,
  to: TestDevice,
  content: Bytes,
  certificate: Bytes,
): Promise<Bytes> {
  const address = { accountId: to.local.accountId, deviceId: to.local.deviceId }
  return await from.protocol.exclusively(async (turn) => {
    const inner = await turn.encrypt(address, content)
    turn.writes.commit()
    return await turn.seal(address, inner, certificate)
  })
}
