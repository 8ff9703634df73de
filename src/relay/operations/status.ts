import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomically } from '../../base/atomicFile.ts'
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

/** Where a running relay can be asked, beside its data. */
const placeSchema = z.strictObject({ operations: z.url() })
const backupSchema = z.strictObject({ at: z.int(), bytes: z.int() })

const placeFile = (folder: string): string => join(folder, 'running.json')
const backupFile = (folder: string): string => join(folder, 'last-backup.json')

export async function writePlace(folder: string, operations: string): Promise<void> {
  await write(placeFile(folder), { operations })
}

export async function removePlace(folder: string): Promise<void> {
  await rm(placeFile(folder), { force: true })
}

/** The address to ask at, or null. One that a kill left behind answers nothing. */
export async function readPlace(folder: string): Promise<string | null> {
  return (await read(placeFile(folder), placeSchema))?.operations ?? null
}

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
