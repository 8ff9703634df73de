import { useId, useState, type ReactNode, type Ref } from 'react'
import { useText } from '../context.tsx'
import { Icon } from './icon.tsx'

interface PasswordFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly autoComplete: 'current-password' | 'new-password'
  readonly describedBy?: string
  readonly invalid?: boolean
  /** A word or icon at the end instead of the button that shows the passphrase. */
  readonly end?: ReactNode
  readonly shown?: boolean
  readonly onShow?: (shown: boolean) => void
  readonly onCapsLock?: (on: boolean) => void
  readonly inputRef?: Ref<HTMLInputElement>
  readonly readOnly?: boolean
}

export function PasswordField(props: PasswordFieldProps) {
  const text = useText()
  const id = useId()
  const [ownShown, setOwnShown] = useState(false)
  const shown = props.shown ?? ownShown
  const show = props.onShow ?? setOwnShown
  const caps = (event: React.KeyboardEvent): void => props.onCapsLock?.(event.getModifierState('CapsLock'))
  return (
    <div className="field grow">
      <label htmlFor={id}>{props.label}</label>
      <div className={`input${props.invalid ? ' err' : ''}`}>
        <input
          ref={props.inputRef}
          id={id}
          className="grow mono"
          type={shown ? 'text' : 'password'}
          autoComplete={props.autoComplete}
          spellCheck={false}
          value={props.value}
          readOnly={props.readOnly}
          aria-describedby={props.describedBy}
          aria-invalid={props.invalid ? true : undefined}
          onChange={(event) => props.onChange(event.target.value)}
          onKeyDown={caps}
          onKeyUp={caps}
        />
        {props.end ?? (
          <button
            type="button"
            className="ib sm"
            aria-label={text(shown ? 'enrol.hide' : 'enrol.show')}
            title={text(shown ? 'enrol.hide' : 'enrol.show')}
            aria-pressed={shown}
            onClick={() => show(!shown)}
          >
            <Icon name="eye" />
          </button>
        )}
      </div>
    </div>
  )
}
