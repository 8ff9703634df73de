import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { CodedError } from '../../base/errors.ts'
import type { ShownAuthorisation } from '../authorisation.ts'
import type { BurstBudget } from '../socket/putBudgets.ts'
import type { RouteName } from '../../wire/http.ts'

export interface Budget {
  readonly requests: number
  readonly perMs: number
}

export interface Budgets {
  /** Of the routes that anybody may call, for one network address; a whole office may share one. */
  readonly address: Budget
  /** Steps of linking that anybody may take, for one network address: a device that waits asks every second or two. */
  readonly link: Budget
  /** Anonymous requests of a network address. */
  readonly anonymous: Budget
  /** Bundles of one account that its access key may fetch, and as many again that permits may. */
  readonly recipientBundle: Budget
  /** Connections to each of the sockets for one network address: a whole office may come back at once. */
  readonly upgrade: Budget
  /** Tries of one invitation code. */
  readonly code: Budget
  /** Each route of an authenticated device, for that device. */
  readonly device: Budget
  /** Bundles a device may fetch: each takes one-time keys away from others. */
  readonly bundle: Budget
  /** Pages of the directory a device may read: about one for each letter that is typed. */
  readonly directory: Budget
  /** Puts of a device, on whatever connection. */
  readonly put: BurstBudget
  /** Vault generations that a device may ask for and confirm. */
  readonly generation: BurstBudget
  /** Anonymous puts of a network address: there is nobody else to count, and a whole office may share one. */
  readonly anonymousPut: BurstBudget
}

export const usualBudgets: Budgets = {
  address: { requests: 300, perMs: 60_000 },
  link: { requests: 1_200, perMs: 60_000 },
  anonymous: { requests: 6_000, perMs: 60_000 },
  recipientBundle: { requests: 300, perMs: 60_000 },
  upgrade: { requests: 6_000, perMs: 60_000 },
  code: { requests: 20, perMs: 60_000 },
  device: { requests: 1_200, perMs: 60_000 },
  bundle: { requests: 300, perMs: 60_000 },
  directory: { requests: 300, perMs: 60_000 },
  put: { burst: 2_000, perSecond: 200 },
  generation: { burst: 60, perSecond: 1 },
  anonymousPut: { burst: 20_000, perSecond: 2_000 },
}

/** Counts requests in memory. Each method throws `relay.tooManyRequests` with `retryAfterMs` when a budget is spent. */
export class RateLimits {
  readonly #address
  readonly #link
  readonly #anonymous
  readonly #recipientBundle
  readonly #upgrade
  readonly #code
  readonly #device
  readonly #bundle
  readonly #directory

  constructor(budgets: Budgets = usualBudgets) {
    this.#address = limiter(budgets.address)
    this.#link = limiter(budgets.link)
    this.#anonymous = limiter(budgets.anonymous)
    this.#recipientBundle = limiter(budgets.recipientBundle)
    this.#upgrade = limiter(budgets.upgrade)
    this.#code = limiter(budgets.code)
    this.#device = limiter(budgets.device)
    this.#bundle = limiter(budgets.bundle)
    this.#directory = limiter(budgets.directory)
  }

  async stranger(address: string): Promise<void> {
    await spend(this.#address, address)
  }

  async link(address: string): Promise<void> {
    await spend(this.#link, address)
  }

  async anonymous(address: string): Promise<void> {
    await spend(this.#anonymous, address)
  }

  /** Only for who may, and strangers apart: they must not be able to use up what an account's contacts need. */
  async recipientBundle(accountId: string, by: ShownAuthorisation['kind']): Promise<void> {
    await spend(this.#recipientBundle, `${accountId} ${by}`)
  }

  async upgrade(address: string, path: string): Promise<void> {
    await spend(this.#upgrade, `${address} ${path}`)
  }

  async code(code: string): Promise<void> {
    await spend(this.#code, createHash('sha256').update(code).digest('base64'))
  }

  async device(device: number, route: RouteName): Promise<void> {
    await spend(this.#ofRoute(route), `${device} ${route}`)
  }

  #ofRoute(route: RouteName): RateLimiterMemory {
    if (route === 'ownBundle') return this.#bundle
    return route === 'directory' ? this.#directory : this.#device
  }
}

export function limiter(budget: Budget): RateLimiterMemory {
  return new RateLimiterMemory({ points: budget.requests, duration: budget.perMs / 1_000 })
}

export async function spend(limit: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limit.consume(key)
  } catch (thrown) {
    if (!(thrown instanceof RateLimiterRes)) throw thrown
    throw new CodedError('relay.tooManyRequests', {
      retryAfterMs: Math.max(1, Math.ceil(thrown.msBeforeNext)),
    })
  }
}
