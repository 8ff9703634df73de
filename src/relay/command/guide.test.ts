import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { settingNames } from '../settings/settings.ts'
import { commands } from './commands.ts'
import { Values } from './values.ts'

const guide = await readFile(new URL('../../../docs/relay-admin.md', import.meta.url), 'utf8')

/** Words of a command line; those in quotes are one. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

test('every command of the administrator’s guide exists and takes its options', () => {
  const lines = [...guide.matchAll(/^valise-relay (.+)$/gm)].map(([, line]) => wordsOf(line ?? ''))
  expect(lines.length).toBeGreaterThan(8)
  for (const words of lines) {
    const command = commands.find(({ name: each }) => `${words.join(' ')} `.startsWith(`${each} `))
    const name = words.join(' ')
    const args = words.slice(command?.name.split(' ').length ?? 1)
    const redirection = args.indexOf('>')
    expect(command, name).toBeDefined()
    expect(
      () => new Values(command?.options ?? {}, redirection < 0 ? args : args.slice(0, redirection)),
      name,
    ).not.toThrow()
  }
})

test('every setting that the guide names exists', () => {
  const named = [...guide.matchAll(/`((?:tls|proxy|metrics|stop|listen|log|database|mail)\.[a-zA-Z]+)`/g)]
  expect(named.length).toBeGreaterThan(5)
  for (const [, name] of named) expect(settingNames).toContain(name)
})
