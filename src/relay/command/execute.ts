import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pino } from 'pino'
import { CodedError, reportOf, type ErrorCode } from '../../base/errors.ts'
import { spokenInvitationCode } from '../../wire/invitation.ts'
import { createText, errorText, type Language, type Text } from '../../text/index.ts'
import { createInvitation, createInvitationAgain, type CreatedInvitation } from '../data/invitations.ts'
import { releaseDevice } from '../data/release.ts'
import { initRelay, renewCertificate, usualTrustRootFile } from '../data/relayData.ts'
import { redacted, relayLog, type RelayLog } from '../log.ts'
import { startRelay } from '../relay.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import {
  parseCommand,
  type Command,
  type InviteCommand,
  type LogLevel,
  type RunCommand,
} from './arguments.ts'

/** What a command may touch of its process. */
export interface Terminal {
  readonly language: Language
  out(line: string): void
  error(line: string): void
  /** Settles when the process is asked to end. */
  readonly ended: Promise<void>
}

/** Exit codes of `valise-relay`; the README of this room explains them to administrators. */
export const exitCodes = { done: 0, failed: 1, arguments: 2, data: 3, network: 4 } as const

/** Runs one command to its end and returns the exit code. Never throws; shows sentences, no stack trace. */
export async function execute(args: readonly string[], terminal: Terminal): Promise<number> {
  const text = createText(terminal.language)
  try {
    await perform(parseCommand(args), terminal, text)
    return exitCodes.done
  } catch (thrown) {
    return explain(thrown, terminal, text)
  }
}

function explain(thrown: unknown, terminal: Terminal, text: Text): number {
  const { code: reported, details } = reportOf(thrown)
  // Here the store is a file of this machine, not a server that answers a workstation.
  const code = reported === 'relay.unavailable' ? 'relay.dataNotWritable' : reported
  terminal.error(errorText(text, code))
  if (typeof details['option'] === 'string') {
    terminal.error(text('relayCommand.option', { option: `--${details['option']}` }))
  }
  if (code === 'argument.invalid') terminal.error(text('relayCommand.usage'))
  return exitCodeOf(code)
}

function exitCodeOf(code: ErrorCode): number {
  if (code === 'argument.invalid') return exitCodes.arguments
  if (code === 'relay.portTaken' || code === 'relay.tlsRequired') return exitCodes.network
  return code.startsWith('relay.') ? exitCodes.data : exitCodes.failed
}

async function perform(command: Command, terminal: Terminal, text: Text): Promise<void> {
  switch (command.kind) {
    case 'help':
      terminal.out(text('relayCommand.usage'))
      return
    case 'init':
      return init(command, terminal, text)
    case 'invite':
      return invite(command, terminal, text)
    case 'release':
      await releaseDevice(command.data, command.account, command.device)
      terminal.out(text('relayCommand.released'))
      return
    case 'renewCertificate':
      await renewCertificate(command.data, command.trustRoot)
      terminal.out(text('relayCommand.renewed'))
      return
    case 'run':
      return run(command, terminal)
  }
}

async function init(
  command: Extract<Command, { kind: 'init' }>,
  terminal: Terminal,
  text: Text,
): Promise<void> {
  const { trustRootOut } = command
  const { trustRootFile } = await initRelay({
    data: command.data,
    organisation: command.name,
    ...(trustRootOut === undefined ? {} : { trustRootOut }),
  })
  terminal.out(
    text('relayCommand.initialised', { organisation: command.name, folder: resolve(command.data) }),
  )
  const usual = trustRootFile === usualTrustRootFile(command.data)
  terminal.out(
    text(usual ? 'relayCommand.moveTrustRoot' : 'relayCommand.keepTrustRoot', {
      file: resolve(trustRootFile),
    }),
  )
}

async function invite(command: InviteCommand, terminal: Terminal, text: Text): Promise<void> {
  const { invitation, name } = await invited(command)
  if (command.json) {
    terminal.out(JSON.stringify(invitation))
    return
  }
  const until = new Date(invitation.expiresAt)
  terminal.out(text('relayCommand.invited', { name, until: until.toLocaleString(text.language) }))
  terminal.out(invitation.text)
  terminal.out(text('relayCommand.code', { code: spokenInvitationCode(invitation.code) }))
}

async function invited(
  command: InviteCommand,
): Promise<{ readonly invitation: CreatedInvitation; readonly name: string }> {
  const { kind: _kind, json: _json, certificate, name, account, ...options } = command
  const pem = certificate === undefined ? {} : { certificate: await readGiven('certificate', certificate) }
  if (account !== undefined) {
    const { displayName, ...invitation } = await createInvitationAgain({ ...options, ...pem, account })
    return { invitation, name: displayName }
  }
  if (name === undefined) throw new CodedError('argument.invalid', { option: 'name' })
  return { invitation: await createInvitation({ ...options, ...pem, name }), name }
}

async function run(command: RunCommand, terminal: Terminal): Promise<void> {
  const tls = command.tls === undefined ? {} : { tls: await readTls(command.tls) }
  const { maxDatabaseBytes } = command
  const relay = await startRelay({
    data: command.data,
    host: command.host,
    port: command.port,
    ...tls,
    ...(maxDatabaseBytes === undefined ? {} : { database: { maxBytes: maxDatabaseBytes } }),
    log: stderrLog(command.logLevel),
  })
  terminal.out(JSON.stringify({ listening: relay.address }))
  await terminal.ended
  await relay.stop()
}

async function readTls(files: TlsFiles): Promise<TlsFiles> {
  return {
    certificate: await readGiven('certificate', files.certificate),
    key: await readGiven('key', files.key),
  }
}

async function readGiven(option: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option }, { cause: thrown })
  }
}

/** Standard output carries the one line that says where the relay listens; the log goes to standard error. */
function stderrLog(level: LogLevel): RelayLog {
  return relayLog(
    pino({ level, base: null, redact: [...redacted] }, pino.destination({ dest: 2, sync: true })),
  )
}
