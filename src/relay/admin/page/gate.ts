import type { Text } from '../../../text/index.ts'
import type { ShownSession } from '../routes.ts'
import { ask } from './api.ts'
import { create, get } from './authenticator.ts'
import { button, el } from './dom.ts'

/** What the page shows of itself before anybody has signed in. */
export interface Gate {
  readonly text: Text
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

export function stepUpView(gate: Gate, done: (nodes: readonly Node[]) => void): readonly Node[] {
  const { text } = gate
  const act = async (): Promise<void> => {
    const credential = await get(await ask('beginStepUp'))
    if (credential === null) {
      gate.say(text('adminPage.cancelled'))
      return
    }
    const { displayName } = await ask('finishStepUp', { body: { credential } })
    done([el('p', { class: 'note ok' }, text('adminPage.steppedUp', { name: displayName }))])
  }
  return [
    el('p', {}, text('adminPage.stepUpWhy')),
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
