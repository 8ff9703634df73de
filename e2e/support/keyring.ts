import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Keyring {
  /** What a program needs to find it. */
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const names = ['DBUS_SESSION_BUS_ADDRESS', 'XDG_CURRENT_DESKTOP', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR']

/**
 * A throw-away key store of the system below a folder, alive until it is stopped; null where dbus or gnome-keyring is
 * missing.
 */
export async function startKeyring(folder: string): Promise<Keyring | null> {
  const said = names.map((name) => `"$${name}"`).join(' ')
  const child = spawn(
    join(process.cwd(), 'e2e/keyring.sh'),
    // Its end is the end of its standard input.
    ['bash', '-c', `printf '%s\\n' ${said}; exec cat >/dev/null`],
    { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, TMPDIR: folder } },
  )
  const exited = once(child, 'exit')
  const values: string[] = []
  for await (const line of createInterface(child.stdout)) {
    values.push(line)
    if (values.length === names.length) break
  }
  if (values.length < names.length) return null
  return {
    env: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])),
    async stop() {
      child.stdin.end()
      await exited
    },
  }
}
