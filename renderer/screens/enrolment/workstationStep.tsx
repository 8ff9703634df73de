import { useEffect, useId, useRef, useState, type FormEvent } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { useServices, useText } from '../../context.tsx'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { useProtection } from './useProtection.ts'
import { WorkstationFields } from './workstationFields.tsx'
import type { Inspected } from './useInspection.ts'

interface WorkstationStepProps {
  readonly state: EnrolmentState
  readonly accepted: Inspected
  readonly onBack: () => void
}

export function WorkstationStep({ state, accepted, onBack }: WorkstationStepProps) {
  const text = useText()
  const { client } = useServices()
  const form = useProtection(state)
  const { reason } = form
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const title = useRef<HTMLHeadingElement>(null)
  const reasonId = useId()
  useEffect(() => {
    document.title = text('app.titleOf', { name: text('enrol.protectTitle') })
  }, [text])
  useEffect(() => title.current?.focus(), [])

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (busy || reason !== null) return
    setBusy(true)
    setError(null)
    const answer = await client.call('enrolment.complete', {
      invitation: accepted.invitation,
      ...form.input,
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
        <WorkstationFields form={form} state={state} />
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
