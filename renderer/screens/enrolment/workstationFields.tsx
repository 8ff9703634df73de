import { useId } from 'react'
import { Icon } from '../../components/icon.tsx'
import { useText } from '../../context.tsx'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { ProtectionChoice } from './protectionChoice.tsx'
import type { WorkstationForm } from './useProtection.ts'

interface WorkstationFieldsProps {
  readonly form: WorkstationForm
  readonly state: EnrolmentState
}

const deviceNameCharacters = 64

export function WorkstationFields({ form, state }: WorkstationFieldsProps) {
  const text = useText()
  const nameId = useId()
  const nameHintId = useId()
  return (
    <>
      <div className="field">
        <label htmlFor={nameId}>{text('enrol.deviceName')}</label>
        <div className="input narrow">
          <input
            id={nameId}
            className="grow"
            value={form.deviceName}
            maxLength={deviceNameCharacters}
            autoComplete="off"
            aria-describedby={nameHintId}
            onChange={(event) => form.setDeviceName(event.target.value)}
          />
          <Icon name="workstation" />
        </div>
        <span className="hint" id={nameHintId}>
          {text('enrol.deviceNameHint')}
        </span>
      </div>
      <ProtectionChoice
        offersKeyStore={form.offersKeyStore}
        managed={state.managed}
        protection={form.protection}
        onChange={form.setProtection}
      />
    </>
  )
}
