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
import type { NewInvitation } from '../store/store.ts'
import { readRelayData, type RelayAnchors } from './relayData.ts'
import { withStore } from './withStore.ts'
import { certificatePin } from './tlsFiles.ts'

interface CommonOptions {
  readonly data: string
  /** The origin under which workstations reach the relay. */
  readonly address: string
  /** PEM of the relay's TLS certificate; needed for an https address, and only there. */
  readonly certificate?: string
  readonly clock?: Clock
}

export interface InvitationOptions extends CommonOptions {
  /** The person's name as everybody will see it; only the administrator gives it. */
  readonly name: string
  readonly title?: string
  readonly service?: string
  /** Left out: the relay's own. */
  readonly organisation?: string
}

export interface AgainOptions extends CommonOptions {
  /** Id of an account that there is. */
  readonly account: string
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

const line = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u)
const nameSchema = line.min(1)

/**
 * Makes an account and its single-use invitation; works beside a running relay.
 * Throws `argument.invalid` (details: option) for a bad value, `relay.tlsRequired` for http to another machine, and the codes of
 * `readRelayData`.
 */
export async function createInvitation(options: InvitationOptions): Promise<CreatedInvitation> {
  const { anchors } = await readRelayData(options.data)
  const account = {
    accountId: randomUUID(),
    displayName: checked('name', nameSchema, options.name),
    title: checked('title', line, options.title ?? ''),
    service: checked('service', line, options.service ?? ''),
    organisation: checked('organisation', line, options.organisation ?? anchors.organisation),
  }
  const draft = drafted(options, anchors)
  await withStore(options.data, async (store) => store.invitations.create({ ...draft.stored, account }))
  return { ...draft.given, accountId: account.accountId }
}

/**
 * One more invitation for an account: the way back for who has lost the only device. Whoever uses it has a new identity
 * key, and every older device of the account is removed. Throws as `createInvitation` does.
 */
export async function createInvitationAgain(
  options: AgainOptions,
): Promise<CreatedInvitation & { readonly displayName: string }> {
  const { anchors } = await readRelayData(options.data)
  const accountId = checked('account', accountIdSchema, options.account)
  const draft = drafted(options, anchors)
  const account = await withStore(options.data, async (store) =>
    store.invitations.createAgain({ ...draft.stored, accountId }),
  )
  if (account === null) throw new CodedError('argument.invalid', { option: 'account' })
  return { ...draft.given, accountId, displayName: account.displayName }
}

interface Draft {
  readonly stored: Omit<NewInvitation, 'account'>
  readonly given: Omit<CreatedInvitation, 'accountId'>
}

function drafted(options: CommonOptions, anchors: RelayAnchors): Draft {
  const { origin, secure } = checkedAddress(options.address)
  const tlsPin = options.certificate === undefined ? null : certificatePin(options.certificate)
  if (secure !== (tlsPin !== null)) throw new CodedError('argument.invalid', { option: 'certificate' })
  const code = newCode()
  const createdAt = (options.clock ?? systemClock).now()
  const expiresAt = createdAt + limits.invitationMs
  const hash = anchorsHash(anchors.trustRoot, anchors.zkPublicParams)
  const text = formatInvitation({ address: origin, tlsPin, anchors: hash, code })
  return {
    stored: { codeHash: invitationCodeHash(code), createdAt, expiresAt },
    given: { text, code, expiresAt },
  }
}

function checked(option: string, schema: z.ZodType<string>, value: string): string {
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

function newCode(): string {
  return Array.from(
    { length: invitationCodeLength },
    () => invitationAlphabet[randomInt(invitationAlphabet.length)],
  ).join('')
}
