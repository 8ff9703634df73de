import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { typeProjects, typeProjectsOf } from './typeProjects.mjs'

const root = new URL('../', import.meta.url)

it('lists every project of the checkout', () => {
  const folders = ['', 'main/preload/', 'renderer/', 'src/relay/admin/page/']
  const present = folders.flatMap((folder) =>
    readdirSync(new URL(folder, root))
      .filter((name) => /^tsconfig.*\.json$/u.test(name) && name !== 'tsconfig.base.json')
      .map((name) => `${folder}${name}`),
  )
  expect([...typeProjectsOf(new URL('package.json', root))].sort()).toEqual(present.sort())
})

it('refuses a script that it does not understand', () => {
  expect(() => typeProjects('tsc -p a.json && tsc --build b.json')).toThrow('tsc --build b.json')
})
