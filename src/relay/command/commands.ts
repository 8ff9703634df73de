import { alertsCommands } from './alerts.ts'
import { backup } from './backup.ts'
import { check } from './check.ts'
import { accountsCommands } from './accounts.ts'
import { accountsExport } from './accountsExport.ts'
import { budgetsCommands } from './budgets.ts'
import type { Command } from './command.ts'
import { devices } from './devices.ts'
import { domains } from './domains.ts'
import { exampleConfig } from './exampleConfig.ts'
import { importPeople } from './importPeople.ts'
import { init } from './init.ts'
import { invite } from './invite.ts'
import { journal } from './journal.ts'
import { move } from './move.ts'
import { release } from './release.ts'
import { renewCertificate } from './renewCertificate.ts'
import { restore } from './restore.ts'
import { revoke } from './revoke.ts'
import { run } from './run.ts'
import { secondFactor } from './secondFactor.ts'
import { status } from './status.ts'

/** In the order in which `help` shows them. */
export const commands: readonly Command[] = [
  init,
  run,
  check,
  exampleConfig,
  status,
  invite,
  importPeople,
  ...accountsCommands,
  accountsExport,
  devices,
  revoke,
  release,
  secondFactor,
  ...alertsCommands,
  ...budgetsCommands,
  domains,
  journal,
  renewCertificate,
  move,
  backup,
  restore,
]
