import type { RelayText } from '../../../text/relay.ts'
import type { ShownSession } from '../routes.ts'
import { ask } from './api.ts'
import { create, get } from './authenticator.ts'
import { button, el } from './dom.ts'

/** What the page shows of itself before anybody has signed in. */
export interface Gate {
  readonly text: RelayText
  day(ms: number): string
  run(work: () => Promise<void>): Promise<void>
  say(sentence: string): void
}

export function signInView(gate: Gate, opened: (session: ShownSession) => void): readonly Node[] {
  const { text } = gate
  const act = async (): Promise<void> => {
    const credential = await get(await ask('beginSignIn'))
    if (credential === null) gate.say(text('adminPage.cancelled'))
    else opened(await ask('finishSignIn', { body: { credential } }))
  }
  return [
    el('p', {}, text('adminPage.signInWhy')),
    button(text('adminPage.signIn'), async () => gate.run(act), { class: 'btn primary lg' }),
  ]
}

/** Says first what the confirmation opens and for which workstation: whoever was sent here by somebody else sees it. */
export async function stepUpView(
  gate: Gate,
  stepUp: string,
  done: (nodes: readonly Node[]) => void,
): Promise<readonly Node[]> {
  const { text } = gate
  const asked = await ask('stepUp', { body: { stepUp } })
  const act = async (): Promise<void> => {
    const credential = await get(await ask('beginStepUp', { body: { stepUp } }))
    if (credential === null) {
      gate.say(text('adminPage.cancelled'))
      return
    }
    const { displayName } = await ask('finishStepUp', { body: { stepUp, credential } })
    done([el('p', { class: 'note ok' }, text('adminPage.steppedUp', { name: displayName }))])
  }
  const day =
    asked.lastSeenDay === 0
      ? text('adminPage.stepUpNeverSeen')
      : text('adminPage.stepUpSeen', { day: gate.day(asked.lastSeenDay) })
  const what = text(`relayBudget.${asked.budget}`)
  return [
    el('p', {}, el('strong', {}, text('adminPage.stepUpWhat', { device: asked.deviceId, day, what }))),
    el('p', {}, text('adminPage.stepUpWhy')),
    el('p', {}, text('adminPage.stepUpOnly', { hours: asked.windowMs / 3_600_000 })),
    el('p', { class: 'note warn' }, text('adminPage.stepUpWarning')),
    button(text('adminPage.stepUp'), async () => gate.run(act), { class: 'btn primary lg' }),
  ]
}

export function registerView(
  gate: Gate,
  link: string,
  done: (nodes: readonly Node[]) => void,
): readonly Node[] {
  const { text } = gate
  const act = async (): Promise<void> => {
    const credential = await create(await ask('beginRegistration', { body: { link } }))
    if (credential === null) {
      gate.say(text('adminPage.cancelled'))
      return
    }
    const { displayName } = await ask('finishRegistration', { body: { link, credential } })
    done([el('p', { class: 'note ok' }, text('adminPage.registered', { name: displayName }))])
  }
  return [
    el('p', {}, text('adminPage.registerWhy')),
    button(text('adminPage.register'), async () => gate.run(act), { class: 'btn primary lg' }),
  ]
}
