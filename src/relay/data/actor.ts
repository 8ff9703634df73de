import { readFileSync } from 'node:fs'
import { systemClock, type Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import type { ActContext } from '../store/peopleStore.ts'

/** What Linux says of a process; each is the text of a file, empty where there is none. */
export interface Login {
  /** Who logged in: kept through `sudo` and `su`, and changed by nobody afterwards. */
  readonly uid: string
  /** How this process's users are mapped to the machine's. */
  readonly uidMap: string
  readonly passwd: string
}

export function ownLogin(): Login {
  return {
    uid: textOf('/proc/self/loginuid'),
    uidMap: textOf('/proc/self/uid_map'),
    passwd: textOf('/etc/passwd'),
  }
}

/** An act of the person who runs this process, now; `unknown` where nobody is known to have logged in. */
export function operatorContext(clock: Clock = systemClock): ActContext {
  return { by: { kind: 'operator', name: operatorName(ownLogin()) ?? 'unknown' }, now: clock.now() }
}

/** The same, where it matters that two persons are two. Throws `approval.unknownPerson`. */
export function personContext(login: Login = ownLogin(), clock: Clock = systemClock): ActContext {
  const name = operatorName(login)
  if (name === null) throw new CodedError('approval.unknownPerson')
  return { by: { kind: 'operator', name }, now: clock.now() }
}

/**
 * Null: nobody logged in, as in a container or a service, or users here are not the machine's, and anybody can be any of them.
 * The environment (`SUDO_USER`) is not asked: whoever is root writes it. Who shares an account is one person to the relay.
 */
export function operatorName({ uid, uidMap, passwd }: Login): string | null {
  const login = loginUid(uid)
  if (login === null || !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap)) return null
  // Users of a directory service are not in the file: their number stands for them.
  const entry = passwd.split('\n').find((line) => line.split(':')[2] === String(login))
  return entry?.split(':')[0] ?? `uid ${login}`
}

function loginUid(text: string): number | null {
  const unset = 2 ** 32 - 1
  const uid = /^\d{1,10}\s*$/.test(text) ? Number(text) : unset
  return uid >= unset ? null : uid
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
