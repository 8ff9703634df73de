import { describe, expect, it } from 'vitest'
import type { MessageView } from '../contract/index.ts'
import { setting } from './testing/setting.ts'
import { until, type Workstation } from './testing/workstation.ts'

const { enrolled } = setting()

interface Pair {
  readonly a: Workstation
  readonly b: Workstation
  readonly toA: string
  readonly toB: string
}

/** Two who have accepted each other, with one message of A's on both sides. */
async function talking(
  text = 'Le rapport est prêt.',
): Promise<Pair & { messageId: string; authorId: string }> {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  const messageId = await a.send(toB, text)
  await until(async () => (await b.texts(toA)).length === 1)
  return { a, b, toA, toB, messageId, authorId: toA }
}

async function message(station: Workstation, conversationId: string, at = 0): Promise<MessageView> {
  const found = (await station.thread(conversationId)).filter(({ kind }) => kind !== 'system')[at]
  if (found === undefined) throw new Error('no such message')
  return found
}

describe('what is done to a message', () => {
  it('an edit replaces it on both sides and keeps its history; only its author may', async () => {
    const { a, b, toA, toB, messageId, authorId } = await talking()
    await a.ask('message.edit', { messageId, text: 'Le rapport est relu.' })
    await a.ask('message.edit', { messageId, text: 'Le rapport est signé.' })
    await until(async () => (await message(b, toA)).text === 'Le rapport est signé.')
    expect((await message(b, toA)).editedAt).not.toBeNull()
    for (const one of [a, b]) {
      const { versions } = await one.ask('message.versions', { authorId, messageId })
      expect(versions.map(({ text }) => text)).toEqual([
        'Le rapport est signé.',
        'Le rapport est relu.',
        'Le rapport est prêt.',
      ])
    }
    expect(await b.refusal('message.edit', { messageId, text: 'non' })).toBe('message.notFound')
    expect((await message(a, toB)).text).toBe('Le rapport est signé.')
  })

  it('a deletion leaves a mark on both sides, and nothing of the text', async () => {
    const { a, b, toA, toB, messageId, authorId } = await talking()
    const quote = { authorId, messageId }
    await b.ask('message.send', { conversationId: toA, messageId: 'cd'.repeat(16), text: 'Vu.', quote })
    await until(async () => (await a.texts(toB)).length === 2)
    expect((await message(a, toB, 1)).quote).toEqual({ ...quote, excerpt: 'Le rapport est prêt.' })
    await a.ask('message.deleteForEveryone', { messageId })
    await until(async () => (await message(b, toA)).deleted)
    expect(await message(b, toA)).toMatchObject({ text: '', editedAt: null, reactions: [] })
    expect((await message(b, toA, 1)).quote?.excerpt).toBe('')
    expect(await a.refusal('message.edit', { messageId, text: 'encore' })).toBe('message.notEditable')
    const left = await b.inVault((vault) =>
      vault.sql.all('SELECT text FROM message WHERE text LIKE ?', ['%rapport%']),
    )
    expect(left).toEqual([])
  })

  it('reactions and the acknowledgement that was asked for show on both sides', async () => {
    const { a, b, toA, toB } = await talking()
    const deadline = Date.now() + 86_400_000
    const messageId = 'ab'.repeat(16)
    const text = 'Consigne'
    await a.ask('message.send', { conversationId: toB, messageId, text, acknowledgement: { deadline } })
    await until(async () => (await b.texts(toA)).length === 2)
    const ref = { authorId: toA, messageId }
    expect((await message(b, toA, 1)).acknowledgement).toEqual({ deadline, by: [] })
    await b.ask('message.react', { ...ref, reaction: { kind: 'service', reaction: 'agree' } })
    await b.ask('message.acknowledge', ref)
    await until(async () => ((await message(a, toB, 1)).acknowledgement?.by.length ?? 0) === 1)
    expect((await message(a, toB, 1)).reactions).toEqual([
      { personId: toB, reaction: { kind: 'service', reaction: 'agree' } },
    ])
    await b.ask('message.react', { ...ref, reaction: null })
    await until(async () => (await message(a, toB, 1)).reactions.length === 0)
    expect(await a.refusal('message.acknowledge', ref)).toBe('content.notAllowed')
    const letter = { kind: 'emoji', emoji: 'x' } as const
    expect(await b.refusal('message.react', { ...ref, reaction: letter })).toBe('reaction.invalid')
  })

  it('formats, mentions and the timer travel with it; a message disappears on both sides', async () => {
    const { a, b, toA, toB } = await talking()
    await a.ask('conversation.timer', { conversationId: toB, seconds: 5 })
    await until(async () => (await b.ready()).conversations[0]?.timerSeconds === 5)
    expect((await b.thread(toA)).at(-1)?.note).toEqual({ kind: 'timerChanged', seconds: 5, own: false })
    await a.ask('message.send', {
      conversationId: toB,
      messageId: 'ef'.repeat(16),
      text: 'Bonjour @Aïssatou',
      formats: [{ start: 0, length: 7, style: 'bold' }],
      mentions: [{ start: 8, length: 9, accountId: toB }],
    })
    await until(async () => (await b.texts(toA)).includes('Bonjour @Aïssatou'))
    const shown = await message(b, toA, 1)
    expect(shown).toMatchObject({
      formats: [{ start: 0, length: 7, style: 'bold' }],
      mentions: [{ start: 8, length: 9, accountId: toB }],
      timerSeconds: 5,
      expiresAt: null,
    })
    await b.ask('conversation.read', { conversationId: toA, position: shown.position })
    // Told when it begins: whoever only looks now and then may find it gone.
    const told = () => b.deltas.flatMap(({ change }) => (change.kind === 'messages' ? change.messages : []))
    await until(async () => told().some(({ text, expiresAt }) => text === shown.text && expiresAt !== null))
    await until(async () => !(await b.texts(toA)).includes('Bonjour @Aïssatou'))
    await until(async () => !(await a.texts(toB)).includes('Bonjour @Aïssatou'))
    expect((await b.texts(toA))[0]).toBe('Le rapport est prêt.')
  })

  it('typing is told while it lasts, and is kept nowhere', async () => {
    const { a, b, toA, toB } = await talking()
    await b.send(toA, 'oui')
    await until(async () => (await a.texts(toB)).length === 2)
    const told = () =>
      a.deltas.flatMap(({ change }) => (change.kind === 'conversation' ? change.conversation.typing : []))
    await b.ask('conversation.typing', { conversationId: toA, typing: true })
    await until(async () => told().includes(true))
    await b.ask('conversation.typing', { conversationId: toA, typing: false })
    await until(async () => told().at(-1) === false)
    expect((await a.ready()).conversations[0]?.typing).toBe(false)
    await a.restart()
    expect(await a.texts(toB)).toHaveLength(2)
  })
})

describe('somebody who writes first', () => {
  it('waits to be accepted and learns nothing until then', async () => {
    const [a, b] = [await enrolled('Solène'), await enrolled('Inconnu')]
    const toA = await b.openConversation(a)
    const toB = await b.accountId()
    await b.send(toA, 'Bonjour')
    await until(async () => (await a.texts(toB)).length === 1)
    expect((await a.ready()).conversations[0]?.standing).toBe('request')
    const [first] = await a.thread(toB)
    await a.ask('conversation.read', { conversationId: toB, position: first?.position ?? 0 })
    await b.send(toA, 'Vous êtes là ?')
    await until(async () => (await a.texts(toB)).length === 2)
    // The second one has come and gone its way, so a receipt of the first would have too.
    expect((await b.thread(toA)).map(({ delivery }) => delivery)).toEqual(['sent', 'sent'])
    await a.ask('conversation.accept', { conversationId: toB })
    await until(async () => (await b.thread(toA)).every(({ delivery }) => delivery === 'delivered'))
  })

  it('can be blocked: nothing more is shown, and the access key is another one', async () => {
    const { a, b, toA, toB } = await talking()
    const keyBefore = await a.inVault((vault) => vault.sql.all('SELECT profile_key FROM account'))
    await a.ask('conversation.block', { conversationId: toB, blocked: true })
    await a.online()
    expect(
      await a.refusal('message.send', { conversationId: toB, messageId: '00'.repeat(16), text: 'x' }),
    ).toBe('conversation.blocked')
    await b.send(toA, 'et maintenant ?')
    await until(async () => (await b.thread(toA)).at(-1)?.delivery === 'sent')
    const keyAfter = await a.inVault((vault) => vault.sql.all('SELECT profile_key FROM account'))
    expect(keyAfter).not.toEqual(keyBefore)
    expect(await a.texts(toB)).toEqual(['Le rapport est prêt.'])
    await a.ask('conversation.block', { conversationId: toB, blocked: false })
    await b.send(toA, 'merci')
    await until(async () => (await a.texts(toB)).includes('merci'))
  })
})
