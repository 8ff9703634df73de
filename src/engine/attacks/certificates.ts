import { certificateUnder, newPrivateKey, sealAs } from '../../protocol/forging.ts'
import { identityPublicKey, newIdentityKeyPair } from '../../protocol/keys.ts'
import type { Bytes } from '../../base/bytes.ts'
import { contentOf, textBody } from '../testing/attacker.ts'
import { injection } from './envelopes.ts'
import type { Attack } from './attack.ts'
import type { Stage } from './stage.ts'

const day = 24 * 3_600_000

/** A good inner message of mallory's under another certificate. */
async function under(stage: Stage, certificate: Bytes): Promise<Bytes> {
  const inner = await stage.mallory.encrypt(stage.target, contentOf(textBody('sous un faux nom')))
  return await stage.mallory.seal(stage.target, inner, certificate)
}

/** The same, sealed with another identity key, which the certificate names. */
async function underKey(stage: Stage, accountId: string, identityKeyPair: Bytes): Promise<Bytes> {
  const inner = await stage.mallory.encrypt(stage.target, contentOf(textBody('sous un faux nom')))
  const root = stage.relay.trustRootPrivateKey()
  const sender = { accountId, deviceId: 1 }
  const key = identityPublicKey(identityKeyPair)
  const certificate = certificateUnder(root, sender, key, Date.now() + day)
  return await sealAs(identityKeyPair, stage.target, inner, certificate)
}

/** Delivers an envelope whose certificate has run out, with a time of reception that was not. */
function wrongTime(does: string, expiredAgo: number, receivedAgo: number): Attack {
  return {
    does,
    comesOf: 'blocked',
    gives: 'certificate.expired',
    run: async (stage) => {
      const body = await under(stage, stage.mallory.certificate(Date.now() - expiredAgo))
      return await stage.refusal(() => stage.inject({ body, receivedAt: Date.now() - receivedAgo }))
    },
  }
}

/** What it can say of who has sent something. It is the one that issues certificates. */
export const certificateAttacks: readonly Attack[] = [
  injection('certifies under a root of its own', 'certificate.untrusted', async (stage) => {
    const { address, identityKey } = stage.mallory
    return await under(stage, certificateUnder(newPrivateKey(), address, identityKey, Date.now() + day))
  }),
  injection('sends under a certificate that has run out', 'certificate.expired', (stage) =>
    under(stage, stage.mallory.certificate(Date.now() - 60_000)),
  ),
  wrongTime('dates an envelope back before the last one that was taken in', 2 * day, 3 * day),
  wrongTime('dates an envelope back further than any may lie in a queue', 41 * day, 42 * day),
  wrongTime('dates an envelope into the future, when its certificate has run out', 60_000, -10 * 365 * day),
  injection('certifies a message of one contact as that of another', 'envelope.malformed', async (stage) => {
    const root = stage.relay.trustRootPrivateKey()
    const key = identityPublicKey(stage.keysOfB.identityKeyPair)
    const sender = { accountId: stage.idOfB, deviceId: 1 }
    return await under(stage, certificateUnder(root, sender, key, Date.now() + day))
  }),
  injection(
    'certifies another key for a contact who helps it',
    'identity.changed',
    async (stage) => {
      const other = newIdentityKeyPair()
      return await underKey(stage, stage.mallory.accountId, other)
    },
    'shown',
  ),
  {
    does: 'certifies a key of its own for an honest contact',
    comesOf: 'shown',
    gives: 'identity.changed',
    run: async (stage) => {
      const body = await underKey(stage, stage.idOfB, newIdentityKeyPair())
      const given = await stage.refusal(() => stage.inject({ body }))
      const before = stage.tap.countTo(stage.idOfB)
      await stage.a.send(stage.idOfB, 'attend la décision')
      await stage.reconnect()
      if (stage.tap.countTo(stage.idOfB) !== before) throw new Error('sent to a changed identity')
      await stage.forgetChangedKeys()
      return given
    },
  },
  injection('certifies the account’s own device as the sender', 'envelope.ownMessage', async (stage) => {
    const { accountId, identityKeyPair } = { ...stage.keysOfA, accountId: stage.idOfA }
    return await underKey(stage, accountId, identityKeyPair)
  }),
  injection('certifies another device of the account as the sender', 'envelope.malformed', async (stage) => {
    const root = stage.relay.trustRootPrivateKey()
    const key = identityPublicKey(stage.keysOfA.identityKeyPair)
    const sender = { accountId: stage.idOfA, deviceId: 2 }
    return await under(stage, certificateUnder(root, sender, key, Date.now() + day))
  }),
  injection(
    'certifies another key than the one that the first message names',
    'certificate.sender',
    async (stage) => {
      const other = newIdentityKeyPair()
      const inner = await stage.passerBy.encrypt(stage.target, contentOf(textBody('qui suis-je')))
      const root = stage.relay.trustRootPrivateKey()
      const certificate = certificateUnder(
        root,
        stage.passerBy.address,
        identityPublicKey(other),
        Date.now() + day,
      )
      return await sealAs(other, stage.target, inner, certificate)
    },
    'shown',
  ),
]
