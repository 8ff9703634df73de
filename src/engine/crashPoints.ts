/**
 * Named places between the steps of receiving, sending, starting sessions and exchanging the vault generation. A test ends the process at one of them with SIGKILL and
 * then looks whether anything was lost or doubled; a product passes nothing and they cost a call.
 */
export const crashPoints = [
  'receive.decrypted',
  'receive.committed',
  'receive.acknowledged',
  'send.kept',
  'send.encrypted',
  'send.committed',
  'send.sealed',
  'send.stored',
  'send.settled',
  'session.committed',
  'repair.committed',
  'generation.committed',
  'generation.confirmed',
  'generation.retired',
  'keys.committed',
] as const

export type CrashPoint = (typeof crashPoints)[number]
export type ReachPoint = (point: CrashPoint) => void

export const reachNothing: ReachPoint = () => undefined
