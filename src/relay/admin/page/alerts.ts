import type { ShownAlert } from '../routes.ts'
import { ask } from './api.ts'
import { button, el, table } from './dom.ts'
import type { Shell, View } from './view.ts'

export const alertsView: View = async (shell) => {
  const { text } = shell
  const place = el('div')
  const all = el('input', { type: 'checkbox', id: 'all-alerts' })
  const fill = async (): Promise<void> => {
    const { alerts } = await ask('alerts', { query: { all: String(all.checked) } })
    place.replaceChildren(
      alerts.length === 0 ? el('p', {}, text('adminPage.noAlerts')) : alertTable(shell, alerts, fill),
    )
  }
  all.addEventListener('change', () => void shell.run(fill))
  await fill()
  return [
    el('div', { class: 'check' }, all, el('label', { for: 'all-alerts' }, text('adminPage.allAlerts'))),
    place,
  ]
}

function alertTable(shell: Shell, alerts: readonly ShownAlert[], again: () => Promise<void>): HTMLElement {
  const { text } = shell
  const heads = ['when', 'account', 'limit', 'used', 'state'] as const
  return table(
    text('adminPage.section.alerts'),
    heads.map((head) => text(`adminPage.head.${head}`)),
    alerts.map((alert) => [
      shell.moment(alert.at),
      button(alert.accountId, () => shell.show({ name: 'account', accountId: alert.accountId }), {
        class: 'link code',
      }),
      text(`adminPage.passed.${alert.kind}`, { what: text(`relayBudget.${alert.budget}`) }),
      text('adminPage.usedOf', { used: alert.used, limit: alert.limit }),
      stateOf(shell, alert, again),
    ]),
  )
}

function stateOf(shell: Shell, alert: ShownAlert, again: () => Promise<void>): Node {
  const { text } = shell
  if (alert.acknowledgedAt !== null)
    return el('span', {}, text('adminPage.acknowledged', { reason: alert.reason }))
  if (!shell.may('alerts.acknowledge') || alert.accountId === shell.session.accountId)
    return el('span', {}, text('adminPage.open'))
  const act = async (): Promise<void> => {
    const reason = await shell.confirm({
      title: text('adminPage.acknowledgeTitle'),
      explanation: text('adminPage.acknowledgeWhy'),
      confirm: text('adminPage.acknowledge'),
      reason: true,
    })
    if (reason === null) return
    await ask('acknowledgeAlert', { body: { id: alert.id, reason } })
    await again()
    shell.say(text('adminPage.acknowledgedNow'))
  }
  return button(text('adminPage.acknowledge'), async () => shell.run(act))
}
