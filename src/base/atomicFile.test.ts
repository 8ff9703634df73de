import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileError, writeFileAtomically } from './atomicFile.ts'
import { utf8 } from './bytes.ts'
import { CodedError } from './errors.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-atomic-'))
  path = join(folder, 'file')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('an atomic write', () => {
  it('replaces the whole file, with its own mode and nothing left beside it', async () => {
    await writeFileAtomically(path, utf8('a long first text'))
    const umask = process.umask(0o077)
    await writeFileAtomically(path, utf8('short'), 0o640)
    process.umask(umask)
    expect(readFileSync(path, 'utf8')).toBe('short')
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it('replaces what a kill left behind, and follows no link that lies there', async () => {
    writeFileSync(`${path}.new`, 'half', { mode: 0o666 })
    await writeFileAtomically(path, utf8('one'))
    const elsewhere = join(folder, 'elsewhere')
    writeFileSync(elsewhere, 'untouched')
    symlinkSync(elsewhere, `${path}.new`)
    await writeFileAtomically(path, utf8('two'))
    expect(readFileSync(path, 'utf8')).toBe('two')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(elsewhere, 'utf8')).toBe('untouched')
  })

  it('leaves the old file when it fails', async () => {
    mkdirSync(path)
    await expect(writeFileAtomically(path, utf8('text'))).rejects.toThrow()
    expect(readdirSync(folder)).toEqual(['file'])
  })
})

describe('a failed file operation', () => {
  it('has the code of what a person can do about it', () => {
    const failed = (code: string): unknown => fileError(Object.assign(new Error('no'), { code }))
    for (const code of ['ENOSPC', 'EDQUOT']) expect(failed(code)).toMatchObject({ code: 'vault.diskFull' })
    for (const code of ['EACCES', 'EPERM', 'EROFS']) {
      expect(failed(code)).toMatchObject({ code: 'profile.notWritable' })
    }
    expect(failed('EIO')).not.toBeInstanceOf(CodedError)
    expect(fileError('text')).toBe('text')
  })

  it('is told from a full disk and a read-only one, the old file untouched', async (context) => {
    context.skip(!(await namespacesWork()), 'no user namespaces here')
    const bundle = await rolldown({ input: join(import.meta.dirname, 'atomicFile.ts'), platform: 'node' })
    await bundle.write({ file: join(folder, 'atomicFile.mjs') })
    await bundle.close()
    // A file system of 64 KiB in a mount namespace of its own.
    const script = `
      import { writeFileAtomically } from ${JSON.stringify(join(folder, 'atomicFile.mjs'))}
      import { execFileSync } from 'node:child_process'
      import { readdirSync, readFileSync } from 'node:fs'
      const file = '/mnt/file'
      const codeOf = (bytes) => writeFileAtomically(file, bytes).then(() => 'ok', (error) => error.code)
      const codes = [await codeOf(Buffer.from('old')), await codeOf(Buffer.alloc(200_000))]
      execFileSync('mount', ['-o', 'remount,ro', '/mnt'])
      codes.push(await codeOf(Buffer.from('new')))
      console.log(codes.join(), readFileSync(file, 'utf8'), readdirSync('/mnt').join())
    `
    const command = 'mount -t tmpfs -o size=64k none /mnt && exec "$0" --input-type=module -e "$1"'
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', command, process.execPath, script])
    expect(stdout.trim()).toBe('ok,vault.diskFull,profile.notWritable old file')
  })
})

const run = promisify(execFile)

async function namespacesWork(): Promise<boolean> {
  return run('unshare', ['-rm', 'true']).then(
    () => true,
    () => false,
  )
}
