import { useMemo } from 'react'
import { linkify } from './linkify.ts'

interface MessageTextProps {
  readonly value: string
  /** Whether Tab stops at its links: only in the row that has the one stop of the thread. */
  readonly reachable: boolean
  readonly onLink: (address: string) => void
}

/** Plain text: paragraphs at empty lines, line ends kept inside them. */
export function MessageText({ value, ...rest }: MessageTextProps) {
  const paragraphs = useMemo(() => value.split(/\n{2,}/u).filter((one) => one.trim() !== ''), [value])
  return paragraphs.map((paragraph, index) => <Paragraph key={index} value={paragraph} {...rest} />)
}

/** Addresses ask to be opened outside, they never navigate (SECURITY 8). */
function Paragraph({ value, reachable, onLink }: MessageTextProps) {
  const pieces = useMemo(() => linkify(value), [value])
  return (
    <p className="words" dir="auto">
      {pieces.map((piece, index) =>
        piece.kind === 'text' ? (
          piece.text
        ) : (
          <a
            key={index}
            href={piece.address}
            tabIndex={reachable ? 0 : -1}
            draggable={false}
            onClick={(event) => {
              event.preventDefault()
              onLink(piece.address)
            }}
            onAuxClick={(event) => event.preventDefault()}
          >
            {piece.text}
          </a>
        ),
      )}
    </p>
  )
}
