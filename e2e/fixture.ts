import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base } from '@playwright/test'
import { createRelay, type RelayProcess } from './support/relay.ts'
import { launchWorkstation, type LaunchOptions, type Workstation } from './support/workstation.ts'

export { expect } from '@playwright/test'

interface Fixtures {
  /** A folder of this test's own, removed afterwards. */
  readonly folder: string
  /** A running relay with a fresh organisation. */
  readonly relay: RelayProcess
  /** Starts Valise on a profile of this name below `folder`; what still runs at the end is ended. */
  readonly workstation: (name: string, options?: LaunchOptions) => Promise<Workstation>
}

export const test = base.extend<Fixtures>({
  // Playwright reads the fixtures that are wanted off this pattern.
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'valise-e2e-'))
    await use(folder)
    // A killed program's children notice a moment later.
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  },
  relay: async ({ folder }, use) => {
    const relay = await createRelay(join(folder, 'relay'), 'Préfecture des Landes')
    await relay.start()
    await use(relay)
    await relay.stop()
  },
  workstation: async ({ folder }, use) => {
    const running: Workstation[] = []
    await use(async (name, options) => {
      const workstation = await launchWorkstation(join(folder, name), options)
      running.push(workstation)
      return workstation
    })
    for (const one of running) await one.close()
  },
})
