import { exhausted } from '../../src/base/exhaustive.ts'
import type { Change, ConversationView, Delta, ReadyState, Snapshot } from '../../src/contract/index.ts'
import { emptyThread, type Input, type Model, type Thread } from './state.ts'
import { paged, told } from './thread.ts'

/** Bounds what waits for a snapshot; past it the snapshot brings everything anyway. */
const earlyLimit = 1000

/**
 * The model after one more input. Deltas are applied in the order of their numbers; one that is known is skipped,
 * one that comes too early waits and a snapshot is asked for. Any interleaving ends in the engine's own state.
 */
export function reduce(model: Model, input: Input): Model {
  switch (input.kind) {
    case 'delta':
      return delta(model, input.delta)
    case 'snapshot':
      return snapshot(model, input.snapshot)
    case 'pageAsked':
      return withThread(model, input.conversationId, (thread) => ({
        ...thread,
        underWay: { request: input.request, told: [] },
      }))
    case 'page':
      return withThread(model, input.conversationId, (thread) =>
        // After a gap the page is asked again: what the former answer lacks is unknown.
        thread.underWay?.request !== input.request
          ? thread
          : paged(thread, input.before, input.messages, input.more),
      )
    case 'pageFailed':
      return withThread(model, input.conversationId, (thread) =>
        thread.underWay?.request === input.request ? { ...thread, underWay: null } : thread,
      )
    default:
      return exhausted(input)
  }
}

function delta(model: Model, one: Delta): Model {
  if (model.number < 0 || one.number > model.number + 1) {
    return { ...model, behind: true, early: [...model.early, one].slice(-earlyLimit) }
  }
  if (one.number <= model.number) return model
  return caughtUp({ ...changed(model, one.change), number: one.number })
}

function snapshot(model: Model, one: Snapshot): Model {
  // Asked before deltas that have been applied since: nothing to learn from it.
  if (one.number <= model.number) return caughtUp({ ...model, behind: false })
  return caughtUp({
    ...model,
    number: one.number,
    appearance: one.appearance,
    state: one.state,
    // What the missing deltas said about messages is not in a snapshot: threads are read again.
    threads: one.state.phase === 'ready' ? outdated(model.threads) : {},
    behind: false,
  })
}

function outdated(threads: Model['threads']): Model['threads'] {
  return Object.fromEntries(
    Object.entries(threads).map(([id, thread]) => [id, { ...thread, current: false, underWay: null }]),
  )
}

/** Applies what waited, as far as the numbers follow each other. */
function caughtUp(model: Model): Model {
  if (model.early.length === 0) return model
  let next: Model = { ...model, early: [] }
  const waiting = model.early
    .filter((one) => one.number > model.number)
    .toSorted((a, b) => a.number - b.number)
  const rest: Delta[] = []
  for (const one of waiting) {
    if (one.number === next.number + 1) next = { ...changed(next, one.change), number: one.number }
    else if (one.number > next.number) rest.push(one)
  }
  return { ...next, early: rest, behind: rest.length > 0 }
}

function changed(model: Model, change: Change): Model {
  switch (change.kind) {
    case 'state':
      // Behind a locked vault nothing may stay in memory of the page (rule 1).
      return change.state.phase === 'ready'
        ? { ...model, state: change.state }
        : { ...model, state: change.state, threads: {} }
    case 'appearance':
      return { ...model, appearance: change.appearance }
    case 'connection':
      return withReady(model, (state) => ({ ...state, connection: change.connection }))
    case 'settings':
      return withReady(model, (state) => ({ ...state, settings: change.settings }))
    case 'alerts':
      return withReady(model, (state) => ({ ...state, alerts: change.alerts }))
    case 'conversation':
      return withReady(model, (state) => ({
        ...state,
        conversations: replaced(state.conversations, change.conversation),
      }))
    case 'messages':
      return change.messages.reduce(
        (next, message) =>
          withThread(next, message.conversationId, (thread) => told(thread, message, message)),
        model,
      )
    case 'messageRemoved':
      return withThread(model, change.conversationId, (thread) => told(thread, change, null))
    default:
      return exhausted(change)
  }
}

function withReady(model: Model, change: (state: ReadyState) => ReadyState): Model {
  return model.state.phase === 'ready' ? { ...model, state: change(model.state) } : model
}

function withThread(model: Model, conversationId: string, change: (thread: Thread) => Thread): Model {
  const thread = model.threads[conversationId] ?? emptyThread
  const next = change(thread)
  return next === thread ? model : { ...model, threads: { ...model.threads, [conversationId]: next } }
}

function replaced(all: readonly ConversationView[], one: ConversationView): ConversationView[] {
  const others = all.filter((other) => other.conversationId !== one.conversationId)
  return [...others, one]
}
