import { userInfo } from 'node:os'
import { systemClock, type Clock } from '../../base/clock.ts'
import type { ActContext } from '../store/peopleStore.ts'

/** Who calls a command: the operating system's user, or behind `sudo` the one who called it. */
export function operator(environment: Readonly<Record<string, string | undefined>>): ActContext['by'] {
  const name = process.getuid?.() === 0 ? environment['SUDO_USER'] : undefined
  return { kind: 'operator', name: name ?? userInfo().username }
}

/** An act of the operator of this process, now. */
export function operatorContext(clock: Clock = systemClock): ActContext {
  return { by: operator(process.env), now: clock.now() }
}
