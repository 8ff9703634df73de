import { utf8, type Bytes } from '../../base/bytes.ts'
import { canonicalJson, type JsonValue } from '../../base/canonicalJson.ts'

export const slotFormat = 'valise key slots'
export const slotFileVersion = 1

/** What a slot's own encryption authenticates besides the key: everything in it but the ciphertext. */
export function slotHeader(slot: { readonly [key: string]: JsonValue }): Bytes {
  return utf8(canonicalJson({ format: slotFormat, version: slotFileVersion, slot }))
}
