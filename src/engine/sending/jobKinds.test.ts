import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BodyKind } from '../../content/body.ts'
import { encodeContent } from '../../content/content.ts'
import { anyContent, anyContentOf } from '../../content/testing.ts'
import type { JobKind, NewJob } from '../../storage/repositories/outbox.ts'
import { isProperJob } from './jobKinds.ts'

const destination = '00000000-0000-4000-8000-00000000000a'
const id = new Uint8Array(16).fill(9)
const own = [
  'sentMessage',
  'readUpTo',
  'conversationSettings',
  'deleteForMe',
  'accountKeys',
  'identityDecision',
  'accountSettings',
] as const
const shown = ['text', 'edit', 'deleteForEveryone', 'reaction', 'acknowledgement', 'timerChange'] as const

/** What each kind carries, and which of its fields are there. */
const kinds: Readonly<Record<JobKind, { carries: readonly BodyKind[]; has: readonly (keyof NewJob)[] }>> = {
  message: { carries: ['text'], has: ['messagePosition'] },
  edit: { carries: ['edit'], has: ['refersTo'] },
  delete: { carries: ['deleteForEveryone'], has: ['refersTo'] },
  reaction: { carries: ['reaction'], has: ['refersTo'] },
  acknowledgement: { carries: ['acknowledgement'], has: ['refersTo'] },
  timer: { carries: ['timerChange'], has: [] },
  receipt: { carries: ['deliveryReceipt'], has: [] },
  readReceipt: { carries: ['readReceipt'], has: [] },
  typing: { carries: ['typing'], has: [] },
  sync: { carries: own, has: ['onlyDevice', 'refersTo'] },
  profileKey: { carries: ['profileKeyUpdate'], has: [] },
  resend: { carries: [...shown, ...own, 'profileKeyUpdate', 'unknown'], has: ['onlyDevice'] },
  retryRequest: { carries: [], has: ['onlyDevice'] },
}
const fields = { messagePosition: 1, refersTo: id, onlyDevice: 2 } as const
const names = ['messagePosition', 'refersTo', 'onlyDevice'] as const
const all = Object.keys(kinds).filter((kind): kind is JobKind => Object.hasOwn(kinds, kind))

/** A job of a kind as it should be, around a content. */
function jobOf(kind: JobKind, carried: NewJob['content']): NewJob {
  const given = Object.fromEntries(
    names.map((name) => [name, kinds[kind].has.includes(name) ? fields[name] : null]),
  )
  const row = { lane: destination, destination, kind, content: carried, createdAt: 1 }
  return { ...row, messagePosition: null, ...given }
}

describe('a job', () => {
  it('carries what its kind carries, and nothing else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...all), anyContent, (kind, carried) => {
        const proper = kind === 'retryRequest' || kinds[kind].carries.includes(carried.body.kind)
        expect(isProperJob(jobOf(kind, encodeContent(carried)))).toBe(proper)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each(all)('of the kind %s has its fields and no other', (kind) => {
    const [carried] = fc.sample(anyContentOf[kinds[kind].carries[0] ?? 'text'], 1)
    if (carried === undefined) throw new Error('nothing was drawn')
    const job = jobOf(kind, encodeContent(carried))
    expect(isProperJob(job)).toBe(true)
    for (const name of names) {
      const other = kinds[kind].has.includes(name) ? null : fields[name]
      expect([name, isProperJob({ ...job, [name]: other })]).toEqual([name, false])
    }
    expect(isProperJob({ ...job, destination: 'nobody' })).toBe(false)
  })

  it('with bytes that are no content is none, and none of an unknown kind', () => {
    for (const kind of all.filter((one) => one !== 'retryRequest'))
      expect([kind, isProperJob(jobOf(kind, Uint8Array.of(255)))]).toEqual([kind, false])
    const [carried] = fc.sample(anyContentOf.text, 1)
    const proper = jobOf('message', carried === undefined ? id : encodeContent(carried))
    expect(isProperJob(proper)).toBe(true)
    expect(isProperJob({ ...proper, kind: 'constructor' as JobKind })).toBe(false)
  })
})
