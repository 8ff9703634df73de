import type { IncomingMessage } from 'node:http'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { RateLimiterMemory } from 'rate-limiter-flexible'
import { CodedError } from '../../base/errors.ts'
import { isEnded } from '../accounts/standing.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import { limiter, spend, type Budget } from '../http/budgets.ts'
import { parsed, refuseErrors } from '../http/registrar.ts'
import { secureContext } from '../http/server.ts'
import { refuseUnreadable } from '../http/unreadable.ts'
import type { RelayLog } from '../log.ts'
import type { PersonRecord } from '../store/peopleStore.ts'
import { adminHandlers, type AdminHandlerDeps, type AdminHandlers, type AdminRequest } from './handlers.ts'
import { guardAnswers, readPage, servePage } from './page.ts'
import { may, rightsOf } from './rights.ts'
import { adminRouteNames, adminRoutes, pageHeader, type AdminRouteName } from './routes.ts'
import { sessionMs, type Session, type Sessions } from './sessions.ts'

export interface AdminBudgets {
  /** Of the routes that anybody may call, for one network address. */
  readonly address: Budget
  /** Of one account that has signed in. */
  readonly session: Budget
  /** Checks of the whole journal, of one account. */
  readonly check: Budget
}

export const usualAdminBudgets: AdminBudgets = {
  address: { requests: 60, perMs: 60_000 },
  session: { requests: 600, perMs: 60_000 },
  check: { requests: 6, perMs: 3_600_000 },
}

export interface AdminServerDeps extends Omit<AdminHandlerDeps, 'checking'> {
  readonly sessions: Sessions
  /** Of the page, as browsers name it; known once it listens. */
  readonly origin: () => string
  /** Null: HTTP, on loopback or behind a proxy. */
  readonly tls: TlsFiles | null
  /** Folder of the built page; null: the interface alone. */
  readonly page: string | null
  readonly budgets: AdminBudgets
  readonly addressOf: (request: IncomingMessage) => string
  readonly log: RelayLog
}

/** With it a browser sends the cookie over TLS alone, or to this machine, and to this very host. */
const cookieName = '__Host-valise-admin'
const bodyBytes = 65_536

/** The administrator's page and its interface, on a port of their own. Not yet listening. */
export async function adminServer(deps: AdminServerDeps): Promise<FastifyInstance> {
  const options = {
    logger: false,
    bodyLimit: bodyBytes,
    requestTimeout: 60_000,
    forceCloseConnections: true,
    clientErrorHandler: refuseUnreadable(deps.log),
  } as const
  // As in `httpServer`: nothing here depends on which of the two it is.
  const app: FastifyInstance =
    deps.tls === null
      ? fastify(options)
      : (fastify({ ...options, https: secureContext(deps.tls) }) as unknown as FastifyInstance)
  refuseErrors(app, deps.log)
  guardAnswers(app, deps.tls !== null)
  if (deps.page !== null) servePage(app, await readPage(deps.page))
  new AdminInterface(deps).register(app)
  return app
}

class AdminInterface {
  readonly #deps: AdminServerDeps
  readonly #handlers: AdminHandlers
  readonly #address: RateLimiterMemory
  readonly #session: RateLimiterMemory

  constructor(deps: AdminServerDeps) {
    this.#deps = deps
    this.#address = limiter(deps.budgets.address)
    this.#session = limiter(deps.budgets.session)
    const check = limiter(deps.budgets.check)
    this.#handlers = adminHandlers({ ...deps, checking: async (accountId) => spend(check, accountId) })
  }

  register(app: FastifyInstance): void {
    const register = <N extends AdminRouteName>(name: N): void => {
      const { method, path } = adminRoutes[name]
      app.route({ method, url: path, handler: async (request, reply) => this.#answer(name, request, reply) })
    }
    for (const name of adminRouteNames) register(name)
  }

  async #answer<N extends AdminRouteName>(
    name: N,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    const { access, method, query, body, answer } = adminRoutes[name]
    if (access === 'public') await spend(this.#address, this.#deps.addressOf(request.raw))
    this.#checkPage(request, method)
    const token = tokenOf(request.headers.cookie)
    const person = access === 'public' ? null : await this.#person(token)
    if (person !== null) await spend(this.#session, person.accountId)
    if (person !== null && access !== 'public' && access !== 'session' && !may(person.role, access))
      throw new CodedError('admin.forbidden')
    // The schemas of this very entry made both values, and a public handler takes no person: what the types of a
    // table indexed by a parameter cannot say.
    const input = {
      query: parsed(query, request.query),
      body: body === null ? null : parsed(body, request.body),
      person,
      open: (session: Session) => {
        if (token !== null) this.#deps.sessions.close(token)
        void reply.header('set-cookie', cookieOf(this.#deps.sessions.open(session)))
      },
      close: () => {
        if (token !== null) this.#deps.sessions.close(token)
        void reply.header('set-cookie', cookieOf(''))
      },
    } as unknown as AdminRequest<N>
    return answer.parse(await this.#handle(name, input))
  }

  /** For the page an option of a command is a field of a request. */
  async #handle<N extends AdminRouteName>(name: N, input: AdminRequest<N>): Promise<unknown> {
    try {
      return await this.#handlers[name](input)
    } catch (thrown) {
      const wrong = thrown instanceof CodedError && thrown.code === 'argument.invalid'
      throw wrong ? new CodedError('request.malformed', {}, { cause: thrown }) : thrown
    }
  }

  /** No other page can send the header, or change the origin that a browser names. */
  #checkPage({ headers }: FastifyRequest, method: 'GET' | 'POST'): void {
    const { origin } = headers
    const site = headers['sec-fetch-site'] ?? 'same-origin'
    const named = origin === undefined ? method === 'GET' : origin === this.#deps.origin()
    if (!named || headers[pageHeader] !== '1' || site !== 'same-origin') throw new CodedError('admin.foreign')
  }

  /** As the account stands now: who was disabled or lost the role or the credential is out at once. */
  async #person(token: string | null): Promise<PersonRecord> {
    const { sessions, store, clock } = this.#deps
    const session = token === null ? null : sessions.see(token)
    if (session === null || token === null) throw new CodedError('admin.signedOut')
    const person = await store.people.find(session.accountId)
    const credential = await store.credentials.find(session.credentialId)
    const own = credential?.accountId === session.accountId
    const stands = person !== null && own && !isEnded(person, clock.now())
    if (stands && rightsOf(person.role).length > 0) return person
    sessions.close(token)
    throw new CodedError('admin.signedOut')
  }
}

function tokenOf(header: string | undefined): string | null {
  const cookies = (header ?? '').split(/; */)
  const own = cookies.filter((cookie) => cookie.startsWith(`${cookieName}=`))
  const [cookie] = own
  return cookie === undefined || own.length > 1 ? null : cookie.slice(cookieName.length + 1)
}

function cookieOf(token: string): string {
  const age = token === '' ? 0 : sessionMs / 1_000
  return `${cookieName}=${token}; Path=/; Max-Age=${age}; Secure; HttpOnly; SameSite=Strict`
}
