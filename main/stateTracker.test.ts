import { expect, it } from 'vitest'
import { createStateTracker } from './stateTracker.ts'

const french = { locale: 'fr', theme: null } as const
const english = { locale: 'en', theme: 'dark' } as const
const starting = { phase: 'starting' } as const
const refused = { phase: 'refused', error: { code: 'internal', details: {} } } as const

it('takes the newest of what it saw, in whatever order it came', () => {
  const tracker = createStateTracker(french)
  expect([tracker.phase(), tracker.appearance()]).toEqual(['starting', french])
  tracker.seeDelta({ number: 5, change: { kind: 'state', state: refused } })
  tracker.seeSnapshot({ number: 4, appearance: english, state: starting })
  expect([tracker.phase(), tracker.appearance()]).toEqual(['refused', english])
  tracker.seeDelta({ number: 3, change: { kind: 'appearance', appearance: french } })
  expect(tracker.appearance()).toEqual(english)
  tracker.seeDelta({ number: 7, change: { kind: 'appearance', appearance: french } })
  expect([tracker.phase(), tracker.appearance()]).toEqual(['refused', french])
  tracker.seeSnapshot({ number: 7, appearance: french, state: starting })
  expect(tracker.phase()).toBe('starting')
})
