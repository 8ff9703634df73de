import { toBase64Url } from '../../base/bytes.ts'

/** Something that is looked for: text, or bytes that are a key or an id. */
export interface Mark {
  /** What it is, for the report and for what is allowed. */
  readonly kind: string
  readonly value: string | Uint8Array
}

export interface FoundMark {
  readonly kind: string
  readonly place: string
}

/** Bytes by which a needle is looked up; none is shorter. */
const keyBytes = 6

/** Looks for all marks at once, each in every form that a program might have made of it. */
export class MarkSearch {
  readonly #needles = new Map<number, { readonly bytes: Buffer; readonly kind: string }[]>()
  /** By the first two bytes, so that almost every place is passed over at once. */
  readonly #starts = new Uint8Array(2 ** 16)

  constructor(marks: readonly Mark[]) {
    for (const { kind, value } of marks) for (const bytes of formsOf(value)) this.#add(bytes, kind)
  }

  /** The kinds of marks in these bytes, each once. */
  kindsIn(bytes: Buffer): ReadonlySet<string> {
    const found = new Set<string>()
    for (let at = 0; at + keyBytes <= bytes.length; at += 1) {
      if (this.#starts[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] === 0) continue
      for (const needle of this.#needles.get(bytes.readUIntBE(at, keyBytes)) ?? []) {
        if (!found.has(needle.kind) && bytes.subarray(at, at + needle.bytes.length).equals(needle.bytes))
          found.add(needle.kind)
      }
    }
    return found
  }

  #add(bytes: Buffer, kind: string): void {
    if (bytes.length < keyBytes) throw new RangeError(`a form of ${kind} is too short to be looked for`)
    this.#starts[bytes.readUInt16BE(0)] = 1
    const key = bytes.readUIntBE(0, keyBytes)
    this.#needles.set(key, [...(this.#needles.get(key) ?? []), { bytes, kind }])
  }
}

/** UTF-8 or the bytes themselves, UTF-16, hexadecimal, base64 in each of its three alignments, base64url, UUID. */
export function formsOf(value: string | Uint8Array): readonly Buffer[] {
  const raw = Buffer.from(value)
  const hex = raw.toString('hex')
  const texts = [hex, hex.toUpperCase(), toBase64Url(raw), ...alignedBase64(raw)]
  if (typeof value === 'string') texts.push(value)
  else if (raw.length === 16) texts.push(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
  return [raw, ...texts.flatMap((text) => [Buffer.from(text), Buffer.from(text, 'utf16le')])]
}

/** What of the base64 does not depend on what stands before and after. */
function alignedBase64(raw: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), raw]).toString('base64')
    const whole = Math.floor(((shift + raw.length) * 4) / 3)
    return text.slice(Math.ceil((shift * 4) / 3), whole)
  })
}
