import { sameBytes, toBase64Url } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { limits } from '../../wire/limits.ts'
import { authorisationOf } from '../authorisation.ts'
import type { HandlerDeps } from './handlers.ts'
import { bundleAnswer, bytesOf } from './keys.ts'
import type { Handler } from './registrar.ts'

const dayMs = 24 * 3_600_000

export function anonymousBundle(deps: HandlerDeps): Handler<'bundle'> {
  const { store } = deps
  return async ({ shown, query, address }) => {
    await deps.rateLimits.anonymous(address)
    const now = deps.clock.now()
    const by = authorisationOf(shown, deps.permits, now)
    if (typeof by === 'string') throw new CodedError(by)
    if (by.kind === 'accessKey') {
      const hash = await store.identities.accessKeyHash(query.accountId)
      if (hash === null || !sameBytes(hash, by.hash)) throw new CodedError('access.denied')
    }
    // Nothing is counted for what pays nothing.
    if (by.kind === 'permit' && (await store.permits.isSpent(by.permit)))
      throw new CodedError('permit.invalid')
    await deps.rateLimits.recipientBundle(query.accountId, by.kind)
    const budget = by.kind === 'permit' ? 'keysByPermit' : 'keysByContacts'
    // Nobody empties an account of its one-time keys. Strangers and contacts have one limit each, so that the
    // first cannot use up what the others need; past it the last resort serves, as it does when there are none.
    const given = await deps.ledger.within(query.accountId, budget)
    const outcome = await store.keys.takeBundle(query.accountId, by, now, !given)
    if (!given) deps.counters.count('keysSpared')
    else if (outcome.kind !== 'taken') await deps.ledger.refund(query.accountId, budget)
    switch (outcome.kind) {
      case 'taken':
        return bundleAnswer(outcome.bundle)
      case 'unknownRecipient':
        throw new CodedError('recipient.unknown')
      case 'denied':
        throw new CodedError('access.denied')
      case 'permitSpent':
        throw new CodedError('permit.invalid')
      default:
        return exhausted(outcome)
    }
  }
}

/** By access key alone: who has it was written to by that very account. */
export function anonymousPerson(deps: HandlerDeps): Handler<'person'> {
  const { store } = deps
  return async ({ shown, query, address }) => {
    await deps.rateLimits.anonymous(address)
    const by = authorisationOf(shown, deps.permits, deps.clock.now())
    if (typeof by === 'string') throw new CodedError(by)
    const hash = by.kind === 'accessKey' ? await store.identities.accessKeyHash(query.accountId) : null
    if (by.kind !== 'accessKey' || hash === null || !sameBytes(hash, by.hash)) {
      throw new CodedError('access.denied')
    }
    const entry = await store.accounts.find(query.accountId)
    if (entry === null) throw new CodedError('access.denied')
    return entry
  }
}

export function drawPermits(deps: HandlerDeps): Handler<'permits'> {
  return async ({ device, body }) => {
    const now = deps.clock.now()
    // Issued before they are counted, so that a malformed request costs nothing; nothing leaves before they are counted.
    const { count, response } = deps.permits.issue(bytesOf(body.request), limits.permitsAtOnce, now)
    const { accountId } = device
    const drawn = await deps.ledger.draw(accountId, count, async (perDay) =>
      deps.store.permits.draw(accountId, count, now, perDay),
    )
    if (drawn === null) throw new CodedError('permit.exhausted', { retryAfterMs: dayMs - (now % dayMs) })
    return { response: toBase64Url(response), left: drawn.left }
  }
}
