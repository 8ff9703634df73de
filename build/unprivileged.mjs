// Electron does not run as root with Chromium's sandbox on: tests, demonstration and start run as an ordinary user. For
// root such a user is made, and the checkout is staged where that user can read it; results are copied back.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from './targets.mjs'

const user = 'valise-test'
const stagePrefix = 'valise-stage-'
const leftOut = new Set(['node_modules', '.git', 'dist', 'dist-test'])

/**
 * @typedef {object} Place
 * @property {string} root the checkout, readable, with a writable out/
 * @property {(command: string, args: string[], env?: Record<string, string>) => Promise<number>} run resolves with the exit code
 * @property {(names: string[]) => void} collect brings results under out/ home
 * @property {() => void} remove
 */

/** @returns {Place} */
export function unprivilegedPlace() {
  if (process.getuid?.() !== 0) {
    return {
      root,
      run: (command, args, env = {}) => spawned(command, args, root, env),
      collect: () => {},
      remove: () => {},
    }
  }
  const ids = provideUser()
  removeAbandoned()
  const folder = mkdtempSync(join(tmpdir(), `${stagePrefix}${process.pid}-`))
  const staged = join(folder, 'checkout')
  const home = join(folder, 'home')
  for (const made of [staged, home]) mkdirSync(made)
  stage(staged)
  const node = readableNode(folder)
  const display = ownDisplay(home)
  execFileSync('chmod', ['-R', 'go+rX', staged])
  for (const owned of [folder, home, staged]) chownSync(owned, ids.uid, ids.gid)
  execFileSync('chown', ['-R', `${ids.uid}:${ids.gid}`, home, join(staged, 'out')])
  link(join(root, 'node_modules'), join(staged, 'node_modules'))
  chownSync(join(staged, 'node_modules'), ids.uid, ids.gid)
  return {
    root: staged,
    run(command, args, env = {}) {
      const own = {
        HOME: home,
        XDG_RUNTIME_DIR: home,
        XDG_CONFIG_HOME: join(home, '.config'),
        PATH: `${node}:${process.env.PATH}`,
      }
      const pairs = Object.entries({ ...own, ...display, ...env }).map(([name, value]) => `${name}=${value}`)
      return spawned(
        'runuser',
        ['-u', user, '--', 'env', '-u', 'DBUS_SESSION_BUS_ADDRESS', ...pairs, command, ...args],
        staged,
        {},
      )
    },
    collect(names) {
      for (const name of names) {
        const made = join(staged, 'out', name)
        if (!existsSync(made)) continue
        rmSync(join(root, 'out', name), { recursive: true, force: true })
        cpSync(made, join(root, 'out', name), { recursive: true })
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/**
 * A program and its arguments under an X server of its own. Without -noreset the server begins anew whenever its last
 * client leaves (X.Org, Xserver(1)), and cuts off whoever connects at that moment: a window that was just opening.
 * @param {string[]} program @param {string} screen width x height x depth
 * @returns {[command: string, args: string[]]}
 */
export function underDisplay(program, screen = '1280x1024x24') {
  return ['xvfb-run', ['-a', '-s', `-screen 0 ${screen} -noreset`, ...program]]
}

/**
 * Runs a program to its end. It is a process group of its own, for not all that stands between here and Electron
 * (runuser, xvfb-run) passes signals on; a second signal, or 10 seconds, end it by force.
 * @param {string} command @param {string[]} args @param {string} cwd @param {Record<string, string>} env
 * @returns {Promise<number>} its exit code
 */
function spawned(command, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, detached: true }
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] })
    let asked = false
    const end = (/** @type {NodeJS.Signals} */ signal) => {
      signalGroup(child.pid, asked ? 'SIGKILL' : signal)
      if (!asked) setTimeout(() => signalGroup(child.pid, 'SIGKILL'), 10_000).unref()
      asked = true
    }
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, end)
    child.on('error', reject)
    child.on('exit', (code) => {
      for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.off(signal, end)
      resolve(code ?? 1)
    })
  })
}

/** @param {number | undefined} group @param {NodeJS.Signals} signal */
function signalGroup(group, signal) {
  if (group === undefined) return
  try {
    process.kill(-group, signal)
  } catch {
    // It has ended already.
  }
}

/** Stages of runs that were killed before they could clear up. */
function removeAbandoned() {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${stagePrefix}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function provideUser() {
  const id = (/** @type {string} */ flag) => spawnSync('id', [flag, user], { encoding: 'utf8' })
  if (id('-u').status !== 0)
    execFileSync('useradd', ['--system', '--shell', '/bin/bash', user], { stdio: 'ignore' })
  return { uid: Number(id('-u').stdout), gid: Number(id('-g').stdout) }
}

/** @param {string} staged */
function stage(staged) {
  for (const name of readdirSync(root)) {
    if (!leftOut.has(name))
      cpSync(join(root, name), join(staged, name), { recursive: true, verbatimSymlinks: true })
  }
  mkdirSync(join(staged, 'out'), { recursive: true })
}

/**
 * Hard links cost nothing, but share the mode and need the same file system: a copy where either does not serve.
 * @param {string} from @param {string} to
 */
function link(from, to) {
  const closed = execFileSync('find', [from, '!', '-type', 'l', '!', '-perm', '-o=r', '-print', '-quit'], {
    encoding: 'utf8',
  })
  if (closed === '' && spawnSync('cp', ['-al', from, to], { stdio: 'ignore' }).status === 0) return
  rmSync(to, { recursive: true, force: true })
  execFileSync('cp', ['-a', from, to])
  execFileSync('chmod', ['-R', 'go+rX', to])
}

/** Folder of a Node that the user may run; one below /root is copied. @param {string} folder */
function readableNode(folder) {
  const check = spawnSync('runuser', ['-u', user, '--', process.execPath, '-e', ''], { stdio: 'ignore' })
  if (check.status === 0) return dirname(process.execPath)
  mkdirSync(join(folder, 'bin'))
  cpSync(process.execPath, join(folder, 'bin/node'))
  execFileSync('chmod', ['-R', '755', join(folder, 'bin')])
  return join(folder, 'bin')
}

/** The right to draw on root's display, where there is one. @param {string} home */
function ownDisplay(home) {
  const cookie = process.env.XAUTHORITY ?? join(process.env.HOME ?? '/root', '.Xauthority')
  if (!process.env.DISPLAY || !existsSync(cookie)) return {}
  cpSync(cookie, join(home, '.Xauthority'))
  return { XAUTHORITY: join(home, '.Xauthority') }
}
