import { alertLine } from '../budgets/alertText.ts'
import { operatorContext } from '../data/actor.ts'
import { acknowledgeAlerts, readAlerts } from '../data/budgets.ts'
import { reasonOf } from './budgets.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { missing } from './values.ts'

const list: Command = {
  name: 'alerts list',
  usage: 'relayCommand.usage.alertsList',
  options: { ...placeOptions, all: flagOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const alerts = await readAlerts(await dataFolder(call), !values.flag('all'))
    if (values.flag('json')) {
      terminal.out(JSON.stringify(alerts))
      return
    }
    for (const alert of alerts) {
      const { acknowledgedAt, reason } = alert
      terminal.out(alertLine(alert, text))
      if (acknowledgedAt !== null) terminal.out(`    ${text('relayAlerts.acknowledged', { reason })}`)
    }
    terminal.out(text('relayAlerts.shown', { count: alerts.length }))
  },
}

const acknowledge: Command = {
  name: 'alerts acknowledge',
  usage: 'relayCommand.usage.alertsAcknowledge',
  options: { ...placeOptions, alert: textOption, all: flagOption, reason: textOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const id = values.number('alert', 1, 9_999_999_999) ?? null
    if ((id === null) !== values.flag('all')) missing('alert')
    const reason = reasonOf(values)
    const count = await acknowledgeAlerts(await dataFolder(call), id, reason, operatorContext())
    terminal.out(text('relayAlerts.taken', { count }))
  },
}

export const alertsCommands: readonly Command[] = [list, acknowledge]
