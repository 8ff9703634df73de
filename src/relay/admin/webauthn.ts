import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import { copyBytes, fromBase64Url, toBase64Url, utf8, type Bytes } from '../../base/bytes.ts'
import type { Credential, NewCredential } from '../store/credentialStore.ts'
import {
  creationOptionsSchema,
  requestOptionsSchema,
  type CreatedCredential,
  type CreationOptions,
  type RequestOptions,
  type SignedCredential,
} from './routes.ts'
import { challengeMs } from './challenges.ts'

/** The only file that knows the library: what WebAuthn is asked and whether an answer is good. */

/** Whom authenticators sign for. */
export interface RelyingParty {
  readonly name: string
  /** A host name. */
  readonly id: string
  /** Of the administrator's page. */
  readonly origin: string
}

export interface Person {
  readonly accountId: string
  readonly displayName: string
}

/** ES256, EdDSA, RS256 (COSE): what authenticators of today have, and Node verifies. */
const algorithms = [-7, -8, -257]

/** Nobody asked for an attestation; for others of its formats the library would fetch lists of revoked certificates (SECURITY 10). */
const formats: ReadonlySet<string> = new Set(['none', 'packed'])

function formatOf({ response }: CreatedCredential): string {
  const object = fromBase64Url(response.attestationObject)
  return object === null ? '' : decodeAttestationObject(object).get('fmt')
}

/** For a credential that the authenticator finds by itself, so that nobody has to say who signs in. */
export async function creationOptions(
  party: RelyingParty,
  person: Person,
  known: readonly Credential[],
  challenge: Bytes,
): Promise<CreationOptions> {
  const made = await generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userID: utf8(person.accountId),
    userName: person.displayName,
    userDisplayName: person.displayName,
    challenge,
    timeout: challengeMs,
    attestationType: 'none',
    excludeCredentials: known.map(({ id }) => ({ id: toBase64Url(id) })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: algorithms,
  })
  return creationOptionsSchema.parse(made)
}

export async function requestOptions(party: RelyingParty, challenge: Bytes): Promise<RequestOptions> {
  const made = await generateAuthenticationOptions({
    rpID: party.id,
    challenge,
    timeout: challengeMs,
    userVerification: 'required',
  })
  return requestOptionsSchema.parse(made)
}

/** Null for whatever is no good answer; `challenge` uses up the one that it names. */
export async function createdCredential(
  party: RelyingParty,
  answer: CreatedCredential,
  challenge: (text: string) => boolean,
): Promise<NewCredential | null> {
  try {
    if (!formats.has(formatOf(answer))) return null
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...answer, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    })
    if (!verified) return null
    const { id: text, publicKey, counter } = registrationInfo.credential
    const id = fromBase64Url(text)
    return id === null ? null : { id, publicKey: copyBytes(publicKey), counter }
  } catch {
    // The library throws for each thing that does not fit; which one it was is nobody's affair.
    return null
  }
}

/** The counter of a good signature, or null. Whether the counter has risen is for the store to say. */
export async function signedCounter(
  party: RelyingParty,
  answer: SignedCredential,
  credential: Credential,
  challenge: (text: string) => boolean,
): Promise<number | null> {
  const { userHandle, ...response } = answer.response
  if (userHandle !== undefined && userHandle !== toBase64Url(utf8(credential.accountId))) return null
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...answer, response, clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      // Compared by the store, in the transaction that keeps it.
      credential: { id: toBase64Url(credential.id), publicKey: credential.publicKey, counter: 0 },
      requireUserVerification: true,
    })
    return verified ? authenticationInfo.newCounter : null
  } catch {
    return null
  }
}
