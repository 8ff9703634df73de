import { resolve } from 'node:path'
import { initRelay, usualTrustRootFile } from '../data/relayData.ts'
import { placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { readPostgresUrl } from './readGiven.ts'

export const init: Command = {
  name: 'init',
  usage: 'relayCommand.usage.init',
  options: {
    ...placeOptions,
    name: textOption,
    'trust-root-out': textOption,
    'postgres-url-file': textOption,
  },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    const organisation = values.needed('name')
    const urlFile = values.text('postgres-url-file')
    const { trustRootFile } = await initRelay({
      data,
      organisation,
      ...values.given('trustRootOut', 'trust-root-out'),
      ...(urlFile === undefined ? {} : { postgresUrl: await readPostgresUrl(urlFile) }),
    })
    terminal.out(text('relayCommand.initialised', { organisation, folder: resolve(data) }))
    const usual = trustRootFile === usualTrustRootFile(data)
    terminal.out(
      text(usual ? 'relayCommand.moveTrustRoot' : 'relayCommand.keepTrustRoot', {
        file: resolve(trustRootFile),
      }),
    )
  },
}
