import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

// What stands twice because the rooms may not import one another, or because one of the two is prose.
const source = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')

function policyIn(file: string): string {
  return (
    /contentSecurityPolicy = \[\n([\s\S]*?)\n\]\.join\('; '\)/u.exec(source(file))?.[1] ?? `none in ${file}`
  )
}

it('tests the page under the policy that main sends', () => {
  const sent = policyIn('main/appProtocol.ts')
  expect(sent).toContain("default-src 'none'")
  expect(policyIn('e2e/renderer/serve.config.ts')).toBe(sent)
})

it('documents every exit code', () => {
  const numbers = [...source('main/exitCodes.ts').matchAll(/^ {2}'([\w.]+)': (\d+),$/gmu)]
  const rows = [...source('main/README.md').matchAll(/^\| (\d+) .*\| `([\w.]+)` +\|$/gmu)]
  expect(numbers.length).toBeGreaterThan(0)
  expect(rows.map(([, number, code]) => [code, number])).toEqual(
    numbers.map(([, code, number]) => [code, number]),
  )
})
