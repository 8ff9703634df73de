import { expect, test } from 'vitest'
import { utf8 } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { silentLog } from '../log.ts'
import type { PutOutcome, PutRequest, QueueGroup, StoredEnvelope } from '../store/store.ts'
import { GroupCommit, type PutAnswer } from './groupCommit.ts'

interface Step {
  readonly group: QueueGroup
  readonly end: () => void
  readonly fail: () => void
}

/** A store whose commits end when the test says so: what the order of events depends on. */
function slowStore(): { commits: GroupCommit; steps: Step[]; stored: StoredEnvelope[]; pressure: boolean[] } {
  const steps: Step[] = []
  const stored: StoredEnvelope[] = []
  const pressure: boolean[] = []
  let nextId = 1
  const outcome = (put: PutRequest): PutOutcome => ({
    kind: 'stored',
    added: put.envelopes.map((e) => ({
      device: 1,
      id: nextId++,
      receivedAt: 1,
      messageId: e.messageId,
      body: e.body,
    })),
  })
  const commits = new GroupCommit({
    queues: {
      commit: async (group) =>
        new Promise((resolve, reject) =>
          steps.push({
            group,
            end: () => resolve(group.puts.map(outcome)),
            fail: () => reject(new CodedError('relay.unavailable')),
          }),
        ),
    },
    clock: { now: () => 1 },
    log: silentLog,
    onStored: (envelopes) => stored.push(...envelopes),
    onPressure: (high) => pressure.push(high),
  })
  return { commits, steps, stored, pressure }
}

function request(bytes = 1): PutRequest {
  const envelope = {
    deviceId: 1,
    registrationId: 1,
    messageId: new Uint8Array(16),
    body: new Uint8Array(bytes),
  }
  const by = { kind: 'own', except: 1 } as const
  return { destination: utf8('0123456789abcdef'), by, someDevices: false, envelopes: [envelope] }
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

test('what comes in one turn is one group; what comes during a commit is the next; answers come after it', async () => {
  const { commits, steps, stored } = slowStore()
  const answers: PutAnswer['kind'][] = []
  const put = (): void => commits.put(request(), (answer) => answers.push(answer.kind))
  put()
  put()
  expect(steps).toHaveLength(0)
  await turn()
  expect(steps.map((step) => step.group.puts.length)).toEqual([2])
  put()
  put()
  put()
  await turn()
  expect(steps).toHaveLength(1)
  expect({ answers, stored }).toEqual({ answers: [], stored: [] })
  steps[0]?.end()
  await turn()
  expect(answers).toEqual(['stored', 'stored'])
  expect(stored).toHaveLength(2)
  expect(steps.map((step) => step.group.puts.length)).toEqual([2, 3])
  steps[1]?.end()
  await commits.drain()
  expect(answers).toHaveLength(5)
})

test('a waiting delete never delays a put, and rides with it', async () => {
  const { commits, steps } = slowStore()
  commits.acknowledge(7, [1, 2])
  await turn()
  expect(steps).toHaveLength(0)
  commits.put(request(), () => undefined)
  await turn()
  expect(steps.map(({ group }) => [group.puts.length, group.deletes.length])).toEqual([[1, 2]])
  steps[0]?.end()
  await commits.drain()
})

test('deletes alone are committed a little later', async () => {
  const { commits, steps } = slowStore()
  commits.acknowledge(7, [1])
  await expect.poll(() => steps.length).toBe(1)
  expect(steps.map(({ group }) => [group.puts.length, group.deletes])).toEqual([[0, [{ device: 7, id: 1 }]]])
  steps[0]?.end()
  await commits.drain()
})

test('a failed commit acknowledges nothing, delivers nothing, tries its deletes alone and does not stop the next', async () => {
  const { commits, steps, stored } = slowStore()
  const answers: PutAnswer['kind'][] = []
  commits.acknowledge(7, [1])
  commits.put(request(), (answer) => answers.push(answer.kind))
  await turn()
  steps[0]?.fail()
  await turn()
  expect(steps[1]?.group).toMatchObject({ puts: [], deletes: [{ device: 7, id: 1 }] })
  expect(answers).toEqual([])
  steps[1]?.end()
  await turn()
  expect({ answers, stored }).toEqual({ answers: ['failed'], stored: [] })
  commits.put(request(), (answer) => answers.push(answer.kind))
  await turn()
  steps[2]?.end()
  await commits.drain()
  expect(answers).toEqual(['failed', 'stored'])
})

test('groups are bounded, order is kept, and too much waiting is told and taken back', async () => {
  const { commits, steps, stored, pressure } = slowStore()
  for (let n = 0; n < 300; n += 1) commits.put(request(90 * 1024), () => undefined)
  expect(pressure).toEqual([true])
  let done = 0
  while (stored.length < 300) {
    await turn()
    for (; done < steps.length; done += 1) steps[done]?.end()
  }
  await commits.drain()
  expect(steps.length).toBeGreaterThan(3)
  expect(Math.max(...steps.map(({ group }) => group.puts.length))).toBeLessThan(100)
  expect(stored.map((envelope) => envelope.id)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1))
  expect(pressure).toEqual([true, false])
})

test('acknowledgements are bounded for each commit, none is lost, and too many waiting is told', async () => {
  const { commits, steps, pressure } = slowStore()
  const total = 60_000
  for (let first = 1; first <= total; first += 1_000)
    commits.acknowledge(
      7,
      Array.from({ length: 1_000 }, (_, n) => first + n),
    )
  expect(pressure).toEqual([true])
  commits.put(request(), () => undefined)
  const drained = commits.drain()
  let done = 0
  for (let quiet = 0; quiet < 3; quiet += 1) {
    await turn()
    if (done < steps.length) quiet = 0
    for (; done < steps.length; done += 1) steps[done]?.end()
  }
  await drained
  expect(steps[0]?.group.puts).toHaveLength(1)
  expect(Math.max(...steps.map(({ group }) => group.deletes.length))).toBe(2_000)
  expect(steps.flatMap(({ group }) => group.deletes.map(({ id }) => id))).toEqual(
    Array.from({ length: total }, (_, n) => n + 1),
  )
  expect(pressure).toEqual([true, false])
})
