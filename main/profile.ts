import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CodedError } from '../src/base/errors.ts'
import { makePrivateFolder } from '../src/base/privateFolder.ts'

/** Where one person's Valise lives on this machine. */
export interface Profile {
  /** The engine's folder: vault, key slots, sidecar files. */
  readonly folder: string
  /** What Chromium insists on writing (its lock, `Local State`); the session itself stays in memory. */
  readonly chromium: string
}

export function profileAt(chosen: string | null, standard: string): Profile {
  const folder = resolve(chosen ?? standard)
  return { folder, chromium: join(folder, 'chromium') }
}

/**
 * Makes the folders with mode 0700 and proves that they can be written. Throws `profile.unsafe` for a link, another
 * user's folder or a used folder that others may enter, `profile.notWritable` where nothing can be written.
 */
export function prepareProfile(profile: Profile): void {
  try {
    makePrivateFolder(profile.folder)
    makePrivateFolder(profile.chromium)
    const probe = join(profile.folder, `.writable-${process.pid}`)
    writeFileSync(probe, '', { mode: 0o600, flag: 'wx' })
    rmSync(probe)
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError('profile.notWritable', {}, { cause: error })
  }
}
