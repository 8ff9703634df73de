import { copyBytes, fromHex, type Bytes } from '../../base/bytes.ts'
import type { Body } from '../../content/content.ts'
import { newProfileKey } from '../../protocol/profileKey.ts'
import { identityPublicKey, newIdentityKeyPair } from '../../protocol/keys.ts'
import { contentOf, newId, textBody } from '../testing/attacker.ts'
import { injection } from './envelopes.ts'
import { requireThat, type Attack } from './attack.ts'
import type { Stage } from './stage.ts'

/** How often one message is sent again to a device that asks for it. An answer is counted waiting and leaving. */
const answersAMessage = 5

/** A content from a contact gone bad, delivered as it should be. */
function said(
  does: string,
  gives: Attack['gives'],
  body: (stage: Stage) => Body | Promise<Body>,
  comesOf: Attack['comesOf'] = 'blocked',
): Attack {
  return injection(
    does,
    gives,
    async (stage) => await stage.mallory.envelope(stage.target, await body(stage)),
    comesOf,
  )
}

/** The newest text between a and b, by one of them. */
async function textOf(stage: Stage, author: 'a' | 'b'): Promise<{ authorId: string; messageId: Bytes }> {
  const authorId = author === 'a' ? stage.idOfA : stage.idOfB
  const thread = await stage.a.thread(stage.idOfB)
  const last = thread.findLast((one) => one.kind === 'text' && one.authorId === authorId)
  const messageId = last && fromHex(last.messageId)
  if (messageId === null || messageId === undefined) throw new Error('no such text')
  return { authorId, messageId }
}

const plain = (text: string) => {
  const { kind: _kind, ...message } = textBody(text) as Extract<Body, { kind: 'text' }>
  return message
}

/** What own devices alone say to each other, said by somebody else. */
function foreignNotice(kind: string, body: (stage: Stage) => Body): Attack {
  return said(`says what only own devices say: ${kind}`, 'content.notAllowed', body)
}

/** Answered by nothing: neither a receipt nor anything else leaves for who has sent it. */
function unanswered(attack: Attack, who: 'mallory' | 'stranger'): Attack {
  return {
    ...attack,
    run: async (stage) => {
      const { accountId } = stage[who]
      const before = await stage.answersTo(accountId)
      const given = await attack.run(stage)
      requireThat((await stage.answersTo(accountId)) === before, 'something was answered')
      return given
    },
  }
}

const fromStranger = (
  does: string,
  gives: Attack['gives'],
  body: (stage: Stage) => Body | Promise<Body>,
  comesOf: Attack['comesOf'] = 'blocked',
): Attack =>
  unanswered(
    injection(
      does,
      gives,
      async (stage) => await stage.stranger.envelope(stage.target, await body(stage)),
      comesOf,
    ),
    'stranger',
  )

/** What a contact gone bad, or a stranger, can say with the relay's help. */
export const contentAttacks: readonly Attack[] = [
  said('changes what somebody else has written', null, async (stage) => ({
    kind: 'edit',
    messageId: (await textOf(stage, 'b')).messageId,
    text: plain('jamais écrit'),
  })),
  said('changes what the person has written', null, async (stage) => ({
    kind: 'edit',
    messageId: (await textOf(stage, 'a')).messageId,
    text: plain('jamais écrit'),
  })),
  said('deletes what somebody else has written', null, async (stage) => ({
    kind: 'deleteForEveryone',
    messageId: (await textOf(stage, 'b')).messageId,
  })),
  said('reacts in a conversation of others', 'content.notAllowed', async (stage) => ({
    kind: 'reaction',
    message: await textOf(stage, 'b'),
    reaction: { kind: 'emoji', emoji: '👍' },
  })),
  said('takes into account what was written to somebody else', 'content.notAllowed', async (stage) => ({
    kind: 'acknowledgement',
    message: await textOf(stage, 'a'),
  })),
  said('confirms the delivery of what went to somebody else', null, async (stage) => ({
    kind: 'deliveryReceipt',
    messageIds: [(await textOf(stage, 'a')).messageId],
  })),
  said('confirms the reading of what went to somebody else', null, async (stage) => ({
    kind: 'readReceipt',
    messageIds: [(await textOf(stage, 'a')).messageId],
  })),
  said('confirms messages that there are not', null, () => ({
    kind: 'readReceipt',
    messageIds: [newId(), newId()],
  })),
  fromStranger('lets a stranger confirm messages', null, async (stage) => ({
    kind: 'readReceipt',
    messageIds: [(await textOf(stage, 'a')).messageId],
  })),
  foreignNotice('what was sent', (stage) => ({
    kind: 'sentMessage',
    destination: stage.idOfB,
    content: contentOf(textBody('jamais envoyé')),
  })),
  foreignNotice('new keys of the account', () => ({
    kind: 'accountKeys',
    identityKeyPair: newIdentityKeyPair(),
    profileKey: newProfileKey(),
    changedAt: Date.now(),
  })),
  foreignNotice('a decision about an identity', (stage) => ({
    kind: 'identityDecision',
    accountId: stage.idOfB,
    identityKey: identityPublicKey(newIdentityKeyPair()),
    accepted: true,
    verified: true,
    decidedAt: Date.now(),
  })),
  foreignNotice('what was read', (stage) => ({
    kind: 'readUpTo',
    conversationId: stage.idOfB,
    messages: [{ authorId: stage.idOfB, messageId: newId() }],
  })),
  foreignNotice('settings of a conversation', (stage) => ({
    kind: 'conversationSettings',
    conversationId: stage.idOfB,
    settings: { accepted: true, blocked: true, mutedUntil: null, pinned: null, archived: null },
    changedAt: Date.now(),
  })),
  foreignNotice('what to delete', (stage) => ({
    kind: 'deleteForMe',
    conversationId: stage.idOfB,
    messages: [{ authorId: stage.idOfB, messageId: newId() }],
  })),
  foreignNotice('settings of the account', () => ({
    kind: 'accountSettings',
    settings: { deliveryReceipts: true, readReceipts: true, typingNotices: true },
    changedAt: Date.now(),
  })),
  injection(
    'sends a text under the id of somebody else’s, to take its place',
    null,
    async (stage) =>
      await stage.mallory.envelope(stage.target, textBody('sous le même numéro'), await textOf(stage, 'b')),
    'shown',
  ),
  injection(
    'says that a text is one that could not be read before, which it is not',
    null,
    async (stage) =>
      await stage.mallory.envelope(stage.target, textBody('soi-disant renvoyé'), {
        resentEnvelopeId: copyBytes(stage.lastDelivered().messageId),
      }),
    'shown',
  ),
  {
    does: 'asks again, in the name of a contact, for what was never sent to them',
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      const { mallory, target } = stage
      const before = await stage.answersTo(mallory.accountId)
      const inner = await mallory.encrypt(target, contentOf(textBody('x')))
      const body = await mallory.retryRequest(target, inner, newId())
      const given = await stage.refusal(() => stage.inject({ body }))
      requireThat((await stage.answersTo(mallory.accountId)) === before, 'something was answered')
      return given
    },
  },
  injection(
    'delivers a contact’s question for another device to this one',
    'content.notAllowed',
    async ({ mallory, target }) => {
      const inner = await mallory.encrypt(target, contentOf(textBody('x')))
      return await mallory.retryRequest(target, inner, newId(), 2)
    },
  ),
  {
    does: 'has a contact ask two hundred times for the same message',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      const { mallory, target, a } = stage
      const sent = await stage.lettingOut(mallory.accountId, () => a.send(mallory.accountId, 'encore'))
      const before = await stage.answersTo(mallory.accountId)
      const inner = await mallory.encrypt(target, contentOf(textBody('x')))
      const question = await mallory.retryRequest(target, inner, sent)
      const given = await stage.refusal(() =>
        stage.inject(...Array.from({ length: 200 }, () => ({ body: question }))),
      )
      const answers = (await stage.answersTo(mallory.accountId)) - before
      requireThat(answers >= 1 && answers <= answersAMessage * 2, `${answers} answers`)
      return given
    },
  },
  fromStranger(
    'lets a stranger write, to learn from receipts who is there',
    null,
    () => textBody('vous êtes là ?'),
    'shown',
  ),
  fromStranger('lets a stranger show that they are writing', null, () => ({ kind: 'typing', typing: true })),
  fromStranger(
    'lets a stranger make messages disappear',
    null,
    () => ({ kind: 'timerChange', seconds: 60 }),
    'shown',
  ),
  unanswered(
    injection(
      'lets a stranger send what cannot be read, to be asked for it',
      'envelope.unknownPreKey',
      async ({ stranger, target }) => await stranger.envelope({ ...target, deviceId: 2 }, textBody('x')),
      'shown',
    ),
    'stranger',
  ),
]
