import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toBase64Url } from '../base/bytes.ts'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { callNames, calls, type CallInput, type EngineCallName, type MessageRef } from '../contract/index.ts'
import { defaultPolicy, type EffectivePolicy } from '../policy/index.ts'
import { identityPublicKey, newIdentityKeyPair } from '../protocol/keys.ts'
import { formatInvitation, parseInvitation } from '../wire/invitation.ts'
import { formatRelayText, parseRelayText } from '../wire/linking.ts'
import { profileFiles } from './profile/profileFiles.ts'
import { linkDevice } from './testing/linkDevice.ts'
import { RelayProcess } from './testing/relayProcess.ts'
import { Tampered, TamperingProxy } from './testing/tamperingProxy.ts'
import { until, Workstation } from './testing/workstation.ts'

/** Engine and relay that every refusal is provoked on; `a` speaks through the proxy. */
let relay: RelayProcess
let proxy: TamperingProxy
let a: Workstation
let b: Workstation
let toB: string
/** Messages of `a` and b, one that is deleted, and a line of Valise's own. */
let own: MessageRef
let theirs: MessageRef
let deleted: MessageRef
let line: MessageRef
/** An invitation that every relay here refuses. */
let unused: string
const stations: Workstation[] = []

const osKeyStore = { kind: 'osKeyStore' } as const
const passphrase = 'cinq mots que personne ne devine'
const nobody = randomUUID()
const noMessage = { authorId: nobody, messageId: 'ab'.repeat(16) }
const noGroups = Array.from({ length: 12 }, () => '00000')

async function station(policy: Partial<EffectivePolicy> = {}): Promise<Workstation> {
  const made = new Workstation({ policy: { ...defaultPolicy(), ...policy } })
  stations.push(made)
  return await made.start()
}

async function invitation(): Promise<string> {
  return addressed(await relay.invite('Quelqu’un'), proxy.address)
}

const addressed = (text: string, address: string): string =>
  formatInvitation({ ...parseInvitation(text), address })

beforeAll(async () => {
  relay = await RelayProcess.start()
  proxy = await TamperingProxy.start(relay.address)
  unused = await invitation()
  ;[a, b] = [await station(), await station()]
  await a.enrol(await invitation())
  await b.enrol(await invitation())
  toB = await a.openConversation(b)
  const toA = await b.openConversation(a)
  await b.send(toA, 'de B')
  for (const text of ['effacé', 'de A']) await a.send(toB, text)
  await until(async () => (await a.thread(toB)).length === 3 && (await b.thread(toA)).length === 3)
  await a.ask('conversation.timer', { conversationId: toB, seconds: 3_600 })
  const thread = await a.thread(toB)
  const found = (is: (one: (typeof thread)[number]) => boolean): MessageRef => {
    const one = thread.find(is)
    if (one === undefined) throw new Error('no such message')
    return { authorId: one.authorId, messageId: one.messageId }
  }
  own = found(({ text }) => text === 'de A')
  theirs = found(({ text }) => text === 'de B')
  deleted = found(({ text }) => text === 'effacé')
  line = found(({ kind }) => kind === 'system')
  await a.ask('message.deleteForEveryone', { messageId: deleted.messageId })
})
afterAll(async () => {
  await Promise.all(stations.map((one) => one.end()))
  proxy.end()
  await relay.end()
})

type Provoked = Promise<ErrorCode | null>
type Provocations = { [N in EngineCallName]?: { [C in ErrorCode]?: () => Provoked } }

/** What the relay says in place of its true answer, while this is asked. */
async function told<T>(path: string, said: Tampered, ask: () => Promise<T>): Promise<T> {
  proxy.instead = (asked) => (asked === path ? said : null)
  try {
    return await ask()
  } finally {
    proxy.beHonest()
  }
}

const refusing = (code: ErrorCode): Tampered => new Tampered(400, { code })

async function whileBlocked(ask: () => Provoked): Provoked {
  await a.ask('conversation.block', { conversationId: toB, blocked: true })
  try {
    return await ask()
  } finally {
    await a.ask('conversation.block', { conversationId: toB, blocked: false })
  }
}

/** The relay is looked at before anything else, whether a vault is to be made or not. */
function atTheRelay(ask: (on: Workstation, invitation: string) => Provoked): {
  [C in ErrorCode]?: () => Provoked
} {
  const refused = (code: ErrorCode) => async (): Provoked =>
    await told('/v1/invitation', refusing(code), async () => await ask(await station(), unused))
  return {
    'invitation.malformed': async () => await ask(await station(), 'bonjour'),
    'invitation.unknown': refused('invitation.unknown'),
    'invitation.used': refused('invitation.used'),
    'invitation.expired': refused('invitation.expired'),
    ...anyRelay(async (on, address) => await ask(on, addressed(unused, address ?? proxy.address))),
  }
}

function anyRelay(ask: (on: Workstation, address?: string) => Provoked): {
  [C in ErrorCode]?: () => Provoked
} {
  const elsewhere = { AllowedRelays: { value: ['https://ailleurs.example'], origin: 'machine' } } as const
  const anchors = (change: object) => async (): Provoked => {
    proxy.tamper = (path, answer) => (path === '/v1/anchors' ? { ...(answer as object), ...change } : answer)
    const given = await ask(await station())
    proxy.beHonest()
    return given
  }
  return {
    'relay.anchors': anchors({ trustRoot: toBase64Url(identityPublicKey(newIdentityKeyPair())) }),
    'relay.version': anchors({ protocolVersion: 99 }),
    'relay.insecureAddress': async () => await ask(await station(), 'http://relais.example'),
    'relay.notAllowed': async () => await ask(await station(elsewhere)),
  }
}

/** Where a vault is about to be made. */
function aboutToMake(ask: (on: Workstation, protection: CallInput<'link.begin'>['protection']) => Provoked): {
  [C in ErrorCode]?: () => Provoked
} {
  return {
    'vault.passphraseTooShort': async () =>
      await ask(await station(), { kind: 'passphrase', passphrase: 'court' }),
    'policy.forbidden': async () =>
      await ask(await station({ RequirePassphrase: { value: true, origin: 'machine' } }), osKeyStore),
  }
}

const complete = (
  on: Workstation,
  text: string,
  protection: CallInput<'link.begin'>['protection'] = osKeyStore,
) => on.refusal('enrolment.complete', { invitation: text, deviceName: 'X', protection })

async function relayText(): Promise<string> {
  return (await a.ask('device.list', {})).relay
}

const provocations: Provocations = {
  'directory.search': {
    'request.malformed': () =>
      told('/v1/directory', refusing('request.malformed'), () =>
        a.refusal('directory.search', { query: '', after: null }),
      ),
  },
  'conversation.open': { 'recipient.unknown': () => a.refusal('conversation.open', { accountId: nobody }) },
  'conversation.messages': {
    'conversation.notFound': () =>
      a.refusal('conversation.messages', { conversationId: nobody, before: null, limit: 1 }),
  },
  'conversation.read': {
    'conversation.notFound': () => a.refusal('conversation.read', { conversationId: nobody, position: 1 }),
  },
  'conversation.draft': {
    'conversation.notFound': () => a.refusal('conversation.draft', { conversationId: nobody, text: '' }),
  },
  'conversation.typing': {
    'conversation.notFound': () => a.refusal('conversation.typing', { conversationId: nobody, typing: true }),
  },
  'conversation.timer': {
    'conversation.notFound': () => a.refusal('conversation.timer', { conversationId: nobody, seconds: 0 }),
    'conversation.blocked': () =>
      whileBlocked(() => a.refusal('conversation.timer', { conversationId: toB, seconds: 0 })),
  },
  'conversation.accept': {
    'conversation.notFound': () => a.refusal('conversation.accept', { conversationId: nobody }),
  },
  'conversation.block': {
    'conversation.notFound': () => a.refusal('conversation.block', { conversationId: nobody, blocked: true }),
  },
  'conversation.settings': {
    'conversation.notFound': () => a.refusal('conversation.settings', { conversationId: nobody }),
  },
  'identity.safetyNumber': {
    'identity.unknown': () => a.refusal('identity.safetyNumber', { accountId: nobody }),
  },
  'identity.accept': {
    'identity.unknown': () => a.refusal('identity.accept', { accountId: nobody, groups: noGroups }),
    'identity.notPending': () => a.refusal('identity.accept', { accountId: toB, groups: noGroups }),
    'identity.superseded': async () => {
      const other = identityPublicKey(newIdentityKeyPair())
      const setChanged = (key: typeof other | null) =>
        a.inVault((vault) =>
          vault.transaction((tx) => void tx.run('UPDATE identity SET changed_key = ?', [key])),
        )
      await setChanged(other)
      const given = await a.refusal('identity.accept', { accountId: toB, groups: noGroups })
      await setChanged(null)
      return given
    },
  },
  'identity.verify': {
    'identity.unknown': () =>
      a.refusal('identity.verify', { accountId: nobody, verified: true, groups: noGroups }),
    'identity.superseded': () =>
      a.refusal('identity.verify', { accountId: toB, verified: true, groups: noGroups }),
    'identity.mismatch': async () => {
      const { groups } = await a.ask('identity.safetyNumber', { accountId: toB })
      return await a.refusal('identity.verify', { accountId: toB, verified: true, groups, scanned: 'AAAA' })
    },
  },
  'message.send': {
    'conversation.notFound': () =>
      a.refusal('message.send', { conversationId: nobody, messageId: noMessage.messageId, text: 'x' }),
    'conversation.blocked': () => whileBlocked(() => sending('x')),
    'message.empty': () => sending(' \n'),
    'message.tooLarge': () => sending('é'.repeat(9_000)),
    'message.notFound': () => sending('x', { quote: noMessage }),
    'content.malformed': () => sending('x', { formats: [{ start: 0, length: 9, style: 'bold' }] }),
  },
  'message.retry': { 'message.notFound': () => a.refusal('message.retry', noMessage) },
  'message.discard': { 'message.notFound': () => a.refusal('message.discard', noMessage) },
  'message.edit': {
    'message.notFound': () => editing(noMessage, 'x'),
    'message.notEditable': async () => {
      expect(await editing(line, 'x')).toBe('message.notEditable')
      return await editing(deleted, 'x')
    },
    'message.empty': () => editing(own, ''),
    'message.tooLarge': () => editing(own, 'é'.repeat(9_000)),
    'conversation.blocked': () => whileBlocked(() => editing(own, 'x')),
    'content.malformed': () => editing(own, 'x', { mentions: [{ start: 9, length: 1, accountId: nobody }] }),
  },
  'message.versions': { 'message.notFound': () => a.refusal('message.versions', noMessage) },
  'message.deleteForEveryone': {
    'message.notFound': () => a.refusal('message.deleteForEveryone', noMessage),
    'message.notDeletable': () => a.refusal('message.deleteForEveryone', { messageId: line.messageId }),
    'conversation.blocked': () =>
      whileBlocked(() => a.refusal('message.deleteForEveryone', { messageId: own.messageId })),
  },
  'message.deleteForMe': {
    'conversation.notFound': () =>
      a.refusal('message.deleteForMe', { conversationId: nobody, messages: [noMessage] }),
  },
  'message.react': {
    'message.notFound': () => a.refusal('message.react', { ...noMessage, reaction: null }),
    'reaction.invalid': () =>
      a.refusal('message.react', { ...theirs, reaction: { kind: 'emoji', emoji: 'texte' } }),
    'content.notAllowed': () => a.refusal('message.react', { ...line, reaction: null }),
    'conversation.blocked': () =>
      whileBlocked(() => a.refusal('message.react', { ...theirs, reaction: null })),
  },
  'message.acknowledge': {
    'message.notFound': () => a.refusal('message.acknowledge', noMessage),
    'content.notAllowed': () => a.refusal('message.acknowledge', own),
    'conversation.blocked': () => whileBlocked(() => a.refusal('message.acknowledge', theirs)),
  },
  'device.link': {
    'link.malformed': () => a.refusal('device.link', { code: 'bonjour' }),
    'link.unknown': () => a.refusal('device.link', { code: '0'.repeat(20) }),
    'link.mismatch': async () =>
      await told(
        '/v1/link/find',
        new Tampered(200, {
          ephemeralKey: toBase64Url(identityPublicKey(newIdentityKeyPair())),
          nonce: toBase64Url(new Uint8Array(16)),
        }),
        () => a.refusal('device.link', { code: '0'.repeat(20) }),
      ),
    'link.tooManyTries': async () => {
      for (let tries = 0; tries < 5; tries += 1) await a.refusal('device.link', { code: '0'.repeat(20) })
      return await a.refusal('device.link', { code: '0'.repeat(20) })
    },
    'link.notNow': async () => {
      const [first, second] = [await station(), await station()]
      await first.enrol(await invitation())
      await linkDevice(first, second, 'DEUX')
      const { devices } = await first.ask('device.list', {})
      const lost = devices.find(({ current }) => !current)
      return await told('/v1/identity', refusing('relay.unavailable'), async () => {
        await first.ask('device.remove', { deviceId: lost?.deviceId ?? 0, reason: 'lost' })
        return await first.refusal('device.link', { code: '0'.repeat(20) })
      })
    },
    'device.limit': () =>
      told('/v1/link/find', refusing('device.limit'), () =>
        a.refusal('device.link', { code: '0'.repeat(20) }),
      ),
    'account.guest': () =>
      told('/v1/link/find', refusing('account.guest'), () =>
        a.refusal('device.link', { code: '0'.repeat(20) }),
      ),
    'policy.forbidden': async () => {
      const alone = await station({ MaximumDevices: { value: 1, origin: 'machine' } })
      await alone.enrol(await invitation())
      return await alone.refusal('device.link', { code: '0'.repeat(20) })
    },
  },
  'device.remove': {
    'device.notFound': () => a.refusal('device.remove', { deviceId: 9, reason: 'lost' }),
    'request.malformed': () => removing('request.malformed'),
    'keys.malformed': () => removing('keys.malformed'),
    'keys.signature': () => removing('keys.signature'),
  },
  'enrolment.inspect': atTheRelay((on, text) => on.refusal('enrolment.inspect', { invitation: text })),
  'enrolment.complete': {
    ...atTheRelay((on, text) => complete(on, text)),
    ...aboutToMake(async (on, protection) => await complete(on, unused, protection)),
    'vault.noKeyStore': async () => {
      const on = await station()
      on.keyStore.present = false
      return await complete(on, unused)
    },
    'vault.keyStoreRefused': async () => {
      const on = await station()
      on.keyStore.wrap = async () => {
        throw new CodedError('vault.keyStoreRefused')
      }
      return await complete(on, unused)
    },
    'keys.malformed': () => redeeming('keys.malformed'),
    'keys.signature': () => redeeming('keys.signature'),
    'request.malformed': () => redeeming('request.malformed'),
  },
  'vault.unlock': {
    'vault.passphraseWrong': async () =>
      (await locked()).refusal('vault.unlock', { passphrase: 'une autre' }),
    'vault.passphraseWait': async () => {
      const on = await locked()
      let given: ErrorCode | null = null
      for (let tries = 0; tries < 20 && given !== 'vault.passphraseWait'; tries += 1) {
        given = await on.refusal('vault.unlock', { passphrase: 'une autre' })
      }
      return given
    },
    'vault.slotsDamaged': async () => await unlockAfter((files) => writeFileSync(files.slots, 'x')),
    'vault.notAVault': async () => await unlockAfter((files) => writeFileSync(files.vault, 'x')),
    'vault.wrongKey': async () =>
      await unlockAfter((files) => writeFileSync(files.vault, new Uint8Array(8_192).fill(7))),
  },
  'link.begin': {
    ...anyRelay(async (on, address) => {
      const text = await relayText()
      const relayNamed = address === undefined ? text : formatRelayText({ ...parseRelayText(text), address })
      return await on.refusal('link.begin', { relay: relayNamed, deviceName: 'X', protection: osKeyStore })
    }),
    'invitation.malformed': async () =>
      await (
        await station()
      ).refusal('link.begin', { relay: 'bonjour', deviceName: 'X', protection: osKeyStore }),
    'policy.forbidden': async () =>
      await (
        await station({ RequirePassphrase: { value: true, origin: 'machine' } })
      ).refusal('link.begin', { relay: await relayText(), deviceName: 'X', protection: osKeyStore }),
  },
}

const sending = (text: string, more: Partial<CallInput<'message.send'>> = {}): Provoked =>
  a.refusal('message.send', { conversationId: toB, messageId: 'cd'.repeat(16), text, ...more })

const editing = (
  { messageId }: MessageRef,
  text: string,
  more: Partial<CallInput<'message.edit'>> = {},
): Provoked => a.refusal('message.edit', { messageId, text, ...more })

const removing = (code: ErrorCode): Provoked =>
  told('/v1/devices', refusing(code), () => a.refusal('device.remove', { deviceId: 1, reason: 'retired' }))

const redeeming = (code: ErrorCode): Provoked =>
  told('/v1/enrol', refusing(code), async () => await complete(await station(), unused))

async function locked(): Promise<Workstation> {
  const on = await station()
  on.keyStore.present = false
  const protection = { kind: 'passphrase', passphrase } as const
  await on.ask('enrolment.complete', { invitation: await invitation(), deviceName: 'X', protection })
  await on.restart()
  return on
}

async function unlockAfter(harm: (files: ReturnType<typeof profileFiles>) => void): Provoked {
  const on = await locked()
  harm(profileFiles(on.folder))
  return await on.refusal('vault.unlock', { passphrase })
}

/** What another room's tests provoke, for here it would take a broken disk, a newer version or another user. */
const elsewhere: { [N in EngineCallName]?: readonly ErrorCode[] } = {
  'enrolment.complete': ['vault.exists', 'profile.notWritable'],
  'link.begin': [
    'vault.exists',
    'profile.notWritable',
    'vault.noKeyStore',
    'vault.keyStoreRefused',
    'vault.passphraseTooShort',
  ],
  'vault.unlock': ['vault.missing', 'vault.newer', 'profile.notWritable', 'relay.notAllowed'],
}

describe('the contract', () => {
  const declared = callNames
    .filter((name): name is EngineCallName => calls[name].owner === 'engine')
    .flatMap((name) => calls[name].errors.map((code: ErrorCode) => ({ name, code })))
    .filter(({ name, code }) => elsewhere[name]?.includes(code) !== true)

  it.each(declared)('$name answers $code', async ({ name, code }) => {
    const provoke = provocations[name]?.[code]
    expect(provoke, 'nothing provokes it').toBeDefined()
    // One before may have begun its connection anew.
    await a.online()
    expect(await provoke?.()).toBe(code)
  })

  it('is the whole: whatever is provoked is declared', () => {
    for (const [name, codes] of Object.entries(provocations)) {
      const errors: readonly ErrorCode[] = calls[name as EngineCallName].errors
      for (const code of Object.keys(codes)) expect(errors, name).toContain(code)
    }
  })
})
