import { randomBytes } from 'node:crypto'
import { readJournalRows } from '../../storage/repositories/journal.ts'
import { verdictNumber, type GenerationVerdict } from '../../wire/generation.ts'
import { anonymousSocketPath, socketPath } from '../../wire/http.ts'
import type { ServerFrame } from '../../wire/relay_pb.ts'
import { limits } from '../../wire/limits.ts'
import { contentOf, textBody } from '../testing/attacker.ts'
import type { ServerSays } from '../testing/frames.ts'
import { until } from '../testing/workstation.ts'
import { requireThat, type Attack } from './attack.ts'
import type { Stage } from './stage.ts'

const years = 365 * 24 * 3_600_000

type Welcome = Extract<ServerFrame['frame'], { case: 'welcome' }>['value']

function welcomes(stage: Stage, change: (welcome: Welcome) => Partial<Welcome>): void {
  stage.toWorkstation = (frame) =>
    frame.case === 'welcome' ? [{ case: 'welcome', value: { ...frame.value, ...change(frame.value) } }] : null
}

/** Connects to such a relay; answers why that came to nothing. Nothing was let out meanwhile. */
async function refusedConnection(stage: Stage): Promise<string | null> {
  const before = stage.tap.countTo(stage.idOfB)
  await stage.a.send(stage.idOfB, `attend ${before}`)
  await stage.arrives(`attend ${before}`)
  const connected = stage.tap.countTo(stage.idOfB)
  stage.proxy.cut()
  await stage.a.ask('connection.retry', {})
  let code: string | null = null
  await until(async () => {
    const { connection } = await stage.a.ready()
    code = connection.error?.code ?? null
    if (code === 'relay.unreachable') await stage.a.ask('connection.retry', {})
    return connection.state === 'offline' && code !== 'relay.unreachable'
  })
  await stage.a.send(stage.idOfB, 'rien ne part')
  requireThat(stage.tap.countTo(stage.idOfB) === connected, 'something left')
  return code
}

/** It is no relay for this workstation until it tells the truth again. */
function refused(does: string, gives: Attack['gives'], lie: (stage: Stage) => void): Attack {
  return {
    does,
    comesOf: 'shown',
    gives,
    run: async (stage) => {
      lie(stage)
      return await refusedConnection(stage)
    },
  }
}

async function journalled(stage: Stage, type: string): Promise<number> {
  return (await stage.a.peek(readJournalRows)).filter((row) => row.type === type).length
}

/** Connects to a relay that lies about the vault; answers what was written down of it. */
function aboutTheVault(
  does: string,
  verdict: GenerationVerdict,
  gives: 'vault.copyNoticed' | 'vault.stopMissed',
  comesOf: Attack['comesOf'],
): Attack {
  return {
    does,
    comesOf,
    gives: null,
    run: async (stage) => {
      welcomes(stage, () => ({ verdict: verdictNumber(verdict) }))
      const before = await journalled(stage, gives)
      await stage.reconnect()
      requireThat((await journalled(stage, gives)) > before, `${gives} is not written down`)
      return null
    },
  }
}

/** Whatever the relay takes for the time, messages come and go. */
function wrongClock(does: string, by: number): Attack {
  return {
    does,
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      welcomes(stage, ({ relayTime }) => ({ relayTime: BigInt(Number(relayTime) + by) }))
      await stage.reconnect()
      await stage.b.send(stage.idOfA, does)
      await stage.shows(does, 1)
      await stage.a.send(stage.idOfB, does)
      await stage.arrives(does)
      return null
    },
  }
}

/** A frame that is none, or is too much: the connection ends, and the next one brings everything. */
function garbage(does: string, bytes: () => Uint8Array): Attack {
  return {
    does,
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      const [line] = stage.proxy.lines(socketPath)
      line?.tellRaw(bytes())
      await until(async () => !stage.proxy.lines(socketPath).some((one) => one === line))
      await stage.backOnline()
      return null
    },
  }
}

/** Says something at the wrong moment; nothing follows from it. */
function uncalledFor(does: string, frame: ServerSays): Attack {
  return {
    does,
    comesOf: 'blocked',
    gives: null,
    run: async (stage) => {
      stage.proxy.lines(socketPath).at(-1)?.tellWorkstation(frame)
      await stage.inject()
      return null
    },
  }
}

/** Envelopes that no device makes and no queue numbers: the connection ends, and nothing of them is kept. */
const improper: readonly Attack[] = (
  [
    ['delivers an empty envelope', { body: new Uint8Array(0) }],
    ['delivers an envelope without an id', { messageId: new Uint8Array(0) }],
    ['delivers an envelope larger than any', { body: new Uint8Array(limits.envelopeBytes + 1) }],
    ['gives a queue id beyond all numbers', { queueId: 2n ** 63n }],
  ] as const
).map(([does, wrong]) => ({
  does,
  comesOf: 'blocked',
  gives: 'relay.malformedAnswer',
  run: async (stage) => {
    const whole = { queueId: 1n, receivedAt: 1n, messageId: new Uint8Array(16), body: new Uint8Array(9) }
    const envelopes = [{ ...whole, ...wrong }]
    stage.proxy.lines(socketPath).at(-1)?.tellWorkstation({ case: 'deliver', value: { envelopes } })
    let code: string | null = null
    await until(async () => {
      code = (await stage.a.ready()).connection.error?.code ?? null
      return code !== null
    })
    return code
  },
}))

/** What it can say on its sockets. */
export const connectionAttacks: readonly Attack[] = [
  refused('welcomes without a token', 'relay.malformedAnswer', (stage) => {
    stage.toWorkstation = (frame) => {
      if (frame.case !== 'welcome') return null
      const { token: _left, ...value } = frame.value
      return [{ case: 'welcome', value }]
    }
  }),
  refused('gives no verdict on the vault', 'relay.malformedAnswer', (stage) =>
    welcomes(stage, () => ({ verdict: 9 })),
  ),
  refused('gives a generation of another length', 'relay.malformedAnswer', (stage) =>
    welcomes(stage, () => ({ nextGeneration: new Uint8Array(3) })),
  ),
  refused('is another relay than the invitation’s', 'relay.anchors', (stage) => {
    stage.toWorkstation = (frame) =>
      frame.case === 'challenge'
        ? [{ case: 'challenge', value: { ...frame.value, relayId: 'another' } }]
        : null
  }),
  refused('asks for an older protocol', 'relay.version', (stage) => {
    stage.toWorkstation = (frame) =>
      frame.case === 'challenge'
        ? [{ case: 'challenge', value: { ...frame.value, protocolVersion: 0 } }]
        : null
  }),
  aboutTheVault('says of every vault that it is a copy', 'foreign', 'vault.copyNoticed', 'shown'),
  aboutTheVault('says of a known vault that it never saw one', 'first', 'vault.stopMissed', 'healed'),
  {
    does: 'does not confirm the vault’s generation',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let confirmed = 0
      stage.toWorkstation = (frame) => {
        if (frame.case !== 'generationConfirmed') return null
        confirmed += 1
        return []
      }
      stage.proxy.cut()
      await stage.a.ask('connection.retry', {})
      await until(async () => {
        await stage.a.ask('connection.retry', {})
        return confirmed > 0
      })
      const before = stage.tap.countTo(stage.idOfB)
      await stage.a.send(stage.idOfB, 'rien avant la confirmation')
      const { connection } = await stage.a.ready()
      requireThat(connection.state !== 'online', 'it is online')
      requireThat(stage.tap.countTo(stage.idOfB) === before, 'something left')
      stage.beHonest()
      await stage.reconnect()
      await stage.arrives('rien avant la confirmation')
      return null
    },
  },
  {
    does: 'stalls in the middle of a handshake',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let asked = 0
      stage.toWorkstation = (frame) => {
        if (frame.case !== 'challenge') return null
        asked += 1
        return []
      }
      stage.proxy.cut()
      await until(async () => {
        await stage.a.ask('connection.retry', {})
        return asked > 0
      })
      // What a person does goes on meanwhile.
      await stage.a.send(stage.idOfB, 'pendant l’attente')
      stage.beHonest()
      await stage.reconnect()
      await stage.arrives('pendant l’attente')
      return null
    },
  },
  ...improper,
  garbage('sends a frame that is none', () => new Uint8Array(randomBytes(200))),
  garbage('sends a frame of twenty megabytes', () => new Uint8Array(20 * 1024 * 1024)),
  uncalledFor('answers what nobody asked', {
    case: 'putResult',
    value: { requestId: 4_000_000, outcome: { case: 'stored', value: {} } },
  }),
  uncalledFor('lets the revision of the device list fall', {
    case: 'devicesChanged',
    value: { devicesRevision: 0n },
  }),
  uncalledFor('gives a token that was not asked for', {
    case: 'token',
    value: { value: 'x'.repeat(60), expiresAt: 1n },
  }),
  uncalledFor('confirms a generation that was not given', { case: 'generationConfirmed', value: {} }),
  {
    does: 'says of every device that it is another one',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let lies = 0
      stage.toRelay = (frame, line) => {
        if (frame.case !== 'anonymousPut' || lies >= 12) return null
        lies += 1
        const outcome = { case: 'deviceMismatch' as const, value: { stale: [1] } }
        const requestId = frame.value.put?.requestId ?? 0
        line.tellWorkstation({ case: 'putResult', value: { requestId, outcome } })
        return []
      }
      await stage.a.send(stage.idOfB, 'contredit')
      await until(async () => lies > 3)
      // After a few it waits, and does not ask for keys without end.
      requireThat(stage.proxy.requests.filter((one) => one === 'GET /v1/bundle').length < 200, 'no end')
      stage.beHonest()
      await stage.reconnect()
      await stage.arrives('contredit')
      return null
    },
  },
  {
    does: 'names devices that cannot be',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let said = false
      stage.toRelay = (frame, line) => {
        if (frame.case !== 'anonymousPut' || said) return null
        said = true
        const outcome = { case: 'deviceMismatch' as const, value: { missing: [0, 200, 4_000_000] } }
        const requestId = frame.value.put?.requestId ?? 0
        line.tellWorkstation({ case: 'putResult', value: { requestId, outcome } })
        return []
      }
      await stage.a.send(stage.idOfB, 'numéros impossibles')
      await until(async () => said)
      await stage.reconnect()
      await stage.arrives('numéros impossibles')
      return null
    },
  },
  {
    does: 'takes the access key of a contact for a wrong one',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let refusals = 0
      stage.toRelay = (frame, line) => {
        if (frame.case !== 'anonymousPut' || frame.value.authorisation.case !== 'accessKey') return null
        refusals += 1
        const outcome = { case: 'refusal' as const, value: { code: 'access.denied' } }
        const requestId = frame.value.put?.requestId ?? 0
        line.tellWorkstation({ case: 'putResult', value: { requestId, outcome } })
        return []
      }
      await stage.a.send(stage.idOfB, 'avec un permis')
      await stage.arrives('avec un permis')
      requireThat(refusals === 1, `${refusals} refusals`)
      return null
    },
  },
  {
    does: 'takes every permit for a spent one',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let refusals = 0
      stage.toRelay = (frame, line) => {
        if (frame.case !== 'anonymousPut' || frame.value.authorisation.case !== 'permit') return null
        refusals += 1
        const outcome = { case: 'refusal' as const, value: { code: 'permit.invalid' } }
        const requestId = frame.value.put?.requestId ?? 0
        line.tellWorkstation({ case: 'putResult', value: { requestId, outcome } })
        return []
      }
      const to = stage.mallory.accountId
      await stage.a.send(to, 'sans permis')
      await until(async () => refusals >= 3)
      stage.beHonest()
      await stage.reconnect()
      await until(async () => (await stage.waitingFor(to)) === 0)
      requireThat(refusals === 3, `${refusals} refusals`)
      return null
    },
  },
  {
    does: 'is another relay on the socket without names',
    comesOf: 'healed',
    gives: null,
    run: async (stage) => {
      let greeted = 0
      stage.toWorkstation = (frame) => {
        if (frame.case !== 'greeting') return null
        greeted += 1
        return [{ case: 'greeting', value: { ...frame.value, relayId: 'another' } }]
      }
      await stage.reconnect()
      const before = stage.tap.countTo(stage.idOfB)
      await stage.a.send(stage.idOfB, 'au bon relais')
      await until(async () => greeted > 0)
      requireThat(stage.tap.countTo(stage.idOfB) === before, 'something left')
      requireThat(stage.proxy.lines(anonymousSocketPath).length <= 1, 'more than one connection')
      stage.beHonest()
      await stage.reconnect()
      await stage.arrives('au bon relais')
      return null
    },
  },
]

/** What it can say of the time. */
export const clockAttacks: readonly Attack[] = [
  {
    does: 'is ten years ahead, so that every certificate has run out',
    comesOf: 'blocked',
    gives: 'certificate.expired',
    run: async (stage) => {
      welcomes(stage, ({ relayTime }) => ({ relayTime: BigInt(Number(relayTime) + 10 * years) }))
      await stage.reconnect()
      const body = await stage.mallory.envelope(stage.target, textBody('dans dix ans'))
      const given = await stage.refusal(() => stage.inject({ body }))
      stage.beHonest()
      await stage.reconnect()
      return given
    },
  },
  {
    does: 'has been ahead once, so that what waited looks old',
    comesOf: 'shown',
    gives: null,
    run: async (stage) => {
      welcomes(stage, ({ relayTime }) => ({ relayTime: BigInt(Number(relayTime) + 10 * years) }))
      await stage.reconnect()
      await stage.inject({ body: await stage.mallory.envelope(stage.target, textBody('dans dix ans')) })
      stage.beHonest()
      // Two days later: a certificate lasts for one, and was good when the relay took the envelope.
      welcomes(stage, ({ relayTime }) => ({ relayTime: BigInt(Number(relayTime) + 2 * 24 * 3_600_000) }))
      await stage.reconnect()
      const inner = await stage.mallory.encrypt(stage.target, contentOf(textBody('avait attendu')))
      const body = await stage.mallory.seal(stage.target, inner)
      const given = await stage.refusal(() => stage.inject({ body, receivedAt: Date.now() }))
      stage.beHonest()
      await stage.reconnect()
      return given
    },
  },
  wrongClock('is ten years behind', -10 * years),
]
