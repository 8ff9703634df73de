import { randomBytes } from 'node:crypto'
import { copyBytes, toBase64Url } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { canonicalEmail } from '../accounts/email.ts'
import { isEnded } from '../accounts/standing.ts'
import { linkHashOf } from '../accounts/linkHash.ts'
import type { ActContext, PersonRecord } from '../store/peopleStore.ts'
import { checkedAccountId, knownPerson } from './administration.ts'
import { allAccounts } from './importing.ts'
import { readRelayData } from './relayData.ts'
import { withStore } from './withStore.ts'

export const linkMs = 3_600_000

export type AccountNamed = { readonly account: string } | { readonly email: string }

export interface SecondFactorLink {
  readonly accountId: string
  readonly displayName: string
  /** Opens the page where the person registers an authenticator, once. Nowhere kept. */
  readonly url: string
  /** ms since the epoch. */
  readonly expiresAt: number
}

/**
 * A link by which an account registers a second factor, once and within the hour; an earlier one is of no use any more.
 * Throws `argument.invalid` for an account that there is not, `account.disabled`, and the codes of `readRelayData`.
 */
export async function linkSecondFactor(
  data: string,
  named: AccountNamed,
  origin: string,
  context: ActContext,
): Promise<SecondFactorLink> {
  await readRelayData(data)
  return withStore(data, async (store) => {
    const { accountId, displayName, ...standing } = await personNamed(store, named)
    if (isEnded(standing, context.now)) throw new CodedError('account.disabled')
    const secret = copyBytes(randomBytes(32))
    const expiresAt = context.now + linkMs
    await store.credentials.link({ accountId, linkHash: linkHashOf(secret), expiresAt }, context)
    // Behind `#`: no server, proxy or log gets to see it.
    return { accountId, displayName, url: `${origin}/#register=${toBase64Url(secret)}`, expiresAt }
  })
}

/** All second factors of an account, which ends its sessions on the page. Returns how many there were. */
export async function removeSecondFactors(
  data: string,
  named: AccountNamed,
  context: ActContext,
): Promise<number> {
  await readRelayData(data)
  return withStore(data, async (store) =>
    store.credentials.remove((await personNamed(store, named)).accountId, context),
  )
}

async function personNamed(
  store: Parameters<typeof knownPerson>[0],
  named: AccountNamed,
): Promise<PersonRecord> {
  if ('account' in named) return knownPerson(store, checkedAccountId(named.account))
  const email = canonicalEmail(named.email)
  const found = (await allAccounts(store)).find((person) => person.email !== null && person.email === email)
  if (found === undefined) throw new CodedError('argument.invalid', { option: 'email' })
  return found
}
