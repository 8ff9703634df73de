/**
 * Every error that may reach a person or cross a process has a code of this list (ARCHITECTURE rule 11).
 * The catalogue of `src/text` holds a sentence for each under `error.<code>`; a test keeps both equal.
 */
export const errorCodes = [
  // invitation and enrolment
  'invitation.malformed',
  'invitation.unknown',
  'invitation.used',
  'invitation.expired',
  'invitation.disabled',
  // the relay, as seen by a client
  'relay.unreachable',
  'relay.certificate',
  'relay.channel',
  'relay.anchors',
  'relay.insecureAddress',
  'relay.notAllowed',
  'relay.version',
  'relay.unavailable',
  'relay.tooManyRequests',
  'relay.unauthorised',
  'relay.deviceGone',
  'relay.malformedAnswer',
  // the relay's own commands and data folder
  'relay.dataMissing',
  'relay.dataExists',
  'relay.dataDamaged',
  'relay.dataNewer',
  'relay.dataMoved',
  'relay.dataInUse',
  'relay.dataNotWritable',
  'relay.databaseUnreachable',
  'relay.databaseUnsuitable',
  'relay.databaseUsed',
  'relay.trustRootMismatch',
  'relay.portTaken',
  'relay.tlsRequired',
  'relay.notRunning',
  'relay.trustRootPresent',
  'relay.clockBehind',
  'relay.backupExists',
  'relay.backupDamaged',
  'relay.backupForeign',
  'relay.backupPassphrase',
  'relay.backupPostgres',
  'tls.unreadable',
  'tls.malformed',
  'tls.keyMismatch',
  'tls.keyChanged',
  'tls.expired',
  'tls.expiring',
  'tls.notYet',
  'config.unreadable',
  'config.malformed',
  'config.unknownKey',
  'config.badValue',
  'config.conflict',
  'config.noTrustedProxy',
  'config.metricsOpen',
  'config.adminOpen',
  'config.pageAddress',
  'config.pageNumber',
  'config.checkFailed',
  // frames and requests, as refused by the relay
  'frame.malformed',
  'frame.tooLarge',
  'frame.unknownType',
  'request.malformed',
  'request.tooLarge',
  'request.notFound',
  'recipient.unknown',
  'queue.full',
  'keys.malformed',
  'keys.signature',
  // protocol
  'bundle.malformed',
  'bundle.signature',
  'bundle.noKyberKey',
  'session.missing',
  'session.tooOld',
  'identity.changed',
  'identity.unknown',
  'identity.notPending',
  'identity.superseded',
  'identity.mismatch',
  'certificate.untrusted',
  'certificate.expired',
  'certificate.sender',
  'envelope.malformed',
  'envelope.duplicate',
  'envelope.undecryptable',
  'envelope.replayedKyberKey',
  'envelope.unknownPreKey',
  'envelope.ownMessage',
  'envelope.tooFarAhead',
  'content.malformed',
  'content.notAllowed',
  'content.tooLarge',
  // devices, linking, permits
  'device.limit',
  'device.notFound',
  'device.frozen',
  'device.attestation',
  'link.malformed',
  'link.unknown',
  'link.mismatch',
  'link.tooManyTries',
  'link.notNow',
  'permit.invalid',
  'permit.exhausted',
  'permit.recipientLimit',
  'access.denied',
  // accounts, as administered at the relay
  'account.disabled',
  'account.guest',
  'account.taken',
  'mail.failed',
  'import.refused',
  'import.incomplete',
  'factor.link',
  'factor.refused',
  'factor.taken',
  'factor.stepUp',
  'admin.signedOut',
  'admin.forbidden',
  'admin.foreign',
  'admin.byCommand',
  'approval.missing',
  'approval.samePerson',
  'approval.unknownPerson',
  'acts.damaged',
  'put.notAnonymous',
  // what an account may do in an hour or a day; blobs
  'budget.stepUp',
  'budget.spent',
  'blob.unknown',
  'blob.exists',
  'relay.full',
  // messages
  'message.empty',
  'message.tooLarge',
  'message.notFound',
  'message.notEditable',
  'message.notDeletable',
  'message.expired',
  'reaction.invalid',
  'conversation.notFound',
  'conversation.blocked',
  // vault
  'vault.wrongKey',
  'vault.damaged',
  'vault.notAVault',
  'vault.newer',
  'vault.exists',
  'vault.missing',
  'vault.busy',
  'vault.copied',
  'vault.readOnly',
  'vault.diskFull',
  'vault.noKeyStore',
  'vault.keyStoreRefused',
  'vault.slotsDamaged',
  'vault.passphraseWrong',
  'vault.passphraseTooShort',
  'vault.passphraseWait',
  // profile and process
  'profile.inUse',
  'profile.notWritable',
  'profile.unsafe',
  'argument.invalid',
  'switch.refused',
  'policy.malformed',
  'policy.forbidden',
  // the IPC gate
  'ipc.foreignSender',
  'ipc.malformed',
  'ipc.tooLarge',
  'ipc.notReady',
  'link.refused',
  // a defect of ours: the only code without an action beyond "try again, then tell support"
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** Values that a sentence of the catalogue may show. Never content, names or keys (rule 1). */
export type ErrorDetails = Readonly<Record<string, string | number>>

/** What crosses a process boundary in place of an exception: no stack, no text. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly details: ErrorDetails
}

/** An expected failure. Its text is the code alone, so that logging one can leak nothing. */
export class CodedError extends Error {
  override readonly name = 'CodedError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(code, options)
    this.code = code
    this.details = details
  }
}

/** Any thrown value as a report; what is not a `CodedError` is a defect and becomes `internal`. */
export function reportOf(thrown: unknown): ErrorReport {
  return thrown instanceof CodedError
    ? { code: thrown.code, details: thrown.details }
    : { code: 'internal', details: {} }
}

const known: ReadonlySet<string> = new Set(errorCodes)

/** True for a code of this version; a newer peer may send others. */
export function isErrorCode(value: string): value is ErrorCode {
  return known.has(value)
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorReport }
