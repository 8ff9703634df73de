import type { AccountRole } from '../accounts/standing.ts'
import { performActs } from '../data/administration.ts'
import { linkSecondFactor } from '../data/secondFactorLink.ts'
import { withStore } from '../data/withStore.ts'
import {
  adminRoutes,
  pageHeader,
  type AdminAnswer,
  type AdminRouteName,
  type CreationOptions,
  type RequestOptions,
} from '../admin/routes.ts'
import { SoftwareAuthenticator } from './authenticator.ts'
import type { RelayFixture } from './fixture.ts'

export const localPage = {
  listen: { host: '127.0.0.1', port: 0 },
  address: null,
  relay: null,
  page: null,
  inviting: null,
} as const

export interface AdminReply {
  readonly status: number
  readonly body: unknown
  readonly cookie: string | null
  readonly headers: Headers
}

export interface AdminAsking {
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string>>
  /** Null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>
}

/** What a page under this origin sends, with the cookie that it was given. */
export class AdminClient {
  readonly origin: string
  cookie: string | null = null

  constructor(origin: string) {
    this.origin = origin
  }

  async ask(name: AdminRouteName, { body, query, headers = {} }: AdminAsking = {}): Promise<AdminReply> {
    const { method, path } = adminRoutes[name]
    const usual: Record<string, string | null> = {
      [pageHeader]: '1',
      'sec-fetch-site': 'same-origin',
      ...(method === 'POST' ? { origin: this.origin, 'content-type': 'application/json' } : {}),
      cookie: this.cookie,
      ...headers,
    }
    const sent = Object.entries(usual).flatMap(([key, value]): [string, string][] =>
      value === null ? [] : [[key, value]],
    )
    const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`
    const answer = await fetch(`${this.origin}${path}${search}`, {
      method,
      headers: sent,
      body: method === 'POST' ? JSON.stringify(body ?? {}) : null,
    })
    const set = answer.headers.get('set-cookie')
    if (set !== null) this.cookie = /^[^;]*/.exec(set)?.[0] ?? null
    return { status: answer.status, body: await answer.json(), cookie: set, headers: answer.headers }
  }

  async call<N extends AdminRouteName>(name: N, asking: AdminAsking = {}): Promise<AdminAnswer<N>> {
    const { status, body } = await this.ask(name, asking)
    if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`)
    return adminRoutes[name].answer.parse(body) as AdminAnswer<N>
  }

  /** The code of a refusal, or `done`. */
  async code(name: AdminRouteName, asking: AdminAsking = {}): Promise<string> {
    const { status, body } = await this.ask(name, asking)
    return status === 200 ? 'done' : (body as { readonly code: string }).code
  }

  async register(url: string): Promise<SoftwareAuthenticator> {
    const link = url.split('#register=')[1] ?? ''
    const authenticator = new SoftwareAuthenticator(this.origin)
    const options: CreationOptions = await this.call('beginRegistration', { body: { link } })
    await this.call('finishRegistration', { body: { link, credential: authenticator.create(options) } })
    return authenticator
  }

  async signIn(authenticator: SoftwareAuthenticator): Promise<void> {
    const options: RequestOptions = await this.call('beginSignIn')
    await this.call('finishSignIn', { body: { credential: authenticator.get(options) } })
  }

  /** At the address that a refusal names; the code of its own refusal, or `done`. */
  async stepUp(authenticator: SoftwareAuthenticator, address: string): Promise<string> {
    const stepUp = address.split('#step-up=')[1] ?? ''
    const options: RequestOptions = await this.call('beginStepUp', { body: { stepUp } })
    return this.code('finishStepUp', { body: { stepUp, credential: authenticator.get(options) } })
  }
}

export interface Administrator {
  readonly accountId: string
  readonly client: AdminClient
  readonly authenticator: SoftwareAuthenticator
}

/** An account of a role that has registered a second factor and signed in with it. */
export async function signedIn(
  fixture: RelayFixture,
  role: AccountRole,
  name: string = role,
  now: number = Date.now(),
): Promise<Administrator> {
  const { accountId } = await fixture.enrol(name)
  const context = { by: { kind: 'operator', name: 'anne' }, now } as const
  await withStore(fixture.data, async ({ people }) =>
    performActs(people, [{ kind: 'role', accountId, role, expiresAt: null }], context),
  )
  const client = new AdminClient(fixture.relay.admin ?? '')
  const { url } = await linkSecondFactor(fixture.data, { account: accountId }, client.origin, context)
  const authenticator = await client.register(url)
  await client.signIn(authenticator)
  return { accountId, client, authenticator }
}
