import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const leftOut = new Set(['node_modules', 'out', '.git'])

/** Every Markdown file, by its path below the checkout; of an exported tree, which has no git, by its folders. */
function markdownFiles(): string[] {
  if (!existsSync(join(root, '.git'))) return walk('')
  const listed = spawnSync('git', ['ls-files', '-z', '--', '*.md'], { cwd: root, encoding: 'utf8' })
  // No git on this machine, or one that does not trust the owner of the checkout.
  if (listed.status !== 0) return walk('')
  return listed.stdout.split('\0').filter((file) => file !== '' && existsSync(join(root, file)))
}

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !leftOut.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return walk(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
}

/** Relative targets of the links and pictures of a Markdown text, without what stands in code. */
function relativeLinks(markdown: string): string[] {
  const prose = markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gmu, '').replaceAll(/`[^`\n]*`/gu, '')
  return [...prose.matchAll(/\]\(\s*<?([^\s)>]+)[^)]*\)|^\[[^\]\n]+\]:\s*<?([^\s>]+)/gmu)]
    .map(([, inline, reference]) => inline ?? reference ?? '')
    .filter((target) => !/^([a-z][a-z0-9+.-]*:|#|\/\/)/iu.test(target))
}

it('finds the links that it is to check', () => {
  const sample = '[a](b.md#c) ![d](e/f.png "g") [h](https://i.example) [j](#k) `[l](m)`\n\n[n]: ../o.md\n'
  expect(relativeLinks(sample)).toEqual(['b.md#c', 'e/f.png', '../o.md'])
})

it('has a README.md in every room', () => {
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}`)
  expect(rooms.length).toBeGreaterThan(10)
  const all = [...rooms, 'main', 'renderer', 'build', 'e2e', 'bench', 'docs']
  expect(all.filter((room) => !existsSync(join(root, room, 'README.md')))).toEqual([])
})

it('links only to files that exist', () => {
  const links = markdownFiles().flatMap((file) =>
    relativeLinks(readFileSync(join(root, file), 'utf8')).map((target) => ({ file, target })),
  )
  expect(links.length).toBeGreaterThan(20)
  const pathOf = (target: string): string => decodeURIComponent(target.replace(/[#?].*$/u, ''))
  const broken = links.filter(({ file, target }) => !existsSync(join(root, dirname(file), pathOf(target))))
  expect(broken).toEqual([])
})
