import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { CodedError, isErrorCode } from '../../base/errors.ts'
import { toBase64Url } from '../../base/bytes.ts'
import {
  accessKeyHeader,
  permitHeader,
  refusalSchema,
  routes,
  type RouteAnswer,
  type RouteBody,
  type RouteName,
  type RouteQuery,
} from '../../wire/http.ts'
import type { Authorisation } from './anonymousSocket.ts'

/** For a whole exchange, from the connection to the last byte. */
const exchangeMs = 20_000
const answerBytes = 8 * 1024 * 1024

interface RequestParts<N extends RouteName> {
  readonly query?: RouteQuery<N>
  readonly body?: RouteBody<N>
  readonly token?: string
  /** In place of a token: who asks is not said. */
  readonly authorisation?: Authorisation
}

/**
 * The relay's HTTP routes. Every failure is coded: `relay.unreachable`, `relay.certificate`, `relay.malformedAnswer`,
 * `relay.unavailable`, or the code of the relay's refusal.
 */
export class RelayHttp {
  readonly #origin: string
  readonly #agent: Agent
  readonly #end = new AbortController()

  constructor(origin: string, agent: Agent) {
    this.#origin = origin
    this.#agent = agent
  }

  /** Ends every exchange under way. */
  stop(): void {
    this.#end.abort()
  }

  async request<N extends RouteName>(name: N, parts: RequestParts<N> = {}): Promise<RouteAnswer<N>> {
    const answer = routes[name].answer.safeParse(await this.requestRaw(name, parts))
    if (!answer.success) throw new CodedError('relay.malformedAnswer')
    return answer.data as RouteAnswer<N>
  }

  /** The answer as JSON without its schema, where the caller tells apart what is wrong with it. */
  async requestRaw<N extends RouteName>(name: N, parts: RequestParts<N> = {}): Promise<unknown> {
    const route = routes[name]
    const url = new URL(route.path, this.#origin)
    for (const [key, value] of Object.entries(parts.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const { status, body } = await this.#exchange(url, route.method, parts.body ?? null, proof(parts))
    if (status >= 200 && status < 300) return body
    throw refusal(status, body, this.#origin)
  }

  #exchange(
    url: URL,
    method: string,
    body: unknown,
    proofHeaders: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const text = body === null ? null : JSON.stringify(body)
    const headers = {
      accept: 'application/json',
      ...(text === null
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...proofHeaders,
    }
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(exchangeMs)])
      const outgoing = send(url, { method, agent: this.#agent, headers, signal }, (response) => {
        readJson(response).then((json) => resolve({ status: response.statusCode ?? 0, body: json }), reject)
      })
      outgoing.on('error', (error) => reject(networkError(error)))
      outgoing.end(text ?? undefined)
    })
  }
}

function proof({
  token,
  authorisation,
}: Pick<RequestParts<RouteName>, 'token' | 'authorisation'>): Readonly<Record<string, string>> {
  if (token !== undefined) return { authorization: `Bearer ${token}` }
  if (authorisation === undefined) return {}
  return authorisation.kind === 'permit'
    ? { [permitHeader]: toBase64Url(authorisation.permit) }
    : { [accessKeyHeader]: toBase64Url(authorisation.accessKey) }
}

/** A failure below HTTP: our own code where the agent gave one, else the relay was not reached. */
export function networkError(error: unknown): CodedError {
  return error instanceof CodedError ? error : new CodedError('relay.unreachable', {}, { cause: error })
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > answerBytes) throw new CodedError('relay.malformedAnswer')
      chunks.push(chunk)
    }
  } catch (error) {
    throw networkError(error)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    return null
  }
}

function refusal(status: number, body: unknown, origin: string): CodedError {
  const parsed = refusalSchema.safeParse(body)
  if (!parsed.success || !isErrorCode(parsed.data.code)) {
    return new CodedError(status >= 500 ? 'relay.unavailable' : 'relay.malformedAnswer')
  }
  const { code, retryAfterMs, address } = parsed.data
  return new CodedError(code, {
    ...(retryAfterMs === undefined ? {} : { seconds: Math.ceil(retryAfterMs / 1000) }),
    ...(address !== undefined && isOfRelay(address, origin) ? { address } : {}),
  })
}

/** SECURITY 10: a person is sent to the configured relay's own host, wherever a refusal points. */
function isOfRelay(address: string, origin: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname, username, password } = new URL(address)
  return protocol === 'https:' && hostname === new URL(origin).hostname && username + password === ''
}
