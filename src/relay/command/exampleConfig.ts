import { exampleFile } from '../settings/document.ts'
import type { Command } from './command.ts'

export const exampleConfig: Command = {
  name: 'example-config',
  usage: 'relayCommand.usage.exampleConfig',
  options: {},
  run: async ({ terminal, text }) => terminal.out(exampleFile(text).trimEnd()),
}
