import { adaptRestored, restore as putBack, restoreKeys } from '../backup/backup.ts'
import { keysPlace } from './backup.ts'
import { readPostgresUrl } from './readGiven.ts'
import { missing } from './values.ts'
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
    'postgres-url-file': textOption,
    'after-postgres': flagOption,
  },
  run: async (call) => {
    if (call.values.flag('after-postgres')) {
      await adaptRestored(await dataFolder(call))
      call.terminal.out(call.text('relayCommand.restored'))
      return
    }
    const { values, terminal, text } = call
    const keys = await keysPlace(values, 'keys-from')
    const [from, urlFile] = [values.text('from'), values.text('postgres-url-file')]
    if (from === undefined) {
      const postgresUrl = urlFile === undefined ? null : await readPostgresUrl(urlFile)
      await restoreKeys(await dataFolder(call), keys ?? missing('from'), postgresUrl)
      terminal.out(text('relayCommand.keysRestored'))
      return
    }
    if (urlFile !== undefined) missing('postgres-url-file')
    await putBack({ data: await dataFolder(call), from, ...(keys === null ? {} : { keys }) })
    terminal.out(text('relayCommand.restored'))
  },
}
