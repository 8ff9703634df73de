import { useState } from 'react'
import type { State } from '../../../src/contract/index.ts'
import type { Inspected } from './useInspection.ts'
import { LinkStep } from './linkStep.tsx'
import { OrganisationStep } from './organisationStep.tsx'
import { Steps } from './steps.tsx'
import { WorkstationStep } from './workstationStep.tsx'

export type EnrolmentState = Extract<State, { phase: 'enrolment' }>

/**
 * By an invitation, two forms and the window that follows; or linked to another workstation, one form and a code. What
 * was typed in a form is kept when coming back to it.
 */
export function EnrolmentScreen({ state }: { readonly state: EnrolmentState }) {
  const [typed, setTyped] = useState('')
  const [accepted, setAccepted] = useState<Inspected | null>(null)
  const [linking, setLinking] = useState(false)
  const first = !linking && state.link === null
  return (
    <div className="stage">
      <Steps current={first && accepted === null ? 0 : 1} helpContact={state.managed.helpContact} />
      {!first ? (
        <LinkStep state={state} onBack={() => setLinking(false)} />
      ) : accepted === null ? (
        <OrganisationStep
          state={state}
          typed={typed}
          onTyped={setTyped}
          onAccepted={setAccepted}
          onLink={() => setLinking(true)}
        />
      ) : (
        <WorkstationStep state={state} accepted={accepted} onBack={() => setAccepted(null)} />
      )}
    </div>
  )
}
