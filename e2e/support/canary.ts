import { randomInt } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Long enough to be rare, short enough to lie whole in every form of every mark. */
const anchorBytes = 3

/** `CNR` and 24 random letters: what no file may hold. */
export function makeMarks(count: number): string[] {
  return Array.from({ length: count }, () => {
    const random = Array.from({ length: 24 }, () => letters[randomInt(letters.length)] ?? '')
    return `CNR${random.join('')}`
  })
}

/** One way in which a mark could lie in a file, by name, as bytes. */
export function formsOf(mark: string): readonly (readonly [name: string, bytes: Buffer])[] {
  const utf8 = Buffer.from(mark, 'utf8')
  const utf16 = Buffer.from(mark, 'utf16le')
  const hex = utf8.toString('hex')
  const ascii = (value: string): Buffer => Buffer.from(value, 'latin1')
  return [
    ['utf8', utf8],
    // What a search or an index makes of it.
    ['utf8 in lower case', ascii(mark.toLowerCase())],
    ['utf8 in upper case', ascii(mark.toUpperCase())],
    ['utf16le', utf16],
    ['utf16be', Buffer.from(utf16).swap16()],
    ['hex in lower case', ascii(hex)],
    ['hex in upper case', ascii(hex.toUpperCase())],
    // Base64url too: letters alone never give one of the two characters in which it differs.
    ...[0, 1, 2].flatMap((offset) => [
      [`base64 at ${offset}`, ascii(base64At(utf8, offset))] as const,
      [`base64 of utf16le at ${offset}`, ascii(base64At(utf16, offset))] as const,
    ]),
  ]
}

/** The characters of base64 that these bytes alone decide when they begin at `offset` of a group of three. */
function base64At(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}

/** Looks for every form of every mark at once. */
export class Scanner {
  /** By the first bytes of a form, then by its length: the forms themselves (as latin1), with their names. */
  readonly #forms = new Map<string, Map<number, Map<string, string>>>()

  constructor(marks: readonly string[]) {
    for (const mark of marks) {
      for (const [name, bytes] of formsOf(mark)) {
        const form = bytes.toString('latin1')
        const lengths = entry(this.#forms, form.slice(0, anchorBytes), () => new Map())
        entry(lengths, form.length, () => new Map<string, string>()).set(form, `${name} of ${mark}`)
      }
    }
  }

  /** Names of the forms that occur in these bytes. */
  find(bytes: Buffer): string[] {
    const found = new Set<string>()
    for (const [anchor, lengths] of this.#forms) {
      const sought = Buffer.from(anchor, 'latin1')
      for (let at = bytes.indexOf(sought); at >= 0; at = bytes.indexOf(sought, at + 1)) {
        for (const [length, forms] of lengths) {
          const name = forms.get(bytes.subarray(at, at + length).toString('latin1'))
          if (name !== undefined) found.add(name)
        }
      }
    }
    return [...found]
  }

  /** What occurs in the files below a folder and in their names, and how many files there were. */
  async findBelow(folder: string): Promise<{ hits: string[]; files: number }> {
    const hits: string[] = []
    let files = 0
    for (const one of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(one.parentPath, one.name)
      hits.push(...this.find(Buffer.from(path)).map((name) => `${name} in the name of ${path}`))
      if (!one.isFile()) continue
      files += 1
      // A running program may have removed it meanwhile.
      const bytes = await readFile(path).catch(() => Buffer.alloc(0))
      hits.push(...this.find(bytes).map((name) => `${name} in ${path}`))
    }
    return { hits, files }
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}
