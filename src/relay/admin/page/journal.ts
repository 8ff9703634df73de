import { actTypes } from '../../accounts/actTypes.ts'
import type { ShownAct } from '../routes.ts'
import { ask } from './api.ts'
import { button, el, table } from './dom.ts'
import type { Shell, View } from './view.ts'

export const journalView: View = async (shell) => {
  const { text } = shell
  const place = el('div')
  const verdict = el('p', { role: 'status' })
  const fill = async (before?: number): Promise<void> => {
    const { acts } = await ask('journal', before === undefined ? {} : { query: { before: String(before) } })
    const oldest = acts.at(-1)?.seq ?? 0
    const older = button(text('adminPage.older'), async () => shell.run(async () => fill(oldest)))
    place.replaceChildren(actTable(shell, acts), ...(oldest > 0 ? [older] : []))
  }
  const check = async (): Promise<void> => {
    const { whole, count, root } = await ask('journalCheck')
    verdict.textContent = whole ? text('relayJournal.whole', { count, root }) : text('error.acts.damaged')
  }
  await fill()
  return [button(text('adminPage.checkJournal'), async () => shell.run(check)), verdict, place]
}

function actTable(shell: Shell, acts: readonly ShownAct[]): HTMLElement {
  const { text } = shell
  const heads = ['when', 'who', 'what', 'account', 'detail'] as const
  return table(
    text('adminPage.section.journal'),
    heads.map((head) => text(`adminPage.head.${head}`)),
    acts.map((act) => [
      shell.moment(act.time),
      whoOf(shell, act),
      whatOf(shell, act),
      act.account === undefined ? null : el('span', { class: 'code' }, act.account),
      act.detail === undefined ? null : String(act.detail),
    ]),
  )
}

function whoOf({ text }: Shell, { erased, by, actor }: ShownAct): Node {
  if (erased === true) return el('span', {}, text('relayJournal.erased'))
  const relay = actor === 'relay' ? text('relayJournal.relay') : actor
  return el('span', { class: actor === 'account' ? 'code' : '' }, by === undefined || by === '' ? relay : by)
}

/** An act of a newer relay is shown by its name. */
function whatOf({ text }: Shell, { type }: ShownAct): string {
  const known = actTypes.find((each) => each === type)
  return known === undefined ? type : text(`relayJournal.act.${known}`)
}
