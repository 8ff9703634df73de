import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultPolicy, policies, policyNames, readLinuxPolicy, type PolicyReading } from './index.ts'

const owner = process.getuid?.() ?? 0
let parent: string
let folder: string

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'valise-policy-'))
  folder = join(parent, 'managed')
  mkdirSync(folder, { mode: 0o755 })
})
afterEach(() => rmSync(parent, { recursive: true }))

function put(name: string, text: string, mode = 0o644): void {
  writeFileSync(join(folder, name), text)
  chmodSync(join(folder, name), mode)
}

const read = (): Promise<PolicyReading> => readLinuxPolicy({ folder, owner })

function expectStrict({ policy }: PolicyReading): void {
  for (const name of policyNames) {
    expect(policy[name]).toEqual({ value: policies[name].fallback(undefined), origin: 'machine' })
  }
}

describe('the reader for Linux', () => {
  it('finds no policy where there is no folder, and none in an empty one', async () => {
    const nothing = { policy: defaultPolicy(), findings: [] }
    expect(await read()).toEqual(nothing)
    expect(await readLinuxPolicy({ folder: join(parent, 'elsewhere'), owner })).toEqual(nothing)
  })

  it('takes the JSON files in the order of their names', async () => {
    put('20-b.json', '{"LogLevel":"warn","HelpContact":"poste 20"}')
    put('10-a.json', '\uFEFF{"LogLevel":"debug","RequirePassphrase":true}')
    put('90.json.bak', '{"LogLevel":"error"}')
    const { policy, findings } = await read()
    expect(findings).toEqual([])
    expect(policy.LogLevel.value).toBe('warn')
    expect(policy.RequirePassphrase).toEqual({ value: true, origin: 'machine' })
    expect(policy.HelpContact.value).toBe('poste 20')
  })

  it('refuses a file that others may write or that is another user’s', async () => {
    for (const mode of [0o664, 0o646, 0o666]) {
      put('10.json', '{"RequirePassphrase":false}', mode)
      const { policy, findings } = await read()
      expect(findings).toEqual([{ code: 'file.writable', file: '10.json' }])
      expect(policy.RequirePassphrase.value).toBe(true)
      expect(policy.LogLevel.origin).toBe('default')
    }
    put('10.json', '{"RequirePassphrase":false}')
    const { policy, findings } = await readLinuxPolicy({ folder, owner: owner + 1 })
    expect(findings.map(({ code }) => code)).toEqual(['folder.unsafe', 'file.owner'])
    expect(policy.RequirePassphrase.value).toBe(true)
  })

  it('refuses everything that is not a file of at most 64 KiB', async () => {
    writeFileSync(join(parent, 'target.json'), '{"LogLevel":"debug"}')
    const cases: readonly [string, () => void][] = [
      ['file.notRegular', () => symlinkSync(join(parent, 'target.json'), join(folder, '10.json'))],
      ['file.notRegular', () => mkdirSync(join(folder, '10.json'))],
      ['file.notRegular', () => execFileSync('mkfifo', [join(folder, '10.json')])],
      ['file.tooLarge', () => put('10.json', `{"HelpContact":"${'a'.repeat(64 * 1024)}"}`)],
    ]
    for (const [code, make] of cases) {
      make()
      const reading = await read()
      expect(reading.findings).toEqual([{ code, file: '10.json' }])
      expectStrict(reading)
      rmSync(join(folder, '10.json'), { recursive: true })
    }
  })

  it('takes everything to the stricter side after a file that is no JSON object', async () => {
    for (const text of ['', '{"RequirePassphrase":fal', '[]', 'null', '7', '\0\0']) {
      put('10.json', text)
      const reading = await read()
      expect(reading.findings).toEqual([{ code: 'file.malformed', file: '10.json' }])
      expectStrict(reading)
    }
  })

  it('refuses a folder that others may write, and one with too many files', async () => {
    chmodSync(folder, 0o777)
    expectStrict(await read())
    put('10.json', '{"LogLevel":"info"}')
    const { policy, findings } = await read()
    expect(findings).toEqual([{ code: 'folder.unsafe', file: '' }])
    expect(policy.LogLevel.value).toBe('info')
    chmodSync(folder, 0o755)
    for (let n = 0; n < 101; n++) put(`${n}.json`, '{}')
    const many = await read()
    expect(many.findings).toEqual([{ code: 'folder.tooManyFiles', file: '' }])
    expectStrict(many)
  })
})
