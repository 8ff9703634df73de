import { limits } from '../../wire/limits.ts'
import { releaseDevice } from '../data/release.ts'
import { placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { missing } from './values.ts'

export const release: Command = {
  name: 'release',
  usage: 'relayCommand.usage.release',
  options: { ...placeOptions, account: textOption, device: textOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const device = values.number('device', 1, limits.deviceIdMax) ?? missing('device')
    await releaseDevice(await dataFolder(call), values.needed('account'), device)
    terminal.out(text('relayCommand.released'))
  },
}
