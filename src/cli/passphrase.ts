import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { CodedError } from '../base/errors.ts'

const limitBytes = 4096

/**
 * The passphrase from an inherited file descriptor: its first line, or all of it. Throws `argument.invalid` where
 * nothing can be read there.
 */
export function passphraseFromDescriptor(descriptor: number): string {
  const buffer = Buffer.alloc(limitBytes)
  let length = 0
  try {
    for (;;) {
      const read = readSync(descriptor, buffer, length, limitBytes - length, null)
      length += read
      if (read === 0 || length === limitBytes || buffer.subarray(0, length).includes(0x0a)) break
    }
    closeSync(descriptor)
  } catch (error) {
    throw new CodedError('argument.invalid', { argument: '--passphrase-fd' }, { cause: error })
  }
  const [line = ''] = buffer.toString('utf8', 0, length).split(/\r?\n/)
  buffer.fill(0)
  if (line === '') throw new CodedError('argument.invalid', { argument: '--passphrase-fd' })
  return line
}

/**
 * Asks at the controlling terminal, without showing what is typed; standard input stays free for requests.
 * Throws `argument.invalid` where there is no terminal.
 */
export async function passphraseFromTerminal(question: string): Promise<string> {
  let descriptor: number
  try {
    descriptor = openSync('/dev/tty', 'r+')
  } catch (error) {
    throw new CodedError('argument.invalid', { argument: '--passphrase-fd' }, { cause: error })
  }
  const terminal = new ReadStream(descriptor)
  terminal.setRawMode(true)
  writeSync(descriptor, question)
  try {
    return await typedLine(terminal)
  } finally {
    terminal.setRawMode(false)
    writeSync(descriptor, '\n')
    terminal.destroy()
  }
}

async function typedLine(terminal: ReadStream): Promise<string> {
  let line = ''
  for await (const chunk of terminal.setEncoding('utf8') as AsyncIterable<string>) {
    for (const character of chunk) {
      if (character === '\r' || character === '\n') return line
      // Ctrl+C and Ctrl+D: the person wants out.
      if (character === '\u0003' || character === '\u0004') throw new CodedError('argument.invalid')
      if (character === '\u007f' || character === '\b') line = [...line].slice(0, -1).join('')
      else line += character
    }
  }
  return line
}
