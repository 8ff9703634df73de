import { personContext } from '../data/actor.ts'
import { approveExport, askForExport, exportAccounts } from '../data/bulkReads.ts'
import { readRelayData } from '../data/relayData.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'

/** The whole list of accounts: one person asks, another one allows, the first one reads. */
export const accountsExport: Command = {
  name: 'accounts export',
  usage: 'relayCommand.usage.accountsExport',
  options: { ...placeOptions, approve: textOption, code: textOption, out: textOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    await readRelayData(data)
    const context = personContext(terminal.login)
    if (values.text('approve') !== undefined) {
      await approveExport(data, values.needed('approve'), context)
      terminal.out(text('relayAccounts.exportApproved'))
    } else if (values.text('code') !== undefined) {
      const file = values.needed('out')
      const { accounts } = await exportAccounts(data, values.needed('code'), file, context)
      terminal.out(
        values.flag('json')
          ? JSON.stringify({ accounts })
          : text('relayAccounts.exported', { count: accounts, file }),
      )
    } else {
      const code = await askForExport(data, context)
      terminal.out(
        values.flag('json') ? JSON.stringify({ code }) : text('relayAccounts.exportAsked', { code }),
      )
    }
  },
}
