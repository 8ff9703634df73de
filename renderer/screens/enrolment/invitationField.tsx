import { useId, type Ref } from 'react'
import { Icon } from '../../components/icon.tsx'
import { useText } from '../../context.tsx'

interface InvitationFieldProps {
  /** The 12-character code instead of the whole invitation. */
  readonly codeOnly: boolean
  readonly value: string
  readonly onChange: (value: string) => void
  readonly invalid: boolean
  readonly fieldRef: Ref<HTMLInputElement & HTMLTextAreaElement>
}

export function InvitationField(props: InvitationFieldProps) {
  const text = useText()
  const id = useId()
  const hintId = useId()
  const shared = {
    ref: props.fieldRef,
    id,
    value: props.value,
    spellCheck: false,
    autoComplete: 'off',
    autoCapitalize: 'off',
    'aria-describedby': `${hintId} invitation-error`,
    'aria-invalid': props.invalid ? true : undefined,
    onChange: (event: { readonly target: { readonly value: string } }) => props.onChange(event.target.value),
  } as const
  const box = `input${props.invalid ? ' err' : ''}`
  return (
    <div className="field">
      <label htmlFor={id}>{text(props.codeOnly ? 'enrol.code' : 'enrol.invitation')}</label>
      {props.codeOnly ? (
        <div className={`${box} narrow`}>
          <input {...shared} className="grow mono code" maxLength={4096} />
          <Icon name="key" />
        </div>
      ) : (
        <div className={`${box} tall`}>
          <textarea {...shared} className="grow mono" rows={3} maxLength={4096} />
          <Icon name="key" />
        </div>
      )}
      <span className="hint" id={hintId}>
        {text(props.codeOnly ? 'enrol.codeHint' : 'enrol.invitationHint')}
      </span>
    </div>
  )
}
