import { operatorContext } from '../data/actor.ts'
import { withStore } from '../data/withStore.ts'
import { renewCertificate as renew } from '../data/relayData.ts'
import { placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'

export const renewCertificate: Command = {
  name: 'renew-certificate',
  usage: 'relayCommand.usage.renewCertificate',
  options: { ...placeOptions, 'trust-root': textOption },
  run: async (call) => {
    const data = await dataFolder(call)
    await renew(data, call.values.needed('trust-root'), async () =>
      withStore(data, async ({ acts }) => acts.append({ type: 'certificate.renewed' }, operatorContext())),
    )
    call.terminal.out(call.text('relayCommand.renewed'))
  },
}
