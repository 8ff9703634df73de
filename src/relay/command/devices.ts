import { checkedAccountId, knownPerson } from '../data/administration.ts'
import { readRelayData } from '../data/relayData.ts'
import { withStore } from '../data/withStore.ts'
import { deviceLine } from './accountText.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'

export const devices: Command = {
  name: 'devices',
  usage: 'relayCommand.usage.devices',
  options: { ...placeOptions, account: textOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    const accountId = checkedAccountId(values.needed('account'))
    await readRelayData(data)
    const listed = await withStore(data, async (store) => {
      await knownPerson(store, accountId)
      return (await store.devices.list(accountId))?.devices ?? []
    })
    if (values.flag('json')) {
      const told = listed.map(({ deviceId, addedAt, lastSeenDay }) => ({ deviceId, addedAt, lastSeenDay }))
      terminal.out(JSON.stringify({ devices: told }))
      return
    }
    for (const device of listed) terminal.out(deviceLine(device, text))
    if (listed.length === 0) terminal.out(text('relayAccounts.noDevice'))
  },
}
