import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { settingNames } from './settings.ts'
import type { SettingProblem } from './problems.ts'

/** A value as the file has it, and where it stands. */
export interface FileEntry {
  readonly key: string
  readonly value: unknown
  readonly line: number | null
}

export interface SettingsFile {
  readonly entries: readonly FileEntry[]
  readonly problems: readonly SettingProblem[]
  /** Against which the paths in it are read. */
  readonly folder: string
}

/** A file of settings is a page or two. */
const fileBytes = 1024 * 1024

/** Never throws: what is wrong with the file is a problem of it. */
export async function readSettingsFile(path: string): Promise<SettingsFile> {
  const folder = dirname(resolve(path))
  const failed = (code: SettingProblem['code'], line: number | null = null): SettingsFile => ({
    entries: [],
    problems: [{ code, from: 'file', key: null, line, nearest: null }],
    folder,
  })
  let text: string
  try {
    if ((await stat(path)).size > fileBytes) return failed('config.malformed')
    text = await readFile(path, 'utf8')
  } catch {
    return failed('config.unreadable')
  }
  try {
    const table: unknown = parse(text, { maxDepth: 20 })
    return { entries: flat(table, '', text), problems: [], folder }
  } catch (thrown) {
    return failed('config.malformed', thrown instanceof TomlError ? thrown.line : null)
  }
}

const known: ReadonlySet<string> = new Set(settingNames)

/** Tables are walked down to what a setting may be; an empty one of no setting stands for itself. */
function flat(value: unknown, key: string, text: string): FileEntry[] {
  if (isTable(value) && !known.has(key)) {
    const inner = Object.entries(value)
    // The head of a table that has nothing in it yet.
    if (inner.length > 0 || isTableName(key)) {
      return inner.flatMap(([name, child]) => flat(child, key === '' ? name : `${key}.${name}`, text))
    }
  }
  return [{ key, value, line: lineOf(text, key) }]
}

function isTableName(key: string): boolean {
  return key === '' || settingNames.some((name) => name.startsWith(`${key}.`))
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** Where a key is given, counted from 1; the parser keeps no positions, so an unusual way of writing it has none. */
export function lineOf(text: string, key: string): number | null {
  let table = ''
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[\s*([^[\]]+?)\s*\]/.exec(line)?.[1]
    if (header !== undefined) table = `${header}.`
    const name = header ?? /^\s*([\w.-]+)\s*=/.exec(line)?.[1]
    if ((header === undefined ? table + (name ?? '') : header) === key) return index + 1
  }
  return null
}
