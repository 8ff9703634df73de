import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'
import { catalogues } from './catalogues.ts'
import { relayCatalogues } from './relay.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function sources(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !/node_modules|\.test\.tsx?$/.test(name))
    .map((name) => join(root, folder, name))
}

test('no sentence is unused', () => {
  const all = ['src', 'main', 'renderer']
    .flatMap((folder) => sources(folder, /\.tsx?$/))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  // A key is written whole, or made from a prefix in a template (`delivery.${…}`).
  const templates = [...all.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*\.)\$\{/g)].map((match) => match[1] ?? '')
  const used = (key: string): boolean =>
    all.includes(`'${key}'`) || templates.some((prefix) => key.startsWith(prefix))
  const keys = [...Object.keys(catalogues.fr), ...Object.keys(relayCatalogues.fr)]
  expect(keys.filter((key) => !used(key))).toEqual([])
})

test('the workstation does not carry the sentences of the relay', () => {
  const carriers = ['main', 'renderer', 'src']
    .flatMap((folder) => sources(folder, /\.tsx?$/))
    .filter((file) => /text\/relay\.ts'/.test(readFileSync(file, 'utf8')))
    .map((file) => file.slice(root.length))
  expect(carriers.length).toBeGreaterThan(10)
  expect(carriers.filter((file) => !file.startsWith('src/relay/'))).toEqual([])
})

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

const spoken = new Set(['aria-label', 'aria-description', 'title', 'placeholder', 'alt', 'label'])
/** Key names are the same in every language, and are shown as they stand on the keyboard. */
const allowed = /^(?:Ctrl N|Alt ↓|F6)$/

/** Text that a person would read or hear and that does not come from the catalogue. */
function literals(node: unknown, found: string[]): string[] {
  if (Array.isArray(node)) node.forEach((one) => literals(one, found))
  else if (typeof node === 'object' && node !== null) {
    const one = node as Node
    if (one.type === 'JSXText') keep(one['value'], found)
    if (one.type === 'JSXAttribute') attribute(one, found)
    if (one.type === 'JSXExpressionContainer') container(one['expression'] as Node, found)
    for (const value of Object.values(one)) literals(value, found)
  }
  return found
}

function keep(value: unknown, found: string[]): void {
  if (typeof value === 'string' && /\p{L}/u.test(value) && !allowed.test(value.trim()))
    found.push(value.trim())
}

function attribute(node: Node, found: string[]): void {
  const name = (node['name'] as Node)['name']
  const value = node['value'] as Node | null
  if (typeof name === 'string' && spoken.has(name) && value?.type === 'Literal') keep(value['value'], found)
}

function container(expression: Node, found: string[]): void {
  if (expression.type === 'Literal') keep(expression['value'], found)
}

test('the page says nothing that is not in the catalogue', () => {
  const faults = sources('renderer', /\.tsx$/).flatMap((file) => {
    const { program, errors } = parseSync(file, readFileSync(file, 'utf8'))
    expect(errors, file).toEqual([])
    return literals(program, []).map((text) => `${file.slice(root.length)}: ${text}`)
  })
  expect(faults).toEqual([])
})

test('that search finds what it is for', () => {
  const planted = `const A = () => <p title="Bonjour" className="x">Bonjour {'tout'} {name} le monde</p>`
  expect(literals(parseSync('planted.tsx', planted).program, []).toSorted()).toEqual(
    ['Bonjour', 'Bonjour', 'le monde', 'tout'].toSorted(),
  )
})
