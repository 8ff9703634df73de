// `npm run cli -- --profile DIR [--passphrase-fd N]`: builds and runs the command-line workstation. Standard output
// belongs to its answers, and every descriptor that was given to this process is passed on.
import { spawn, spawnSync } from 'node:child_process'
import { fstatSync } from 'node:fs'
import { join } from 'node:path'
import { out, root } from './targets.mjs'

const args = process.argv.slice(2)
const named = Number(args[args.indexOf('--passphrase-fd') + 1])
const given = args.includes('--passphrase-fd') && Number.isInteger(named) && named > 2 && isOpen(named)

/** @param {number} descriptor */
function isOpen(descriptor) {
  try {
    fstatSync(descriptor)
    return true
  } catch {
    return false
  }
}

// Beside this process, so that what it says goes to standard error.
const built = spawnSync(process.execPath, [join(root, 'build/build.mjs'), 'cli'], { stdio: ['ignore', 2, 2] })
if (built.status !== 0) process.exit(1)
const inherited = /** @type {('inherit' | 'ignore' | number)[]} */ (['inherit', 'inherit', 'inherit'])
if (given) for (let at = 3; at <= named; at += 1) inherited.push(at === named ? named : 'ignore')
const child = spawn(process.execPath, [join(out, 'cli/entry.cli.js'), ...args], { stdio: inherited })
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.on(signal, () => child.kill(signal))
child.on('exit', (code) => (process.exitCode = code ?? 1))
