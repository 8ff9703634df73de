/** A piece of a message: plain text, or an address that `link.open` may be asked to open. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly address: string }

const candidates = /https:\/\/[^\s<>"«»“”]+|(?:mailto:)?[\p{L}\p{N}._%+-]+@[\p{L}\p{N}.-]+\.\p{L}{2,}/giu

/**
 * Cuts a text into pieces whose texts, put together, are the text again. Only `https:` and mail addresses become
 * links (SECURITY 8: main asks the person and refuses everything else); punctuation after an address is not of it.
 */
export function linkify(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const match of text.matchAll(candidates)) {
    const shown = trimmed(match[0])
    const address = addressOf(shown)
    if (address === null) continue
    if (match.index > end) pieces.push({ kind: 'text', text: text.slice(end, match.index) })
    pieces.push({ kind: 'link', text: shown, address })
    end = match.index + shown.length
  }
  if (end < text.length) pieces.push({ kind: 'text', text: text.slice(end) })
  return pieces
}

/** Without the punctuation that ends a sentence, and a closing bracket only if it was opened inside. */
function trimmed(found: string): string {
  let shown = found
  for (;;) {
    const last = shown.at(-1) ?? ''
    const unpaired =
      (last === ')' && count(shown, ')') > count(shown, '(')) ||
      (last === ']' && count(shown, ']') > count(shown, '['))
    if (!unpaired && !".,;:!?…'’*_".includes(last)) return shown
    if (last === '') return shown
    shown = shown.slice(0, -1)
  }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1
}

const longestAddress = 2048

function addressOf(shown: string): string | null {
  const mail = !/^https:/iu.test(shown)
  const written = mail && !/^mailto:/iu.test(shown) ? `mailto:${shown}` : shown
  if (written.length > longestAddress || !URL.canParse(written)) return null
  const { protocol, hostname, username, password } = new URL(written)
  if (mail) return protocol === 'mailto:' ? written : null
  // A name before @ makes one site look like another.
  return protocol === 'https:' && hostname !== '' && username === '' && password === '' ? written : null
}
