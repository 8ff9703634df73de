import { openConversation } from './conversation.ts'
import type { Invitee, RelayProcess } from './relay.ts'
import { enrol, waitForPhase, type LaunchOptions, type Workstation } from './workstation.ts'

export const solene = { name: 'Solène Vauquelard', title: 'Cheffe de bureau', service: 'Affaires juridiques' }
export const tahar = { name: 'Tahar Benmessaoud', title: 'Chargé de mission', service: 'Sécurité civile' }

/** Two enrolled workstations; each has the conversation with the other open. */
export interface Pair {
  readonly left: Workstation
  readonly right: Workstation
  /** The conversation as the left one names it: the account on the right. */
  readonly toRight: string
  readonly toLeft: string
}

type Launch = (name: string, options?: LaunchOptions) => Promise<Workstation>

/** A workstation in the folder `name`, enrolled for this person by the real screens. */
export async function enrolAs(
  invitee: Invitee,
  name: string,
  relay: RelayProcess,
  launch: Launch,
): Promise<Workstation> {
  const [workstation, invitation] = await Promise.all([launch(name), relay.invite(invitee)])
  await waitForPhase(workstation.page, 'enrolment')
  await enrol(workstation.page, invitation)
  return workstation
}

/** Enrols Solène on the left and Tahar on the right, in the folders `left` and `right`. */
export async function enrolPair(relay: RelayProcess, launch: Launch): Promise<Pair> {
  const [left, right] = await Promise.all([
    enrolAs(solene, 'left', relay, launch),
    enrolAs(tahar, 'right', relay, launch),
  ])
  const [toRight, toLeft] = await Promise.all([
    openConversation(left.page, tahar.name),
    openConversation(right.page, solene.name),
  ])
  return { left, right, toRight, toLeft }
}
