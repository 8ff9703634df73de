import { resolve } from 'node:path'
import { backUp, type KeysPlace } from '../backup/backup.ts'
import { placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { readGiven } from './readGiven.ts'
import { missing, type Values } from './values.ts'

export const backup: Command = {
  name: 'backup',
  usage: 'relayCommand.usage.backup',
  options: { ...placeOptions, to: textOption, 'keys-to': textOption, 'passphrase-file': textOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const keys = await keysPlace(values, 'keys-to')
    const to = values.text('to') ?? (keys === null ? missing('to') : null)
    const data = await dataFolder(call)
    const { bytes } = await backUp({ data, to, ...(keys === null ? {} : { keys }) })
    if (to !== null)
      terminal.out(text('relayCommand.backedUp', { file: resolve(to), megabytes: megabytesOf(bytes) }))
    terminal.out(
      keys === null
        ? text('relayCommand.keysLeftOut')
        : text('relayCommand.keysBackedUp', { file: resolve(keys.file) }),
    )
  },
}

/** In tenths. */
export function megabytesOf(bytes: number): number {
  return Math.ceil((bytes / 1024 / 1024) * 10) / 10
}

const passphraseMin = 12

/** A passphrase is read from a file, for what stands on a command line is seen by others. */
export async function keysPlace(values: Values, option: 'keys-to' | 'keys-from'): Promise<KeysPlace | null> {
  const file = values.text(option)
  if (file === undefined) return null
  const text = await readGiven('passphrase-file', values.needed('passphrase-file'))
  const passphrase = text.replace(/\r?\n$/, '')
  return passphrase.length < passphraseMin ? missing('passphrase-file') : { file, passphrase }
}
