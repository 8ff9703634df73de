import fc from 'fast-check'
import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  budgetNames,
  createInvitation,
  createInvitationAgain,
  initRelay,
  startRelay,
  usualAccountBudgets,
} from '../../relay/index.ts'
import { Fleet, type RelayRoom } from './fleet.ts'
import { stepsOf, type Step } from './steps.ts'

const long = process.env['VALISE_LONG'] === '1'
/** Tells of each fleet. */
const verbose = process.env['VALISE_VERBOSE'] === '1'
const goal = Number(process.env['VALISE_STEPS'] ?? (long ? 1_000_000 : 20_000))
const least = Math.min(goal, 5_000)
const timeMs = long ? Number.POSITIVE_INFINITY : 4 * 60_000
const stepsPerFleet = 500
const stepsPerRest = 100
/** Fleets that live at the same time: most of their time they wait. */
const fleetsAtOnce = 3
/** For one fleet, and for looking for a smaller counterexample. */
const shrinkMs = 20 * 60_000

const unlimited = { requests: 1_000_000_000, perMs: 60_000 }
const boundless = { soft: 1_000_000_000, hard: 1_000_000_000 }
const endless = { burst: 1_000_000_000, perSecond: 1_000_000 }

const room: RelayRoom = {
  init: async (data) => void (await initRelay({ data, organisation: 'Ministère des essais' })),
  start: async (data, port, clock) =>
    startRelay({
      data,
      port,
      clock,
      // Everybody comes from one address, and a day of work goes by in seconds.
      database: { permitsPerDay: 1_000_000, permitPutsPerHour: 1_000_000 },
      accountBudgets: Object.fromEntries(
        budgetNames.map((name) => [name, { ...usualAccountBudgets[name], device: null, account: boundless }]),
      ),
      budgets: {
        address: unlimited,
        link: unlimited,
        anonymous: unlimited,
        recipientBundle: unlimited,
        upgrade: unlimited,
        code: unlimited,
        device: unlimited,
        bundle: unlimited,
        directory: unlimited,
        put: endless,
        generation: endless,
        anonymousPut: endless,
      },
    }),
  invite: async (data, name, address) => createInvitation({ data, name, address }),
  inviteAgain: async (data, account, address) => createInvitationAgain({ data, account, address }),
}

interface Run {
  /** Steps so far. */
  taken: number
  readonly plantedBug: boolean
}

/** A fleet lives through the steps, coming to rest now and then. What is wrong, in words. */
async function live(steps: readonly Step[], run: Run): Promise<readonly string[]> {
  const fleet = await Fleet.make(room, { linked: 3, acknowledgesEarly: run.plantedBug })
  try {
    for (const [index, step] of steps.entries()) {
      await fleet.apply(step)
      run.taken += 1
      if (index < steps.length - 1 && index % stepsPerRest !== stepsPerRest - 1) continue
      const wrong = await fleet.rest()
      if (wrong.length > 0) return wrong
    }
    return []
  } finally {
    await fleet.end()
  }
}

const seed = Number(process.env['VALISE_SEED'] ?? randomInt(2 ** 30))

it(
  'shows every text once on every device that should have it, whatever happens',
  async () => {
    const run: Run = { taken: 0, plantedBug: false }
    const begun = performance.now()
    const report = (): void => {
      const minutes = ((performance.now() - begun) / 60_000).toFixed(1)
      console.log(`model: seed ${seed}, ${run.taken} steps in ${minutes} minutes`)
    }
    let failed = false
    const isDone = (): boolean =>
      failed || run.taken >= goal || (run.taken >= least && performance.now() - begun > timeMs)
    const play = async (fleet: number): Promise<void> => {
      const property = fc.asyncProperty(stepsOf(stepsPerFleet), async (steps) => {
        const wrong = await live(steps, run)
        if (wrong.length > 0) console.log(`model: seed ${seed + fleet}, of ${steps.length} steps:`, wrong)
        expect(wrong).toEqual([])
      })
      await fc.assert(property, { seed: seed + fleet, numRuns: 1, interruptAfterTimeLimit: shrinkMs })
      if (long || verbose) report()
    }
    let next = 0
    const playOn = async (): Promise<void> => {
      try {
        while (!isDone()) await play(next++)
      } catch (error) {
        failed = true
        throw error
      }
    }
    const played = await Promise.allSettled(Array.from({ length: fleetsAtOnce }, playOn))
    report()
    for (const one of played) if (one.status === 'rejected') throw one.reason
  },
  long ? 48 * 3_600_000 : 90 * 60_000,
)

it(
  'finds an acknowledgement before the commit within 5,000 steps',
  async () => {
    const run: Run = { taken: 0, plantedBug: true }
    let wrong: readonly string[] = []
    for (let fleet = 0; !wrong.join().includes(' lacks ') && run.taken < 5_000; fleet += 1) {
      const [steps] = fc.sample(stepsOf(stepsPerFleet), { seed: seed + fleet, numRuns: 1 })
      wrong = await live(steps ?? [], run)
    }
    console.log(
      `model: seed ${seed}, the planted bug was found after ${run.taken} steps: ${wrong.join('; ')}`,
    )
    expect(run.taken).toBeLessThanOrEqual(5_000)
    expect(wrong.join()).toContain(' lacks ')
  },
  60 * 60_000,
)
