/**
 * Named places between the steps of receiving and sending. A test ends the process at one of them with SIGKILL and
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
] as const

export type CrashPoint = (typeof crashPoints)[number]
export type ReachPoint = (point: CrashPoint) => void

export const reachNothing: ReachPoint = () => undefined
