import { useId, useState, type FormEvent } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { useServices, useText } from '../../context.tsx'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { LinkCode } from './linkCode.tsx'
import { StepTitle } from './stepTitle.tsx'
import { useProtection } from './useProtection.ts'
import { WorkstationFields } from './workstationFields.tsx'

interface LinkStepProps {
  readonly state: EnrolmentState
  readonly onBack: () => void
}

/** The new device's half of linking: where the relay is, what opens the vault; then the state holds the code. */
export function LinkStep({ state, onBack }: LinkStepProps) {
  const text = useText()
  const { client } = useServices()
  const form = useProtection(state)
  const [relay, setRelay] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const ids = { relay: useId(), relayHint: useId(), reason: useId() }
  const fixed = state.managed.relayAddress !== null
  const reason = !fixed && relay.trim() === '' ? text('linking.relayMissing') : form.reason
  const ask = async (): Promise<void> => {
    if (busy || reason !== null) return
    setBusy(true)
    setError(null)
    const answer = await client.call('link.begin', { relay: fixed ? '' : relay.trim(), ...form.input })
    setBusy(false)
    if (!answer.ok) setError(answer.error)
  }
  if (state.link !== null) {
    const { link } = state
    const cancel = (): void => void client.call('link.cancel', {})
    // After a restart the passphrase has to be typed again before another code can be made.
    const again = (): void => (reason === null ? void ask() : cancel())
    return (
      <LinkCode key={link.code} link={link} busy={busy} error={error} onAgain={again} onCancel={cancel} />
    )
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void ask()
  }
  return (
    <main className="form" data-region="main" aria-label={text('linking.title')}>
      <StepTitle title={text('linking.title')} lead={text('linking.lead')} />
      <form className="col form-fields" onSubmit={submit}>
        {!fixed && (
          <div className="field">
            <label htmlFor={ids.relay}>{text('linking.relay')}</label>
            <div className="input">
              <Icon name="server" />
              <input
                id={ids.relay}
                className="grow mono"
                value={relay}
                maxLength={4096}
                autoComplete="off"
                spellCheck={false}
                aria-describedby={ids.relayHint}
                onChange={(event) => setRelay(event.target.value)}
              />
            </div>
            <span className="hint" id={ids.relayHint}>
              {text('linking.relayHint')}
            </span>
          </div>
        )}
        <WorkstationFields form={form} state={state} />
        <ErrorLine error={error} />
        <div className="acts">
          <button
            type="submit"
            className="btn primary lg"
            aria-disabled={busy || reason !== null}
            aria-describedby={reason === null ? undefined : ids.reason}
          >
            {text(busy ? 'linking.preparing' : 'linking.show')}
          </button>
          <button type="button" className="btn quiet lg" onClick={() => !busy && onBack()}>
            {text('enrol.back')}
          </button>
        </div>
        {reason !== null && (
          <p className="hint" id={ids.reason}>
            {reason}
          </p>
        )}
      </form>
    </main>
  )
}
