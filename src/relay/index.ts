export { startRelay, type RelayOptions, type RunningRelay } from './relay.ts'
export type { EngineChoice } from './engine.ts'
export { initRelay, renewCertificate, type InitOptions } from './data/relayData.ts'
export {
  createInvitation,
  createInvitationAgain,
  type AgainOptions,
  type CreatedInvitation,
  type InvitationOptions,
} from './data/invitations.ts'
export { releaseDevice } from './data/release.ts'
export { relayLog, silentLog, type RelayLog } from './log.ts'
export { budgetNames, usualAccountBudgets, type AccountBudgets } from './budgets/table.ts'
