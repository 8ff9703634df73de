import { adaptRestored, restore as putBack } from '../backup/backup.ts'
import { keysPlace } from './backup.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'

export const restore: Command = {
  name: 'restore',
  usage: 'relayCommand.usage.restore',
  options: {
    ...placeOptions,
    from: textOption,
    'keys-from': textOption,
    'passphrase-file': textOption,
    'after-postgres': flagOption,
  },
  run: async (call) => {
    if (call.values.flag('after-postgres')) {
      await adaptRestored(await dataFolder(call))
      call.terminal.out(call.text('relayCommand.restored'))
      return
    }
    const from = call.values.needed('from')
    const keys = await keysPlace(call.values, 'keys-from')
    await putBack({ data: await dataFolder(call), from, ...(keys === null ? {} : { keys }) })
    call.terminal.out(call.text('relayCommand.restored'))
  },
}
