import type { Problem } from './report.ts'

export type Encoding = 'utf-8' | 'utf-8-bom' | 'windows-1252'
export type Delimiter = ',' | ';' | '\t'

/** How a file was found to be written. */
export interface FileForm {
  readonly encoding: Encoding
  readonly delimiter: Delimiter
}

export interface DecodedFile {
  readonly form: FileForm
  readonly text: string
}

const bom = [0xef, 0xbb, 0xbf]

/**
 * The text of a CSV file. What is not UTF-8 is taken for Windows-1252, which is what Latin-1 means in practice, unless
 * some of it is UTF-8: one bad byte would make another name of each that has an accent. UTF-16 and what holds NUL is no
 * text of a kind that is read here.
 */
export function decodeFile(bytes: Uint8Array): DecodedFile | Problem {
  if (
    bytes.includes(0) ||
    (bytes[0] === 0xff && bytes[1] === 0xfe) ||
    (bytes[0] === 0xfe && bytes[1] === 0xff)
  )
    return { line: 0, code: 'encoding', column: '' }
  const marked = bom.every((byte, index) => bytes[index] === byte)
  const utf8 = decodedUtf8(marked ? bytes.subarray(bom.length) : bytes)
  const line = utf8 === null ? brokenLine(bytes) : null
  if (line !== null) return { line, code: 'encoding.mixed', column: '' }
  const text = utf8 ?? decodedWindows(bytes)
  const encoding = marked ? 'utf-8-bom' : utf8 === null ? 'windows-1252' : 'utf-8'
  return { form: { encoding, delimiter: delimiterOf(text) }, text }
}

function decodedUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** What takes several bytes in UTF-8 (Unicode 15, table 3-7). */
const sequences =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/g

/** Of what is UTF-8 elsewhere: where it is not; null for what is nowhere UTF-8. */
function brokenLine(bytes: Uint8Array): number | null {
  const text = Buffer.from(bytes).toString('latin1')
  const rest = text.replaceAll(sequences, '')
  return rest === text ? null : rest.slice(0, rest.search(/[\x80-\xff]/)).split(/\r\n|\n|\r/).length
}

/** 0x80 to 0x9f, where Windows-1252 has letters and signs that Latin-1 lacks. */
const windows = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

/** Node 20's own decoder of that name gives Latin-1. */
function decodedWindows(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[\x80-\x9f]/g, (letter) => windows.charAt(letter.charCodeAt(0) - 0x80))
}

/** The one that parts the headings: no heading holds another. */
function delimiterOf(text: string): Delimiter {
  const [first = ''] = text.split(/\r\n|\n|\r/, 1)
  const counts = ([';', ',', '\t'] as const).map((each) => [first.split(each).length, each] as const)
  return counts.reduce((best, each) => (each[0] > best[0] ? each : best))[1]
}
