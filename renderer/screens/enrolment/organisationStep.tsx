import { useEffect, useId, useRef, useState, type FormEvent } from 'react'
import { exhausted } from '../../../src/base/exhaustive.ts'
import type { Text } from '../../../src/text/index.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { useText } from '../../context.tsx'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { InvitationField } from './invitationField.tsx'
import { readInvitation, type InvitationInput } from './plan.ts'
import { useInspection, type Inspected, type Inspection } from './useInspection.ts'

interface OrganisationStepProps {
  readonly state: EnrolmentState
  readonly typed: string
  readonly onTyped: (typed: string) => void
  readonly onAccepted: (inspected: Inspected) => void
  /** The account is on another workstation already. */
  readonly onLink: () => void
}

export function OrganisationStep({ state, typed, onTyped, onAccepted, onLink }: OrganisationStepProps) {
  const text = useText()
  const codeOnly = state.managed.relayAddress !== null
  const input = readInvitation(typed, codeOnly)
  const { inspection, now } = useInspection(input.kind === 'complete' ? input.invitation : null)
  const [helpShown, setHelpShown] = useState(false)
  const title = useRef<HTMLHeadingElement>(null)
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null)
  const reasonId = useId()
  useEffect(() => {
    document.title = text('app.titleOf', { name: text('enrol.titleWelcome') })
  }, [text])
  useEffect(() => title.current?.focus(), [])

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const inspected = await now()
    if (inspected === null) field.current?.focus()
    else onAccepted(inspected)
  }
  const reason = reasonOf(text, input)
  const refused = inspection.kind === 'refused' ? inspection.error : null
  return (
    <main className="form" data-region="main" aria-label={text('enrol.welcome')}>
      <div className="col">
        <h1 ref={title} tabIndex={-1}>
          {text('enrol.welcome')}
        </h1>
        <p className="lead">{text('enrol.lead')}</p>
      </div>
      <ServerField managedAddress={state.managed.relayAddress} inspection={inspection} />
      <form className="col form-fields" onSubmit={(event) => void submit(event)}>
        <InvitationField
          codeOnly={codeOnly}
          value={typed}
          onChange={onTyped}
          invalid={refused !== null}
          fieldRef={field}
        />
        <ErrorLine error={refused} id="invitation-error" />
        {inspection.kind === 'found' && <Found inspected={inspection.inspected} />}
        <div className="acts">
          <button
            type="submit"
            className="btn primary lg"
            aria-disabled={reason !== null}
            aria-describedby={reason === null ? undefined : reasonId}
          >
            {text('enrol.continue')}
          </button>
          <button
            type="button"
            className="btn quiet lg"
            aria-expanded={helpShown}
            onClick={() => setHelpShown(!helpShown)}
          >
            {text(codeOnly ? 'enrol.noCode' : 'enrol.noInvitation')}
          </button>
        </div>
        <button type="button" className="linklike link-instead" onClick={onLink}>
          {text('enrol.linkInstead')}
        </button>
        {reason !== null && (
          <p className="hint" id={reasonId}>
            {reason}
          </p>
        )}
      </form>
      {helpShown && (
        <div className="note" role="status">
          <Icon name="info" />
          <p>
            {text('enrol.noInvitationHelp')}
            {state.managed.helpContact !== '' &&
              ` ${text('app.help', { contact: state.managed.helpContact })}`}
          </p>
        </div>
      )}
    </main>
  )
}

function reasonOf(text: Text, input: InvitationInput): string | null {
  switch (input.kind) {
    case 'empty':
      return text('enrol.invitationMissing')
    case 'notAnInvitation':
      return text('enrol.invitationPrefix')
    case 'codeShort':
      return text('enrol.codeMissing', { count: input.missing })
    case 'codeLong':
      return text('enrol.codeTooLong', { count: input.extra })
    case 'complete':
      return null
    default:
      return exhausted(input)
  }
}

interface ServerFieldProps {
  readonly managedAddress: string | null
  readonly inspection: Inspection
}

/** Read only: the address comes from the invitation or from policy. */
function ServerField({ managedAddress, inspection }: ServerFieldProps) {
  const text = useText()
  const id = useId()
  const [whyShown, setWhyShown] = useState(false)
  const address = managedAddress ?? (inspection.kind === 'found' ? inspection.inspected.found.address : null)
  return (
    <div className="field">
      <label htmlFor={id}>{text('enrol.server')}</label>
      <div className="input ro">
        <Icon name="server" />
        <input
          id={id}
          className={address === null ? 'grow' : 'grow mono'}
          readOnly
          value={address ?? ''}
          placeholder={text('enrol.serverUnknown')}
        />
        <span role="status" className="server-state">
          {inspection.kind === 'checking' && (
            <span className="muted t13">{text('enrol.serverChecking')}</span>
          )}
          {inspection.kind === 'found' && (
            <span className="seal t13">
              <Icon name="check" small />
              {text('enrol.serverReachable')}
            </span>
          )}
        </span>
      </div>
      {managedAddress !== null && (
        <>
          <button
            type="button"
            className="managed"
            aria-expanded={whyShown}
            onClick={() => setWhyShown(!whyShown)}
          >
            <Icon name="lock" small />
            {text('enrol.serverManaged')}
          </button>
          {whyShown && <p className="hint">{text('enrol.serverManagedWhy')}</p>}
        </>
      )}
    </div>
  )
}

function Found({ inspected }: { readonly inspected: Inspected }) {
  const text = useText()
  const { person, organisation } = inspected.found
  return (
    <div className="note ok" role="status">
      <Icon name="person" />
      <div className="found">
        <b>{text('enrol.invitationFor', { name: person.displayName })}</b>
        <p>{[person.title, person.service, organisation].filter(Boolean).join(' · ')}</p>
        <p className="hint">{text('enrol.notYou')}</p>
      </div>
    </div>
  )
}
