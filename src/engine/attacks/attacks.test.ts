import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RelayProcess } from '../testing/relayProcess.ts'
import { answerAttacks } from './answers.ts'
import { bundleAttacks } from './bundles.ts'
import { certificateAttacks } from './certificates.ts'
import { clockAttacks, connectionAttacks } from './connections.ts'
import { contentAttacks } from './contents.ts'
import { envelopeAttacks } from './envelopes.ts'
import { Stage } from './stage.ts'

let relay: RelayProcess
let stage: Stage

beforeAll(async () => {
  relay = await RelayProcess.start()
  stage = await Stage.open(relay)
})
afterAll(async () => {
  await stage.end()
  await relay.end()
})

const attacks = [
  ...envelopeAttacks,
  ...certificateAttacks,
  ...contentAttacks,
  ...bundleAttacks,
  ...answerAttacks,
  ...connectionAttacks,
  // Last, for a wrong time costs the permits of the day.
  ...clockAttacks,
]

describe('a malicious relay', () => {
  it.each(attacks)('$does: $comesOf, $gives', async ({ comesOf, gives, run }) => {
    const before = await stage.seen()
    expect(await run(stage)).toBe(gives)
    if (comesOf === 'blocked') expect(await stage.seen()).toEqual(before)
    if (comesOf === 'shown') expect(await stage.seen()).not.toEqual(before)
    // Whatever it was, the honest ones still reach each other.
    await stage.prove()
  })
})
