import { useId } from 'react'
import { useText } from '../context.tsx'

interface SwitchRowProps {
  readonly label: string
  readonly hint: string
  readonly on: boolean
  readonly onChange: (on: boolean) => void
}

/** A setting that is on or off, which it also says in a word. */
export function SwitchRow({ label, hint, on, onChange }: SwitchRowProps) {
  const text = useText()
  const labelId = useId()
  const hintId = useId()
  return (
    <div className="srow">
      <div className="h" id={labelId}>
        {label}
      </div>
      <p className="d" id={hintId}>
        {hint}
      </p>
      <div className="ct">
        <button
          type="button"
          className={`switch${on ? ' on' : ''}`}
          role="switch"
          aria-checked={on}
          aria-labelledby={labelId}
          aria-describedby={hintId}
          onClick={() => onChange(!on)}
        >
          <span aria-hidden="true">{text(on ? 'switch.on' : 'switch.off')}</span>
          <i aria-hidden="true" />
        </button>
      </div>
    </div>
  )
}
