import { useEffect, useRef } from 'react'
import { useText } from '../../context.tsx'

/** Takes the focus, so that a screen reader begins with the step. */
export function StepTitle({ title, lead }: { readonly title: string; readonly lead: string }) {
  const text = useText()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  useEffect(() => {
    document.title = text('app.titleOf', { name: title })
  }, [text, title])
  return (
    <div className="col">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{lead}</p>
    </div>
  )
}
