import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { fileError, syncFolder, systemCode, writeFileAtomically } from '../../base/atomicFile.ts'
import { utf8 } from '../../base/bytes.ts'
import { canonicalJson } from '../../base/canonicalJson.ts'

/**
 * The brake on guessing at the keyboard. It lies in a file without a secret, so whoever can delete files lifts it, and
 * a copied vault has none: against those stands the cost of scrypt alone.
 */
export const freeAttempts = 5
const firstWaitMs = 30_000
const longestWaitMs = 15 * 60_000

const attemptsSchema = z.strictObject({
  version: z.literal(1),
  failures: z.int().min(0).max(1_000_000),
  waitMs: z.int().min(0).max(longestWaitMs),
  /** When the wait began, by the clock of this machine. */
  notedAt: z.int(),
})
export type Attempts = z.output<typeof attemptsSchema>

export const noAttempts: Attempts = { version: 1, failures: 0, waitMs: 0, notedAt: 0 }

/** One failure more: the fifth costs 30 s, each further one twice as much, up to 15 min. */
export function failedAttempt(before: Attempts, now: number): Attempts {
  const failures = Math.min(before.failures + 1, 1_000_000)
  const beyond = failures - freeAttempts
  const waitMs = beyond < 0 ? 0 : Math.min(firstWaitMs * 2 ** Math.min(beyond, 10), longestWaitMs)
  return { version: 1, failures, waitMs, notedAt: now }
}

/**
 * What is left of the wait at `now`. A clock that was set back begins the same wait anew: it neither ends
 * with the step nor grows with it. `next` is to be kept when it is another object.
 */
export function remainingWait(attempts: Attempts, now: number): { leftMs: number; next: Attempts } {
  if (now < attempts.notedAt && attempts.waitMs > 0) {
    return { leftMs: attempts.waitMs, next: { ...attempts, notedAt: now } }
  }
  return { leftMs: Math.max(0, attempts.waitMs - (now - attempts.notedAt)), next: attempts }
}

export function attemptsLeft(attempts: Attempts): number {
  return Math.max(0, freeAttempts - attempts.failures)
}

export function attemptsFile(slotFile: string): string {
  return join(dirname(slotFile), 'attempts.json')
}

/** A file that cannot be read counts as the free attempts used up just now: strict, and over in half a minute. */
export async function readAttempts(slotFile: string, now: number): Promise<Attempts> {
  const usedUp = failedAttempt({ ...noAttempts, failures: freeAttempts - 1 }, now)
  let attempts: Attempts
  try {
    const read = attemptsSchema.safeParse(JSON.parse(await readFile(attemptsFile(slotFile), 'utf8')))
    if (read.success) return read.data
    attempts = usedUp
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return noAttempts
    if (!(thrown instanceof SyntaxError)) throw fileError(thrown)
    attempts = usedUp
  }
  await keepAttempts(slotFile, attempts)
  return attempts
}

export async function keepAttempts(slotFile: string, attempts: Attempts): Promise<void> {
  await writeFileAtomically(attemptsFile(slotFile), utf8(canonicalJson(attempts)))
}

export async function forgetAttempts(slotFile: string): Promise<void> {
  try {
    await rm(attemptsFile(slotFile), { force: true })
    await syncFolder(dirname(slotFile))
  } catch (thrown) {
    throw fileError(thrown)
  }
}
