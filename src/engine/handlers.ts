import type { CallInput, CallOutput, EngineCallName } from '../contract/index.ts'
import type { Messenger } from './messenger.ts'

type Handler<N extends EngineCallName> = (input: CallInput<N>) => Promise<CallOutput<N>> | CallOutput<N>
export type Handlers = { [N in EngineCallName]: Handler<N> }

/** For calls that answer nothing but that they were done. */
export function nothing(_done: void): Record<string, never> {
  return {}
}

/** The calls that an open messenger answers; `open` throws `ipc.notReady` while there is none. */
export function messengerHandlers(open: () => Messenger) {
  return {
    'directory.search': (input) => open().people.search(input),
    'conversation.open': (input) => open().conversations.open(input),
    'conversation.messages': (input) => open().conversations.messages(input),
    'conversation.read': (input) => nothing(open().conversations.read(input)),
    'conversation.draft': (input) => nothing(open().conversations.draft(input)),
    'conversation.typing': (input) => nothing(open().conversations.typing(input)),
    'conversation.timer': (input) => nothing(open().conversations.timer(input)),
    'conversation.accept': (input) => nothing(open().conversations.accept(input)),
    'conversation.block': async (input) => nothing(await open().conversations.block(input)),
    'conversation.settings': (input) => nothing(open().conversations.settings(input)),
    'identity.safetyNumber': (input) => open().identities.safetyNumber(input),
    'identity.accept': async (input) => nothing(await open().identities.accept(input)),
    'identity.verify': async (input) => nothing(await open().identities.verify(input)),
    'message.send': (input) => nothing(open().writing.send(input)),
    'message.retry': (input) => nothing(open().writing.retry(input)),
    'message.discard': async (input) => nothing(await open().writing.discard(input)),
    'message.edit': (input) => nothing(open().writing.edit(input)),
    'message.versions': (input) => open().writing.versions(input),
    'message.deleteForEveryone': (input) => nothing(open().writing.deleteForEveryone(input)),
    'message.deleteForMe': (input) => nothing(open().writing.deleteForMe(input)),
    'message.react': (input) => nothing(open().writing.react(input)),
    'message.acknowledge': (input) => nothing(open().writing.acknowledge(input)),
    'device.list': () => open().devices(),
    'device.link': (input) => open().link(input),
    'device.remove': async (input) => nothing(await open().removeDevice(input)),
    'account.settings': (input) => open().changeSettings(input),
    'alert.dismiss': (input) => nothing(open().dismissAlert(input)),
    'connection.retry': () => nothing(open().reconnect()),
  } satisfies Partial<Handlers>
}
