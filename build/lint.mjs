// `npm run lint`: rules (build/lint, .oxlintrc.json), format, and generated sources that are up to date.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(fileURLToPath(import.meta.url), '../..')
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name)

/** @param {string} name @param {string[]} args @param {string} [cwd] */
function run(name, args, cwd = root) {
  const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` }
  return spawnSync(bin(name), args, { cwd, env, stdio: 'inherit' }).status === 0
}

/** Whether the committed `*_pb.ts` are what buf makes of the `.proto` files. */
function generatedIsFresh() {
  const work = mkdtempSync(join(tmpdir(), 'valise-generated-'))
  try {
    for (const name of ['buf.yaml', 'buf.gen.yaml']) cpSync(join(root, name), join(work, name))
    const wanted = (/** @type {string} */ path) => !path.includes('.') || path.endsWith('.proto')
    cpSync(join(root, 'src'), join(work, 'src'), {
      recursive: true,
      filter: (from) => wanted(from.slice(root.length)),
    })
    if (!run('buf', ['generate'], work)) return false
    const made = readdirSync(join(work, 'src'), { recursive: true, encoding: 'utf8' })
    const stale = made
      .filter((name) => name.endsWith('_pb.ts'))
      .filter((name) => !same(join(work, 'src', name), name))
    for (const name of stale) console.error(`src/${name} is not what buf generates: npm run generate`)
    return stale.length === 0
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @param {string} made @param {string} name */
function same(made, name) {
  const committed = join(root, 'src', name)
  return existsSync(committed) && readFileSync(made, 'utf8') === readFileSync(committed, 'utf8')
}

const steps = {
  rules: () => run('oxlint', ['--type-aware', '--deny-warnings']),
  format: () => run('prettier', ['--check', '--log-level=warn', '.']),
  generated: generatedIsFresh,
}

const failed = Object.entries(steps)
  .filter(([, step]) => !step())
  .map(([name]) => name)
if (failed.length > 0) console.error(`lint: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
