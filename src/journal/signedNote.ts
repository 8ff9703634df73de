import { createHash, createPublicKey, verify } from 'node:crypto'
import { concatBytes, copyBytes, sameBytes, toBase64Url, utf8, type Bytes } from '../base/bytes.ts'

/** C2SP signed-note with Ed25519 signatures: a text of whole lines, an empty line, signature lines. */
export interface NoteSigner {
  /** Ed25519, raw 32 bytes. */
  readonly publicKey: Bytes
  sign(data: Uint8Array): Uint8Array
}

const ed25519Type = 0x01
const noteCharacters = 16 * 1024

/** `text` ends with a newline and has no empty line at its end. */
export function signNote(text: string, name: string, signer: NoteSigner): string {
  const signature = concatBytes(keyId(name, signer.publicKey), signer.sign(utf8(text)))
  return `${text}\n— ${name} ${toBase64(signature)}\n`
}

/** The text of a note that this key signed under this name, or null. Signatures by others are passed over. */
export function openNote(note: string, name: string, publicKey: Uint8Array): string | null {
  const parts = partsOf(note)
  if (parts === null) return null
  const id = keyId(name, publicKey)
  const own = parts.signatures.filter((one) => one.name === name && sameBytes(one.value.subarray(0, 4), id))
  const signed = own.some(({ value }) => verifyEd25519(publicKey, utf8(parts.text), value.subarray(4)))
  return signed ? parts.text : null
}

interface NoteParts {
  readonly text: string
  readonly signatures: readonly { readonly name: string; readonly value: Bytes }[]
}

function partsOf(note: string): NoteParts | null {
  const at = note.length <= noteCharacters ? note.lastIndexOf('\n\n') : -1
  if (at < 0 || !note.endsWith('\n')) return null
  const lines = note.slice(at + 2, -1).split('\n')
  const signatures: { name: string; value: Bytes }[] = []
  for (const line of lines) {
    const [, name, encoded] = /^— ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
    const value = encoded === undefined ? null : fromBase64(encoded)
    if (name === undefined || value === null || value.length < 5) return null
    signatures.push({ name, value })
  }
  return { text: note.slice(0, at + 1), signatures }
}

/** The first 4 bytes of SHA-256 over name, newline, algorithm and public key. */
function keyId(name: string, publicKey: Uint8Array): Bytes {
  const input = concatBytes(utf8(`${name}\n`), Uint8Array.of(ed25519Type), publicKey)
  return copyBytes(createHash('sha256').update(input).digest().subarray(0, 4))
}

function verifyEd25519(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(publicKey) },
    format: 'jwk',
  })
  return verify(null, data, key, signature)
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** The bytes of canonical padded base64 (RFC 4648 section 4), or null. */
export function fromBase64(text: string): Bytes | null {
  const bytes = copyBytes(Buffer.from(text, 'base64'))
  return toBase64(bytes) === text ? bytes : null
}
