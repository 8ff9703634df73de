import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CodedError } from '../../base/errors.ts'

export interface Mail {
  /** Canonical: no other form is ever written here. */
  readonly to: string
  readonly subject: string
  readonly text: string
}

/**
 * A message as a mail program takes it (RFC 5322, UTF-8 in base64): its header names the recipient as it is stored. A
 * canonical address needs no quoting and ends no line, and the subject is encoded, so that neither adds a header.
 */
export function mailMessage({ to, subject, text }: Mail): string {
  const encoded = (value: string): string => Buffer.from(value, 'utf8').toString('base64')
  const body = encoded(text).match(/.{1,76}/g) ?? []
  return [
    `To: ${to}`,
    `Subject: ${subjectWords(subject).map(encodedWord).join('\r\n ')}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    'Auto-Submitted: auto-generated',
    '',
    ...body,
    '',
  ].join('\r\n')
}

/** An encoded word has at most 75 characters (RFC 2047), which hold 45 octets. */
function subjectWords(subject: string): readonly string[] {
  const words: string[] = []
  let word = ''
  for (const character of subject) {
    if (Buffer.byteLength(word + character) > 45) {
      words.push(word)
      word = ''
    }
    word += character
  }
  return [...words, word]
}

function encodedWord(text: string): string {
  return `=?utf-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=`
}

const usualRunMs = 30_000

/**
 * Hands a message to the administration's own mail program: on its standard input, with the recipient as its last argument. No shell
 * reads either. Throws `mail.failed` when it cannot be started, does not end with 0, or is killed after `runMs` milliseconds.
 */
export async function sendMail(command: readonly string[], mail: Mail, runMs = usualRunMs): Promise<void> {
  const [program, ...args] = command
  if (program === undefined) throw new CodedError('mail.failed')
  const child = spawn(program, [...args, mail.to], {
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: runMs,
    killSignal: 'SIGKILL',
  })
  // A program that reads nothing ends the pipe; what counts is how it ends.
  child.stdin.on('error', () => undefined)
  child.stdin.end(mailMessage(mail))
  const ended = once(child, 'close')
  try {
    await ended
  } catch (thrown) {
    throw new CodedError('mail.failed', {}, { cause: thrown })
  }
  if (child.exitCode !== 0) throw new CodedError('mail.failed')
}
