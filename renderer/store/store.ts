import { createStore, type StoreApi } from 'zustand/vanilla'
import { messagePageSize } from '../limits.ts'
import type { Client } from '../client.ts'
import { reduce } from './reduce.ts'
import { initialModel, type Input, type Model } from './state.ts'

export interface Messenger {
  readonly store: StoreApi<Model>
  /** Asks for the newest messages of a conversation, unless they are held or under way. */
  readonly loadNewest: (conversationId: string) => Promise<void>
  /** Asks for the page before the oldest message held. */
  readonly loadOlder: (conversationId: string) => Promise<void>
  /** Starts listening; returns the function that ends it. */
  readonly start: () => () => void
}

/** How long to wait before something that failed is asked again. */
const retryMs = 1000

/** The model kept equal to the engine's state: numbered deltas in, a snapshot wherever one is missing. */
export function createMessenger(
  client: Client,
  later: (ms: number, act: () => void) => void = (ms, act) => void setTimeout(act, ms),
): Messenger {
  const store = createStore<Model>(() => initialModel)
  const put = (input: Input): void => store.setState((model) => reduce(model, input), true)
  let asking = false
  let requests = 0

  const resync = async (): Promise<void> => {
    if (asking) return
    asking = true
    const answer = await client.call('state.snapshot', {})
    asking = false
    if (answer.ok) put({ kind: 'snapshot', snapshot: answer.value })
    if (answer.ok && !store.getState().behind) return
    later(answer.ok ? 0 : retryMs, () => void resync())
  }

  const load = async (conversationId: string, before: number | null): Promise<void> => {
    if (store.getState().threads[conversationId]?.underWay) return
    const request = ++requests
    put({ kind: 'pageAsked', conversationId, request })
    const input = { conversationId, before, limit: messagePageSize }
    const answer = await client.call('conversation.messages', input)
    if (answer.ok) put({ kind: 'page', conversationId, request, before, ...answer.value })
    // Whoever shows the thread asks again as soon as nothing is under way.
    else later(retryMs, () => put({ kind: 'pageFailed', conversationId, request }))
  }

  return {
    store,
    loadNewest: async (conversationId) => {
      if (store.getState().threads[conversationId]?.current !== true) await load(conversationId, null)
    },
    loadOlder: async (conversationId) => {
      const thread = store.getState().threads[conversationId]
      const oldest = thread?.messages[0]
      if (thread?.current === true && thread.more && oldest) await load(conversationId, oldest.position)
    },
    start: () => {
      const end = client.onDelta((delta) => {
        put({ kind: 'delta', delta })
        if (store.getState().behind) void resync()
      })
      void resync()
      return end
    },
  }
}
