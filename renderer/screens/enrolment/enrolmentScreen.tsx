import { useState } from 'react'
import type { State } from '../../../src/contract/index.ts'
import type { Inspected } from './useInspection.ts'
import { OrganisationStep } from './organisationStep.tsx'
import { Steps } from './steps.tsx'
import { WorkstationStep } from './workstationStep.tsx'

export type EnrolmentState = Extract<State, { phase: 'enrolment' }>

/** Two forms and the window that follows. What was typed in the first is kept when coming back to it. */
export function EnrolmentScreen({ state }: { readonly state: EnrolmentState }) {
  const [typed, setTyped] = useState('')
  const [accepted, setAccepted] = useState<Inspected | null>(null)
  return (
    <div className="stage">
      <Steps current={accepted === null ? 0 : 1} helpContact={state.managed.helpContact} />
      {accepted === null ? (
        <OrganisationStep state={state} typed={typed} onTyped={setTyped} onAccepted={setAccepted} />
      ) : (
        <WorkstationStep state={state} accepted={accepted} onBack={() => setAccepted(null)} />
      )}
    </div>
  )
}
