import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { countQuarantined } from '../storage/repositories/quarantine.ts'
import { certificateUnder, newPrivateKey, sealAs } from '../protocol/forging.ts'
import { identityPublicKey, newIdentityKeyPair } from '../protocol/keys.ts'
import { accountOf, Attacker, contentOf, leave, targetOf, textBody, type Target } from './testing/attacker.ts'
import { setting } from './testing/setting.ts'
import { until } from './testing/workstation.ts'

const here = setting()
const { enrolled } = here

const poisonEnvelopes = 2_000
const goodMessages = 40
const day = 24 * 3_600_000

it('keeps 2,000 poison envelopes in quarantine and takes in everything between', async () => {
  const [a, b, m] = [await enrolled('A'), await enrolled('B'), await enrolled('M')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  const target = targetOf(await accountOf(b))
  const mallory = await Attacker.of(m, here.relay.trustRootPrivateKey())
  await mallory.meet(target)
  const makers = await poisons(mallory, target)
  const socket = await mallory.connect()
  await b.engine.stop()
  const texts = Array.from({ length: goodMessages }, (_, n) => `entre deux ${n}`)
  for (const [n, text] of texts.entries()) {
    await a.send(toB, text)
    await until(async () => (await a.thread(toB)).at(-1)?.delivery === 'sent')
    const share = poisonEnvelopes / goodMessages
    const bodies = Array.from({ length: share }, (_, k) => makers[(n * share + k) % makers.length])
    await leave(
      socket,
      target,
      bodies.map((make) => make?.() ?? new Uint8Array(1)),
    )
  }
  socket.close()
  await b.restart()
  await until(async () => (await b.peek(countQuarantined)) >= poisonEnvelopes)
  await until(async () => (await b.texts(toA)).length >= texts.length)
  expect(await b.texts(toA)).toEqual(texts)
  expect(await b.peek(countQuarantined)).toBe(poisonEnvelopes)
  const reasons = await b.peek((sql) =>
    sql.all<{ reason: string }>('SELECT DISTINCT reason FROM quarantine ORDER BY reason'),
  )
  expect(reasons.map(({ reason }) => reason)).toEqual([
    'certificate.expired',
    'certificate.sender',
    'certificate.untrusted',
    'envelope.malformed',
    'envelope.undecryptable',
  ])
  await b.restart()
  await b.online()
  await a.send(toB, 'après')
  await until(async () => (await b.texts(toA)).at(-1) === 'après')
  mallory.end()
})

/** Each makes one envelope that cannot be taken in. What costs much to make is made once and left again under a new id. */
async function poisons(mallory: Attacker, target: Target): Promise<readonly (() => Bytes)[]> {
  const text = textBody('poison')
  const whole = await mallory.envelope(target, text)
  const inner = await mallory.encrypt(target, contentOf(text))
  const noise = (length: number, ...first: number[]): Bytes => Uint8Array.of(...first, ...randomBytes(length))
  const { address, identityKey } = mallory
  const root = here.relay.trustRootPrivateKey()
  const later = Date.now() + day
  const otherRoot = certificateUnder(newPrivateKey(), address, identityKey, later)
  const other = newIdentityKeyPair()
  const otherKey = identityPublicKey(other)
  const sealed = await Promise.all([
    mallory.seal(target, { ...inner, ciphertext: flipped(inner.ciphertext, inner.ciphertext.length - 20) }),
    mallory.seal(target, inner, mallory.certificate(Date.now() - day)),
    mallory.seal(target, inner, otherRoot),
    mallory.seal(target, inner, certificateUnder(root, address, otherKey, later)),
    sealAs(other, target, inner, certificateUnder(root, address, otherKey, later)),
    mallory.seal(target, { type: inner.type, ciphertext: noise(200) }),
    mallory.seal(target, { type: whisperType, ciphertext: inner.ciphertext }),
  ])
  return [
    () => noise(1),
    () => noise(100),
    () => noise(300, 0x11),
    () => noise(300, 0x22),
    () => noise(4_000, 0x11, 0x0a, 0x21, 0x05),
    () => whole.slice(0, whole.length / 2),
    () => flipped(whole, 40),
    () => flipped(whole, whole.length - 1),
    ...sealed.map((body) => () => body),
  ]
}

/** libsignal's CiphertextMessageType of a later message of a session. */
const whisperType = 2

function flipped(bytes: Bytes, at: number): Bytes {
  const changed = copyBytes(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}
