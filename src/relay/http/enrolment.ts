import { createHash } from 'node:crypto'
import { sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError, type ErrorCode } from '../../base/errors.ts'
import { enrolmentInput } from '../../wire/authentication.ts'
import { canonicalInvitationCode } from '../../wire/invitation.ts'
import { limits } from '../../wire/limits.ts'
import { checkAttestation, checkKeys } from '../crypto/keyChecks.ts'
import { verifyByDeviceKey } from '../deviceKeys.ts'
import type { Enrolment, InvitationRecord, RelayStore } from '../store/store.ts'
import type { HandlerDeps } from './handlers.ts'
import { bytes32Of, curveKeyOf, keySetOf, signatureOf } from './keys.ts'
import type { Handler, ParsedBody } from './registrar.ts'

/** All that is kept of a code. */
export function invitationCodeHash(canonicalCode: string): Bytes {
  return new Uint8Array(createHash('sha256').update(canonicalCode).digest())
}

export function lookAtInvitation(deps: HandlerDeps): Handler<'invitation'> {
  return async ({ body, address }) => {
    const code = await admittedCode(deps, body.code, address)
    const invitation = await knownInvitation(deps.store, code)
    if (invitation.usedBy !== null) throw new CodedError('invitation.used')
    if (invitation.expiresAt <= deps.clock.now()) throw new CodedError('invitation.expired')
    return { account: invitation.account, expiresAt: invitation.expiresAt }
  }
}

export function enrol(deps: HandlerDeps): Handler<'enrol'> {
  return async ({ body, address }) => {
    const code = await admittedCode(deps, body.code, address)
    const enrolment = enrolmentOf(code, body, deps.clock.now())
    // Cheap refusals first: two hundred signatures are checked only for someone who holds a code that is good.
    const invitation = await knownInvitation(deps.store, code)
    const refusal = refusalOf(invitation, enrolment)
    if (refusal !== null) throw new CodedError(refusal)
    checkProof(code, enrolment, signatureOf(body.proof))
    checkKeys(enrolment.identityKey, enrolment.keys)
    checkAttestation(
      enrolment.identityKey,
      { ...enrolment, accountId: invitation.account.accountId, deviceId: limits.firstDeviceId },
      enrolment.attestation,
    )
    const outcome = await deps.store.invitations.redeem(enrolment)
    if (outcome.kind !== 'enrolled') throw new CodedError(`invitation.${outcome.kind}`)
    deps.log.info('device enrolled')
    deps.devices.removed(outcome.removed)
    return { deviceId: outcome.deviceId, account: outcome.account }
  }
}

async function admittedCode(deps: HandlerDeps, typed: string, address: string): Promise<string> {
  await deps.rateLimits.stranger(address)
  const code = canonicalInvitationCode(typed)
  if (code === null) throw new CodedError('invitation.malformed')
  await deps.rateLimits.code(code)
  return code
}

async function knownInvitation(store: RelayStore, code: string): Promise<InvitationRecord> {
  const invitation = await store.invitations.find(invitationCodeHash(code))
  if (invitation === null) throw new CodedError('invitation.unknown')
  return invitation
}

/** The device that used it may ask again, also after the expiry: its answer may have been lost. */
function refusalOf(invitation: InvitationRecord, enrolment: Enrolment): ErrorCode | null {
  if (invitation.usedBy !== null) {
    return sameBytes(invitation.usedBy, enrolment.deviceKey) ? null : 'invitation.used'
  }
  return invitation.expiresAt <= enrolment.now ? 'invitation.expired' : null
}

function enrolmentOf(code: string, body: ParsedBody<'enrol'>, now: number): Enrolment {
  return {
    codeHash: invitationCodeHash(code),
    identityKey: curveKeyOf(body.identityKey),
    deviceKey: bytes32Of(body.deviceKey),
    registrationId: body.registrationId,
    attestation: signatureOf(body.attestation),
    accessKeyHash: bytes32Of(body.accessKeyHash),
    keys: keySetOf(body.keys),
    now,
  }
}

function checkProof(code: string, enrolment: Enrolment, proof: Bytes): void {
  const { identityKey, deviceKey, registrationId } = enrolment
  const input = enrolmentInput({ code, identityKey, deviceKey, registrationId })
  if (!verifyByDeviceKey(deviceKey, input, proof)) throw new CodedError('keys.signature')
}
