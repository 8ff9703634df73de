import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { systemClock, type Clock } from '../../base/clock.ts'
import type { ActContext } from '../store/peopleStore.ts'

/** An act of the person who runs this process, now. */
export function operatorContext(clock: Clock = systemClock): ActContext {
  return { by: { kind: 'operator', name: operatorName() }, now: clock.now() }
}

/**
 * Who logged in, as Linux keeps it through `sudo` and `su` and lets nobody change; where it keeps none, the user of this
 * process, or for root the one whom `sudo` names. Two administrators who share an account are one person to the relay.
 */
function operatorName(): string {
  const login = loginUid(textOf('/proc/self/loginuid'))
  const own = process.getuid?.() ?? null
  if (login !== null && login !== own) return userName(login, textOf('/etc/passwd'))
  const named = own === 0 ? process.env['SUDO_USER'] : undefined
  return named ?? userInfo().username
}

/** Null: nobody logged in, as in a container or a service. */
export function loginUid(text: string): number | null {
  const unset = 2 ** 32 - 1
  const uid = /^\d{1,10}\s*$/.test(text) ? Number(text) : unset
  return uid === unset ? null : uid
}

/** Users of a directory service are not in the file: their number stands for them. */
export function userName(uid: number, passwd: string): string {
  const entry = passwd.split('\n').find((line) => line.split(':')[2] === String(uid))
  return entry?.split(':')[0] ?? `uid ${uid}`
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
