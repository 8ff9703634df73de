import { randomInt, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { systemClock, type Clock } from '../../base/clock.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { parseRelayAddress, type RelayAddress } from '../../wire/address.ts'
import { anchorsHash } from '../../wire/anchors.ts'
import { formatInvitation, invitationAlphabet, invitationCodeLength } from '../../wire/invitation.ts'
import { limits } from '../../wire/limits.ts'
import { invitationCodeHash } from '../http/enrolment.ts'
import { accountIdSchema } from '../../wire/http.ts'
import { canonicalOrganisation } from '../accounts/organisation.ts'
import { canonicalEmail, isAllowedEmail } from '../accounts/email.ts'
import type { AccountRole } from '../accounts/standing.ts'
import type { ActContext, InvitationTerms } from '../store/peopleStore.ts'
import type { RelayStore } from '../store/store.ts'
import { operatorContext } from './actor.ts'
import { readRelayData, type RelayAnchors } from './relayData.ts'
import { withStore } from './withStore.ts'
import { certificatePin } from './tlsFiles.ts'

export interface InvitingOptions {
  readonly data: string
  /** The origin under which workstations reach the relay. */
  readonly address: string
  /** PEM of the relay's TLS certificate; needed for an https address, and only there. */
  readonly certificate?: string
  /** That certificate is a proxy's: whoever uses the invitation does not bind logins to the channel. */
  readonly tlsEndsAtProxy?: boolean
  readonly clock?: Clock
}

export interface InvitationOptions extends InvitingOptions {
  /** The person's name as everybody will see it; only the administrator gives it. */
  readonly name: string
  readonly title?: string
  readonly service?: string
  /** Left out: the relay's own. */
  readonly organisation?: string
  /** Of a domain that the relay takes. */
  readonly email?: string
  /** The administration's own number of the person. */
  readonly identifier?: string
  /** Left out: a member. A guest's time has to end. */
  readonly role?: AccountRole
  /** ms since the epoch. */
  readonly expires?: number
}

export interface AgainOptions extends InvitingOptions {
  /** Id of an account that there is. */
  readonly account: string
  /** Its address has to be there, and of a domain that the relay still takes. */
  readonly toMail?: boolean
}

export interface CreatedInvitation {
  /** What the person pastes. */
  readonly text: string
  /** The code within it, for a person who types. */
  readonly code: string
  readonly accountId: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export const line = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u)
export const nameSchema = line.min(1)

/**
 * Makes an account and its single-use invitation; works beside a running relay.
 * Throws `argument.invalid` (details: option) for a bad value, `relay.tlsRequired` for http to another machine, and the codes of
 * `readRelayData`.
 */
export async function createInvitation(
  options: InvitationOptions,
): Promise<CreatedInvitation & { readonly email: string | null }> {
  const { anchors } = await readRelayData(options.data)
  return withStore(options.data, async (store) =>
    inviteNew(store, anchors, options, operatorContext(options.clock)),
  )
}

/** The same over an open store. */
export async function inviteNew(
  { people }: Pick<RelayStore, 'people'>,
  anchors: RelayAnchors,
  options: Omit<InvitationOptions, 'data'>,
  context: ActContext,
): Promise<CreatedInvitation & { readonly email: string | null }> {
  const { role = 'member', expires = null } = options
  if (role === 'guest' && expires === null) throw new CodedError('argument.invalid', { option: 'expires' })
  const accountId = randomUUID()
  const draft = invitationDrafts(options, anchors)()
  const profile = {
    displayName: checked('name', nameSchema, options.name),
    title: checked('title', line, options.title ?? ''),
    service: checked('service', line, options.service ?? ''),
    organisation: canonicalOrganisation(
      checked('organisation', line, options.organisation ?? anchors.organisation),
    ),
    identifier:
      options.identifier === undefined ? null : checked('identifier', nameSchema, options.identifier),
  }
  const email = options.email === undefined ? null : checkedEmail(options.email, await people.domains())
  const act = {
    kind: 'create',
    accountId,
    profile: { ...profile, email },
    role,
    expiresAt: expires,
    hidden: false,
    invitation: draft.stored,
  } as const
  const [outcome] = await people.apply([act], context)
  if (outcome?.kind !== 'done') throw new CodedError('account.taken')
  return { ...draft.given, accountId, email }
}

/**
 * One more invitation for an account: the way back for who has lost the only device. Whoever uses it has a new identity
 * key, and every older device of the account is removed. Throws as `createInvitation` does.
 */
export async function createInvitationAgain(
  options: AgainOptions,
): Promise<CreatedInvitation & { readonly displayName: string; readonly email: string | null }> {
  const { anchors } = await readRelayData(options.data)
  return withStore(options.data, async (store) =>
    inviteAgain(store, anchors, options, operatorContext(options.clock)),
  )
}

/** The same over an open store. */
export async function inviteAgain(
  { people }: Pick<RelayStore, 'people'>,
  anchors: RelayAnchors,
  options: Omit<AgainOptions, 'data'>,
  context: ActContext,
): Promise<CreatedInvitation & { readonly displayName: string; readonly email: string | null }> {
  const accountId = checked('account', accountIdSchema, options.account)
  const draft = invitationDrafts(options, anchors)()
  const person = await people.find(accountId)
  if (person === null) throw new CodedError('argument.invalid', { option: 'account' })
  if (options.toMail === true) checkedEmail(person.email ?? '', await people.domains())
  const act = { kind: 'invite', accountId, invitation: draft.stored } as const
  const [outcome] = await people.apply([act], context)
  if (outcome?.kind !== 'done') throw new CodedError('argument.invalid', { option: 'account' })
  return { ...draft.given, accountId, displayName: person.displayName, email: person.email }
}

/** In its one form. Throws `argument.invalid` for what has none, and for a domain that the relay does not take. */
export function checkedEmail(given: string, domains: readonly string[]): string {
  const address = canonicalEmail(given)
  if (address === null || !isAllowedEmail(address, domains))
    throw new CodedError('argument.invalid', { option: 'email' })
  return address
}

export interface InvitationDraft {
  readonly stored: InvitationTerms
  readonly given: Omit<CreatedInvitation, 'accountId'>
}

/** Makes any number of invitations to one relay, none of them stored yet. Throws as `createInvitation` does. */
export function invitationDrafts(
  options: Omit<InvitingOptions, 'data'>,
  anchors: RelayAnchors,
): () => InvitationDraft {
  const { origin, secure } = checkedAddress(options.address)
  const tlsPin = options.certificate === undefined ? null : certificatePin(options.certificate)
  if (secure !== (tlsPin !== null)) throw new CodedError('argument.invalid', { option: 'certificate' })
  const hash = anchorsHash(anchors.trustRoot, anchors.zkPublicParams)
  const tlsEndsAtProxy = secure && options.tlsEndsAtProxy === true
  return () => {
    const code = newCode()
    const createdAt = (options.clock ?? systemClock).now()
    const expiresAt = createdAt + limits.invitationMs
    const text = formatInvitation({ address: origin, tlsPin, anchors: hash, code, tlsEndsAtProxy })
    return {
      stored: { codeHash: invitationCodeHash(code), createdAt, expiresAt },
      given: { text, code, expiresAt },
    }
  }
}

export function checked(option: string, schema: z.ZodType<string>, value: string): string {
  const result = schema.safeParse(value)
  if (!result.success) throw new CodedError('argument.invalid', { option })
  return result.data
}

function checkedAddress(address: string): RelayAddress {
  try {
    return parseRelayAddress(address)
  } catch (thrown) {
    const insecure = reportOf(thrown).code === 'relay.insecureAddress'
    throw insecure
      ? new CodedError('relay.tlsRequired')
      : new CodedError('argument.invalid', { option: 'address' })
  }
}

export function newCode(): string {
  return Array.from(
    { length: invitationCodeLength },
    () => invitationAlphabet[randomInt(invitationAlphabet.length)],
  ).join('')
}
