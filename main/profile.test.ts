import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareProfile, profileAt } from './profile.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-profile-'))
})
afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true, force: true })
})

const mode = (path: string) => statSync(path).mode & 0o777

describe('prepareProfile', () => {
  it('makes private folders, also under an open umask, and leaves nothing behind', () => {
    const before = process.umask(0)
    const profile = profileAt(join(folder, 'a/b'), '/unused')
    prepareProfile(profile)
    process.umask(before)
    expect([mode(profile.folder), mode(profile.chromium)]).toEqual([0o700, 0o700])
    expect(readdirSync(profile.folder)).toEqual(['chromium'])
    prepareProfile(profile)
  })

  it('closes an empty folder that was open, but leaves a used one alone', () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    chmodSync(empty, 0o755)
    prepareProfile(profileAt(empty, ''))
    expect(mode(empty)).toBe(0o700)

    const used = join(folder, 'used')
    mkdirSync(used)
    writeFileSync(join(used, 'letter'), '')
    chmodSync(used, 0o755)
    expect(() => prepareProfile(profileAt(used, ''))).toThrow('profile.unsafe')
    expect(mode(used)).toBe(0o755)
    expect(readdirSync(used)).toEqual(['letter'])
  })

  it('refuses links and files', () => {
    mkdirSync(join(folder, 'real'), { mode: 0o700 })
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    expect(() => prepareProfile(profileAt(join(folder, 'link'), ''))).toThrow('profile.unsafe')
    expect(readdirSync(join(folder, 'real'))).toEqual([])
    writeFileSync(join(folder, 'file'), '')
    expect(() => prepareProfile(profileAt(join(folder, 'file'), ''))).toThrow('profile.notWritable')
  })

  // Root may write everywhere but in /proc.
  it('says when nothing can be written', () => {
    const place = process.getuid?.() === 0 ? '/proc/valise' : join(folder, 'closed/profile')
    if (!place.startsWith('/proc')) mkdirSync(join(folder, 'closed'), { mode: 0o500 })
    expect(() => prepareProfile(profileAt(place, ''))).toThrow('profile.notWritable')
    expect(existsSync(place)).toBe(false)
  })
})

describe('profileAt', () => {
  it('prefers what was chosen', () => {
    expect(profileAt('/x/y', '/z').folder).toBe('/x/y')
    expect(profileAt(null, '/z').folder).toBe('/z')
  })
})
