import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { systemCode, writeFileAtomically } from '../../base/atomicFile.ts'
import { utf8 } from '../../base/bytes.ts'

/** What a running relay says of itself. Times are ms since the epoch. */
export const statusSchema = z.strictObject({
  version: z.string(),
  startedAt: z.int(),
  address: z.string(),
  ready: z.boolean(),
  connections: z.strictObject({ devices: z.int(), anonymous: z.int(), strangers: z.int() }),
  /** Null until it has been measured once. */
  queued: z.strictObject({ envelopes: z.int(), bytes: z.int() }).nullable(),
  tls: z.strictObject({ startsAt: z.int(), endsAt: z.int(), problem: z.string().nullable() }).nullable(),
})
export type RelayStatus = z.output<typeof statusSchema>

/** Where a running relay can be asked, beside its data. Several processes of one database may share a folder. */
const placeSchema = z.strictObject({ operations: z.url() })
const backupSchema = z.strictObject({ at: z.int(), bytes: z.int() })

const placeName = /^running-(\d+)\.json$/
const placeFile = (folder: string): string => join(folder, `running-${process.pid}.json`)
const backupFile = (folder: string): string => join(folder, 'last-backup.json')

/** Takes away what processes that were killed have left. */
export async function writePlace(folder: string, operations: string): Promise<void> {
  for (const { name, pid } of await placesIn(folder))
    if (!isAlive(pid)) await rm(join(folder, name), { force: true })
  await write(placeFile(folder), { operations })
}

export async function removePlace(folder: string): Promise<void> {
  await rm(placeFile(folder), { force: true })
}

/** The addresses to ask at. One that a kill left behind answers nothing. */
export async function readPlaces(folder: string): Promise<readonly string[]> {
  const places = await Promise.all(
    (await placesIn(folder)).map(async ({ name }) => read(join(folder, name), placeSchema)),
  )
  return places.flatMap((place) => (place === null ? [] : [place.operations]))
}

async function placesIn(folder: string): Promise<readonly { readonly name: string; readonly pid: number }[]> {
  const names = await readdir(folder)
  return names.flatMap((name) => {
    const pid = placeName.exec(name)?.[1]
    return pid === undefined ? [] : [{ name, pid: Number(pid) }]
  })
}

/** Of another machine on a shared folder too, as far as this one can tell: its number may be free here. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return systemCode(thrown) === 'EPERM'
  }
}

/** What a running relay says of itself, or null. */
export async function askStatus(operations: string): Promise<RelayStatus | null> {
  try {
    const answer = await fetch(`${operations}/status`, { signal: AbortSignal.timeout(answerMs) })
    const parsed = statusSchema.safeParse(await answer.json())
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** A relay that does not answer within this time is none, in milliseconds; one that is gone refuses at once. */
const answerMs = 20_000

export interface LastBackup {
  readonly at: number
  readonly bytes: number
}

export async function writeLastBackup(folder: string, backup: LastBackup): Promise<void> {
  await write(backupFile(folder), backup)
}

export async function readLastBackup(folder: string): Promise<LastBackup | null> {
  return read(backupFile(folder), backupSchema)
}

async function write(file: string, value: object): Promise<void> {
  await writeFileAtomically(file, utf8(`${JSON.stringify(value)}\n`))
}

async function read<T extends z.ZodType>(file: string, schema: T): Promise<z.output<T> | null> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
