import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let tree = ''
let findings = new Map<string, string[]>()

/** File, what stands in it, and the rule that must find it (null: nothing may be found). */
const planted: readonly (readonly [file: string, source: string, rule: string | null])[] = [
  ['renderer/a.ts', "import '../src/engine/x.ts'", 'valise(rooms)'],
  ['renderer/b.ts', "import 'node:fs'", 'valise(rooms)'],
  ['renderer/c.ts', "import 'electron'", 'valise(rooms)'],
  ['renderer/d.ts', "export type * from '../src/storage/x.ts'", 'valise(rooms)'],
  ['renderer/e.ts', "export const x = import('../src/wire/x.ts')", 'valise(rooms)'],
  ['renderer/f.ts', "export type X = import('../src/protocol/x.ts').X", 'valise(rooms)'],
  [
    'renderer/g.ts',
    "import '../src/contract/x.ts'\nimport '../src/text/x.ts'\nimport '../src/base/x.ts'",
    null,
  ],
  ['main/a.ts', "import '../src/engine/x.ts'", 'valise(rooms)'],
  ['main/b.ts', "import '../src/engine/host.ts'\nimport '../src/engine/port.ts'\nimport 'electron'", null],
  ['main/c.ts', "import '../src/journal/x.ts'", 'valise(rooms)'],
  ['main/d.ts', "import type {} from '../src/journal/x.ts'", null],
  ['main/e.ts', "import '../src/storage/x.ts'", 'valise(rooms)'],
  ['src/base/a.ts', "import '../wire/x.ts'", 'valise(rooms)'],
  ['src/base/b.ts', "import '../text/x.ts'", 'valise(rooms)'],
  ['src/text/a.ts', "import '../contract/x.ts'", 'valise(rooms)'],
  ['src/wire/a.ts', "import '../content/x.ts'", 'valise(rooms)'],
  ['src/contract/a.ts', "import '../policy/x.ts'", 'valise(rooms)'],
  ['src/contract/b.ts', "import type {} from '../policy/x.ts'", null],
  ['src/storage/a.ts', "import '../protocol/x.ts'", 'valise(rooms)'],
  ['src/storage/b.ts', "import '@signalapp/sqlcipher'", 'valise(rooms)'],
  ['src/storage/binding.ts', "import '@signalapp/sqlcipher'\nimport '../journal/x.ts'", null],
  ['src/protocol/a.ts', "import '../engine/x.ts'", 'valise(rooms)'],
  ['src/protocol/b.ts', "import '@signalapp/libsignal-client'\nimport '../storage/x.ts'", null],
  ['src/engine/a.ts', "import '@signalapp/libsignal-client'", 'valise(rooms)'],
  ['src/engine/b.ts', "import '../relay/index.ts'", 'valise(rooms)'],
  ['src/engine/c.test.ts', "import '../relay/index.ts'", null],
  ['src/engine/d.test.ts', "import '../relay/x.ts'", 'valise(rooms)'],
  ['src/engine/e.ts', "import 'better-sqlite3'", 'valise(rooms)'],
  ['src/engine/f.ts', "import 'electron/main'", 'valise(rooms)'],
  ['src/relay/a.ts', "import '../engine/x.ts'", 'valise(rooms)'],
  ['src/relay/b.ts', "import '../content/x.ts'", 'valise(rooms)'],
  ['src/relay/c.ts', "import '@signalapp/libsignal-client'", 'valise(rooms)'],
  ['src/relay/crypto/d.ts', "import '@signalapp/libsignal-client'\nimport '../../wire/x.ts'", null],
  ['src/relay/e.ts', "import 'better-sqlite3'\nimport 'pg'", null],
  ['e2e/a.ts', "import '../src/engine/x.ts'", 'valise(rooms)'],
  [
    'e2e/b.ts',
    "import '../src/relay/index.ts'\nimport '../src/relay/entry.relay.ts'\nimport '../build/x.mjs'",
    null,
  ],
  [
    'src/engine/t.ts',
    "export function f(error: Error): boolean {\n  return error.message.includes('busy')\n}",
    'valise(no-error-text)',
  ],
  [
    'main/t.ts',
    'export function f(): string {\n  try {\n    return JSON.stringify(1)\n  } catch (e) {\n    return String(e)\n  }\n}',
    'valise(no-error-text)',
  ],
  [
    'src/storage/t.ts',
    'export const f = (): unknown => setTimeout(() => undefined, 1)',
    'valise(no-time-out)',
  ],
  ['src/engine/relay/t.ts', 'export const f = (): unknown => setTimeout(() => undefined, 1)', null],
  ['src/wire/cycle1.ts', "import './cycle2.ts'\nexport const a = 1", 'import(no-cycle)'],
  ['src/wire/cycle2.ts', "import './cycle1.ts'\nexport const b = 1", 'import(no-cycle)'],
  ['src/wire/promise.ts', 'const f = async () => 1\nf()\nexport {}', 'typescript(no-floating-promises)'],
  ['src/wire/any.ts', 'export const a: any = 1', 'typescript(no-explicit-any)'],
  ['src/wire/bang.ts', "export const a = 'x'.match(/x/)!", 'typescript(no-non-null-assertion)'],
  [
    'src/wire/switch.ts',
    "export function f(x: 'a' | 'b'): number { switch (x) { case 'a': return 1 } return 2 }",
    'typescript(switch-exhaustiveness-check)',
  ],
  ['src/wire/default.ts', 'export default 1', 'import(no-default-export)'],
  ['src/wire/random.ts', 'export const r = Math.random()', 'valise(no-weak-random)'],
  ['src/wire/random.test.ts', 'export const r = Math.random()', null],
  ['src/wire/off.ts', '// eslint-disable-next-line no-var\nexport const v = 1', 'valise(no-disabling)'],
  ['src/wire/ignore.ts', '// @ts-ignore\nexport const v = 1', 'valise(no-disabling)'],
  ['src/wire/long.ts', `export const a = [\n${'1,\n'.repeat(500)}]`, 'eslint(max-lines)'],
  ['src/wire/long_pb.ts', `export const a = [\n${'1,\n'.repeat(500)}]`, null],
  [
    'src/storage/asyncTransaction.ts',
    'export const f = (db: { transaction(g: () => unknown): unknown }) => db.transaction(async () => 1)',
    'valise(no-async-transaction)',
  ],
  ['main/open.ts', "import { shell } from 'electron'\nvoid shell.openExternal('x')", 'valise(one-place)'],
  ['main/path.ts', "import { shell } from 'electron'\nvoid shell.openPath('x')", 'valise(one-place)'],
  ['main/links.ts', "import { shell } from 'electron'\nvoid shell.openExternal('x')", null],
  [
    'main/window.ts',
    "import { BrowserWindow } from 'electron'\nexport const w = new BrowserWindow()",
    'valise(one-place)',
  ],
  [
    'renderer/html.tsx',
    'export const x = <p dangerouslySetInnerHTML={{ __html: "x" }} />',
    'react(no-danger)',
  ],
]

function write(file: string, source: string): void {
  mkdirSync(join(tree, dirname(file)), { recursive: true })
  writeFileSync(join(tree, file), `${source}\n`)
}

/** Empty modules for the imports to find, so that a missing file is never the reason. */
function writeRooms(): void {
  const rooms = 'base text wire content journal policy contract storage protocol grant engine relay'.split(
    ' ',
  )
  for (const room of rooms)
    for (const name of ['x.ts', 'index.ts']) write(`src/${room}/${name}`, 'export type X = 1')
  write('src/relay/entry.relay.ts', 'export {}')
  write('build/x.mjs', 'export {}')
  for (const name of ['host.ts', 'port.ts']) write(`src/engine/${name}`, 'export {}')
}

/** Oxlint's rules for each file of the tree. */
function lint(): Map<string, string[]> {
  const oxlint = join(root, 'node_modules/.bin/oxlint')
  const run = spawnSync(oxlint, ['--type-aware', '-f', 'json'], {
    cwd: tree,
    encoding: 'utf8',
    timeout: 8 * 60_000,
  })
  const found = new Map<string, string[]>()
  const report = JSON.parse(run.stdout) as { diagnostics: { filename: string; code?: string }[] }
  for (const { filename, code } of report.diagnostics)
    found.set(filename, [...(found.get(filename) ?? []), code ?? ''])
  return found
}

beforeAll(() => {
  tree = mkdtempSync(join(tmpdir(), 'valise-lint-'))
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  cpSync(join(root, 'build/lint'), join(tree, 'build/lint'), {
    recursive: true,
    filter: (name) => !name.endsWith('.test.ts'),
  })
  for (const name of ['.oxlintrc.json', 'tsconfig.base.json']) cpSync(join(root, name), join(tree, name))
  write(
    'tsconfig.json',
    readFileSync(join(root, 'tsconfig.json'), 'utf8').replace('"main"', '"main", "renderer"'),
  )
  writeRooms()
  for (const [file, source] of planted) write(file, source)
  findings = lint()
})

afterAll(() => rmSync(tree, { recursive: true, force: true }))

describe('the rules of the house', () => {
  it.each(planted.filter(([, , rule]) => rule !== null))(
    'find what is planted in %s',
    (file, _source, rule) => {
      expect(findings.get(file) ?? []).toContain(rule)
    },
  )

  it.each(planted.filter(([, , rule]) => rule === null))('leave %s alone', (file) => {
    expect((findings.get(file) ?? []).filter((rule) => !rule.startsWith('unicorn'))).toEqual([])
  })
})
