import { useMemo, type ReactNode } from 'react'
import type { Format, Mention } from '../../../../src/contract/index.ts'
import { marked, type MarkedPiece } from './marked.ts'

interface MessageTextProps {
  readonly value: string
  readonly formats: readonly Format[]
  readonly mentions: readonly Mention[]
  /** A mention of this account is a mention of oneself. */
  readonly ownId: string
  /** Whether Tab stops at its links: only in the row that has the one stop of the thread. */
  readonly reachable: boolean
  readonly onLink: (address: string) => void
}

/** Plain text with marks as elements: paragraphs at empty lines, line ends kept inside them (SECURITY 7). */
export function MessageText({ value, formats, mentions, ...rest }: MessageTextProps) {
  const paragraphs = useMemo(() => marked(value, formats, mentions), [value, formats, mentions])
  return paragraphs.map((pieces, index) => (
    <p key={index} className="words" dir="auto">
      {pieces.map((piece, at) => (
        <Piece key={at} piece={piece} {...rest} />
      ))}
    </p>
  ))
}

interface PieceProps extends Pick<MessageTextProps, 'ownId' | 'reachable' | 'onLink'> {
  readonly piece: MarkedPiece
}

function Piece({ piece, ownId, reachable, onLink }: PieceProps) {
  const styled = piece.styles.reduce<ReactNode>((inner, style) => elements[style](inner), piece.text)
  if (piece.mentioned !== null) {
    return <span className={piece.mentioned === ownId ? 'mention me' : 'mention'}>{styled}</span>
  }
  const { address } = piece
  if (address === null) return styled
  // Addresses ask to be opened outside, they never navigate (SECURITY 8).
  return (
    <a
      href={address}
      tabIndex={reachable ? 0 : -1}
      draggable={false}
      onClick={(event) => {
        event.preventDefault()
        onLink(address)
      }}
      onAuxClick={(event) => event.preventDefault()}
    >
      {styled}
    </a>
  )
}

const elements: Readonly<Record<Format['style'], (inner: ReactNode) => ReactNode>> = {
  bold: (inner) => <strong>{inner}</strong>,
  italic: (inner) => <em>{inner}</em>,
  strike: (inner) => <s>{inner}</s>,
  monospace: (inner) => <code>{inner}</code>,
}
