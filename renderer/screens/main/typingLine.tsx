import { useEffect, useRef, useState } from 'react'
import { useServices, useText } from '../../context.tsx'

interface TypingLineProps {
  readonly name: string
  readonly typing: boolean
}

/** Who listens is told once, not at every pause of the writer. */
const quietMs = 60_000

/** Says in words that the other side writes. The line keeps its height, so that nothing moves. */
export function TypingLine({ name, typing }: TypingLineProps) {
  const text = useText()
  const { now } = useServices()
  const [spoken, setSpoken] = useState(false)
  const spokenAt = useRef<number | null>(null)
  useEffect(() => {
    if (!typing) {
      setSpoken(false)
      return
    }
    if (spokenAt.current !== null && now() - spokenAt.current < quietMs) return
    spokenAt.current = now()
    setSpoken(true)
  }, [typing, now])
  return (
    <>
      <p className="typing" aria-hidden="true">
        {typing && text('thread.typing', { name })}
      </p>
      <p className="vh" role="status">
        {spoken && text('thread.typing', { name })}
      </p>
    </>
  )
}
