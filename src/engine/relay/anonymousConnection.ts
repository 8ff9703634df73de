import type { Agent } from 'node:http'
import type { Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import type { DirectoryEntry } from '../../wire/http.ts'
import {
  openAnonymousSocket,
  type AnonymousPut,
  type AnonymousSocket,
  type Authorisation,
} from './anonymousSocket.ts'
import { RelayHttp } from './httpClient.ts'
import { relayAgent, type RelayEndpoint } from './pinnedAgent.ts'
import type { PutOutcome } from './puts.ts'

/**
 * What is done at the relay without a name: puts, and other people's bundles (SECURITY 9). It shares no connection with
 * the one on which the device has said who it is. Opened when it is first wanted, kept until it breaks.
 */
export class AnonymousConnection {
  readonly #endpoint: RelayEndpoint
  readonly #relayId: string
  readonly #agent: Agent
  readonly #http: RelayHttp
  #socket: Promise<AnonymousSocket> | null = null
  readonly #end = new AbortController()

  constructor(endpoint: RelayEndpoint, relayId: string) {
    this.#endpoint = endpoint
    this.#relayId = relayId
    this.#agent = relayAgent(endpoint)
    this.#http = new RelayHttp(endpoint.origin, this.#agent)
  }

  /** Rejects with `relay.unreachable` when the connection ends before the answer: it may or may not be stored. */
  async put(put: AnonymousPut): Promise<PutOutcome> {
    return await (await this.#connected()).put(put)
  }

  /** Settles once there is a connection to put on. */
  async connected(): Promise<void> {
    await this.#connected()
  }

  /** Another account's bundle as it came. Throws the codes of the relay and of the network. */
  async bundle(accountId: string, authorisation: Authorisation): Promise<unknown> {
    return await this.#http.requestRaw('bundle', { query: { accountId }, authorisation })
  }

  /** The directory's entry of an account whose access key is known. */
  async person(accountId: string, accessKey: Bytes): Promise<DirectoryEntry> {
    return await this.#http.request('person', {
      query: { accountId },
      authorisation: { kind: 'accessKey', accessKey },
    })
  }

  stop(): void {
    this.#http.stop()
    this.#agent.destroy()
    this.#end.abort()
  }

  async #connected(): Promise<AnonymousSocket> {
    if (this.#end.signal.aborted) throw new CodedError('relay.unreachable')
    const opening = this.#socket
    if (opening !== null) {
      const socket = await opening
      if (!socket.isLost) return socket
      // Only who still sees the broken one takes it away: another may have opened the next already.
      if (this.#socket === opening) this.#socket = null
      return await this.#connected()
    }
    const { origin } = this.#endpoint
    const endpoint = { origin, agent: this.#agent, ended: this.#end.signal }
    const next = openAnonymousSocket(endpoint, this.#relayId)
    this.#socket = next
    try {
      return await next
    } catch (error) {
      if (this.#socket === next) this.#socket = null
      throw error
    }
  }
}
