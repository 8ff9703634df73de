import { openConversation } from './conversation.ts'
import type { RelayProcess } from './relay.ts'
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

/** Enrols Solène on the left and Tahar on the right by the real screens, in the folders `left` and `right`. */
export async function enrolPair(
  relay: RelayProcess,
  launch: (name: string, options?: LaunchOptions) => Promise<Workstation>,
): Promise<Pair> {
  const start = async (name: string, invitee: typeof solene): Promise<Workstation> => {
    const [workstation, invitation] = await Promise.all([launch(name), relay.invite(invitee)])
    await waitForPhase(workstation.page, 'enrolment')
    await enrol(workstation.page, invitation)
    return workstation
  }
  const [left, right] = await Promise.all([start('left', solene), start('right', tahar)])
  const [toRight, toLeft] = await Promise.all([
    openConversation(left.page, tahar.name),
    openConversation(right.page, solene.name),
  ])
  return { left, right, toRight, toLeft }
}
