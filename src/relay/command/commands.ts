import type { Command } from './command.ts'
import { exampleConfig } from './exampleConfig.ts'
import { init } from './init.ts'
import { invite } from './invite.ts'
import { release } from './release.ts'
import { renewCertificate } from './renewCertificate.ts'
import { run } from './run.ts'

/** In the order in which `help` shows them. */
export const commands: readonly Command[] = [init, run, exampleConfig, invite, release, renewCertificate]
