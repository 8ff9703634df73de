import { restore as putBack } from '../backup/backup.ts'
import { keysPlace } from './backup.ts'
import { placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'

export const restore: Command = {
  name: 'restore',
  usage: 'relayCommand.usage.restore',
  options: { ...placeOptions, from: textOption, 'keys-from': textOption, 'passphrase-file': textOption },
  run: async (call) => {
    const from = call.values.needed('from')
    const keys = await keysPlace(call.values, 'keys-from')
    await putBack({ data: await dataFolder(call), from, ...(keys === null ? {} : { keys }) })
    call.terminal.out(call.text('relayCommand.restored'))
  },
}
