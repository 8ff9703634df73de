import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { toBase64Url, utf8 } from '../../base/bytes.ts'
import type { CreatedCredential, CreationOptions, RequestOptions, SignedCredential } from '../admin/routes.ts'

/** What a test makes different from a good authenticator in a good browser. */
export interface AuthenticatorFaults {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly userVerified?: boolean
  readonly type?: string
  /** Of its attestation. */
  readonly format?: string
  /** Of the signature; left out: one more than the last. */
  readonly counter?: number
  /** Signs with another key. */
  readonly key?: KeyObject
}

/** An authenticator in software, with one real ES256 key: what a browser and a security key would answer. */
export class SoftwareAuthenticator {
  readonly id = randomBytes(24)
  readonly #origin: string
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  #counter = 0
  #userHandle = ''

  constructor(origin: string) {
    this.#origin = origin
  }

  create(options: CreationOptions, faults: AuthenticatorFaults = {}): CreatedCredential {
    this.#userHandle = options.user.id
    const data = this.#data(options.rp.id ?? '', faults, this.#attested())
    const attestation = [
      Buffer.from([0xa3]),
      cborText('fmt'),
      cborText(faults.format ?? 'none'),
      cborText('attStmt'),
      Buffer.from([0xa0]),
      cborText('authData'),
      Buffer.from([0x58, data.length]),
      data,
    ]
    return {
      id: toBase64Url(this.id),
      rawId: toBase64Url(this.id),
      type: 'public-key',
      response: {
        clientDataJSON: toBase64Url(this.#client('webauthn.create', options.challenge, faults)),
        attestationObject: toBase64Url(Buffer.concat(attestation)),
      },
    }
  }

  get(options: RequestOptions, faults: AuthenticatorFaults = {}): SignedCredential {
    const data = this.#data(options.rpId ?? '', faults)
    const client = this.#client('webauthn.get', options.challenge, faults)
    const hash = createHash('sha256').update(client).digest()
    const signature = sign('sha256', Buffer.concat([data, hash]), faults.key ?? this.#keys.privateKey)
    return {
      id: toBase64Url(this.id),
      rawId: toBase64Url(this.id),
      type: 'public-key',
      response: {
        clientDataJSON: toBase64Url(client),
        authenticatorData: toBase64Url(data),
        signature: toBase64Url(signature),
        userHandle: this.#userHandle,
      },
    }
  }

  #data(rpId: string, faults: AuthenticatorFaults, attested?: Buffer): Buffer {
    this.#counter = faults.counter ?? this.#counter + 1
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(this.#counter)
    const verified = faults.userVerified === false ? 0 : 0x04
    const flags = 0x01 | verified | (attested === undefined ? 0 : 0x40)
    const hash = createHash('sha256')
      .update(faults.rpId ?? rpId)
      .digest()
    return Buffer.concat([hash, Buffer.from([flags]), counter, attested ?? Buffer.alloc(0)])
  }

  #client(type: string, challenge: string, faults: AuthenticatorFaults): Uint8Array {
    const origin = faults.origin ?? this.#origin
    const said = { type: faults.type ?? type, challenge: faults.challenge ?? challenge, origin }
    return utf8(JSON.stringify({ ...said, crossOrigin: false }))
  }

  #attested(): Buffer {
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' })
    const point = (text: string): Buffer => Buffer.from(text, 'base64url')
    // COSE: EC2, ES256, P-256.
    const head = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20])
    const key = Buffer.concat([head, point(x), Buffer.from([0x22, 0x58, 0x20]), point(y)])
    return Buffer.concat([Buffer.alloc(16), Buffer.from([0, this.id.length]), this.id, key])
  }
}

function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + text.length]), utf8(text)])
}
