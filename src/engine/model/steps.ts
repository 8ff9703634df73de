import fc from 'fast-check'
import { crashPoints, type CrashPoint } from '../crashPoints.ts'
import { faults, type Fault } from './wire.ts'

/** Numbers choose among what there is at that moment, so that a step means something whatever came before it. */
export type Step =
  | { readonly do: 'send'; readonly by: number; readonly to: number }
  | { readonly do: 'edit' | 'delete' | 'react'; readonly by: number; readonly text: number }
  | { readonly do: 'read'; readonly by: number; readonly with: number }
  /** Decides about every changed identity that the device shows, and takes every request. */
  | { readonly do: 'decide'; readonly by: number }
  | { readonly do: 'fault'; readonly at: number; readonly fault: Fault; readonly times: number }
  | { readonly do: 'cut' | 'away' | 'back' | 'retry' | 'restart' | 'start'; readonly at: number }
  | { readonly do: 'kill'; readonly at: number; readonly point: CrashPoint | null; readonly times: number }
  | { readonly do: 'relay' }
  | { readonly do: 'pause'; readonly turns: number }
  | { readonly do: 'link'; readonly account: number; readonly by: number }
  | {
      readonly do: 'remove'
      readonly account: number
      readonly device: number
      readonly by: number
      readonly reason: 'retired' | 'lost'
    }
  | { readonly do: 'reinstall'; readonly account: number }

/** A lost device costs the account its identity key. */
const removals = ['retired', 'retired', 'lost'] as const

const choice = fc.nat({ max: 9_999 })

/** Weights: what people do, then what befalls them. */
const weighted: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 300, arbitrary: fc.record({ do: fc.constant('send'), by: choice, to: choice }) },
  {
    weight: 160,
    arbitrary: fc.record({
      do: fc.constantFrom('edit', 'edit', 'react', 'react', 'delete'),
      by: choice,
      text: choice,
    }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('read'), by: choice, with: choice }) },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('decide'), by: choice }) },
  {
    weight: 60,
    arbitrary: fc.record({
      do: fc.constant('fault'),
      at: choice,
      fault: fc.constantFrom(...faults),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 70,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'cut',
        'away',
        'back',
        'back',
        'retry',
        'retry',
        'restart',
        'start',
        'start',
        'start',
      ),
      at: choice,
    }),
  },
  {
    weight: 30,
    arbitrary: fc.record({
      do: fc.constant('kill'),
      at: choice,
      point: fc.constantFrom(null, ...crashPoints),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('relay') }) },
  { weight: 150, arbitrary: fc.record({ do: fc.constant('pause'), turns: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('link'), account: choice, by: choice }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('remove'),
      account: choice,
      device: choice,
      by: choice,
      reason: fc.constantFrom(...removals),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reinstall'), account: choice }) },
]

/** As many steps, among those that `only` lets through. */
export function stepsOf(
  length: number,
  only: (step: Step['do']) => boolean = () => true,
): fc.Arbitrary<Step[]> {
  const step = fc.oneof(...weighted).filter((made) => only(made.do))
  return fc.noBias(fc.array(step, { minLength: 1, maxLength: length, size: 'max' }))
}
