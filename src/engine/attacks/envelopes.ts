import { copyBytes, type Bytes } from '../../base/bytes.ts'
import { lookInside, sealAs } from '../../protocol/forging.ts'
import type { Envelope } from '../../wire/relay_pb.ts'
import { contentOf, targetOf, textBody } from '../testing/attacker.ts'
import { putIn } from '../testing/wireTap.ts'
import type { Attack } from './attack.ts'
import type { Stage } from './stage.ts'

/** Delivers what it has made, as something that was queued, and answers the code that was written down. */
export function injection(
  does: string,
  gives: Attack['gives'],
  make: (stage: Stage) => Promise<Bytes>,
  comesOf: Attack['comesOf'] = 'blocked',
): Attack {
  return {
    does,
    comesOf,
    gives,
    run: async (stage) => {
      const body = await make(stage)
      return await stage.refusal(() => stage.inject({ body }))
    },
  }
}

/** A message of b that `a` has not got yet, and will not get before the connection is made again. */
async function onItsWay(stage: Stage, text: string): Promise<Envelope> {
  const [one] = await onTheirWay(stage, text)
  return one
}

/** The same, of several. */
async function onTheirWay(
  stage: Stage,
  ...texts: readonly [string, ...string[]]
): Promise<[Envelope, ...Envelope[]]> {
  const stolen = await stage.steal(texts)
  const [first, ...others] = stolen.slice(-texts.length)
  if (first === undefined || others.length < texts.length - 1) throw new Error('they did not come')
  return [first, ...others]
}

/** One that is spoilt on its way; the true one comes later and is read. */
function spoilt(
  does: string,
  gives: Attack['gives'],
  spoil: (body: Bytes) => Bytes,
  comesOf: Attack['comesOf'] = 'healed',
): Attack {
  return {
    does,
    comesOf,
    gives,
    run: async (stage) => {
      const text = `entier : ${does}`
      const { body } = await onItsWay(stage, text)
      const given = await stage.refusal(() => stage.inject({ body: spoil(copyBytes(body)) }))
      await stage.reconnect()
      await stage.shows(text, 1)
      return given
    },
  }
}

function flipped(bytes: Bytes, at: number): Bytes {
  const changed = copyBytes(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

const asInjected = ({ body, messageId }: Envelope) => ({
  body: copyBytes(body),
  envelopeId: copyBytes(messageId),
})

/** What `a` lets out next for b; b gets it as well. */
async function leaving(stage: Stage): Promise<Bytes> {
  const seen: Bytes[] = []
  stage.toRelay = (frame) => {
    const put = frame.case === 'anonymousPut' ? putIn(frame) : null
    seen.push(...(put?.envelopes.map(({ body }) => copyBytes(body)) ?? []))
    return null
  }
  await stage.a.send(stage.idOfB, 'réfléchi')
  await stage.arrives('réfléchi')
  stage.toRelay = null
  const [first] = seen
  if (first === undefined) throw new Error('nothing left')
  return first
}

/** What it can do with envelopes, its own and those of others. */
export const envelopeAttacks: readonly Attack[] = [
  {
    does: 'delivers an envelope a second time',
    comesOf: 'blocked',
    gives: null,
    run: (stage) => stage.refusal(() => stage.inject(asInjected(stage.lastDelivered()))),
  },
  injection(
    'delivers an envelope a second time under another id',
    'envelope.duplicate',
    async (stage) => copyBytes(stage.lastDelivered().body),
    'healed',
  ),
  {
    does: 'delivers one envelope a hundred times at once',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      const one = await onItsWay(stage, 'cent fois')
      const given = await stage.refusal(() =>
        stage.inject(...Array.from({ length: 100 }, () => asInjected(one))),
      )
      await stage.shows('cent fois', 1)
      await stage.reconnect()
      return given
    },
  },
  {
    does: 'delivers envelopes in another order',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      const both = await onTheirWay(stage, 'un', 'deux')
      const given = await stage.refusal(() => stage.inject(...both.map(asInjected).toReversed()))
      await stage.reconnect()
      await stage.shows('un', 1)
      await stage.shows('deux', 1)
      return given
    },
  },
  {
    does: 'gives one queue id to several envelopes, and lets the ids fall',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      const three = await onTheirWay(stage, 'rang 1', 'rang 2', 'rang 3')
      const ids = [1n << 50n, 1n << 50n, 1n << 49n]
      const given = await stage.refusal(() =>
        stage.inject(...three.map((one, n) => ({ ...asInjected(one), queueId: ids[n] ?? 1n }))),
      )
      await stage.reconnect()
      for (const n of [1, 2, 3]) await stage.shows(`rang ${n}`, 1)
      return given
    },
  },
  injection('sends a message back to who wrote it', 'envelope.malformed', leaving, 'healed'),
  injection(
    'delivers to one account what is for another',
    'envelope.malformed',
    async ({ mallory, target, keysOfB }) => {
      const inner = await mallory.encrypt(target, contentOf(textBody('pour B')))
      const forB = targetOf(keysOfB)
      return await sealAs(mallory.account.identityKeyPair, forB, inner, mallory.certificate())
    },
  ),
  injection(
    'delivers to one device what is for another of the account',
    'envelope.unknownPreKey',
    ({ mallory, target }) => mallory.envelope({ ...target, deviceId: 2 }, textBody('pour l’autre poste')),
    'shown',
  ),
  spoilt('cuts an envelope short', 'envelope.malformed', (body) => body.slice(0, body.length >> 1)),
  spoilt('adds bytes to an envelope', 'envelope.malformed', (body) => Uint8Array.of(...body, ...body)),
  spoilt('turns a bit of an envelope', 'envelope.malformed', (body) => flipped(body, body.length - 5)),
  injection(
    'turns a bit of the inner ciphertext of a contact that helps it',
    'envelope.undecryptable',
    async ({ mallory, target }) => {
      const inner = await mallory.encrypt(target, contentOf(textBody('x')))
      // Behind the keys of a first message comes what the ratchet has made.
      return await mallory.seal(target, { ...inner, ciphertext: flipped(inner.ciphertext, 150) })
    },
    'shown',
  ),
  injection(
    'puts the ciphertext of one contact under the certificate of another',
    'envelope.malformed',
    async (stage) => {
      const { certificate } = await lookInside(
        stage.keysOfA.identityKeyPair,
        copyBytes(stage.lastDelivered().body),
      )
      const inner = await stage.mallory.encrypt(stage.target, contentOf(textBody('de la part de B')))
      return await stage.mallory.seal(stage.target, inner, copyBytes(certificate))
    },
  ),
  {
    does: 'delivers an ephemeral envelope again as a queued one',
    comesOf: 'shown',
    gives: 'envelope.duplicate',
    run: async (stage) => {
      const body = await stage.mallory.envelope(stage.target, { kind: 'typing', typing: false })
      await stage.inject({ body, queueId: 0n })
      return await stage.refusal(() => stage.inject({ body }))
    },
  },
  {
    does: 'delivers a queued envelope as an ephemeral one first',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      const one = await onItsWay(stage, 'sans trace')
      await stage.inject({ ...asInjected(one), queueId: 0n })
      await stage.shows('sans trace', 1)
      await stage.reconnect()
      await stage.shows('sans trace', 1)
      return null
    },
  },
]
