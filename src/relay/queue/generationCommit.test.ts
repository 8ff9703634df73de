import { expect, test } from 'vitest'
import { CodedError } from '../../base/errors.ts'
import type { GenerationAct, GenerationOutcome } from '../store/deviceStore.ts'
import { GenerationCommit } from './generationCommit.ts'

interface Step {
  readonly acts: readonly GenerationAct[]
  readonly end: () => void
  readonly fail: () => void
}

function slowStore(): { generations: GenerationCommit; steps: Step[] } {
  const steps: Step[] = []
  const commit = async (acts: readonly GenerationAct[]): Promise<readonly GenerationOutcome[]> =>
    new Promise((resolve, reject) =>
      steps.push({
        acts,
        end: () => resolve(acts.map(({ device }) => ({ kind: device % 2 === 0 ? 'offered' : 'gone' }))),
        fail: () => reject(new CodedError('relay.unavailable')),
      }),
    )
  return { generations: new GenerationCommit({ commit }), steps }
}

const freeze = (device: number): GenerationAct => ({ kind: 'freeze', device })
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('acts of one turn share a commit, those that come during it share the next, each gets its own outcome', async () => {
  const { generations, steps } = slowStore()
  const outcomes: string[] = []
  const act = (device: number): void =>
    void generations.act(freeze(device)).then(({ kind }) => outcomes.push(`${device} ${kind}`))
  act(1)
  act(2)
  await turn()
  act(3)
  act(4)
  await turn()
  expect(steps.map(({ acts }) => acts.map(({ device }) => device))).toEqual([[1, 2]])
  expect(outcomes).toEqual([])
  const drained = generations.drain()
  steps[0]?.end()
  await turn()
  expect(outcomes).toEqual(['1 gone', '2 offered'])
  steps[1]?.end()
  await drained
  expect(outcomes).toEqual(['1 gone', '2 offered', '3 gone', '4 offered'])
  await generations.drain()
})

test('a commit that fails is told to each of its acts, and the next goes on', async () => {
  const { generations, steps } = slowStore()
  const first = [1, 2].map(async (device) =>
    generations.act(freeze(device)).catch((thrown: unknown) => thrown),
  )
  await turn()
  const second = generations.act(freeze(4))
  steps[0]?.fail()
  for (const failed of await Promise.all(first)) expect(failed).toMatchObject({ code: 'relay.unavailable' })
  await turn()
  steps[1]?.end()
  expect(await second).toEqual({ kind: 'offered' })
})
