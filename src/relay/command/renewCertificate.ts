import { renewCertificate as renew } from '../data/relayData.ts'
import { placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'

export const renewCertificate: Command = {
  name: 'renew-certificate',
  usage: 'relayCommand.usage.renewCertificate',
  options: { ...placeOptions, 'trust-root': textOption },
  run: async (call) => {
    await renew(await dataFolder(call), call.values.needed('trust-root'))
    call.terminal.out(call.text('relayCommand.renewed'))
  },
}
