import type { SettingProblem } from './problems.ts'
import type { SettingName, Settings } from './settings.ts'

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/** A host that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return loopback.has(host)
}

/** Settings that cannot stand beside each other. */
export function conflicts(settings: Settings): readonly SettingProblem[] {
  const certificate = settings['tls.certificate'] !== null
  const key = settings['tls.key'] !== null
  return [
    ...(certificate && !key ? [conflict('tls.key')] : []),
    ...(key && !certificate ? [conflict('tls.certificate')] : []),
    ...(certificate && settings['tls.endsAtProxy'] ? [conflict('tls.endsAtProxy')] : []),
  ]
}

function conflict(key: SettingName): SettingProblem {
  return { code: 'config.conflict', from: 'file', key, line: null, nearest: null }
}
