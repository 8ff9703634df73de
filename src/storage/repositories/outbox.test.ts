import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blob, slowSteps, testMessage, testVault, type TestVault } from '../testkit.ts'
import { touchConversation } from './conversations.ts'
import { insertMessage } from './messages.ts'
import {
  deleteJob,
  dropAllCiphertexts,
  dueLanes,
  encryptedJobs,
  endLeasesOfOthers,
  expiredJobs,
  insertJob,
  jobOfMessage,
  jobsAbout,
  laneJobs,
  leaseJobs,
  makeDue,
  makeLaneDue,
  laneAttempts,
  nextDue,
  outboxQueries,
  postponeLane,
  readCiphertexts,
  readJob,
  storeCiphertexts,
  type NewJob,
} from './outbox.ts'

let kit: TestVault
beforeEach(() => {
  kit = testVault()
})
afterEach(() => kit.remove())

const job = (lane: string, parts: Partial<NewJob> = {}): NewJob => ({
  lane,
  destination: lane,
  kind: 'receipt',
  messagePosition: null,
  content: blob(1),
  createdAt: 3,
  ...parts,
})
const insert = (...jobs: NewJob[]) => kit.write((tx) => jobs.map((j) => insertJob(tx, j)))
const ids = (lane: string, now: number, holder?: string) =>
  laneJobs(kit.sql, lane, now, 9, holder).map((j) => j.jobId)

it('keeps everything that a job has', () => {
  const whole = job('a', { kind: 'edit', onlyDevice: 3, expiresAt: 9, refersTo: blob(7) })
  const [id = 0, plain = 0] = insert(whole, job('a'))
  const fresh = { status: 'new', attempts: 0, nextAttemptAt: 0 }
  expect(readJob(kit.sql, id)).toEqual({ ...whole, ...fresh, jobId: id })
  const nothing = { onlyDevice: null, expiresAt: null, refersTo: null }
  expect(readJob(kit.sql, plain)).toEqual({ ...job('a'), ...nothing, ...fresh, jobId: plain })
})

it('takes the ciphertexts of a job away with it, and of no other', () => {
  const [one = 0, other = 0] = insert(job('a'), job('a'))
  const ciphertext = (deviceId: number) => ({
    deviceId,
    registrationId: 1,
    envelopeId: blob(deviceId),
    type: 2,
    ciphertext: blob(1),
  })
  kit.write((tx) => {
    for (const id of [one, other]) storeCiphertexts(tx, id, [ciphertext(1), ciphertext(127)])
    deleteJob(tx, one)
  })
  expect([readCiphertexts(kit.sql, one), readCiphertexts(kit.sql, other).length]).toEqual([[], 2])
  expect(readJob(kit.sql, other)?.status).toBe('encrypted')
})

describe('leases', () => {
  it('keep the jobs of a live run from every other one, until their time is over', () => {
    const [first = 0, second = 0, free = 0] = insert(job('a'), job('a'), job('b'))
    kit.write((tx) => leaseJobs(tx, [first], { holder: 'run 1', until: 500 }))
    expect([
      dueLanes(kit.sql, 100),
      dueLanes(kit.sql, 100, 'run 2'),
      dueLanes(kit.sql, 100, 'run 1'),
    ]).toEqual([['b'], ['b'], ['a', 'b']])
    expect([ids('a', 100, 'run 2'), ids('a', 100, 'run 1'), ids('a', 500, 'run 2')]).toEqual([
      [],
      [first, second],
      [first, second],
    ])
    kit.write((tx) => deleteJob(tx, free))
    expect([nextDue(kit.sql, 'run 2'), nextDue(kit.sql, 'run 1')]).toEqual([500, 0])
  })

  it('let go of a lane no further than to the first job that is held', () => {
    const [first = 0, second = 0] = insert(job('a'), job('a'), job('a'))
    kit.write((tx) => leaseJobs(tx, [second], { holder: 'run 1', until: 500 }))
    expect(ids('a', 100, 'run 2')).toEqual([first])
  })

  it('end when postponed, and with their run', () => {
    const [second = 0, third = 0] = insert(job('b'), job('c'))
    const lease = { holder: 'run 1', until: 500 }
    kit.write((tx) => {
      leaseJobs(tx, [second, third], lease)
      postponeLane(tx, 'b', 50)
    })
    expect(dueLanes(kit.sql, 100, 'run 2')).toEqual(['b'])
    kit.write((tx) => endLeasesOfOthers(tx, 'run 1'))
    expect(dueLanes(kit.sql, 100, 'run 2')).toEqual(['b'])
    kit.write((tx) => endLeasesOfOthers(tx, 'run 2'))
    expect(dueLanes(kit.sql, 100, 'run 2')).toEqual(['b', 'c'])
    expect(readJob(kit.sql, second)).toMatchObject({ attempts: 1, nextAttemptAt: 50 })
  })
})

it('says what is encrypted, and lets it be encrypted anew', () => {
  const [one = 0, other = 0, fresh = 0] = insert(job('a'), job('b'), job('a'))
  const made = { deviceId: 1, registrationId: 1, envelopeId: blob(1), type: 2, ciphertext: blob(2) }
  kit.write((tx) => {
    storeCiphertexts(tx, one, [made, { ...made, deviceId: 127, envelopeId: blob(2) }])
    storeCiphertexts(tx, other, [{ ...made, envelopeId: blob(3) }])
  })
  expect(encryptedJobs(kit.sql).map(({ jobId }) => jobId)).toEqual([one, other])
  kit.write((tx) => dropAllCiphertexts(tx, one))
  expect(encryptedJobs(kit.sql).map(({ jobId }) => jobId)).toEqual([other])
  expect([one, other, fresh].map((id) => readJob(kit.sql, id)?.status)).toEqual(['new', 'encrypted', 'new'])
})

it('finds what is over, what is about a message, and what carries it', () => {
  const [position, refersTo] = [1, blob(7)]
  kit.write((tx) => {
    touchConversation(tx, 'a', 1)
    insertMessage(tx, testMessage('a', 1))
  })
  const [message, edit, reaction, typing] = insert(
    job('a', { kind: 'message', messagePosition: position }),
    job('a', { kind: 'edit', refersTo, expiresAt: 90 }),
    job('b', { kind: 'reaction', refersTo }),
    job('b', { kind: 'typing', expiresAt: 20 }),
  )
  const over = (now: number, limit = 9) => expiredJobs(kit.sql, now, limit).map((j) => j.jobId)
  expect([over(19), over(20), over(90), over(90, 1)]).toEqual([[], [typing], [typing, edit], [typing]])
  expect(jobsAbout(kit.sql, refersTo).map((j) => j.jobId)).toEqual([edit, reaction])
  expect([jobOfMessage(kit.sql, position)?.jobId, jobOfMessage(kit.sql, 2)]).toEqual([message, null])
})

it('knows the head of each lane, however many lanes and jobs wait', () => {
  expect([dueLanes(kit.sql, 9), nextDue(kit.sql)]).toEqual([[], null])
  const lanes = Array.from({ length: 40 }, (_, n) => `lane ${n}`)
  insert(...lanes.toReversed().flatMap((lane) => [job(lane), job(lane), job(lane)]))
  expect(dueLanes(kit.sql, 0)).toEqual(lanes.toReversed())
  kit.write((tx) => {
    for (const lane of lanes) postponeLane(tx, lane, 100 + lanes.indexOf(lane))
  })
  expect([dueLanes(kit.sql, 99), dueLanes(kit.sql, 101), nextDue(kit.sql)]).toEqual([
    [],
    ['lane 1', 'lane 0'],
    100,
  ])
  expect([laneAttempts(kit.sql, 'lane 7'), laneAttempts(kit.sql, 'no lane')]).toEqual([1, 0])
  kit.write((tx) => makeLaneDue(tx, 'lane 7'))
  expect(laneAttempts(kit.sql, 'lane 7')).toBe(0)
  expect(dueLanes(kit.sql, 0)).toEqual(['lane 7'])
  kit.write((tx) => makeDue(tx))
  expect(dueLanes(kit.sql, 0)).toHaveLength(40)
})

it('is answered from indexes', () => {
  for (const [query, ...parameters] of [
    [outboxQueries.lane, 'a', 20],
    [outboxQueries.laneAttempts, 'a'],
    [outboxQueries.ofMessage, 1],
    [outboxQueries.about, blob(1)],
    [outboxQueries.expired, 1, 9],
    [outboxQueries.postpone, 1, 'a'],
    [outboxQueries.countMessages],
  ] as const)
    expect(slowSteps(kit.sql, query, parameters), query).toEqual([])
  // What is read whole and sorted here has one row a lane; of the table, only heads are read.
  const lanesAlone = /^(SCAN (lanes|heads)|USE TEMP B-TREE)/
  for (const [query, ...parameters] of [
    [outboxQueries.dueLanes, 'run', 1],
    [outboxQueries.nextDue, 'run'],
  ] as const)
    for (const step of slowSteps(kit.sql, query, parameters)) expect(step).toMatch(lanesAlone)
})
