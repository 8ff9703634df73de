import { useEffect, useId, useRef, useState, type FormEvent } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import { exhausted } from '../../../src/base/exhaustive.ts'
import type { Text } from '../../../src/text/index.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { useServices, useText } from '../../context.tsx'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { passphraseProblem, type PassphraseProblem } from './plan.ts'
import { ProtectionChoice, type Protection } from './protectionChoice.tsx'
import type { Inspected } from './useInspection.ts'

interface WorkstationStepProps {
  readonly state: EnrolmentState
  readonly accepted: Inspected
  readonly onBack: () => void
}

const deviceNameCharacters = 64

export function WorkstationStep({ state, accepted, onBack }: WorkstationStepProps) {
  const text = useText()
  const { client } = useServices()
  const [deviceName, setDeviceName] = useState(state.deviceName)
  const offersKeyStore = state.osKeyStore && !state.managed.passphraseRequired
  const [protection, setProtection] = useState<Protection>({
    kind: offersKeyStore ? 'osKeyStore' : 'passphrase',
    passphrase: '',
    confirmation: '',
  })
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const title = useRef<HTMLHeadingElement>(null)
  const reasonId = useId()
  const nameId = useId()
  const nameHintId = useId()
  useEffect(() => {
    document.title = text('app.titleOf', { name: text('enrol.protectTitle') })
  }, [text])
  useEffect(() => title.current?.focus(), [])

  const problem =
    protection.kind === 'passphrase'
      ? passphraseProblem(protection.passphrase, protection.confirmation, state.managed.passphraseMinLength)
      : null
  const reason = deviceName.trim() === '' ? text('enrol.deviceNameMissing') : problemText(text, problem)
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (busy || reason !== null) return
    setBusy(true)
    setError(null)
    const answer = await client.call('enrolment.complete', {
      invitation: accepted.invitation,
      deviceName: deviceName.trim(),
      protection:
        protection.kind === 'osKeyStore'
          ? { kind: 'osKeyStore' }
          : { kind: 'passphrase', passphrase: protection.passphrase },
    })
    // When it went well the phase changes and this screen goes.
    setBusy(false)
    if (!answer.ok) setError(answer.error)
  }
  return (
    <main className="form" data-region="main" aria-label={text('enrol.protectTitle')}>
      <div className="col">
        <h1 ref={title} tabIndex={-1}>
          {text('enrol.protectTitle')}
        </h1>
        <p className="lead">{text('enrol.protectLead')}</p>
      </div>
      <form className="col form-fields" onSubmit={(event) => void submit(event)}>
        <div className="field">
          <label htmlFor={nameId}>{text('enrol.deviceName')}</label>
          <div className="input narrow">
            <input
              id={nameId}
              className="grow"
              value={deviceName}
              maxLength={deviceNameCharacters}
              autoComplete="off"
              aria-describedby={nameHintId}
              onChange={(event) => setDeviceName(event.target.value)}
            />
            <Icon name="workstation" />
          </div>
          <span className="hint" id={nameHintId}>
            {text('enrol.deviceNameHint')}
          </span>
        </div>
        <ProtectionChoice
          offersKeyStore={offersKeyStore}
          managed={state.managed}
          protection={protection}
          onChange={setProtection}
        />
        <ErrorLine error={error} />
        <div className="acts">
          <button
            type="submit"
            className="btn primary lg"
            aria-disabled={busy || reason !== null}
            aria-describedby={reason === null ? undefined : reasonId}
          >
            {text(busy ? 'enrol.completing' : 'enrol.continue')}
          </button>
          <button type="button" className="btn quiet lg" onClick={() => !busy && onBack()}>
            {text('enrol.back')}
          </button>
        </div>
        {reason !== null && (
          <p className="hint" id={reasonId}>
            {reason}
          </p>
        )}
      </form>
    </main>
  )
}

function problemText(text: Text, problem: PassphraseProblem | null): string | null {
  if (problem === null) return null
  switch (problem.kind) {
    case 'short':
      return text('enrol.passphraseShort', { count: problem.missing })
    case 'unconfirmed':
      return text('enrol.passphraseConfirm')
    case 'differs':
      return text('enrol.passphraseDiffers')
    default:
      return exhausted(problem)
  }
}
