import { moveToPostgres, moveToSqlite } from '../move/move.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { readPostgresUrl } from './readGiven.ts'
import { missing } from './values.ts'

export const move: Command = {
  name: 'move',
  usage: 'relayCommand.usage.move',
  options: { ...placeOptions, 'postgres-url-file': textOption, 'to-file': flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const data = await dataFolder(call)
    const urlFile = values.text('postgres-url-file')
    if ((urlFile === undefined) !== values.flag('to-file')) missing('postgres-url-file')
    const counts =
      urlFile === undefined
        ? await moveToSqlite(data)
        : await moveToPostgres(data, await readPostgresUrl(urlFile))
    terminal.out(
      text('relayCommand.moved', {
        accounts: counts.get('accounts') ?? 0,
        devices: counts.get('devices') ?? 0,
        envelopes: counts.get('queue') ?? 0,
      }),
    )
  },
}
