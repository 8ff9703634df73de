import { randomBytes } from 'node:crypto'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { copyBytes, toBase64Url } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import type { Spender, StepUp } from '../budgets/ledger.ts'
import type { AccountBudgets, BudgetName } from '../budgets/table.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import { secureContext } from '../http/server.ts'
import { listen } from '../listen.ts'
import type { RelayStore } from '../store/store.ts'
import { pageAddress, pageOrigin, type PageAddress } from './address.ts'
import type { PageInviting } from './handlers.ts'
import { SecondFactor } from './secondFactor.ts'
import { adminServer, usualAdminBudgets, type AdminBudgets, type AdminServerDeps } from './server.ts'
import { Sessions } from './sessions.ts'

export interface AdminOptions {
  /** Null: another process of this relay serves the page. */
  readonly listen: { readonly host: string; readonly port: number } | null
  /** Origin under which browsers reach the page; null: made from the relay's address and the port. */
  readonly address: string | null
  /** The relay's own, as workstations know it. */
  readonly relay: string | null
  /** Folder of the built page; null: the interface alone. */
  readonly page: string | null
  readonly inviting: PageInviting | null
  readonly budgets?: Partial<AdminBudgets>
}

export interface AdminDeps extends Pick<
  AdminServerDeps,
  'anchors' | 'ledger' | 'overview' | 'addressOf' | 'log'
> {
  readonly store: RelayStore
  readonly tls: TlsFiles | null
  readonly table: AccountBudgets
  readonly clock: Clock
}

/** So long a refusal may be answered by a second factor; the next one has another id when less than half of it is left. */
const stepUpMs = 300_000

/** The administrator's page, and what second factors are asked for beyond it. */
export class Admin {
  readonly #options: AdminOptions
  readonly #deps: AdminDeps
  #place: PageAddress | null
  #app: FastifyInstance | null = null

  constructor(options: AdminOptions, deps: AdminDeps) {
    this.#options = options
    this.#deps = deps
    const port = options.listen?.port ?? 0
    // Port 0 is known when it listens: until then devices are asked for nothing.
    this.#place = options.address === null && port === 0 ? null : this.#placeAt(port)
  }

  /** Where the page is, or null. Throws `relay.portTaken` and `argument.invalid` as `listen` does. */
  async start(): Promise<string | null> {
    const { listen: wanted, page, inviting, budgets } = this.#options
    if (wanted === null) return this.#place?.origin ?? null
    const { anchors, clock, tls, table, ...deps } = this.#deps
    const party = (): { id: string; name: string; origin: string } => {
      if (this.#place === null) throw new CodedError('admin.foreign')
      return { id: this.#place.rpId, name: anchors.organisation, origin: this.#place.origin }
    }
    const app = await adminServer({
      ...deps,
      anchors,
      clock,
      tls,
      table,
      page,
      inviting,
      budgets: { ...usualAdminBudgets, ...budgets },
      sessions: new Sessions(clock),
      secondFactor: new SecondFactor({ store: deps.store, budgets: table, party, clock }),
      origin: () => party().origin,
    })
    const secure = tls !== null
    const at = new URL(await listen(app, { ...wanted, secure, option: 'admin-host' }))
    this.#place = this.#placeAt(Number(at.port))
    this.#app = app
    return this.#place?.origin ?? at.origin
  }

  /** Renewed TLS files. */
  renew(files: TlsFiles): void {
    if (this.#app?.server instanceof TlsServer) this.#app.server.setSecureContext(secureContext(files))
  }

  /** Whether a device that is past a soft limit has to confirm with its account's second factor, and where. */
  async stepUp({ accountId, deviceId }: Spender, budget: BudgetName): Promise<StepUp> {
    if (this.#place === null) return 'none'
    const { clock, store } = this.#deps
    const [now, subject] = [clock.now(), { accountId, deviceId, budget }]
    const state = await store.credentials.stepUp(subject, now)
    if (state !== 'shut') return state === 'none' ? 'none' : 'given'
    const request = { ...subject, id: copyBytes(randomBytes(16)), endsAt: now + stepUpMs }
    const id = await store.credentials.askStepUp(request, stepUpMs / 2, now)
    // Null: it was opened, or the second factor taken away, in this moment.
    return id === null ? 'given' : { address: `${this.#place.origin}/#step-up=${toBase64Url(id)}` }
  }

  #placeAt(port: number): PageAddress | null {
    const { address, relay } = this.#options
    return pageAddress(pageOrigin({ address, relay, port, tls: this.#deps.tls === null ? 'none' : 'here' }))
  }

  async stop(): Promise<void> {
    await this.#app?.close()
  }
}
