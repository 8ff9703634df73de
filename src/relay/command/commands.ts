import { backup } from './backup.ts'
import { check } from './check.ts'
import type { Command } from './command.ts'
import { exampleConfig } from './exampleConfig.ts'
import { init } from './init.ts'
import { invite } from './invite.ts'
import { release } from './release.ts'
import { renewCertificate } from './renewCertificate.ts'
import { restore } from './restore.ts'
import { run } from './run.ts'
import { status } from './status.ts'

/** In the order in which `help` shows them. */
export const commands: readonly Command[] = [
  init,
  run,
  check,
  exampleConfig,
  status,
  invite,
  release,
  renewCertificate,
  backup,
  restore,
]
