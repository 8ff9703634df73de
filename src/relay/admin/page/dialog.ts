import type { RelayText } from '../../../text/relay.ts'
import { button, el, field } from './dom.ts'
import type { Question } from './view.ts'

/** A question of its own; the focus begins on what changes nothing. */
export async function ask(question: Question, text: RelayText): Promise<string | null> {
  const reason = field('reason', text('adminPage.reason'), { required: true })
  const hint = el('p', { class: 'hint', id: 'reason-hint' }, text('adminPage.reasonHint'))
  reason.input.setAttribute('aria-describedby', 'reason-hint')
  const dialog = el('dialog', { 'aria-labelledby': 'question' })
  const cancel = button(text('adminPage.cancel'), () => dialog.close(), { autofocus: true })
  const form = el(
    'form',
    {},
    el('h2', { id: 'question' }, question.title),
    el('p', {}, question.explanation),
    ...(question.reason ? [reason.row, hint] : []),
    el(
      'div',
      { class: 'actions' },
      cancel,
      el('button', { type: 'submit', class: 'btn dgr' }, question.confirm),
    ),
  )
  dialog.append(form)
  let answer: string | null = null
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    answer = question.reason ? reason.input.value.trim() : ''
    if (question.reason && answer === '') return
    dialog.close()
  })
  document.body.append(dialog)
  dialog.showModal()
  await new Promise((closed) => dialog.addEventListener('close', closed, { once: true }))
  dialog.remove()
  return answer
}
