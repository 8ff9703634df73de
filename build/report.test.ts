import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

function said(args: readonly string[]): { status: number | null; lines: readonly string[] } {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, lines: stderr.split('\n').filter((line) => line !== '') }
}

function reporting(body: string): string[] {
  const module = new URL('./report.mjs', import.meta.url).href
  return [
    '--input-type=module',
    '-e',
    `import { reported } from '${module}'; await reported(() => { ${body} })`,
  ]
}

it('tells an error by its message, with exit code 2', () => {
  expect(said(reporting("throw new Error('no such thing')"))).toEqual({ status: 2, lines: ['no such thing'] })
})

it('passes an exit code on', () => {
  expect(said(reporting('return 7'))).toEqual({ status: 7, lines: [] })
  expect(said(reporting('return'))).toEqual({ status: 0, lines: [] })
})

it.each(['app.mjs', 'start.mjs', 'demo.mjs', 'bench.mjs'])(
  '%s refuses an unknown option in words',
  (name) => {
    const { status, lines } = said([script(name), '--no-such-option'])
    expect([status, lines.filter((line) => /^\s+at /u.test(line))]).toEqual([2, []])
    expect(lines.length).toBeGreaterThan(0)
  },
)
