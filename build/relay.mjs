// `npm run relay -- --data DIR --port N`: builds, makes the data folder when it is new, runs. More options go to the
// relay's own `run`; `--name` is the organisation of a new folder.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from './build.mjs'
import { out } from './targets.mjs'

const args = process.argv.slice(2)

/** Takes an option and its value out of the arguments. @param {string} name */
function take(name) {
  const at = args.indexOf(`--${name}`)
  return at < 0 ? null : (args.splice(at, 2)[1] ?? null)
}

const data = take('data')
const organisation = take('name') ?? 'Organisation'
if (data === null) {
  console.error('npm run relay -- --data DIR [--port N] [--name ORGANISATION] [options of valise-relay run]')
  process.exitCode = 2
} else {
  await build(['relay'])
  const program = join(out, 'relay/entry.relay.js')
  const folder = resolve(data)
  const known = existsSync(join(folder, 'relay.json'))
  const init = [program, 'init', '--data', folder, '--name', organisation]
  const made = known || spawnSync(process.execPath, init, { stdio: 'inherit' }).status === 0
  if (made) {
    const child = spawn(process.execPath, [program, 'run', '--data', folder, ...args], { stdio: 'inherit' })
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
      process.on(signal, () => child.kill(signal))
    child.on('exit', (code) => (process.exitCode = code ?? 1))
  } else process.exitCode = 1
}
